"""A socket on an asyncio event loop, as a byte stream: what asyncio hands out, without layers.

AnyIO's own socket stream costs a quarter of a request: a checkpoint, a guard and a cancel scope for
each operation. TLS stays AnyIO's, on top of this stream.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import anyio
from anyio.abc import ByteStream, SocketAttribute

from penstock.transport.ready import is_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_HELD_BYTES = 256 * 1024
"""What is received beyond the reader before the peer has to wait."""


class SocketProtocol(asyncio.Protocol):
    """What came and was not read yet, and who waits for more.

    Attributes:
        read_queue: The bytes that were received and not read.
        ended: Whether nothing more will come.
        error: Why the connection was lost, or None.
    """

    def __init__(self) -> None:
        self.read_queue: deque[bytes] = deque()
        self.ended = False
        self.error: Exception | None = None
        self.transport: Any = None
        self._held = 0
        self._is_reading = True
        self._reader: asyncio.Future[None] | None = None
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Hold what came, and have the peer wait if that is much."""
        self.read_queue.append(data)
        self._held += len(data)
        if self._held > _HELD_BYTES and self._is_reading:
            self._is_reading = False
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Stay open for writing: a server may stop listening later than it stops talking."""
        self.ended = True
        self._wake()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Let nobody wait."""
        self.ended, self.error = True, exc
        if self._timer is not None:
            self._timer.cancel()
        self._wake()
        self._may_write.set()

    def pause_writing(self) -> None:
        """Have writers wait: the peer is slow."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """Let writers go on."""
        self._may_write.set()

    async def more(self, seconds: float | None = None) -> None:
        """Wait until something came, or nothing more will.

        Args:
            seconds: For how long at most, or None for ever.

        Raises:
            TimeoutError: Nothing came in time.
        """
        if self._reader is not None:
            msg = "reading from"
            raise anyio.BusyResourceError(msg)
        loop = asyncio.get_running_loop()
        self._reader = loop.create_future()
        if seconds is not None:
            self._wait_until(loop, loop.time() + seconds)
        try:
            await self._reader
        finally:
            self._reader = self._due = None

    def _wait_until(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        # The timer of an earlier wait stays, and looks at `_due` when it fires: nearly every answer
        # comes in time, and a timer that is never set costs nothing.
        self._due = due
        if self._timer is None or self._timer.when() > due:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.call_at(due, self._fire, loop)

    def _fire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._due is None or self._reader is None or self._reader.done():
            return
        if loop.time() < self._due:
            self._wait_until(loop, self._due)
        else:
            self._reader.set_exception(TimeoutError())

    @property
    def is_writable(self) -> bool:
        """Whether the peer has taken enough of what was written."""
        return self._may_write.is_set()

    async def writable(self) -> None:
        """Wait until it has."""
        if not self.is_writable:
            await self._may_write.wait()

    def take(self, max_bytes: int) -> bytes:
        """Return what came first, at most *max_bytes* of it."""
        data = self.read_queue.popleft()
        if len(data) > max_bytes:
            self.read_queue.appendleft(data[max_bytes:])
            data = data[:max_bytes]
        self._held -= len(data)
        if not self._is_reading and self._held <= _HELD_BYTES and not self.ended:
            self._is_reading = True
            self.transport.resume_reading()
        return data

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class SocketBytes(ByteStream):
    """A connected socket as AnyIO's byte stream, for its TLS to run on.

    Args:
        protocol: Its end of the connection.
    """

    def __init__(self, protocol: SocketProtocol) -> None:
        self._protocol = protocol
        self._transport = protocol.transport
        self._closed = False

    async def receive(self, max_bytes: int = 65536, seconds: float | None = None) -> bytes:
        """Return the next bytes.

        Args:
            max_bytes: The most.
            seconds: For how long to wait, or None for ever.

        Raises:
            TimeoutError: Nothing came in time.
            anyio.EndOfStream: There are no more.
            anyio.BrokenResourceError: The connection was lost.
            anyio.ClosedResourceError: It was closed here.
        """
        protocol = self._protocol
        if not protocol.read_queue and not protocol.ended:
            await protocol.more(seconds)
        if self._closed:
            raise anyio.ClosedResourceError
        if protocol.read_queue:
            return protocol.take(max_bytes)
        if protocol.error is not None:
            raise anyio.BrokenResourceError from protocol.error
        raise anyio.EndOfStream

    async def send(self, item: bytes) -> None:
        """Send *item*; return when not much of what was sent is still here.

        Raises:
            anyio.BrokenResourceError: The connection was lost.
            anyio.ClosedResourceError: It was closed here.
        """
        if not self.write(item):
            await self.written()

    def write(self, item: bytes) -> bool:
        """Begin to send *item*, and tell whether there is nothing to wait for.

        Errors are those of `send`.
        """
        self._check_writable()
        self._transport.write(item)
        self._check_writable()
        return self._protocol.is_writable

    async def written(self) -> None:
        """Wait until not much of what was sent is still here. Errors are those of `send`."""
        await self._protocol.writable()
        self._check_writable()

    def _check_writable(self) -> None:
        if self._closed:
            raise anyio.ClosedResourceError
        if self._transport.is_closing():
            raise anyio.BrokenResourceError from self._protocol.error

    async def send_eof(self) -> None:
        """Say that nothing more will be sent."""
        self._transport.write_eof()

    async def aclose(self) -> None:
        """Close the connection: what is still to be sent gets a moment."""
        self._closed = True
        self._transport.close()
        try:
            await asyncio.sleep(0)
        finally:
            self._transport.abort()

    def is_readable(self) -> bool:
        """Tell whether there is something to be read, be it the end."""
        if self._protocol.read_queue or self._protocol.ended:
            return True
        return is_ready(self.info("socket"), 0, writes=False)

    def info(self, name: str) -> Any:
        """Return what asyncio's transport knows of *name*."""
        return self._transport.get_extra_info(name)

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """What is known of the socket."""
        return {
            SocketAttribute.raw_socket: lambda: self.info("socket"),
            SocketAttribute.local_address: lambda: self.info("sockname"),
            SocketAttribute.remote_address: lambda: self.info("peername"),
        }
