"""What a client sends with: its own transport, one it was given, or a whole HTTP client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from penstock.errors import InvalidOption
from penstock.options import UNSET
from penstock.transport.family import family_of, httpx_family
from penstock.transport.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from penstock.call import Call
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
    """

    family: Family
    terminal: Terminal
    close: Callable[[], Any]
    transport: Any
    client: Any = None
    is_async: bool = False


def blocking_wire(transport: Any, http_client: Any, pool: dict[str, Any]) -> Wire:
    """Return the wire of a sync client.

    Args:
        transport: Any `httpx.BaseTransport` or `httpx2.BaseTransport`, or None.
        http_client: The caller's `httpx.Client` or `httpx2.Client`, or None.
        pool: Options of the owned transport.

    Raises:
        InvalidOption: An object is of another kind or colour, or options of the owned transport
            came with one.
    """
    given = _only_one(transport, http_client, pool)
    if http_client is not None:
        family = _family(http_client, "http_client", "Client")
        _check_colour(http_client, family.http.Client, "http_client", "Client", "AsyncClient")

        async def exchange(request: Any) -> Any:
            return http_client.send(request, stream=True, **_overridden(request))

        return Wire(
            family, Terminal(exchange, family, watched=False), _nothing, http_client, http_client
        )
    if given is None:
        from penstock.transport.owned import PoolTransport

        transport = PoolTransport(**pool)
        family = httpx_family()
    else:
        family = _family(transport, "transport", "BaseTransport")
        _check_colour(
            transport, family.http.BaseTransport, "transport", "BaseTransport", "AsyncBaseTransport"
        )

    async def handle(request: Any) -> Any:
        return transport.handle_request(request)

    return Wire(family, Terminal(handle, family, watched=given is None), transport.close, transport)


def async_wire(transport: Any, http_client: Any, pool: dict[str, Any]) -> Wire:
    """Return the wire of an async client. As `blocking_wire`, for the async classes."""
    given = _only_one(transport, http_client, pool)
    if http_client is not None:
        family = _family(http_client, "http_client", "AsyncClient")
        _check_colour(http_client, family.http.AsyncClient, "http_client", "AsyncClient", "Client")

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
    if given is None:
        from penstock.transport.owned import AsyncPoolTransport

        transport = AsyncPoolTransport(**pool)
        family = httpx_family()
    else:
        family = _family(transport, "transport", "AsyncBaseTransport")
        _check_colour(
            transport,
            family.http.AsyncBaseTransport,
            "transport",
            "AsyncBaseTransport",
            "BaseTransport",
        )
    handle: Callable[[Any], Awaitable[Any]] = transport.handle_async_request
    terminal = Terminal(handle, family, watched=given is None)
    return Wire(family, terminal, transport.aclose, transport, is_async=True)


def _only_one(transport: Any, http_client: Any, pool: dict[str, Any]) -> Any:
    given = transport if transport is not None else http_client
    if transport is not None and http_client is not None:
        msg = "pass transport= or http_client=, not both"
        raise InvalidOption(msg)
    if given is not None and pool:
        msg = (
            f"{', '.join(sorted(pool))} belong to the client's own transport: set them on the "
            "object you pass instead"
        )
        raise InvalidOption(msg)
    return given


def _family(given: object, name: str, wanted: str) -> Family:
    family = family_of(given)
    if family is None:
        msg = f"{name}= must be an httpx or httpx2 {wanted}, not {type(given).__name__}"
        raise InvalidOption(msg)
    return family


def _check_colour(given: object, wanted: type, name: str, right: str, wrong: str) -> None:
    if not isinstance(given, wanted):
        msg = (
            f"{name}= is {type(given).__name__}, of the other colour: this client needs a {right}, "
            f"not a {wrong}"
        )
        raise InvalidOption(msg)


def _overridden(request: Any) -> dict[str, Any]:
    """Return what the call overrides of a caller's client: its auth, if it has a key of its own."""
    call: Call = request.extensions["penstock.call"]
    has_own = call.options.api_key not in {None, UNSET} or call.options.auth not in {None, UNSET}
    return {"auth": None} if has_own else {}


def _nothing() -> None:
    """A caller's client is the caller's to close."""


async def _anothing() -> None:
    """As `_nothing`."""
