"""The transport that sends with the engine a client asks for."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from penstock.errors import ConfigurationError, InvalidOption
from penstock.transport.capabilities import check_asked, check_engine
from penstock.transport.family import Family, httpx2_family, httpx_family

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.transport.connecting import Connecting

_FAMILIES = {"httpx": httpx_family, "httpx2": httpx2_family}
"""The engines that are of a family themselves; the others send for either."""


class Made(NamedTuple):
    """A transport made for a client.

    Attributes:
        engine: The engine's name.
        family: The library its messages belong to.
        transport: The transport.
        watched: Whether it holds a request's limits wherever it waits.
    """

    engine: str
    family: Family
    transport: Any
    watched: bool


def make(
    engine: str, options: dict[str, Any], family: Family | None = None, *, is_async: bool
) -> Made:
    """Make the transport of an engine.

    Args:
        engine: Its name.
        options: What connections are made with; see `penstock.transport.PoolTransport`.
        family: The library the messages must belong to, or None for the engine's own, or httpx.
        is_async: Whether it is for an async client.

    Raises:
        InvalidOption: There is no such engine, or it cannot do what is asked of it.
        ConfigurationError: It needs an extra that is not installed.
    """
    check_engine(engine)
    check_asked(engine, _colours(is_async=is_async), is_async=is_async)
    own = _FAMILIES.get(engine)
    if own is not None and family not in {None, own()}:
        msg = f"engine={engine!r} sends no messages of {family.name if family else ''}"
        raise InvalidOption(msg)
    family = own() if own is not None else family or httpx_family()
    if engine == "pool":
        from penstock.transport.owned import transports_of

        return Made(engine, family, transports_of(family)[is_async](**options), watched=True)
    if engine == "aiohttp" and importlib.util.find_spec("aiohttp") is None:
        msg = "engine='aiohttp' needs the aiohttp package: pip install 'penstock[aiohttp]'"
        raise ConfigurationError(msg)
    from penstock.transport.connecting import connecting

    if "max_header_bytes" in options:
        check_asked(engine, ["max_header_bytes"], is_async=is_async)
    given = connecting(**options)
    check_asked(engine, _asked(given), is_async=is_async)
    transport: Any
    if engine == "aiohttp":
        from penstock.transport.aiohttp_engine import aiohttp_of

        transport = aiohttp_of(family)(given)
    else:
        from penstock.transport.ways import ways_of

        transport = ways_of(family)[is_async](given)
    return Made(engine, family, transport, watched=is_async)


def _colours(*, is_async: bool) -> Iterator[str]:
    if not is_async:
        yield "sync"
    elif "trio" in sys.modules and sys.modules["trio"].lowlevel.in_trio_run():
        yield "trio"  # elsewhere it is found out at the first request


def _asked(given: Connecting) -> Iterator[str]:
    if given.has_http2:
        yield "http2"
    if given.uds is not None:
        yield "uds"
    for server in given.proxies.servers:
        yield "socks" if server.is_socks else f"{server.scheme} proxy"
    if given.limits.max_connections_per_origin is not None:
        yield "per origin"
    if given.limits.max_keepalive_connections not in {None, 20}:
        yield "idle limit"
