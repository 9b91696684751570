"""Streams on which limits hold: at every operation of every socket.

A server that drips its head a byte at a time never returns to any middleware, so no middleware can
stop it. These streams ask a request's own `Until` before each operation how much time is left.
"""

from __future__ import annotations

import ssl
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import httpcore

from penstock.alone import FORKS
from penstock.transport import brief
from penstock.transport.hanging_up import hang_up
from penstock.transport.leftovers import Ahead, is_queued, was_cut
from penstock.transport.nested import NestedTLSStream
from penstock.transport.ready import when_ready
from penstock.transport.tls import built
from penstock.transport.until import Interruptible, left, pinned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from types import ModuleType

    from penstock.transport.heads import Heads

_UNINTERRUPTED = nullcontext()

_WRITE_BYTES = 64 * 1024
"""What one asynchronous write is given, so that a phase timeout bounds progress, not the whole."""


class Clocked:
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


class _Stream(Clocked):
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
        self._ahead = Ahead()
        self.heads = heads

    def unread(self, data: bytes) -> None:
        """Have *data* be the next that is read: it came with what was read before."""
        self._ahead.put(data)

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection knows of *info*."""
        return self._inner.get_extra_info(info)


class LimitedStream(_Stream, httpcore.NetworkStream):
    """A connection whose every operation takes no longer than is left."""

    def __init__(self, core: ModuleType, inner: Any, heads: Heads | None = None) -> None:
        super().__init__(core, inner, heads)
        self._socket = inner.get_extra_info("socket")  # a backend for tests has none
        if self._socket is not None:
            self._socket.setblocking(False)
        self._forks = FORKS.count
        self._closed = False

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection knows of *info*."""
        if info == "is_readable" and self._socket is not None:
            return brief.has_come(self._socket)
        return super().get_extra_info(info)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes, at most *max_bytes*, or a whole head; none at the end."""
        some = partial(self._some, max_bytes, timeout)
        heads = self.heads
        return some() if heads is None or not heads.awaited else heads.read(some)

    def _some(self, max_bytes: int, timeout: float | None) -> bytes:
        if ahead := self._ahead.take(max_bytes):
            return ahead
        if self._socket is None:
            data: bytes = self._inner.read(max_bytes, self._left(timeout, "ReadTimeout"))
            return data
        # A TLS record may come in many pieces: all of them have the time of one.
        limit = pinned(timeout) if isinstance(self._socket, ssl.SSLSocket) else timeout
        seconds_left = partial(self._left, limit, "ReadTimeout")
        try:
            with self._waiting(timeout):
                receive = partial(self._socket.recv, max_bytes)
                received: bytes = when_ready(self._socket, receive, seconds_left, writes=False)
        except TimeoutError as error:
            raise self._core.ReadTimeout(str(error)) from error
        except OSError as error:
            raise self._core.ReadError(str(error)) from error
        if not received and self._is_hung_up(timeout):
            raise self._core.ReadError("the connection was closed")
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of *buffer*. A phase timeout bounds each step forward, the moment the whole."""
        if not buffer:  # the end of a body is none to the wire
            return
        if self.heads is not None:
            self.heads.asked()
        if self._socket is None:
            self._inner.write(buffer, self._left(timeout, "WriteTimeout"))
            return
        unsent = memoryview(buffer)
        seconds_left = partial(self._left, timeout, "WriteTimeout")
        try:
            with self._waiting(timeout):
                while unsent:
                    send = partial(brief.send, self._socket, unsent)
                    sent = when_ready(self._socket, send, seconds_left, writes=True)
                    unsent = unsent[sent:]
        except TimeoutError as error:
            raise self._core.WriteTimeout(str(error)) from error
        except OSError as error:
            raise self._core.WriteError(str(error)) from error

    def _is_hung_up(self, timeout: float | None) -> bool:
        """Tell whether an end that was read is one of ours: to whoever reads it, it is none."""
        interrupted = isinstance(timeout, Interruptible) and timeout.sockets.is_interrupted
        return self._closed or interrupted

    def _waiting(self, timeout: float | None) -> AbstractContextManager[None]:
        """Have another thread be able to interrupt what is done at the socket inside."""
        if isinstance(timeout, Interruptible):
            return timeout.sockets.waiting(self._socket)
        return _UNINTERRUPTED

    def close(self) -> None:
        """Close the connection. A thread that reads or writes it finds out at once."""
        self._closed = True
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


class AsyncLimitedStream(_Stream, httpcore.AsyncNetworkStream):
    """`LimitedStream` on an event loop.

    The time left goes down to the engine's own scopes, which end an operation uncancelled.
    """

    _closed = False

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection knows of *info*."""
        if info == "is_readable":
            tls = self._inner.get_extra_info("ssl_object")
            if self._ahead.is_there(tls) or is_queued(self._inner):
                return True
        return self._inner.get_extra_info(info)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes, at most *max_bytes*, or a whole head; none at the end."""
        heads = self.heads
        some = partial(self._some, max_bytes, timeout)
        return await (some() if heads is None or not heads.awaited else heads.aread(some))

    async def _some(self, max_bytes: int, timeout: float | None) -> bytes:
        if self._closed:
            msg = "the connection was closed"
            raise self._core.ReadError(msg)
        seconds = self._left(timeout, "ReadTimeout")
        if ahead := self._ahead.take(max_bytes):
            return ahead
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
