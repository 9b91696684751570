"""The settings of a BabyAPI client, for `BabyAPI.from_settings`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import SecretStr  # noqa: TC002 - pydantic evaluates the annotation
from pydantic_settings import SettingsConfigDict

from penstock import EnvNames, RetrySettings, Settings
from penstock.clients.babyapi.policy import NO_LIMIT

_ARGUMENTS = {
    "base_url": "base_url",
    "timeout": "timeout_s",
    "retry.max_retries": "max_retries",
    "retry.base_delay": "retry_base_delay_s",
    "default_model": "default_model",
}


class BabyAPISettings(Settings):
    """`BABYAPI_…`, `babyapi.toml`, `[tool.babyapi]`; see `penstock.Settings` for the rest.

    Attributes:
        api_key: The key: `BABYAPI_API_KEY`, else `BABY_API_KEY`.
        base_url: Where BabyAPI is.
        default_model: The model of an inference that names none.
        retry: How failed attempts are repeated.
    """

    model_config = SettingsConfigDict(env_prefix="BABYAPI_")

    api_key: Annotated[SecretStr | None, EnvNames("BABY_API_KEY")] = None
    base_url: str | None = "https://api.babyapi.org"
    default_model: str | None = None
    retry: RetrySettings = RetrySettings(base_delay=0.25, max_delay=NO_LIMIT)

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the client that these settings give."""
        given = self.given()
        arguments = {name: given[path] for path, name in _ARGUMENTS.items() if path in given}
        if self.api_key is not None:
            arguments["api_key"] = self.api_key.get_secret_value()
        return arguments
