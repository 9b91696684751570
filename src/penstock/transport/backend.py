"""Where limits hold: at every operation of every socket.

A server that drips its head a byte at a time never returns to any middleware, so no middleware can
stop it. These backends ask a request's own `Until` before each operation how much time is left.
"""

from __future__ import annotations

import socket
import ssl
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import httpcore

from penstock.alone import FORKS
from penstock.transport.asyncio_backend import AsyncioBackend
from penstock.transport.hanging_up import hang_up
from penstock.transport.heads import MAX_HEADER_BYTES, Heads, heads_of
from penstock.transport.leftovers import Ahead, is_queued, was_cut
from penstock.transport.nested import NestedTLSStream
from penstock.transport.resolving import LOOKUPS, Resolve, is_address
from penstock.transport.tls import built
from penstock.transport.until import Interruptible, left, pinned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from penstock.transport.until import Until

_WRITE_BYTES = 64 * 1024
"""What one asynchronous write is given, so that a phase timeout bounds progress, not the whole."""

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


class _Clocked:
    """What both colours ask before an operation.

    Args:
        core: The engine whose errors are raised.
    """

    def __init__(self, core: ModuleType) -> None:
        self._core = core

    def _left(self, timeout: float | None, late: str) -> float | None:
        seconds = left(timeout)
        if seconds is not None and seconds <= 0:
            raise getattr(self._core, late)("no time is left")
        return seconds

    def _check_port(self, port: int) -> None:
        # The resolver takes a larger number modulo 65536: another port than the URL names.
        if not 0 <= port <= _MAX_PORT:
            msg = f"there is no port {port}"
            raise self._core.ConnectError(msg)


class _Stream(_Clocked):
    """What the streams of both colours hold.

    Args:
        core: The engine whose errors are raised.
        inner: The connection, as the engine's own backend opened it.
        heads: Watches the answers on it, if they are HTTP/1.1.

    Attributes:
        heads: As above; None while what is on it is something else.
    """

    def __init__(self, core: ModuleType, inner: Any, heads: Heads | None = None) -> None:
        super().__init__(core)
        self._inner = inner
        self._unread = b""
        self.heads = heads

    def unread(self, data: bytes) -> None:
        """Have *data* be the next that is read: it came with what was read before."""
        self._unread = data

    def _read_before(self, max_bytes: int) -> bytes:
        data, self._unread = self._unread[:max_bytes], self._unread[max_bytes:]
        return data

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection knows of *info*."""
        return self._inner.get_extra_info(info)


class LimitedStream(_Stream, httpcore.NetworkStream):
    """A connection whose every operation takes no longer than is left."""

    def __init__(self, core: ModuleType, inner: Any, heads: Heads | None = None) -> None:
        super().__init__(core, inner, heads)
        self._socket = inner.get_extra_info("socket")
        self._forks = FORKS.count

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes, at most *max_bytes*, or a whole head; none at the end."""
        if self._unread:
            return self._read_before(max_bytes)

        def some() -> bytes:
            seconds = self._left(timeout, "ReadTimeout")
            if isinstance(timeout, Interruptible):
                with timeout.sockets.waiting(self._socket):
                    return self._inner.read(max_bytes, seconds)  # type: ignore[no-any-return]
            return self._inner.read(max_bytes, seconds)  # type: ignore[no-any-return]

        heads = self.heads
        return some() if heads is None or not heads.awaited else heads.read(some)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of *buffer*. A phase timeout bounds each step forward, the moment the whole."""
        if not buffer:  # the end of a body is none to the wire
            return
        if self.heads is not None:
            self.heads.asked()
        if self._socket is None:  # a backend for tests
            self._inner.write(buffer, self._left(timeout, "WriteTimeout"))
            return
        unsent = memoryview(buffer)
        try:
            while unsent:
                self._socket.settimeout(self._left(timeout, "WriteTimeout"))
                if isinstance(timeout, Interruptible):
                    with timeout.sockets.waiting(self._socket):
                        unsent = unsent[self._socket.send(unsent) :]
                else:
                    unsent = unsent[self._socket.send(unsent) :]
        except TimeoutError as error:
            raise self._core.WriteTimeout(str(error)) from error
        except OSError as error:
            raise self._core.WriteError(str(error)) from error

    def close(self) -> None:
        """Close the connection. A thread that reads or writes it finds out at once."""
        if self._socket is not None and self._forks == FORKS.count:
            hang_up(self._socket)
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Return the connection with TLS on it."""
        try:
            context = built(ssl_context)
            if self.get_extra_info("ssl_object") is not None:
                heads, self.heads = self.heads, None  # what comes now is TLS
                nested = NestedTLSStream(self._core, self, context, server_hostname, timeout)
                nested.heads = heads and heads.within(nested.get_extra_info("ssl_object"))
                return nested
            # A name that does not encode fails here: inside `wrap_socket` it would leak the socket.
            (server_hostname or "").encode("idna")
            seconds = self._left(timeout, "ConnectTimeout")
            inner = self._inner.start_tls(context, server_hostname, seconds)
            _report_cuts(inner.get_extra_info("socket"))
        except BaseException as error:
            self.close()
            if isinstance(error, ValueError):  # a name that TLS cannot ask for
                raise self._core.ConnectError(str(error)) from error
            raise
        heads = self.heads and self.heads.within(inner.get_extra_info("ssl_object"))
        return LimitedStream(self._core, inner, heads)


def _report_cuts(sock: Any) -> None:
    """Have a TLS connection that ends without saying so be an error (RFC 8446 §6.1).

    What has been received may be a part of what was sent, cut by anybody on the way.
    """
    if isinstance(sock, ssl.SSLSocket):
        sock.suppress_ragged_eofs = False  # type: ignore[attr-defined]  # given to `wrap_socket`, kept


class LimitedBackend(_Clocked, httpcore.NetworkBackend):
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


class AsyncLimitedStream(_Stream, httpcore.AsyncNetworkStream):
    """`LimitedStream` on an event loop.

    The time left goes down to the engine's own scopes, which end an operation uncancelled.
    """

    _closed = False

    def __init__(self, core: ModuleType, inner: Any, heads: Heads | None = None) -> None:
        super().__init__(core, inner, heads)
        self._ahead = Ahead()

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection knows of *info*."""
        if info == "is_readable":
            tls = self._inner.get_extra_info("ssl_object")
            if self._ahead.is_there(tls) or is_queued(self._inner):
                return True
        return self._inner.get_extra_info(info)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes, at most *max_bytes*, or a whole head; none at the end."""
        if self._unread:
            return self._read_before(max_bytes)
        heads = self.heads
        some = partial(self._some, max_bytes, timeout)
        return await (some() if heads is None or not heads.awaited else heads.aread(some))

    async def _some(self, max_bytes: int, timeout: float | None) -> bytes:
        if self._closed:
            msg = "the connection was closed"
            raise self._core.ReadError(msg)
        seconds = self._left(timeout, "ReadTimeout")
        if byte := self._ahead.take():
            return byte
        try:
            data: bytes = await self._inner.read(max_bytes, seconds)
        except OSError as error:  # a TLS alert, such as for a client certificate that is missing
            raise self._core.ReadError(str(error)) from error
        if not data:
            tls = self.get_extra_info("ssl_object")
            if tls is not None and was_cut(tls):
                msg = "the TLS connection ended without saying so"
                raise self._core.ReadError(msg)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of *buffer*. A phase timeout bounds each step forward, the moment the whole."""
        if not buffer:  # as above
            return
        if self.heads is not None:
            self.heads.asked()
        try:
            for part in _parts(buffer):
                await self._inner.write(part, self._left(timeout, "WriteTimeout"))
        except OSError as error:
            raise self._core.WriteError(str(error)) from error

    async def aclose(self) -> None:
        """Close the connection."""
        self._closed = True
        await self._inner.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> AsyncLimitedStream:
        """Return the connection with TLS on it."""
        try:
            context = built(ssl_context)
            seconds = self._left(timeout, "ConnectTimeout")
            inner = await self._inner.start_tls(context, server_hostname, seconds)
        except BaseException as error:
            with anyio.CancelScope(shield=True):
                await self.aclose()
            if isinstance(error, (ValueError, OSError)):
                raise self._core.ConnectError(str(error)) from error
            raise
        heads = self.heads and self.heads.within(inner.get_extra_info("ssl_object"))
        return AsyncLimitedStream(self._core, inner, heads)


def _parts(buffer: bytes) -> Iterator[bytes | memoryview]:
    if len(buffer) <= _WRITE_BYTES:
        yield buffer
        return
    whole = memoryview(buffer)
    for start in range(0, len(whole), _WRITE_BYTES):
        yield whole[start : start + _WRITE_BYTES]


class AsyncLimitedBackend(_Clocked, httpcore.AsyncNetworkBackend):
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
