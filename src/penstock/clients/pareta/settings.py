"""The settings of a Pareta client: `PARETA_…` variables, and `pareta` in files."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from penstock import Settings


class ParetaSettings(Settings):
    """What `from_env()` and `from_settings()` read; see `penstock.Settings` for the rest.

    Attributes:
        base_url: The environment: `https://api-staging.pareta.ai` is staging (`PARETA_BASE_URL`).
        api_key: The key of that environment (`PARETA_API_KEY`).
    """

    model_config = SettingsConfigDict(env_prefix="PARETA_")

    base_url: str | None = "https://api.pareta.ai"
