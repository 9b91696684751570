"""The pool over sockets: what comes back after every kind of end, also of a loop or process."""

from __future__ import annotations

import gc
import os
import socket
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from penstock.transport import pool as pools
from penstock.transport.engine import SentBody

from .colours import Colour, step
from .server import Server, cut_body, cut_head, nonsense, polite, stalled
from .test_pool import limited

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from .server import Peer

LIMIT = 0.15


def gone(peer: Peer, server: Server) -> None:
    """Say nothing and leave."""


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (cut_head, "RemoteProtocolError"),
        (cut_body, "RemoteProtocolError"),
        (nonsense, "RemoteProtocolError"),
        (gone, "TransportError"),
        (stalled, "ReadTimeout"),
    ],
)
def test_a_failed_answer_gives_the_only_slot_back(
    colour: Colour, handler: Callable[[Peer, Server], None], error: str
) -> None:
    """Whatever a server does wrong, a pool of one serves the next request."""

    async def scenario(transport: Any, bad: str, good: str) -> None:
        for _ in range(2):
            with pytest.raises(colour.error(error)):
                await colour.fetch(transport, colour.request(bad, timeout={"read": LIMIT}))
            assert transport.pool_status() == (0, 0, 0)
        assert await colour.fetch(transport, colour.request(good)) == (200, b"hello")

    with Server(handler) as server, Server(polite) as good:
        colour.run(scenario, server.url, good.url, **limited(colour))


class BrokenBody(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body to send that breaks."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"some"
        raise ZeroDivisionError

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"some"
        raise ZeroDivisionError


def bad_request(name: str, url: str) -> tuple[httpx.Request, type[Exception]]:
    timeout = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), 5.0)}
    if name == "refused":
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        return httpx.Request("GET", url, extensions=timeout), httpx.ConnectError
    if name == "illegal":
        headers = {"X-Illegal": "a\r\nb"}
        return httpx.Request("GET", url, headers=headers, extensions=timeout), (
            httpx.LocalProtocolError
        )
    headers = {"Host": "localhost", "Transfer-Encoding": "chunked"}
    broken = httpx.Request("POST", url, headers=headers, stream=BrokenBody(), extensions=timeout)
    return broken, ZeroDivisionError


@pytest.mark.parametrize("name", ["refused", "illegal", "broken body"])
@pytest.mark.parametrize("family", ["httpx"], indirect=True)
def test_a_request_that_fails_gives_the_only_slot_back(colour: Colour, name: str) -> None:
    """Whatever is wrong with a request or its body, a pool of one sends the next."""

    async def scenario(transport: Any, url: str, good: str) -> None:
        request, error = bad_request(name, url)
        with pytest.raises(error):
            await colour.fetch(transport, request)
        assert transport.pool_status().active == 0
        assert await colour.fetch(transport, colour.request(good)) == (200, b"hello")

    with Server(stalled) as server, Server(polite) as good:
        colour.run(scenario, server.url, good.url, **limited(colour))


async def broken(sent: SentBody) -> None:
    raise ZeroDivisionError


def break_(sent: SentBody) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("family", ["httpx"], indirect=True)
def test_a_body_that_fails_to_close_gives_the_only_slot_back(
    colour: Colour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that nobody gets, as what was sent breaks at its end, is closed."""

    async def scenario(transport: Any, url: str) -> Any:
        with pytest.raises(ZeroDivisionError):
            await colour.send(transport, colour.request(url))
        return transport.pool_status()

    monkeypatch.setattr(SentBody, "close", break_)
    monkeypatch.setattr(SentBody, "aclose", broken)
    with Server(polite) as server:
        assert colour.run(scenario, server.url, **limited(colour)) == (0, 0, 0)


def test_a_body_that_breaks_gives_the_only_slot_back_at_once(colour: Colour) -> None:
    """A reader that met an error need not close the response for the next request to be sent."""

    async def scenario(transport: Any, url: str) -> Any:
        response = await colour.send(transport, colour.request(url))
        chunks = colour.chunks(response)
        assert await colour.next(chunks) == b"hel"
        with pytest.raises(colour.error("RemoteProtocolError")):
            await colour.next(chunks)
        return transport.pool_status()

    with Server(cut_body) as server:
        assert colour.run(scenario, server.url, **limited(colour)) == (0, 0, 0)


@pytest.mark.parametrize("colour", ["asyncio"], indirect=True)
def test_a_reader_that_leaves_gives_the_slot_back_before_anything_is_awaited(
    colour: Colour,
) -> None:
    """The slot is free when closing has begun, however long it takes."""

    async def scenario(transport: Any, url: str) -> None:
        response = await colour.send(transport, colour.request(url))
        closing = response.aclose()
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: closing)
            await anyio.lowlevel.checkpoint()
            assert transport.pool_status() == (0, 0, 0)

    with Server(polite) as server:
        colour.run(scenario, server.url, **limited(colour))


class Interrupted:
    """An event at whose wait the user presses Ctrl-C."""

    def set(self) -> None:
        """Be set for nobody."""

    def wait(self, timeout: float | None) -> None:
        raise KeyboardInterrupt


@pytest.mark.parametrize("colour", ["sync"], indirect=True)
def test_an_interrupted_wait_leaves_the_queue(
    colour: Colour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What becomes free later does not go to a thread that no longer waits."""

    async def scenario(transport: Any, url: str) -> Any:
        held = await colour.send(transport, colour.request(url))
        with pytest.raises(KeyboardInterrupt):
            await colour.send(transport, colour.request(url))
        await colour.read(held)
        return transport.pool_status()

    monkeypatch.setattr(pools, "threading", SimpleNamespace(Event=Interrupted))
    with Server(polite) as server:
        assert colour.run(scenario, server.url, **limited(colour)) == (1, 0, 1)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("family", ["httpx"], indirect=True)
@pytest.mark.parametrize("colour", ["sync", "asyncio"], indirect=True)
def test_a_forked_process_has_its_own_connections(colour: Colour) -> None:
    """A child opens its own, while the parent's goes on after the child."""
    transport = colour.transport()
    run: Any = partial(anyio.run, backend="asyncio") if colour.is_async else lambda fn: step(fn())

    async def once() -> None:
        assert await colour.fetch(transport, colour.request(server.url)) == (200, b"hello")

    async def close() -> None:
        await colour.close(transport)

    with Server(polite) as server:
        run(once)
        child = os.fork()
        if not child:
            try:
                run(once)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        assert (server.connections, len(server.heard)) == (2, 2)
        run(once)
        # A second run on asyncio is a second event loop, which has its own as well.
        assert (server.connections, len(server.heard)) == (2 + colour.is_async, 3)
        run(close)
        gc.collect()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("colour", ["asyncio", "trio"], indirect=True)
def test_a_new_event_loop_has_its_own_connections(colour: Colour) -> None:
    """A transport that outlives its event loop works on the next one."""
    transport = colour.transport(**limited(colour))

    async def twice(*, close: bool) -> None:
        for _ in range(2):
            assert await colour.fetch(transport, colour.request(server.url)) == (200, b"hello")
        if close:
            await transport.aclose()

    with Server(polite) as server:
        for close in (False, True):
            anyio.run(partial(twice, close=close), backend=colour.name)
    gc.collect()
    assert server.connections == 2
    assert transport.pool_status() == (0, 0, 0)
