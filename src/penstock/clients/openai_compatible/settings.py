"""The settings of an OpenAI-compatible client: `OPENAI_…` variables, and `openai` in files."""

from __future__ import annotations

from typing import Annotated

from pydantic_settings import SettingsConfigDict

from penstock import EnvNames, RetrySettings, Settings


class OpenAISettings(Settings):
    """What `from_env()` reads, and `settings=` takes; see `penstock.Settings` for the rest.

    Attributes:
        base_url: Where the API is (`OPENAI_BASE_URL`).
        api_key: The key (`OPENAI_API_KEY`).
        timeout: Seconds for one attempt.
        organization: Who is billed (`OPENAI_ORG_ID`).
        project: What is billed (`OPENAI_PROJECT_ID`).
        retry: How failed attempts are repeated.
    """

    model_config = SettingsConfigDict(env_prefix="OPENAI_")

    base_url: str | None = "https://api.openai.com/v1"
    timeout: float | None = 600.0
    organization: Annotated[str | None, EnvNames("OPENAI_ORG_ID")] = None
    project: Annotated[str | None, EnvNames("OPENAI_PROJECT_ID")] = None
    retry: RetrySettings = RetrySettings(retry_after_cap=120.0, over_cap="stop")
