"""How connections are opened, within the limits of the request that needs one."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import httpcore

from penstock.transport.asyncio_backend import AsyncioBackend
from penstock.transport.heads import MAX_HEADER_BYTES, heads_of
from penstock.transport.limited_stream import AsyncLimitedStream, Clocked, LimitedStream
from penstock.transport.resolving import LOOKUPS, Resolve, is_address
from penstock.transport.until import pinned

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from penstock.transport.until import Until

_MAX_PORT = 65535


def _keep_alive() -> list[tuple[int, int, int]]:
    """Return the options that find out a peer which went away silently.

    Probes begin after 60 s: the shortest idle time after which a large cloud's load balancer drops
    a connection is 240 s. Four unanswered ones 15 s apart end it, so that a dead peer is noticed
    within two minutes. RFC 1122 §4.2.3.6 leaves the choice to the application.
    """
    wanted = {"TCP_KEEPIDLE": 60, "TCP_KEEPALIVE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
    here = {name: seconds for name, seconds in wanted.items() if hasattr(socket, name)}
    probing = [(socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in here.items()]
    return [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *probing]


KEEP_ALIVE = _keep_alive()


class _Opening(Clocked):
    """What both colours check before they connect."""

    def _check_port(self, port: int) -> None:
        # The resolver takes a larger number modulo 65536: another port than the URL names.
        if not 0 <= port <= _MAX_PORT:
            msg = f"there is no port {port}"
            raise self._core.ConnectError(msg)


class LimitedBackend(_Opening, httpcore.NetworkBackend):
    """Opens connections that obey a request's `Until`, blocking the thread.

    Args:
        core: The engine whose errors are raised: `httpcore` or `httpcore2`.
        inner: Its backend, or None for the engine's own.
        resolve: Finds the addresses of a host, or None for `socket.getaddrinfo`.
        max_header_bytes: The longest head of an answer, or None where answers are not HTTP/1.1.
    """

    def __init__(
        self,
        core: ModuleType,
        inner: Any = None,
        resolve: Resolve | None = None,
        max_header_bytes: int | None = MAX_HEADER_BYTES,
    ) -> None:
        super().__init__(core)
        self._inner = inner or core.SyncBackend()
        self._resolve: Resolve = resolve or socket.getaddrinfo
        self._heads = heads_of(core, max_header_bytes)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> LimitedStream:
        """Connect to the first address of *host* that answers.

        Each gets an even share of the time that is left: one that swallows packets leaves some to
        the next.
        """
        shared = pinned(timeout)
        addresses = self._addresses(host, port, shared)
        options = [*KEEP_ALIVE, *(socket_options or ())]
        for untried in range(len(addresses), 0, -1):
            seconds = self._left(shared, "ConnectTimeout")
            share = None if seconds is None else seconds / untried
            address = addresses[-untried]
            try:
                stream = self._inner.connect_tcp(address, port, share, local_address, options)
            except (self._core.ConnectError, self._core.ConnectTimeout):
                if untried == 1:
                    raise
            else:
                return LimitedStream(self._core, stream, self._heads())
        msg = f"{host} has no address"
        raise self._core.ConnectError(msg)

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> LimitedStream:
        """Connect to a Unix domain socket."""
        seconds = self._left(timeout, "ConnectTimeout")
        stream = self._inner.connect_unix_socket(path, seconds, socket_options)
        return LimitedStream(self._core, stream, self._heads())

    def _addresses(self, host: str, port: int, until: Until | None) -> list[str]:
        self._check_port(port)
        self._left(until, "ConnectTimeout")
        kind = socket.SOCK_STREAM
        try:
            if until is None or is_address(host):
                found = self._resolve(host, port, type=kind)
            else:
                found = LOOKUPS.find(self._resolve, host, port, kind, until)
        except TimeoutError as error:
            raise self._core.ConnectTimeout(str(error)) from error
        except (OSError, UnicodeError, RuntimeError) as error:  # or no thread is to be had
            raise self._core.ConnectError(str(error)) from error
        return list(dict.fromkeys(_literal(*address) for *_, address in found))


def _literal(host: str, _port: int, _flow: int = 0, zone: int = 0) -> str:
    """Return an address as text, with the zone a link-local one needs (RFC 4007 §11)."""
    return f"{host}%{zone}" if zone and "%" not in host else host


class AsyncLimitedBackend(_Opening, httpcore.AsyncNetworkBackend):
    """`LimitedBackend` on an event loop. Addresses are tried side by side (RFC 8305).

    Args:
        core: The engine whose errors are raised: `httpcore` or `httpcore2`.
        inner: Its backend, or None for one of ours on asyncio, and the engine's own on trio.
        max_header_bytes: The longest head of an answer, or None where answers are not HTTP/1.1.
    """

    def __init__(
        self,
        core: ModuleType,
        inner: Any = None,
        max_header_bytes: int | None = MAX_HEADER_BYTES,
    ) -> None:
        super().__init__(core)
        self._inner = inner or AsyncioBackend(core)
        self._heads = heads_of(core, max_header_bytes)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncLimitedStream:
        """Connect to the first address of *host* that answers."""
        self._check_port(port)
        seconds = self._left(timeout, "ConnectTimeout")
        options = [*KEEP_ALIVE, *(socket_options or ())]
        stream = await self._inner.connect_tcp(host, port, seconds, local_address, options)
        return AsyncLimitedStream(self._core, stream, self._heads())

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncLimitedStream:
        """Connect to a Unix domain socket."""
        seconds = self._left(timeout, "ConnectTimeout")
        stream = await self._inner.connect_unix_socket(path, seconds, socket_options)
        return AsyncLimitedStream(self._core, stream, self._heads())
