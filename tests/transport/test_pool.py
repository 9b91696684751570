"""The pool over sockets: limits, waiting, and which connection is used."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from penstock.errors import ClientClosed
from penstock.transport import AsyncPoolTransport, PoolTransport, Until
from penstock.transport import pool as pools

from .colours import Colour
from .server import Server, polite
from .test_http2 import multiplexed

if TYPE_CHECKING:
    from penstock.transport import Family

    from .conftest import Certificates
    from .server import Peer

LIMIT = 0.15
SOON = 2.0


def limited(colour: Colour, **limits: Any) -> dict[str, Any]:
    return {"limits": colour.family.http.Limits(**{"max_connections": 1, **limits})}


class Crowd:
    """A polite handler that notes how many connections were open at once."""

    def __init__(self) -> None:
        self.open = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, peer: Peer, server: Server) -> None:
        with self._lock:
            self.open += 1
            self.most = max(self.most, self.open)
        try:
            polite(peer, server)
        finally:
            with self._lock:
                self.open -= 1


LIMITS = httpx.Limits(max_connections=8, max_keepalive_connections=8)


def test_two_hundred_tasks_over_eight_connections() -> None:
    """200 tasks, some of which leave early, hold no more than allowed, and lose none."""

    async def one(transport: AsyncPoolTransport, url: str, number: int) -> None:
        request = httpx.Request("GET", url, extensions={"timeout": {"pool": 10.0}})
        with anyio.move_on_after(0.01 * (number % 7) if number % 5 == 0 else 10.0):
            response = await transport.handle_async_request(request)
            if number % 3:
                assert await response.aread() == b"hello"
            await response.aclose()

    async def whole(url: str) -> None:
        transport = AsyncPoolTransport(trust_env=False, limits=LIMITS)
        async with transport:
            async with anyio.create_task_group() as group:
                for number in range(200):
                    group.start_soon(one, transport, url, number)
            status = transport.pool_status()
            assert status.active == 0
            assert status.connections <= 8
            await one(transport, url, 1)

    with Server(Crowd()) as server:
        anyio.run(whole, server.url)


def test_thirty_two_threads_over_eight_connections() -> None:
    """32 threads get each its own answer, hold no more than allowed, and lose none."""

    def echo(peer: Peer, server: Server) -> None:
        while (heard := peer.hear()) is not None:
            peer.answer(heard.target.encode())

    def one(transport: PoolTransport, url: str, number: int) -> None:
        request = httpx.Request(
            "GET", f"{url}/{number}", extensions={"timeout": {"pool": 10.0, "read": 10.0}}
        )
        response = transport.handle_request(request)
        if number % 3:
            assert response.read() == f"/{number}".encode()
        response.close()

    with Server(echo) as server, PoolTransport(trust_env=False, limits=LIMITS) as transport:
        with ThreadPoolExecutor(32) as threads:
            list(threads.map(partial(one, transport, server.url), range(640)))
        status = transport.pool_status()
    assert status.active == 0
    assert status.connections <= 8


def test_no_more_connections_than_allowed() -> None:
    """What the server sees at once is what `max_connections` says."""

    async def whole(url: str) -> None:
        limits = httpx.Limits(max_connections=4)
        async with (
            httpx.AsyncClient(
                transport=AsyncPoolTransport(trust_env=False, limits=limits)
            ) as client,
            anyio.create_task_group() as group,
        ):
            for _ in range(40):
                group.start_soon(client.get, url)

    crowd = Crowd()
    with Server(crowd) as server:
        anyio.run(whole, server.url)
    assert crowd.most == server.connections == 4


@pytest.mark.parametrize("name", ["asyncio", "trio"])
@pytest.mark.parametrize("spoken", ["h2", "http/1.1"])
def test_many_at_once_where_http2_is_offered(
    family: Family, name: str, spoken: str, certificates: Certificates
) -> None:
    """Requests at once share one HTTP/2 connection; where it is declined they get more of them."""
    certificates.server.set_alpn_protocols([spoken])
    colour = Colour(name, family)

    async def scenario(transport: Any, url: str) -> Any:
        async def one() -> None:
            got.append(await colour.fetch(transport, colour.request(url)))

        got: list[Any] = []
        async with anyio.create_task_group() as group:
            for _ in range(12):
                group.start_soon(one)
        assert got == [(200, b"hello")] * 12
        return transport.pool_status()

    handler = multiplexed if spoken == "h2" else polite
    with Server(handler, tls=certificates.server) as server:
        options = {"verify": certificates.authority, "http2": True}
        status = colour.run(scenario, server.url, **limited(colour, max_connections=3), **options)
    most = 1 if spoken == "h2" else 3
    assert server.connections == most
    assert status == (most, 0, most)


@pytest.mark.parametrize("exact", [True, False])
def test_the_pool_timeout_is_kept(colour: Colour, exact: bool) -> None:
    """A request waits for a connection as long as it may, no less and not much more."""

    async def scenario(transport: Any, url: str) -> Any:
        held = await colour.send(transport, colour.request(url))
        started = time.monotonic()
        until = Until(None, started + LIMIT, time.monotonic)
        with pytest.raises(colour.error("PoolTimeout")):
            await colour.send(
                transport, colour.request(url, timeout={"pool": until if exact else LIMIT})
            )
        waited = time.monotonic() - started
        await colour.read(held)
        assert await colour.fetch(transport, colour.request(url)) == (200, b"hello")
        return waited, transport.pool_status()

    with Server(polite) as server:
        waited, status = colour.run(scenario, server.url, **limited(colour))
    assert LIMIT * 0.99 <= waited < SOON
    assert status == (1, 0, 1)
    assert server.connections == 1


@pytest.mark.parametrize("colour", ["asyncio", "trio"], indirect=True)
def test_a_cancelled_waiter_gives_its_place_on(colour: Colour) -> None:
    """Of two that wait the first is cancelled: the second is served."""

    async def scenario(transport: Any, url: str) -> None:
        held = await colour.send(transport, colour.request(url))
        got: list[Any] = []

        async def second() -> None:
            got.append(await colour.fetch(transport, colour.request(url)))

        async with anyio.create_task_group() as group:
            async with anyio.create_task_group() as first:
                first.start_soon(colour.fetch, transport, colour.request(url))
                await anyio.wait_all_tasks_blocked()
                group.start_soon(second)
                await anyio.wait_all_tasks_blocked()
                first.cancel_scope.cancel()
            await colour.read(held)
        assert got == [(200, b"hello")]
        assert transport.pool_status() == (1, 0, 1)

    with Server(polite) as server:
        colour.run(scenario, server.url, **limited(colour))


def test_another_origin_takes_the_place_of_an_idle_connection(colour: Colour) -> None:
    """With the total reached, the idle connection of another origin is closed."""

    async def scenario(transport: Any, *urls: str) -> Any:
        for url in urls:
            await colour.fetch(transport, colour.request(url))
        return transport.pool_status()

    with Server(polite) as one, Server(polite) as two:
        assert colour.run(scenario, one.url, two.url, one.url, **limited(colour)) == (1, 0, 1)
    assert (one.connections, two.connections) == (2, 1)


def test_an_expired_connection_is_not_used(colour: Colour) -> None:
    """After its `keepalive_expiry` a connection is replaced."""

    async def scenario(transport: Any, url: str) -> Any:
        for _ in range(3):
            await colour.fetch(transport, colour.request(url))
        return transport.pool_status()

    with Server(polite) as server:
        status = colour.run(scenario, server.url, **limited(colour, keepalive_expiry=0))
    assert status.connections == 1
    assert server.connections == 3


def test_a_connection_the_server_closed_is_not_used(colour: Colour) -> None:
    """What the server closed while it was idle is replaced, unnoticed."""
    closed = threading.Event()

    def once(peer: Peer, server: Server) -> None:
        peer.hear()
        peer.answer()
        peer.sock.shutdown(socket.SHUT_RDWR)
        closed.set()

    async def scenario(transport: Any, url: str) -> None:
        for _ in range(3):
            closed.clear()
            assert await colour.fetch(transport, colour.request(url)) == (200, b"hello")
            assert closed.wait(SOON)

    with Server(once) as server:
        colour.run(scenario, server.url, **limited(colour))
    assert server.connections == 3


def test_a_closed_pool_wakes_who_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that waits for a connection when the transport is closed gets an error, soon."""
    waits = threading.Event()

    class Noted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.set()
            return super().wait(timeout)

    with Server(polite) as server, ThreadPoolExecutor(1) as threads:
        transport = PoolTransport(trust_env=False, limits=httpx.Limits(max_connections=1))
        held = transport.handle_request(httpx.Request("GET", server.url))
        monkeypatch.setattr(pools, "threading", SimpleNamespace(Event=Noted))
        late = threads.submit(transport.handle_request, httpx.Request("GET", server.url))
        assert waits.wait(SOON)
        transport.close()
        assert isinstance(late.exception(SOON), ClientClosed)
        held.close()
