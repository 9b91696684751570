"""A stack beneath somebody else's client: what the transports of all families and colours share."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, TypedDict

from penstock.arguments import checked_text, warn_if_insecure
from penstock.bound import BoundStack
from penstock.call import Call, copy_request
from penstock.keywords import Keywords
from penstock.options import UNSET, RequestOptions
from penstock.runtime import AnyIO, Blocking
from penstock.scope import Scope
from penstock.stack import Stack
from penstock.stepping import run_now
from penstock.transport.capabilities import check_deadline
from penstock.transport.raised import FamilyErrors
from penstock.transport.repeats import is_repeated, warn_of_repeats
from penstock.transport.wire import async_wire, blocking_wire

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Unpack

    from penstock.clock import Clock
    from penstock.options import TimeoutValue
    from penstock.runtime import Runtime
    from penstock.transport.family import Family
    from penstock.transport.limits import AnyLimits
    from penstock.transport.tls import Cert, Verify
    from penstock.transport.wire import Wire


class PoolOptions(TypedDict, total=False):
    """The options of a transport of Penstock's own."""

    engine: str
    verify: Verify
    cert: Cert | None
    trust_env: bool
    proxy: Any
    limits: AnyLimits | None
    http1: bool
    http2: bool
    uds: str | None
    environ: Mapping[str, str] | None
    max_header_bytes: int


class Beneath(Keywords):
    """A transport that runs a stack for each request of the client above it.

    Retries end at a response's head; its body is handed up raw and open, and what watches it is
    told when it ends. What fails is raised as the family's own error, with Penstock's as its cause.

    Args:
        stack: The middleware; `Stack.transport()` unless given.
        transport: Any transport of the family to send with; one of Penstock's own unless given.
        deadline: Seconds for one request of the client above with all its attempts and waits, and
            for reading its body. None for no limit.
        max_retries: How many repeats may follow the first attempt of a request.
        timeout: Seconds for one attempt by wall clock, until the head of its response; or a
            `Timeout` of the family, which bounds phases. The limits the client above sets for the
            phases stand where they are tighter.
        name: Names the transport in spans and logs, as a client's name does.
        logger: A structlog or stdlib logger for its events.
        tracer_provider: An OpenTelemetry tracer provider; the global one unless given.
        meter_provider: An OpenTelemetry meter provider; the global one unless given.
        clock: Time and chance; tests pass a `penstock.testing.VirtualClock`.
        **pool: Options of the transport of Penstock's own: `engine`, and `verify`, `cert`,
            `trust_env`, `proxy`, `limits`, `http1`, `http2`, `uds`, `environ`,
            `max_header_bytes`. See `penstock.transport.PoolTransport`.

    Raises:
        ConfigurationError: The stack cannot work in this colour, a value cannot work, or the
            family is not installed.
    """

    _others = frozenset(PoolOptions.__annotations__)

    def __init__(
        self,
        stack: Stack | None = None,
        *,
        transport: Any = None,
        deadline: float | None = None,
        max_retries: int = 2,
        timeout: TimeoutValue = UNSET,  # type: ignore[assignment]  # UNSET is of no type but its own
        name: str | None = None,
        logger: Any = None,
        tracer_provider: Any = None,
        meter_provider: Any = None,
        clock: Clock | None = None,
        **pool: Unpack[PoolOptions],
    ) -> None:
        family = self._find_family()
        warn_if_insecure(pool)
        self._wire = self._make_wire(transport, {**pool}, family)
        check_deadline(self._wire.engine, deadline, is_async=self._wire.is_async)
        self._scope = Scope(
            self._make_runtime(clock),
            family=family.name,
            name=checked_text("name", name),
            logger=logger,
            tracer_provider=tracer_provider,
            meter_provider=meter_provider,
            connections=getattr(self._wire.transport, "connections", None),
        )
        self._options = RequestOptions(
            timeout=timeout, deadline=deadline, max_retries=max_retries, raise_for_status=True
        )
        self._bound = BoundStack(
            Stack.transport() if stack is None else stack,
            self._wire.terminal,
            is_async=self._wire.is_async,
        )
        repeats = any(getattr(layer, "divides", False) for layer in self.stack)
        self._may_multiply = repeats and max_retries > 0
        self._http = family.http
        self._body_class = importlib.import_module(
            f"penstock.transport.{family.name}_messages"
        ).Handed

    @property
    def stack(self) -> Stack:
        """The middleware every request of the client above goes through."""
        return self._bound.stack

    def __repr__(self) -> str:
        name = f" name={self._scope.name!r}" if self._scope.name else ""
        return f"<{type(self).__name__}{name} over {type(self._wire.transport).__name__}>"

    async def _run(self, request: Any) -> Any:
        if self._may_multiply and is_repeated(request):
            self._may_multiply = False  # one warning is enough
            warn_of_repeats(type(self).__name__, self._options.max_retries or 0)
        call = Call(self._options, self._scope, stream=True)
        errors = FamilyErrors(self._http, request, call)
        with errors:
            # A copy: the client above may send its request again, with credentials or to be
            # redirected.
            response: Any = await self._bound.run(call, copy_request(request))
        return self._handed(response, errors)

    def _handed(self, response: Any, errors: FamilyErrors) -> Any:
        """Return *response* as the family's transports give it: bare, its body raw and open."""
        headers = self._http.Headers(response.headers.raw)
        body: dict[str, Any] = {}
        if response.is_stream_consumed:  # a middleware has read it, or made it up
            body["content"] = response.content
            if headers.pop("Content-Encoding", None):
                headers.pop("Content-Length", None)
        else:
            body["stream"] = self._body_class(response.stream, errors)
        return self._http.Response(
            response.status_code, headers=headers, extensions=response.extensions, **body
        )

    @staticmethod
    def _find_family() -> Family:
        raise NotImplementedError  # each family has its own classes

    @staticmethod
    def _make_runtime(clock: Clock | None) -> Runtime:
        raise NotImplementedError  # each colour has its own

    @staticmethod
    def _make_wire(transport: Any, pool: dict[str, Any], family: Family) -> Wire:
        raise NotImplementedError  # as above


class BlockingBeneath(Beneath):
    """Blocks the thread: beneath a sync client, of either family."""

    def handle_request(self, request: Any) -> Any:
        """Send *request* down the stack and return its response, open and unread.

        Raises:
            Exception: The family's own error, such as `httpx.ReadTimeout`.
        """
        return run_now(self._run(request))

    def close(self) -> None:
        """Close the transport below. Once closed, again is nothing."""
        self._wire.close()

    @staticmethod
    def _make_runtime(clock: Clock | None) -> Runtime:
        return Blocking(clock)

    @staticmethod
    def _make_wire(transport: Any, pool: dict[str, Any], family: Family) -> Wire:
        return blocking_wire(transport, None, pool, family)


class AsyncBeneath(Beneath):
    """Waits on an event loop, asyncio or trio: beneath an async client, of either family."""

    async def handle_async_request(self, request: Any) -> Any:
        """Send *request* down the stack and return its response, open and unread.

        Raises:
            Exception: The family's own error, such as `httpx.ReadTimeout`.
        """
        return await self._run(request)

    async def aclose(self) -> None:
        """Close the transport below. Once closed, again is nothing."""
        await self._wire.close()

    @staticmethod
    def _make_runtime(clock: Clock | None) -> Runtime:
        return AnyIO(clock)

    @staticmethod
    def _make_wire(transport: Any, pool: dict[str, Any], family: Family) -> Wire:
        return async_wire(transport, None, pool, family)
