"""Connections through a SOCKS5 proxy (RFC 1928), with user and password (RFC 1929).

Such a proxy is another way to connect, so it is a backend: the engine's pool sees direct
connections, and obeys the same limits. The proxy resolves the names.
"""

from __future__ import annotations

import ipaddress
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio

from penstock.transport.backend import AsyncLimitedBackend, LimitedBackend
from penstock.transport.heads import MAX_HEADER_BYTES

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from types import ModuleType

    from penstock.transport.limited_stream import AsyncLimitedStream, LimitedStream
    from penstock.transport.proxies import ProxyServer

    Steps = Generator[tuple[bytes, int], bytes, None]

_PORT = 1080
"""The port registered for SOCKS."""

_VERSION = 5
_OPEN, _PASSWORD = 0, 2
_IPV4, _NAME, _IPV6 = 1, 3, 4
_MAX_NAME = 255
_REFUSALS = {
    1: "it failed",
    2: "its rules do not allow this",
    3: "the network cannot be reached",
    4: "the host cannot be reached",
    5: "the connection was refused",
    6: "the TTL expired",
    7: "it does not know the command",
    8: "it does not know the kind of address",
}


class SocksError(Exception):
    """The proxy refused, or broke its protocol."""


def handshake(host: str, port: int, credentials: tuple[bytes, bytes] | None) -> Steps:
    """Ask for a connection. Each step is what to send, and how many bytes to come back with.

    Args:
        host: A name or an address.
        port: A port.
        credentials: User and password, at most 255 bytes each, or None.

    Raises:
        SocksError: There is no connection.
    """
    methods = b"\x01\x00" if credentials is None else b"\x02\x00\x02"
    version, method = yield b"\x05" + methods, 2
    if version != _VERSION:
        msg = "it does not speak SOCKS5"
        raise SocksError(msg)
    if method == _PASSWORD and credentials is not None:
        user, password = credentials
        told = b"\x01%c%b%c%b" % (len(user), user, len(password), password)
        if (yield told, 2)[1]:
            msg = "it does not accept the user or the password"
            raise SocksError(msg)
    elif method != _OPEN:
        msg = "it wants other credentials"
        raise SocksError(msg)
    asked = b"\x05\x01\x00" + _address(host) + port.to_bytes(2, "big")
    _, refusal, _, kind = yield asked, 4
    if refusal:
        raise SocksError(_REFUSALS.get(refusal, f"it answers {refusal}"))
    length = (yield b"", 1)[0] if kind == _NAME else {_IPV4: 4, _IPV6: 16}.get(kind, 0)
    yield b"", length + 2


def _address(host: str) -> bytes:
    try:
        packed = ipaddress.ip_address(host).packed
    except ValueError:
        packed = b""
    if packed:
        return bytes([_IPV4 if len(packed) == 4 else _IPV6]) + packed  # noqa: PLR2004 - bytes
    name = host.encode()
    if len(name) > _MAX_NAME:
        msg = "the host's name is too long"
        raise SocksError(msg)
    return b"\x03%c%b" % (len(name), name)


class SocksBackend(LimitedBackend):
    """Opens connections through a SOCKS5 proxy, blocking the thread.

    Args:
        core: The engine whose errors are raised.
        server: The proxy.
        max_header_bytes: The longest head of an answer, or None where answers are not HTTP/1.1.
    """

    def __init__(
        self,
        core: ModuleType,
        server: ProxyServer,
        max_header_bytes: int | None = MAX_HEADER_BYTES,
    ) -> None:
        super().__init__(core, max_header_bytes=max_header_bytes)
        self._server = server

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> LimitedStream:
        """Connect to *host* through the proxy."""
        self._check_port(port)
        near = _host_port(self._server)
        stream = super().connect_tcp(*near, timeout, local_address, socket_options)
        heads, stream.heads = stream.heads, None  # what the proxy says is no answer
        try:
            with _connecting(self._core):
                _run(stream, handshake(host, port, self._server.credentials), timeout)
        except BaseException:
            stream.close()
            raise
        stream.heads = heads
        return stream


def _run(stream: LimitedStream, steps: Steps, timeout: float | None) -> None:
    data, count = next(steps)
    while True:
        stream.write(data, timeout)
        reply = b""
        while len(reply) < count:
            reply += _some(stream.read(count - len(reply), timeout))
        try:
            data, count = steps.send(reply)
        except StopIteration:
            return


class AsyncSocksBackend(AsyncLimitedBackend):
    """`SocksBackend` on an event loop.

    Args:
        core: The engine whose errors are raised.
        server: The proxy.
        max_header_bytes: The longest head of an answer, or None where answers are not HTTP/1.1.
    """

    def __init__(
        self,
        core: ModuleType,
        server: ProxyServer,
        max_header_bytes: int | None = MAX_HEADER_BYTES,
    ) -> None:
        super().__init__(core, max_header_bytes=max_header_bytes)
        self._server = server

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncLimitedStream:
        """Connect to *host* through the proxy."""
        self._check_port(port)
        near = _host_port(self._server)
        stream = await super().connect_tcp(*near, timeout, local_address, socket_options)
        heads, stream.heads = stream.heads, None  # what the proxy says is no answer
        try:
            with _connecting(self._core):
                await _arun(stream, handshake(host, port, self._server.credentials), timeout)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await stream.aclose()
            raise
        stream.heads = heads
        return stream


async def _arun(stream: AsyncLimitedStream, steps: Steps, timeout: float | None) -> None:
    data, count = next(steps)
    while True:
        await stream.write(data, timeout)
        reply = b""
        while len(reply) < count:
            reply += _some(await stream.read(count - len(reply), timeout))
        try:
            data, count = steps.send(reply)
        except StopIteration:
            return


def _host_port(server: ProxyServer) -> tuple[str, int]:
    parts = urlsplit(server.url)
    return parts.hostname or "", parts.port or _PORT


def _some(data: bytes) -> bytes:
    if not data:
        msg = "it closed the connection"
        raise SocksError(msg)
    return data


@contextmanager
def _connecting(core: ModuleType) -> Iterator[None]:
    """Raise what goes wrong in the handshake as what it is to the engine: a failure to connect."""
    try:
        yield
    except SocksError as error:
        msg = f"the SOCKS proxy made no connection: {error}"
        raise core.ProxyError(msg) from error
    except core.TimeoutException as error:
        raise core.ConnectTimeout(str(error)) from error
    except core.NetworkError as error:
        raise core.ConnectError(str(error)) from error
