"""A network backend for asyncio, behind the engine's public interface; AnyIO's for trio."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import httpcore
from anyio.streams.tls import TLSAttribute, TLSStream

from penstock.transport.asyncio_connect import connected
from penstock.transport.asyncio_stream import SocketBytes, SocketProtocol

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Iterable, Mapping
    from types import ModuleType

    from anyio.abc import ByteStream

_LOST = (anyio.BrokenResourceError, anyio.ClosedResourceError)


class AsyncioStream(httpcore.AsyncNetworkStream):
    """A connection on asyncio.

    Args:
        core: The engine whose errors are raised: `httpcore` or `httpcore2`.
        stream: The socket, or TLS on it.
        socket: The socket.
    """

    def __init__(self, core: ModuleType, stream: ByteStream, socket: SocketBytes) -> None:
        self._core = core
        self._stream = stream
        self._socket = socket

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes, at most *max_bytes*; none at the end."""
        try:
            if self._stream is self._socket:
                return await self._socket.receive(max_bytes, timeout)
            async with asyncio.timeout(timeout):
                return await self._stream.receive(max_bytes)
        except anyio.EndOfStream:
            return b""
        except TimeoutError as error:
            raise self._core.ReadTimeout(str(error)) from error
        except _LOST as error:
            raise self._core.ReadError(str(error.__cause__ or error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of *buffer*."""
        if not buffer:
            return
        is_plain = self._stream is self._socket
        try:
            if is_plain and self._socket.write(buffer):
                return
            async with asyncio.timeout(timeout):
                await (self._socket.written() if is_plain else self._stream.send(buffer))
        except TimeoutError as error:
            raise self._core.WriteTimeout(str(error)) from error
        except _LOST as error:
            raise self._core.WriteError(str(error.__cause__ or error)) from error

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> AsyncioStream:
        """Return the connection with TLS on it."""
        try:
            async with _connecting(self._core, timeout):
                stream = await TLSStream.wrap(
                    self._stream,
                    ssl_context=ssl_context,
                    hostname=server_hostname,
                    standard_compatible=False,
                    server_side=False,
                )
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.aclose()
            raise
        return AsyncioStream(self._core, stream, self._socket)

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection knows of *info*."""
        if info == "is_readable":
            return self._socket.is_readable()
        if info == "ssl_object":
            known: Mapping[Any, Any] = self._stream.extra_attributes
            return known[TLSAttribute.ssl_object]() if TLSAttribute.ssl_object in known else None
        names = {"socket": "socket", "client_addr": "sockname", "server_addr": "peername"}
        return self._socket.info(names[info]) if info in names else None


@asynccontextmanager
async def _connecting(core: ModuleType, timeout: float | None) -> AsyncIterator[None]:
    """Raise what goes wrong as the engine's own: a failure to connect, or to do so in time."""
    try:
        async with asyncio.timeout(timeout):
            yield
    except TimeoutError as error:
        raise core.ConnectTimeout(str(error)) from error
    except (OSError, UnicodeError, anyio.EndOfStream, *_LOST) as error:
        raise core.ConnectError(str(error.__cause__ or error)) from error


class AsyncioBackend(httpcore.AsyncNetworkBackend):
    """Opens connections on asyncio's own event loops; elsewhere as the engine's own backend does.

    Args:
        core: The engine: `httpcore` or `httpcore2`.
    """

    def __init__(self, core: ModuleType) -> None:
        self._core = core
        self._elsewhere = core.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> Any:
        """Connect to the first address of *host* that answers."""
        loop = _own_loop()
        if loop is None:
            given = (timeout, local_address, socket_options)
            return await self._elsewhere.connect_tcp(host, port, *given)
        async with _connecting(self._core, timeout):
            sock = await connected(host, port, local_address, socket_options or ())
            _, protocol = await loop.create_connection(SocketProtocol, sock=sock)
        return self._stream(protocol)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> Any:
        """Connect to a Unix domain socket."""
        loop = _own_loop()
        if loop is None:
            return await self._elsewhere.connect_unix_socket(path, timeout, socket_options)
        async with _connecting(self._core, timeout):
            _, protocol = await loop.create_unix_connection(SocketProtocol, path)
        return self._stream(protocol)

    def _stream(self, protocol: SocketProtocol) -> AsyncioStream:
        stream = SocketBytes(protocol)
        return AsyncioStream(self._core, stream, stream)


def _own_loop() -> asyncio.BaseEventLoop | None:
    """Return the running loop if it is asyncio's own, whose transports are known here."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    return loop if isinstance(loop, asyncio.BaseEventLoop) else None
