"""What both clients share: their values, their views, and a call's way into the stack."""

from __future__ import annotations

import copy
import warnings
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

from penstock.arguments import (
    DEFAULTS,
    OVER_CLIENT,
    POOL_SETTINGS,
    check_kinds,
    check_logger,
    checked_headers,
    checked_text,
    cookie_header,
    given_only,
    options_of_settings,
    warn_if_insecure,
)
from penstock.bound import BoundStack
from penstock.building import Builder
from penstock.call import Call
from penstock.callers import line_of_caller
from penstock.checks import check_settings
from penstock.choosing import choose_stack
from penstock.errors import ClientClosed, InvalidOption
from penstock.keywords import Keywords
from penstock.options import UNSET, RequestOptions, merge, merge_headers, options_of, parted
from penstock.redact import Secret, key_problem
from penstock.scope import Scope
from penstock.stack import Stack, is_async
from penstock.transport.capabilities import check_deadline
from penstock.urls import URLs, origin_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from penstock.clock import Clock
    from penstock.messages import Request, Response
    from penstock.options import HeaderValue, KeyProvider
    from penstock.runtime import Runtime
    from penstock.settings import Settings
    from penstock.streaming.reader import Reader
    from penstock.transport.owned import PoolStatus
    from penstock.transport.wire import Wire

_STACKS_KEPT = 32


class BaseClient(Keywords):
    """A client's values, and the way of a call into its stack.

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
        timeout: Any = UNSET,
        deadline: float | None = UNSET,  # type: ignore[assignment]  # UNSET is of no type but its own
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
        pool = {
            key: given[key]
            for key in POOL_SETTINGS
            if key in given and transport is None and http_client is None
        }
        pool |= given_only(
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
        self._wire: Wire = self._make_wire(transport, http_client, pool)
        self._scope = Scope(
            self._make_runtime(clock),
            family=self._wire.family.name,
            name=checked_text("name", name),
            user_agent=checked_text(
                "user_agent", given.get("user_agent") if user_agent is None else user_agent
            ),
            logger=logger,
            tracer_provider=tracer_provider,
            meter_provider=meter_provider,
            connections=getattr(self._wire.transport, "connections", None),
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
        self._options = merge(defaults, arguments)
        self._check_deadline()
        base = given.get("base_url") if base_url is UNSET else base_url
        if base is None and http_client is not None and str(http_client.base_url):
            base = http_client.base_url
        self._urls = URLs(base, self._wire.family.http.URL)
        self._builder = self._make_builder()
        standard = partial(Stack.standard, settings, redirects=http_client is None)
        self._bound_stack = self._bind(choose_stack(stack, standard))
        self._bound: OrderedDict[Any, BoundStack] = OrderedDict()
        self._check_key_colour()
        self._made_at = line_of_caller()
        self._parent: BaseClient | None = None
        self._closed = False
        _keep_secret(self._scope, self._options)

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

    @property
    def runtime(self) -> Runtime:
        """How this client waits: for code that is written once for both colours."""
        return self._scope.runtime

    @property
    def stack(self) -> Stack:
        """The middleware every call of this client goes through."""
        return self._bound_stack.stack

    @property
    def base_url(self) -> str | None:
        """What paths are relative to."""
        return self._urls.prefix

    def pool_status(self) -> PoolStatus | None:
        """Return how many connections are open now, or None where what it sends with does not tell.

        The client's own transport on `engine="pool"` does.
        """
        tell = getattr(self._wire.transport, "pool_status", None)
        return None if tell is None else tell()

    @property
    def is_closed(self) -> bool:
        """Whether this client, or the one it is a view of, was closed."""
        return self._closed or (self._parent is not None and self._parent.is_closed)

    def with_options(self, **overrides: Any) -> Self:
        """Return a view of this client with other options.

        It shares the connections, and closing it leaves them open.

        Args:
            **overrides: Any field of `RequestOptions`.

        Raises:
            InvalidOption: A name is not an option, or a value cannot work.
        """
        over = options_of(None, overrides)
        view = copy.copy(self)
        if over is not None:
            view._options = merge(self._options, over)
            view._check_deadline()
            view._builder = view._make_builder()
            view._check_key_colour()
            if over.stack is not UNSET:
                view._bound_stack = self._bind(over.stack(self.stack))
                view._bound = OrderedDict()
            _keep_secret(view._scope, over)
        return view

    def __repr__(self) -> str:
        if not hasattr(self, "_closed"):
            return f"<{type(self).__name__} in the making>"  # in a traceback with locals
        parts = [repr(self._urls.prefix)] if self._urls.prefix else []
        parts += [f"name={self._scope.name!r}"] if self._scope.name else []
        parts += ["closed"] if self.is_closed else []
        return f"<{type(self).__name__} {' '.join(parts)}>".replace(" >", ">")

    def __del__(self) -> None:
        if getattr(self, "_closed", True) or self._parent is not None:
            return
        if self._wire.connections():
            msg = f"{self!r} was dropped open: use `with`, or close it (made at {self._made_at})"
            self._begin_close()
            self._drop_wire()
            warnings.warn(msg, ResourceWarning, stacklevel=1)

    def __copy__(self) -> Self:
        # A view: it shares everything, and closing or dropping it leaves the connections open.
        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__)
        view._parent = self
        view._closed = False
        return view

    def __deepcopy__(self, memo: object) -> Self:
        return copy.copy(self)  # of what holds a client

    def __reduce__(self) -> NoReturn:
        msg = "a client does not pickle: make one in the process that uses it"
        raise TypeError(msg)

    # The way of a call

    async def _send(self, method: str, url: Any, given: Any, *, stream: bool = False) -> Response:
        own, body = parted(given)
        options = self._options if own is None else merge(self._options, own)
        request = self._builder.build(method, url, options, own, body)
        at_home = self._urls.origin is not None and options.allow_absolute is not True
        json = body.get("json")
        return await self._run(request, options, own, at_home=at_home, stream=stream, json=json)

    async def _send_built(self, request: Request, given: Any) -> Response:
        own, body = parted(given)
        if body:
            msg = f"{', '.join(body)} cannot be given with a request that is built already"
            raise InvalidOption(msg)
        options = self._options if own is None else merge(self._options, own)
        prepared = self._builder.adopt(request, own)
        return await self._run(prepared, options, own, at_home=False, stream=False)

    def _run(
        self,
        request: Any,
        options: RequestOptions,
        own: RequestOptions | None,
        *,
        at_home: bool,
        stream: bool,
        json: Any = None,
    ) -> Awaitable[Response]:
        if self.is_closed:
            msg = "the client was closed: make another, or keep it open as long as you call it"
            raise ClientClosed(msg)
        call = Call(options, self._scope, stream=stream)
        call.json = json
        call.origin = self._credential_origin(request, own)
        call.home = request.url if at_home else None
        bound = (
            self._bound_stack if own is None or own.stack is UNSET else self._bound_of(own.stack)
        )
        return bound.run(call, request)

    async def _open_events(self, method: str, url: Any, given: Any, reader: Reader) -> Response:
        headers = merge_headers(reader.headers, checked_headers(given.get("headers")))
        return await self._send(method, url, {**given, "headers": headers}, stream=True)

    def _credential_origin(self, request: Any, own: RequestOptions | None) -> Any:
        """Return where the credentials belong: to the base URL's origin, or a call's own."""
        if self._urls.origin is not None:
            return self._urls.origin
        brought = own is not None and (own.api_key or own.auth)
        return origin_of(request.url) if brought else None

    def _bound_of(self, change: Callable[[Stack], Stack]) -> BoundStack:
        """Return a call's own stack, bound; kept by the function that makes it."""
        bound = self._bound.get(change)
        if bound is None:
            bound = self._bound[change] = self._bind(change(self.stack))
            if len(self._bound) > _STACKS_KEPT:
                self._bound.popitem(last=False)
        return bound

    # Set-up

    def _make_builder(self) -> Builder:
        headers = self._options.headers or {}
        if self._options.idempotency_key:
            headers = {**headers, "Idempotency-Key": self._options.idempotency_key}
        return Builder(self._wire, self._urls, headers)

    def _bind(self, stack: Any) -> BoundStack:
        return BoundStack(stack, self._wire.terminal, is_async=self._wire.is_async)

    def _check_key_colour(self) -> None:
        if is_async(self._options.api_key) and not self._wire.is_async:
            msg = "api_key= is an async callable: pass a plain one, or use AsyncClient"
            raise InvalidOption(msg)

    def _check_deadline(self) -> None:
        wire = self._wire
        check_deadline(wire.engine, self._options.deadline, is_async=wire.is_async)

    def _begin_close(self) -> bool:
        """Note that the client is closed; tell whether its connections are its own to close now."""
        first = not self._closed and self._parent is None
        self._closed = True
        return first

    def _drop_wire(self) -> None:
        """Close what can be where nothing can be awaited."""

    @staticmethod
    def _make_runtime(clock: Clock | None) -> Runtime:
        raise NotImplementedError  # each colour has its own

    @staticmethod
    def _make_wire(transport: Any, http_client: Any, pool: dict[str, Any]) -> Wire:
        raise NotImplementedError  # as above


def _keep_secret(scope: Scope, options: RequestOptions) -> None:
    if isinstance(options.api_key, Secret):
        scope.add_secret(options.api_key)
