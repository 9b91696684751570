"""The laws of a socket on asyncio, which carries every request of an async client there."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

import anyio
import httpcore
import httpcore2
import pytest

from penstock.transport.asyncio_backend import AsyncioBackend

from .server import Server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from types import ModuleType

    from .conftest import Certificates
    from .server import Peer

LIMIT = 0.1
LARGE = 16 * 1024 * 1024
HELD = 256 * 1024


@pytest.fixture(params=[httpcore, httpcore2], ids=["httpcore", "httpcore2"])
def core(request: pytest.FixtureRequest) -> ModuleType:
    module: ModuleType = request.param
    return module


def talk(
    core: ModuleType,
    handler: Callable[[Peer, Server], None],
    scenario: Callable[[Any], Awaitable[None]],
) -> None:
    """Connect to a server that does as *handler* says, and run *scenario* with the stream."""

    async def whole(port: int) -> None:
        stream = await AsyncioBackend(core).connect_tcp("localhost", port, 5.0)
        try:
            await scenario(stream)
        finally:
            await stream.aclose()

    with Server(handler) as server:
        asyncio.run(whole(server.port))


def test_bytes_come_as_they_were_said(core: ModuleType) -> None:
    """What a peer says is read in order, in pieces no larger than asked for, and then the end."""

    async def scenario(stream: Any) -> None:
        await stream.write(b"")
        await stream.write(b"go")
        got = [await stream.read(2, 5.0) for _ in range(4)]
        assert b"".join(got) == b"abcdef"
        assert max(map(len, got)) <= 2
        assert got[-1] == b""

    talk(core, lambda peer, _: (peer.sock.recv(2), peer.say(b"abcdef"))[1], scenario)


def test_a_peer_that_talks_too_much_has_to_wait(core: ModuleType) -> None:
    """What is received and not read is bounded; it is all there in the end."""
    said = threading.Event()

    def handler(peer: Peer, server: Server) -> None:
        peer.say(b"x" * LARGE)
        said.set()

    async def scenario(stream: Any) -> None:
        await anyio.sleep(LIMIT)
        held = stream._stream._protocol
        assert sum(map(len, held.read_queue)) <= HELD + 256 * 1024
        assert not said.is_set()
        total = 0
        while data := await stream.read(65536, 5.0):
            total += len(data)
        assert total == LARGE

    talk(core, handler, scenario)


def test_a_peer_that_does_not_read_ends_a_write_in_time(core: ModuleType) -> None:
    """A write waits until the peer has taken what came before, no longer than it may."""

    async def scenario(stream: Any) -> None:
        with pytest.raises(core.WriteTimeout):
            await write_on(stream)

    talk(core, lambda peer, _: peer.stall(), scenario)


async def write_on(stream: Any) -> None:
    while True:
        await stream.write(b"x" * 65536, LIMIT)


def test_a_silent_peer_ends_a_read_in_time(core: ModuleType) -> None:
    """A read waits no longer than it may, and the next one goes on from there."""

    async def scenario(stream: Any) -> None:
        with pytest.raises(core.ReadTimeout):
            await stream.read(10, LIMIT)
        await stream.write(b"go", 5.0)
        assert await stream.read(10, 5.0) == b"late"

    talk(core, lambda peer, _: (peer.sock.recv(2), peer.say(b"late"))[1], scenario)


def test_a_lost_connection_is_an_error(core: ModuleType) -> None:
    """What was reset can be neither read nor written: it is not an end."""

    def reset(peer: Peer, server: Server) -> None:
        peer.sock.recv(2)
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer._file.close()
        peer.sock.close()

    async def scenario(stream: Any) -> None:
        await stream.write(b"go")
        with pytest.raises(core.ReadError):
            await stream.read(10, 5.0)
        with pytest.raises(core.WriteError):
            await stream.write(b"more")

    talk(core, reset, scenario)


def test_a_stream_closed_under_a_reader(core: ModuleType) -> None:
    """Who reads when the stream is closed gets an error, not an end; so does who reads later."""

    async def scenario(stream: Any) -> None:
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(failure_of(stream.read(10, 5.0)))
            await asyncio.sleep(0)
            await stream.aclose()
        assert isinstance(reading.result(), core.ReadError)
        assert isinstance(await failure_of(stream.read(10)), core.ReadError)
        assert isinstance(await failure_of(stream.write(b"x")), core.WriteError)

    talk(core, lambda peer, _: peer.stall(), scenario)


async def failure_of(awaitable: Awaitable[Any]) -> Exception | None:
    try:
        await awaitable
    except Exception as error:  # noqa: BLE001 - returned, whatever it is
        return error
    return None


def test_a_half_closed_peer_still_listens(core: ModuleType) -> None:
    """A peer that stops talking hears what is written after that."""
    heard: list[bytes] = []

    def handler(peer: Peer, server: Server) -> None:
        peer.sock.shutdown(socket.SHUT_WR)
        heard.append(peer.sock.recv(10))

    async def scenario(stream: Any) -> None:
        assert await stream.read(10, 5.0) == b""
        await stream.write(b"still", 5.0)

    talk(core, handler, scenario)
    assert heard == [b"still"]


@pytest.mark.parametrize("said", [b"x", b""])
def test_readable_is_what_has_something_to_be_read(core: ModuleType, said: bytes) -> None:
    """Bytes that came unasked, and an end, show before they are read: seen by the loop or not."""
    go, gone = threading.Event(), threading.Event()

    def handler(peer: Peer, server: Server) -> None:
        go.wait(5)
        peer.say(said)
        peer.sock.shutdown(socket.SHUT_WR)
        gone.set()
        peer.stall()

    async def scenario(stream: Any) -> None:
        assert not stream.get_extra_info("is_readable")
        go.set()
        gone.wait(5)  # blocks the loop, which has seen nothing yet
        assert stream.get_extra_info("is_readable")
        await anyio.sleep(LIMIT)
        assert stream.get_extra_info("is_readable")
        assert await stream.read(10, 5.0) == said

    talk(core, handler, scenario)


def test_two_do_not_read_at_once(core: ModuleType) -> None:
    """A second reader beside the first is refused: the bytes are one or the other's."""

    async def scenario(stream: Any) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(failure_of(stream.read(10, LIMIT)))
            await asyncio.sleep(0)
            assert isinstance(await failure_of(stream.read(10)), anyio.BusyResourceError)

    talk(core, lambda peer, _: peer.stall(), scenario)


def test_what_is_known_of_a_socket(core: ModuleType, certificates: Certificates) -> None:
    """Both ends' addresses, the socket, and TLS once there is TLS; nothing of what is not known."""

    context = ssl.create_default_context(cafile=certificates.authority)

    async def whole(port: int) -> None:
        plain = await AsyncioBackend(core).connect_tcp("localhost", port, 5.0)
        assert plain.get_extra_info("ssl_object") is None
        stream = await plain.start_tls(context, "localhost", 5.0)
        assert stream.get_extra_info("ssl_object").version().startswith("TLS")
        assert stream.get_extra_info("server_addr")[1] == port
        assert stream.get_extra_info("client_addr") == stream.get_extra_info("socket").getsockname()
        assert stream.get_extra_info("weather") is None
        await stream.aclose()

    with Server(lambda peer, _: peer.stall(), tls=certificates.server) as server:
        asyncio.run(whole(server.port))


def test_connecting_ends_in_time_or_in_an_error(core: ModuleType, tmp_path: Path) -> None:
    """A name, a port or a path with nobody behind it is a failure to connect."""
    backend = AsyncioBackend(core)

    async def whole() -> None:
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            port = nobody.getsockname()[1]
        for refused in (
            backend.connect_tcp("127.0.0.1", port, 5.0),
            backend.connect_tcp("a" * 64, 80, 5.0),
            backend.connect_unix_socket(str(tmp_path / "nobody"), 5.0),
        ):
            assert isinstance(await failure_of(refused), core.ConnectError)

    asyncio.run(whole())


@pytest.mark.parametrize("said", [b"", b"\x15\x03\x01\x00\x02\x02\x28"])
def test_a_handshake_that_fails_closes_the_connection(core: ModuleType, said: bytes) -> None:
    """A peer that hangs up or refuses in the handshake is a failure to connect."""

    async def scenario(stream: Any) -> None:
        context = ssl.create_default_context()
        with pytest.raises(core.ConnectError):
            await stream.start_tls(context, "localhost", 5.0)
        with pytest.raises(core.WriteError):
            await stream.write(b"x")

    talk(core, lambda peer, _: (peer.sock.recv(1000), peer.say(said))[1], scenario)


class Resolved:
    """Event loops on which a name has certain addresses, of which one never answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *ports: int, silent: int = 0) -> None:
        self.sockets: list[socket.socket] = []
        sock_connect = asyncio.SelectorEventLoop.sock_connect

        async def getaddrinfo(loop: Any, *args: Any, **options: Any) -> list[Any]:
            kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            return [(*kind, ("127.0.0.1", port)) for port in ports]

        async def connect(loop: Any, sock: socket.socket, address: Any) -> None:
            self.sockets.append(sock)
            if address[1] == silent:
                await asyncio.Event().wait()
            await sock_connect(loop, sock, address)

        monkeypatch.setattr(asyncio.SelectorEventLoop, "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", connect)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port: int = nobody.getsockname()[1]
        return port


@pytest.mark.parametrize("silent", [True, False])
def test_the_first_address_that_answers(monkeypatch: pytest.MonkeyPatch, silent: bool) -> None:
    """An address that refuses, or does not answer soon, leaves the next one to be tried too."""

    async def whole() -> int:
        stream = await AsyncioBackend(httpcore).connect_tcp("name.example", 80, 5.0)
        port: int = stream.get_extra_info("server_addr")[1]
        await stream.aclose()
        return port

    bad = closed_port()
    with Server(lambda peer, _: peer.stall()) as server:
        resolved = Resolved(monkeypatch, bad, server.port, silent=bad if silent else 0)
        assert asyncio.run(whole()) == server.port
    assert [sock.fileno() for sock in resolved.sockets] == [-1, -1]


def test_no_address_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """When all refuse the failure to connect says why; and a name without an address is one too."""
    for ports in ([closed_port(), closed_port()], []):
        Resolved(monkeypatch, *ports)
        failing = AsyncioBackend(httpcore).connect_tcp("name.example", 80, 5.0)
        assert isinstance(asyncio.run(failure_of(failing)), httpcore.ConnectError)


def test_connecting_that_is_given_up_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is being connected when the time is over, every socket is closed."""
    bad = closed_port()
    resolved = Resolved(monkeypatch, bad, bad, silent=bad)

    async def whole() -> None:
        with pytest.raises(httpcore.ConnectTimeout):
            await AsyncioBackend(httpcore).connect_tcp("name.example", 80, 0.3)
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(whole())
    assert {sock.fileno() for sock in resolved.sockets} == {-1}


def test_connecting_from_an_address() -> None:
    """`local_address` is where a connection comes from."""

    async def whole(port: int) -> Any:
        backend = AsyncioBackend(httpcore)
        stream = await backend.connect_tcp("127.0.0.1", port, 5.0, "127.0.0.2")
        near = stream.get_extra_info("client_addr")
        await stream.aclose()
        return near[0]

    with Server(lambda peer, _: peer.stall()) as server:
        assert asyncio.run(whole(server.port)) == "127.0.0.2"
