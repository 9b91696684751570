"""From arguments or settings to a client: what both colours are made from."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

from penstock.arguments import (
    DEFAULTS,
    OVER_CLIENT,
    check_kinds,
    check_logger,
    checked_headers,
    checked_text,
    cookie_header,
    options_of_settings,
    pool_options,
    warn_if_insecure,
)
from penstock.calling import Calling
from penstock.checks import check_settings
from penstock.choosing import choose_stack
from penstock.errors import InvalidOption
from penstock.keywords import Keywords
from penstock.options import UNSET, RequestOptions, merge
from penstock.redact import Secret, key_problem
from penstock.scope import Scope
from penstock.stack import Stack
from penstock.urls import URLs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from penstock.clock import Clock
    from penstock.options import HeaderValue, KeyProvider, TimeoutValue
    from penstock.runtime import Runtime
    from penstock.settings import Settings
    from penstock.transport.wire import Wire


class BaseClient(Calling, Keywords):
    """A client, made from its constructor's arguments.

    Values come from arguments and defaults alone: the environment and files are read by
    `from_settings` and `from_env`. An argument wins over `settings=`.

    Args:
        base_url: What paths are relative to. The key and the client's headers go to its origin
            alone.
        api_key: The key, or a callable (async in an async client) that supplies it for each
            attempt.
        auth: An `httpx.Auth` instead of a key.
        headers: Headers of every request; a callable value is asked for each attempt.
        params: Query parameters of every request.
        cookies: Cookies sent with every request. Cookies a server sets are not kept.
        user_agent: Product tokens put before Penstock's own.
        timeout: Seconds for one attempt, an `httpx.Timeout`, or None. 60 unless given.
        deadline: Seconds for a whole call, waits included. None unless given.
        max_retries: How many repeats may follow the first attempt. 2 unless given.
        raise_for_status: Whether a final status of 400 or more raises. True unless given.
        max_response_bytes: The longest body, in bytes off the wire. None unless given.
        max_decoded_bytes: The longest body, in bytes after its content coding is undone, or None.
            Unless given, 256 MiB of a body that is read whole.
        proxy: A proxy URL; the environment's are used unless given (with *trust_env*).
        verify: True, False, the path of a CA file or directory, or an `ssl.SSLContext`.
        cert: The path of a client certificate, or a tuple with its key and password.
        engine: What to send with: `pool`, Penstock's own connection pool; `httpx` or `httpx2`, that
            library's own transport; `aiohttp` (extra `aiohttp`). `pool` unless given.
        uds: The path of a Unix domain socket to connect to, whatever the host.
        limits: A `Limits`, or an `httpx.Limits`, for the connections.
        max_header_bytes: The longest head of an answer, in bytes: 100 KiB unless given.
        http2: Whether to offer HTTP/2 (extra `http2`).
        trust_env: Whether proxies and certificate locations are taken from the environment. True
            unless given.
        stack: The middleware, or a function that makes it from what it would be otherwise:
            `Stack.standard()`, with the policy of *settings*.
        settings: Where values that no argument gives come from.
        transport: Any httpx or httpx2 transport to send with.
        http_client: Your own httpx or httpx2 client to send with; it is never closed.
        logger: A structlog or stdlib logger for this client's events.
        tracer_provider: An OpenTelemetry tracer provider; the global one unless given.
        meter_provider: An OpenTelemetry meter provider; the global one unless given.
        name: Names the client in spans and logs.
        clock: Time and chance; tests pass a `penstock.testing.VirtualClock`.

    Raises:
        InvalidOption: A value cannot work. The message shows no secret.
        ConfigurationError: The stack cannot work in a client of this colour.
    """

    _elsewhere: ClassVar[Mapping[str, str]] = {
        name: f"it is an option of calls: client.with_options({name}=…)"
        for name in ("retry", "operation", "attributes", "log_fields")
    }

    def __init__(
        self,
        base_url: Any = UNSET,
        *,
        api_key: str | Secret | KeyProvider | None = None,
        auth: Any = None,
        headers: Mapping[str, HeaderValue] | None = None,
        params: Mapping[str, Any] | None = None,
        cookies: Mapping[str, str] | None = None,
        user_agent: str | None = None,
        timeout: TimeoutValue = UNSET,  # type: ignore[assignment]  # UNSET is of no type but its own
        deadline: float | None = UNSET,  # type: ignore[assignment]  # as above
        max_retries: int = UNSET,  # type: ignore[assignment]  # as above
        raise_for_status: bool = UNSET,  # type: ignore[assignment]  # as above
        max_response_bytes: int | None = UNSET,  # type: ignore[assignment]  # as above
        max_decoded_bytes: int | None = UNSET,  # type: ignore[assignment]  # as above
        proxy: Any = UNSET,
        verify: Any = UNSET,
        cert: Any = UNSET,
        engine: str = UNSET,  # type: ignore[assignment]  # as above
        uds: str | None = UNSET,  # type: ignore[assignment]  # as above
        limits: Any = UNSET,
        max_header_bytes: int = UNSET,  # type: ignore[assignment]  # as above
        http2: bool = UNSET,  # type: ignore[assignment]  # as above
        trust_env: bool = UNSET,  # type: ignore[assignment]  # as above
        stack: Stack | Callable[[Stack], Stack] | None = None,
        settings: Settings | None = None,
        transport: Any = None,
        http_client: Any = None,
        logger: Any = None,
        tracer_provider: Any = None,
        meter_provider: Any = None,
        name: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        if isinstance(api_key, str):
            # First of all: whatever is wrong, a traceback with locals would show the key.
            problem = key_problem(api_key)
            api_key = Secret(api_key) if problem is None else None
            if problem is not None:
                raise InvalidOption(problem)
        check_logger(logger)
        check_settings(settings)
        check_kinds(
            clock=(clock, "now"),
            tracer_provider=(tracer_provider, "get_tracer"),
            meter_provider=(meter_provider, "get_meter"),
        )
        given: dict[str, Any] = {} if settings is None else settings.given()
        pool = pool_options(
            given if transport is None and http_client is None else {},
            engine=engine,
            proxy=proxy,
            verify=verify,
            cert=cert,
            limits=limits,
            max_header_bytes=max_header_bytes,
            http2=http2,
            trust_env=trust_env,
            uds=uds,
        )
        warn_if_insecure(pool)
        wire = self._make_wire(transport, http_client, pool)
        scope = Scope(
            self._make_runtime(clock),
            family=wire.family.name,
            name=checked_text("name", name),
            user_agent=checked_text(
                "user_agent", given.get("user_agent") if user_agent is None else user_agent
            ),
            logger=logger,
            tracer_provider=tracer_provider,
            meter_provider=meter_provider,
            connections=getattr(wire.transport, "connections", None),
        )
        arguments = RequestOptions(
            headers={**cookie_header(cookies), **checked_headers(headers)},
            params={} if params is None else params,
            api_key=UNSET if api_key is None else api_key,
            auth=UNSET if auth is None else auth,
            timeout=timeout,
            deadline=deadline,
            max_retries=max_retries,
            raise_for_status=raise_for_status,
            max_response_bytes=max_response_bytes,
            max_decoded_bytes=max_decoded_bytes,
        )
        defaults = DEFAULTS if http_client is None else OVER_CLIENT
        if given:
            defaults = merge(defaults, options_of_settings(given))
        base = given.get("base_url") if base_url is UNSET else base_url
        if base is None and http_client is not None and str(http_client.base_url):
            base = http_client.base_url
        urls = URLs(base, wire.family.http.URL)
        standard = partial(Stack.standard, settings, redirects=http_client is None)
        options = merge(defaults, arguments)
        super().__init__(options, scope, wire, urls, choose_stack(stack, standard))

    @classmethod
    def from_settings(
        cls,
        settings: Settings | None = None,
        *,
        config_file: Any = None,
        profile: str | None = None,
        environ: Mapping[str, str] | None = None,
        **overrides: Any,
    ) -> Self:
        """Make a client from settings.

        Args:
            settings: Loaded settings; `Settings.load()` reads the environment and the files without
                them.
            config_file: A settings file to read instead of looking for one.
            profile: The profile in it.
            environ: Variables instead of the process's.
            **overrides: Any argument of the constructor; they win.

        Raises:
            SettingsError: A setting is wrong; the message names its source.
        """
        from penstock.settings import Settings

        if settings is not None and (config_file, profile, environ) != (None, None, None):
            msg = "settings= are loaded already: pass them, or where to load them from"
            raise InvalidOption(msg)
        if settings is None:
            settings = Settings.load(config_file=config_file, profile=profile, environ=environ)
        return cls(settings=settings, **overrides)

    @classmethod
    def from_env(cls, **overrides: Any) -> Self:
        """Make a client from the environment and the settings files found: see `from_settings`."""
        return cls.from_settings(**overrides)

    @staticmethod
    def _make_runtime(clock: Clock | None) -> Runtime:
        raise NotImplementedError  # each colour has its own

    @staticmethod
    def _make_wire(transport: Any, http_client: Any, pool: dict[str, Any]) -> Wire:
        raise NotImplementedError  # as above
