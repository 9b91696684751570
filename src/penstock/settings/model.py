"""The settings of a client: every leaf, its unit and its default."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_serializer, field_validator
from pydantic_settings import SettingsConfigDict

from penstock.settings import checks
from penstock.settings.base import LayeredSettings
from penstock.settings.frozen import Section
from penstock.settings.mask import safe_value


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


_AnyCase = BeforeValidator(_lower)


class RetrySettings(Section):
    """How failed attempts are repeated.

    Attributes:
        max_retries: How many repeats may follow the first attempt.
        base_delay: Seconds before the first repeat; each further one waits twice as long.
        max_delay: Seconds that no wait of ours exceeds.
        retry_after_cap: Seconds of a server's `Retry-After` that are honoured.
        over_cap: What happens when a server asks for more: `clamp` waits the cap, `stop` gives up.
    """

    max_retries: int = 2
    base_delay: float = 0.5
    max_delay: float = 8.0
    retry_after_cap: float = 30.0
    over_cap: Annotated[Literal["clamp", "stop"], _AnyCase] = "clamp"

    _count = field_validator("max_retries", mode="before")(checks.count)
    _seconds = field_validator("base_delay", "max_delay", "retry_after_cap", mode="before")(
        checks.seconds
    )


class TracingSettings(Section):
    """What is traced.

    Attributes:
        enabled: Whether spans are made.
        stream_span_end: Whether a stream's span ends with its `body` or already with its `headers`.
    """

    enabled: bool = True
    stream_span_end: Annotated[Literal["body", "headers"], _AnyCase] = "body"


class LoggingSettings(Section):
    """What is logged.

    Attributes:
        enabled: Whether anything is.
        backend: `auto` takes structlog where the application has configured it, else the standard
            library; or one of them by name; or `off`.
        level: The level of `http.call.completed`.
    """

    enabled: bool = True
    backend: Annotated[Literal["auto", "structlog", "stdlib", "off"], _AnyCase] = "auto"
    level: Annotated[Literal["debug", "info", "warning", "error"], _AnyCase] = "info"


class Settings(LayeredSettings):
    """The settings of a client.

    `Settings(…)` takes its arguments and the defaults, and reads nothing; `Settings.load` reads
    every source, `Settings.from_env` the environment alone. Nothing here is required: a client
    that needs a key asks with `require`.

    Attributes:
        base_url: Where relative URLs begin: http or https, without credentials, query or fragment.
        api_key: The key. It shows in nothing but `get_secret_value()`.
        timeout: Seconds for one attempt; None for no limit.
        deadline: Seconds for a whole call, waits included; None for no limit.
        headers: Headers of every request. Sources merge by name without case, and `None` (JSON's
            `null`) drops what a lower source says. In the environment they are one JSON object, or
            one variable each: `PENSTOCK_HEADERS__X_TENANT` is `X-TENANT`.
        proxy: A proxy's URL (http, https, socks5, socks5h), which may hold credentials.
        verify: Whether certificates are checked, or the path of a CA bundle to check them with.
        trust_env: Whether proxy variables of the environment are honoured.
        engine: What to send with: `pool`, `httpx`, `httpx2` or `aiohttp`.
        user_agent: What `User-Agent` begins with.
        retry: How failed attempts are repeated.
        tracing: What is traced.
        logging: What is logged.

    Raises:
        SettingsError: A value cannot be used.
    """

    model_config = SettingsConfigDict(env_prefix="PENSTOCK_")

    base_url: str | None = None
    api_key: SecretStr | None = None
    timeout: float | None = 60.0
    deadline: float | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    proxy: str | None = None
    verify: bool | str = True
    trust_env: bool = True
    engine: Annotated[Literal["pool", "httpx", "httpx2", "aiohttp"], _AnyCase] = "pool"
    user_agent: str | None = None
    retry: RetrySettings = RetrySettings()
    tracing: TracingSettings = TracingSettings()
    logging: LoggingSettings = LoggingSettings()

    # By field name, so that they hold for a subclass that declares the field anew.
    _verify = field_validator("verify", mode="before")(checks.verify)

    @field_validator(
        "base_url", "api_key", "timeout", "deadline", "proxy", "user_agent", mode="before"
    )
    @classmethod
    def _check_optional(cls, value: object, info: Any) -> object:
        return value if value is None else _OPTIONAL[info.field_name](value)

    @field_serializer("headers", "proxy", when_used="json")
    def _mask(self, value: object, info: Any) -> object:
        return safe_value(info.field_name, value)


_OPTIONAL = {
    "base_url": checks.base_url,
    "api_key": checks.api_key,
    "timeout": checks.seconds,
    "deadline": checks.seconds,
    "proxy": checks.proxy,
    "user_agent": checks.header_value,
}
