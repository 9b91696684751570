from __future__ import annotations

import socket
import ssl
from typing import Any

import anyio
import httpcore
import pytest

from penstock.transport import Until, ready
from penstock.transport.backend import KEEP_ALIVE, AsyncLimitedBackend, LimitedBackend
from penstock.transport.limited_stream import AsyncLimitedStream, LimitedStream
from penstock.transport.until import Interruptible, Sockets

from .colours import step
from .server import Server, polite


class Clock:
    """Time that passes only in what is scripted."""

    time = 0.0

    def now(self) -> float:
        return self.time

    def until(self, seconds: float | None, at: float | None) -> Until:
        return Until(seconds, at, self.now)

    def take(self, seconds: float, timeout: float | None, late: type[Exception]) -> None:
        """Let an operation of *seconds* pass, or end it at its timeout."""
        self.time += seconds if timeout is None else min(seconds, timeout)
        if timeout is not None and seconds > timeout:
            raise late


class Slow:
    """A connection of either colour and a socket, on which each step takes a while."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock = clock
        self.seconds = seconds
        self.allowed: list[float | None] = []
        self.is_ready = False

    def get_extra_info(self, info: str) -> Any:
        return self if info == "socket" else None

    def setblocking(self, flag: bool) -> None:
        assert not flag

    def wait(self, seconds: float | None) -> None:
        self.allowed.append(seconds)
        self.clock.take(self.seconds, seconds, TimeoutError)
        self.is_ready = True

    def recv(self, max_bytes: int) -> bytes:
        return b"x"

    def send(self, data: memoryview) -> int:
        if not self.is_ready:
            raise BlockingIOError
        self.is_ready = False
        return min(len(data), 1000)


class AsyncSlow(Slow):
    async def read(self, max_bytes: int, timeout: float | None) -> bytes:
        self.allowed.append(timeout)
        self.clock.take(self.seconds, timeout, httpcore.ReadTimeout)
        return b"x"

    async def write(self, data: bytes, timeout: float | None) -> None:
        self.allowed.append(timeout)
        self.clock.take(self.seconds, timeout, httpcore.WriteTimeout)


@pytest.fixture(autouse=True)
def slow_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ready._wait

    def wait(sock: Any, seconds: float | None, *, writes: bool) -> None:
        sock.wait(seconds) if isinstance(sock, Slow) else real(sock, seconds, writes=writes)

    monkeypatch.setattr(ready, "_wait", wait)


def sync_stream(clock: Clock, seconds: float) -> tuple[Any, Any, Slow]:
    slow = Slow(clock, seconds)
    stream = LimitedStream(httpcore, slow)
    return stream.read, stream.write, slow


def async_stream(clock: Clock, seconds: float) -> tuple[Any, Any, Slow]:
    slow = AsyncSlow(clock, seconds)
    stream = AsyncLimitedStream(httpcore, slow)
    return lambda *a: step(stream.read(*a)), lambda *a: step(stream.write(*a)), slow


class Open:
    """A connection that takes its time to close."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def get_extra_info(self, info: str) -> Any:
        return self.sock if info == "socket" else None

    def close(self) -> None:
        """Be about to."""


@pytest.mark.parametrize("how", ["closed", "interrupted"])
def test_an_end_of_our_own_is_none(how: str) -> None:
    """A reader whose connection another thread ends has lost it: what it read may be a part."""
    ours, theirs = socket.socketpair()
    sockets = Sockets()
    with ours, theirs:
        stream = LimitedStream(httpcore, Open(ours))
        timeout = Interruptible.of(None, sockets)
        theirs.send(b"a part")
        assert stream.read(100, timeout) == b"a part"
        stream.close() if how == "closed" else sockets.interrupt()
        with pytest.raises(httpcore.ReadError, match="the connection was closed"):
            stream.read(100, timeout)


def test_a_drip_ends_at_the_moment() -> None:
    """However short each read is, their sum ends at the moment, in both colours."""
    for both in (sync_stream, async_stream):
        clock = Clock()
        read, _, slow = both(clock, 0.4)
        limit = clock.until(5.0, 1.0)
        read(100, limit)
        read(100, limit)
        with pytest.raises(httpcore.ReadTimeout):
            read(100, limit)
        assert clock.time == 1.0
        assert slow.allowed == pytest.approx([1.0, 0.6, 0.2])


def test_a_large_write_ends_at_the_moment() -> None:
    """However little a peer takes at a time, a write ends at the moment, in both colours."""
    for both in (sync_stream, async_stream):
        clock = Clock()
        _, write, _ = both(clock, 0.4)
        with pytest.raises(httpcore.WriteTimeout):
            write(b"x" * 1_000_000, clock.until(5.0, 1.0))
        assert clock.time == 1.0


def test_a_phase_bounds_each_step_forward() -> None:
    """A write that makes progress within its phase may take longer than the phase as a whole."""
    for both in (sync_stream, async_stream):
        clock = Clock()
        _, write, slow = both(clock, 0.4)
        write(b"x" * 200_000, clock.until(0.5, None))
        assert clock.time > 1.5
        assert set(slow.allowed) == {0.5}


def test_nothing_starts_when_nothing_is_left() -> None:
    """Past the moment no operation is begun."""
    for both in (sync_stream, async_stream):
        clock = Clock()
        read, write, slow = both(clock, 0.4)
        with pytest.raises(httpcore.ReadTimeout):
            read(1, clock.until(5.0, 0.0))
        with pytest.raises(httpcore.WriteTimeout):
            write(b"x", clock.until(5.0, 0.0))
        assert slow.allowed == []


class Unreachable:
    """A backend whose connections are refused at once, or swallowed."""

    def __init__(self, clock: Clock, *swallowed: str, answers: str = "") -> None:
        self.clock = clock
        self.swallowed = swallowed
        self.answers = answers
        self.tried: list[tuple[str, float | None]] = []

    def connect_tcp(
        self, host: str, port: int, timeout: float | None, local: str | None, options: Any
    ) -> Any:
        self.tried.append((host, timeout))
        if host == self.answers:
            return Slow(self.clock, 0.0)
        if host in self.swallowed:
            self.clock.take(1000.0, timeout, httpcore.ConnectTimeout)
        raise httpcore.ConnectError


def resolver(*addresses: str) -> Any:
    return lambda host, port, **_: [(2, 1, 6, "", (address, port)) for address in addresses]


def test_addresses_share_the_time() -> None:
    """Each address that swallows packets takes an even share of the limit, and all of them all."""
    clock = Clock()
    inner = Unreachable(clock, "1.1.1.1", "2.2.2.2", "3.3.3.3")
    backend = LimitedBackend(httpcore, inner, resolver("1.1.1.1", "2.2.2.2", "3.3.3.3"))
    with pytest.raises(httpcore.ConnectTimeout):
        backend.connect_tcp("host.example", 80, clock.until(30.0, 6.0))
    assert inner.tried == [("1.1.1.1", 2.0), ("2.2.2.2", 2.0), ("3.3.3.3", 2.0)]
    assert clock.time == 6.0


def test_an_address_that_refuses_leaves_its_time_to_the_next() -> None:
    """The first address that answers is taken; what the others did not use is its to use."""
    clock = Clock()
    inner = Unreachable(clock, answers="3.3.3.3")
    backend = LimitedBackend(httpcore, inner, resolver("1.1.1.1", "1.1.1.1", "2.2.2.2", "3.3.3.3"))
    backend.connect_tcp("host.example", 80, clock.until(6.0, None))
    assert inner.tried == [("1.1.1.1", 2.0), ("2.2.2.2", 3.0), ("3.3.3.3", 6.0)]


def test_without_a_limit_every_address_is_tried() -> None:
    """The last address's error is the one that is raised, and no address is an error too."""
    inner = Unreachable(Clock())
    backend = LimitedBackend(httpcore, inner, resolver("1.1.1.1", "2.2.2.2"))
    with pytest.raises(httpcore.ConnectError):
        backend.connect_tcp("host.example", 80)
    assert inner.tried == [("1.1.1.1", None), ("2.2.2.2", None)]
    with pytest.raises(httpcore.ConnectError, match="no address"):
        LimitedBackend(httpcore, inner, resolver()).connect_tcp("host.example", 80)


def test_resolving_counts() -> None:
    """The time that resolving took is not there for connecting."""
    clock = Clock()
    inner = Unreachable(clock)

    def resolve(*_: Any, **__: Any) -> Any:
        clock.time = 7.0
        return resolver("1.1.1.1")("h", 80)

    with pytest.raises(httpcore.ConnectTimeout):
        LimitedBackend(httpcore, inner, resolve).connect_tcp("h", 80, clock.until(30.0, 6.0))
    assert inner.tried == []


def test_a_link_local_address_keeps_its_zone() -> None:
    """An IPv6 address that is only valid on one interface is connected to on that one."""
    inner = Unreachable(Clock(), answers="fe80::1%3")
    found = [(10, 1, 6, "", ("fe80::1", 80, 0, 3))]
    LimitedBackend(httpcore, inner, lambda *_, **__: found).connect_tcp("printer.local", 80)
    assert inner.tried == [("fe80::1%3", None)]


class Broken(Slow):
    """A TLS connection whose operations fail as the standard library's do."""

    async def read(self, max_bytes: int, timeout: float | None) -> bytes:
        raise ssl.SSLError(1, "alert")

    async def write(self, data: bytes, timeout: float | None) -> None:
        raise ssl.SSLError(1, "alert")

    def send(self, data: memoryview) -> int:
        raise BrokenPipeError


def test_errors_of_the_standard_library_become_the_engines() -> None:
    """What the engine's own backends let through is its error all the same."""
    broken = Broken(Clock(), 0.0)
    with pytest.raises(httpcore.ReadError):
        step(AsyncLimitedStream(httpcore, broken).read(1))
    with pytest.raises(httpcore.WriteError):
        step(AsyncLimitedStream(httpcore, broken).write(b"x"))
    with pytest.raises(httpcore.WriteError):
        LimitedStream(httpcore, broken).write(b"x")


def check_options(sock: Any) -> None:
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    for level, option, value in KEEP_ALIVE:
        assert sock.getsockopt(level, option) == value


def test_connections_are_probed_and_not_delayed() -> None:
    """A connection has TCP keep-alive and no Nagle delay."""
    with Server(polite) as server:
        stream = LimitedBackend(httpcore).connect_tcp("127.0.0.1", server.port, 5.0)
        check_options(stream.get_extra_info("socket"))
        stream.close()


@pytest.mark.parametrize("name", ["asyncio", "trio"])
def test_async_connections_are_probed_and_not_delayed(name: str) -> None:
    """So has one on an event loop; and once it is closed, reading it is an error."""

    async def scenario(port: int) -> None:
        stream = await AsyncLimitedBackend(httpcore).connect_tcp("127.0.0.1", port, 5.0)
        check_options(stream.get_extra_info("socket"))
        await stream.aclose()
        with pytest.raises(httpcore.ReadError):
            await stream.read(1)

    with Server(polite) as server:
        anyio.run(scenario, server.port, backend=name)


def test_the_engines_mock_backend_can_be_wrapped() -> None:
    """A backend without sockets, as tests use, works below ours."""
    answer = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"]
    backend = LimitedBackend(httpcore, httpcore.MockBackend(answer))
    with httpcore.ConnectionPool(network_backend=backend) as pool:
        assert pool.request("GET", "http://127.0.0.1/").content == b"ok"
