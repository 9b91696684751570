"""The settings of a Bayt client: `BAYT_…` variables, and `bayt` in files."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import SecretStr  # noqa: TC002 - pydantic evaluates the annotation
from pydantic_settings import SettingsConfigDict

from penstock import FileKeys, RetrySettings, Settings
from penstock.clients.bayt.policy import BASE_URL, LONGEST, MAX_RETRIES, RETRY_DELAY, TIMEOUT

_ARGUMENTS = {
    "base_url": "base_url",
    "timeout": "timeout",
    "retry.max_retries": "max_retries",
    "retry.base_delay": "retry_delay",
    "verify": "verify_ssl",
    "user_agent": "user_agent",
}


class BaytSettings(Settings):
    """What `from_settings()` reads; see `penstock.Settings` for the rest.

    Attributes:
        base_url: Where Bayt is (`BAYT_BASE_URL`).
        api_key: The key: `BAYT_API_KEY`, or `bayt_api_key` in a file.
        timeout: Seconds for one attempt.
        retry: How failed attempts are repeated; `base_delay` is the client's `retry_delay`.
    """

    model_config = SettingsConfigDict(env_prefix="BAYT_")

    base_url: str | None = BASE_URL
    api_key: Annotated[SecretStr | None, FileKeys("bayt_api_key")] = None
    timeout: float | None = TIMEOUT
    retry: RetrySettings = RetrySettings(
        max_retries=MAX_RETRIES,
        base_delay=RETRY_DELAY,
        max_delay=LONGEST,
        retry_after_cap=LONGEST,
        over_cap="stop",
    )

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the client that somebody gave a value for."""
        given = self.given()
        return {name: given[path] for path, name in _ARGUMENTS.items() if path in given}
