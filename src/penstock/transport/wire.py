"""What a client sends with: its own transport, one it was given, or a whole HTTP client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from penstock.call import Call
from penstock.errors import InvalidOption
from penstock.options import UNSET
from penstock.transport.family import family_of
from penstock.transport.terminal import Terminal, unknown_proxy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from penstock.transport.engines import Made
    from penstock.transport.family import Family


class Wire(NamedTuple):
    """The way out of a client.

    Attributes:
        family: The library its messages belong to.
        terminal: The innermost function of the stack.
        close: Closes what belongs to the client; in an async client, an async function.
        transport: What it sends with, for reprs and tests.
        client: The caller's HTTP client, or None.
        is_async: Whether it is an async client's.
        engine: What the client's own transport sends with, or None if it was given one.
    """

    family: Family
    terminal: Terminal
    close: Callable[[], Any]
    transport: Any
    client: Any = None
    is_async: bool = False
    engine: str | None = None

    def connections(self) -> int:
        """Return how many connections are open: none that is not the client's own."""
        if self.client is not None or not hasattr(self.transport, "pool_status"):
            return 0
        return int(self.transport.pool_status().connections)


def blocking_wire(
    transport: Any, http_client: Any, pool: dict[str, Any], family: Family | None = None
) -> Wire:
    """Return the wire of a sync client.

    Args:
        transport: Any `httpx.BaseTransport` or `httpx2.BaseTransport`, or None.
        http_client: The caller's `httpx.Client` or `httpx2.Client`, or None.
        pool: Options of the client's own transport, its `engine` among them.
        family: The library a transport must be of, ours or the caller's: any, and ours of httpx,
            unless given.

    Raises:
        InvalidOption: An object is of another kind or colour, or options of the owned transport
            came with one.
    """
    given = _only_one(transport, http_client, pool)
    if http_client is not None:
        family = _family(http_client, "http_client", "Client", is_async=False)

        async def exchange(request: Any) -> Any:
            return http_client.send(request, stream=True, **_overridden(request))

        return Wire(
            family, Terminal(exchange, family, watched=False), _nothing, http_client, http_client
        )
    engine, watched = None, False
    if given is None:
        engine, family, transport, watched = _made(pool, family, is_async=False)
    else:
        family = _family(transport, "transport", "BaseTransport", family, is_async=False)

    async def handle(request: Any) -> Any:
        return transport.handle_request(request)

    terminal = _terminal(handle, family, transport, watched=watched)
    return Wire(family, terminal, transport.close, transport, engine=engine)


def async_wire(
    transport: Any, http_client: Any, pool: dict[str, Any], family: Family | None = None
) -> Wire:
    """Return the wire of an async client. As `blocking_wire`, for the async classes."""
    given = _only_one(transport, http_client, pool)
    if http_client is not None:
        family = _family(http_client, "http_client", "Client", is_async=True)

        async def exchange(request: Any) -> Any:
            return await http_client.send(request, stream=True, **_overridden(request))

        return Wire(
            family,
            Terminal(exchange, family, watched=False),
            _anothing,
            http_client,
            http_client,
            is_async=True,
        )
    engine, watched = None, False
    if given is None:
        engine, family, transport, watched = _made(pool, family, is_async=True)
    else:
        family = _family(transport, "transport", "BaseTransport", family, is_async=True)
    handle: Callable[[Any], Awaitable[Any]] = transport.handle_async_request
    terminal = _terminal(handle, family, transport, watched=watched)
    return Wire(family, terminal, transport.aclose, transport, is_async=True, engine=engine)


def _made(options: dict[str, Any], family: Family | None, *, is_async: bool) -> Made:
    from penstock.transport.engines import make

    rest = {name: value for name, value in options.items() if name != "engine"}
    return make(options.get("engine", "pool"), rest, family, is_async=is_async)


def _only_one(transport: Any, http_client: Any, pool: dict[str, Any]) -> Any:
    given = transport if transport is not None else http_client
    if transport is not None and http_client is not None:
        msg = "pass transport= or http_client=, not both"
        raise InvalidOption(msg)
    if given is not None and pool:
        msg = (
            f"only the client's own transport takes {', '.join(sorted(pool))}: set that on the "
            "object you pass instead"
        )
        raise InvalidOption(msg)
    if given is not None:
        # At first use: our own transports see to it themselves.
        from penstock.transport.engine_logs import redact_engine_logs

        redact_engine_logs()
    return given


def _family(
    given: object, name: str, kind: str, only: Family | None = None, *, is_async: bool
) -> Family:
    """Return the family of what a client was given.

    Args:
        given: A transport, or a whole HTTP client.
        name: The argument it was given as.
        kind: The family's class of such, for sync clients.
        only: The one family that will do, or None for either.
        is_async: Whether it is an async client's.

    Raises:
        InvalidOption: It is of no family, of another, or of the other colour.
    """
    colours = kind, f"Async{kind}"
    right, wrong = colours[is_async], colours[not is_async]
    family = family_of(given)
    got = type(given).__name__
    if family is None or only not in {None, family}:
        kinds = only.name if only else "httpx or httpx2"
        of = f" of {family.name}" if family else ""
        msg = f"{name}= must be an {kinds} {right}, not {got}{of}"
        raise InvalidOption(msg)
    if not isinstance(given, getattr(family.http, right)):
        msg = f"{name}= is {got}, of the other colour: this client needs a {right}, not a {wrong}"
        raise InvalidOption(msg)
    return family


def _overridden(request: Any) -> dict[str, Any]:
    """Return what the call overrides of a caller's client: its auth, by its own or by none."""
    options = Call.of(request).options
    has_own = options.api_key is not UNSET or options.auth is not UNSET
    return {"auth": None} if has_own else {}


def _terminal(
    handle: Callable[[Any], Awaitable[Any]], family: Family, transport: Any, *, watched: bool
) -> Terminal:
    """Return what sends with *transport*, which tells of itself what it can if it is ours."""
    return Terminal(
        handle,
        family,
        watched=watched,
        closed=lambda: getattr(transport, "is_closed", False) is True,
        proxy_of=getattr(transport, "proxy_of", unknown_proxy),
    )


def _nothing() -> None:
    """A caller's client is the caller's to close."""


async def _anothing() -> None:
    """As `_nothing`."""
