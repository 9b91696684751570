"""`BaytClient` and `AsyncBaytClient`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from penstock import (
    API,
    CLIENT_ARGUMENTS,
    UNSET,
    Async,
    AsyncAPI,
    BaseAPI,
    Colour,
    HeaderValue,
    InvalidOption,
    Secret,
    Sync,
    add_middleware,
    check_settings,
    choose_stack,
)
from penstock.clients.bayt.errors import own_error
from penstock.clients.bayt.operations import Operations
from penstock.clients.bayt.policy import (
    BASE_URL,
    MAX_RETRIES,
    RETRY_DELAY,
    TIMEOUT,
    stack_of,
)

if TYPE_CHECKING:
    from penstock import Middleware, Stack, TimeoutValue
    from penstock.clients.bayt.settings import BaytSettings


class _Bayt(BaseAPI[Colour], Operations[Colour]):
    """What both colours share: see `BaytClient`."""

    _others = CLIENT_ARGUMENTS - {"verify"}

    def __init__(  # noqa: PLR0917 - in the order of Bayt's own client
        self,
        api_key: Any = None,
        base_url: str = BASE_URL,
        max_retries: int = MAX_RETRIES,
        timeout: TimeoutValue = TIMEOUT,
        retry_delay: float = RETRY_DELAY,
        headers: Mapping[str, HeaderValue] | None = None,
        proxies: Mapping[str, Any] | None = None,
        verify_ssl: Any = True,
        user_agent: str | None = None,
        *,
        http_client: Any = None,
        stack: Stack | Callable[[Stack], Stack] | None = None,
        middleware: Iterable[Middleware] = (),
        settings: BaytSettings | None = None,
        **options: Any,
    ) -> None:
        check_settings(settings, _settings_class)
        try:
            key = _key_of(api_key, settings)
        except InvalidOption:
            api_key = None  # a traceback with locals would show it
            raise
        has_other = options.get("auth") or (settings is not None and settings.api_key)
        if not (key or has_other):
            raise InvalidOption(_no_key(type(self).__name__))
        if proxies:
            options["proxy"] = _by_pattern(proxies)
        if verify_ssl is not True or (http_client is None and options.get("transport") is None):
            options["verify"] = verify_ssl
        own = {"Accept": "application/json", "User-Agent": user_agent}
        standard = partial(stack_of, retry_delay, settings, redirects=http_client is None)
        client = self._make_client(
            base_url,
            api_key=key,
            headers={**{name: text for name, text in own.items() if text}, **(headers or {})},
            timeout=UNSET if http_client is not None and timeout == TIMEOUT else timeout,
            max_retries=max_retries,
            stack=add_middleware(choose_stack(stack, standard), middleware),
            settings=settings,
            http_client=http_client,
            **options,
        )
        super().__init__(client, own_error)

    @classmethod
    def from_settings(
        cls,
        settings: BaytSettings | None = None,
        *,
        config_file: Any = None,
        profile: str | None = None,
        environ: Mapping[str, str] | None = None,
        **overrides: Any,
    ) -> Self:
        """Make a client from settings.

        Args:
            settings: Loaded settings; without them, the environment and the files are read.
            config_file: A settings file to read instead of looking for one: TOML, JSON or YAML. The
                key is its `bayt_api_key` or `api_key`.
            profile: The profile in it.
            environ: Variables instead of the process's.
            **overrides: Any argument of the constructor; they win.

        Raises:
            SettingsError: A setting is wrong; the message names its source.
            InvalidOption: There is no key.
        """
        check_settings(settings, _settings_class)
        if settings is None:
            settings = _settings_class().load(
                config_file=config_file, profile=profile, environ=environ
            )
        arguments = settings.arguments()
        if not {"http_client", "transport"}.isdisjoint(overrides):
            arguments.pop("verify_ssl", None)  # it belongs to a transport of the client's own
        return cls(**{**arguments, "settings": settings, **overrides})

    @classmethod
    def from_env(cls, **overrides: Any) -> Self:
        """Make a client from the environment and the settings files found: see `from_settings`."""
        return cls.from_settings(**overrides)

    @property
    def api_key(self) -> Any:
        """The key, or what supplies it. It shows in nothing else."""
        key = self.options.api_key
        return key.reveal() if isinstance(key, Secret) else key

    @property
    def base_url(self) -> str:
        """Where Bayt is, without a slash at the end."""
        return str(self._client.base_url)

    @property
    def max_retries(self) -> int:
        """How many repeats may follow the first attempt."""
        return self.options.max_retries or 0

    def __repr__(self) -> str:
        name = type(self).__name__
        if "_client" not in vars(self):
            return f"<{name} in the making>"  # in a traceback with locals
        return f"<{name} base_url={self.base_url!r} api_key='***'>"


class BaytClient(_Bayt[Sync], API):
    """A client of Bayt.

    The key is read from the environment where no argument gives it; `from_settings` reads every
    setting, files and profiles too.

    Args:
        api_key: The key, or a callable (async in the async client) that supplies it for each
            attempt; else `BAYT_API_KEY`.
        base_url: Where Bayt is.
        max_retries: How many repeats may follow the first attempt: after a 429, a 5xx, a failed
            connection or a timeout.
        timeout: Seconds for one attempt, an `httpx.Timeout`, or None for no limit.
        retry_delay: Seconds before the first repeat; each further one waits twice as long. A
            `Retry-After` goes before it.
        headers: Headers of every request.
        proxies: Proxy URLs by the scheme of what goes through them: `http`, `https`, or both with
            `all`; or by a pattern such as `https://*.example.com`. A URL may hold user and
            password. The environment's proxies are used unless given.
        verify_ssl: Whether certificates are checked, or the path of the CA certificates to check
            them with.
        user_agent: The `User-Agent` of every request, in place of Penstock's.
        http_client: Your own httpx or httpx2 client to send with; it is never closed, and keeps its
            own time limits unless *timeout* is another than 30.
        stack: Instead of this client's whole stack, rules for repeats (and so *retry_delay*) and
            error table included; or a function that makes it from this client's own.
        middleware: Your own, just outside `Retry`; just inside, if it says `zone = "attempt"`.
        settings: What `from_settings` read.
        **options: Any other argument of `penstock.Client`: `deadline`, `transport`, `logger`,
            `tracer_provider`, ….

    Raises:
        InvalidOption: There is no key, or a value cannot work. It is a `ValueError` too.
    """


class AsyncBaytClient(_Bayt[Async], AsyncAPI):
    """The async twin of `BaytClient`: methods are awaited, prompts iterated with `async for`."""


def _key_of(given: Any, settings: BaytSettings | None) -> Any:
    """Return the key, or what supplies it; None if there is none but that of *settings*.

    Raises:
        InvalidOption: It has characters that no header may carry; the message does not show it.
    """
    key = given or (os.environ.get("BAYT_API_KEY") if settings is None else None) or None
    given = None  # a traceback with locals would show it
    if not isinstance(key, str):
        return key
    try:
        return Secret(key)
    except InvalidOption:
        key = None
        raise


def _by_pattern(proxies: Mapping[str, Any]) -> dict[str, Any]:
    """Return proxies as Penstock has them: by URL pattern, which for `https` is `https://`.

    Raises:
        InvalidOption: It is no mapping.
    """
    if not isinstance(proxies, Mapping):
        msg = 'proxies must be a mapping such as {"https": "http://proxy.example.com:8080"}'
        raise InvalidOption(msg)
    return {
        scheme if "://" in scheme else f"{scheme}://": proxy for scheme, proxy in proxies.items()
    }


def _no_key(name: str) -> str:
    return (
        f"{name} has no API key: pass api_key=…, or set BAYT_API_KEY (or read one from a file: "
        f"{name}.from_settings(config_file=…))"
    )


def _settings_class() -> type[BaytSettings]:
    from penstock.clients.bayt.settings import BaytSettings  # pydantic comes with it

    return BaytSettings
