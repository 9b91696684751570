"""After its last event a stream is read off, so that its connection carries the next request."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

import penstock
from penstock import observe_body

from .server import Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from .server import Peer

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
ONE, DONE = b"9\r\ndata: 1\n\n\r\n", b"e\r\ndata: [DONE]\n\n\r\n"
END = b"0\r\n\r\n"
NOISE = b"8\r\n: noise\n\r\n"

Colour = str
COLOURS = ["sync", "asyncio", "trio"]


def streaming(*after: bytes, holds: bool = False) -> Callable[[Peer, Server], None]:
    """Return a handler that streams two events and then, a moment later, *after*."""

    def handle(peer: Peer, server: Server) -> None:
        while peer.hear() is not None:
            peer.say(HEAD + ONE + DONE)
            time.sleep(0.005)  # in a packet of its own
            for data in after:
                peer.say(data)
            if holds:
                peer.stall()
                return

    return handle


class Watch:
    """A middleware that notes how each body ended."""

    zone = "call"

    def __init__(self) -> None:
        self.ends: list[str] = []

    async def __call__(self, request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        observe_body(response, lambda end: self.ends.append(end.outcome))
        return response


def read_twice(colour: Colour, url: str, watch: Watch, *, leaves: bool = False) -> Any:
    """Read two streams, one after the other; return their texts and the state of the pool."""
    stack = penstock.Stack([watch, *penstock.Stack.standard()])
    options = {"timeout": 5.0, "max_retries": 0, "stack": stack}

    def sync() -> Any:
        with penstock.Client(url, **options) as client:
            texts = []
            for _ in range(2):
                for event in client.stream_events("GET", "/"):
                    texts.append(event.raw)
                    if leaves and event.done:
                        break
            return texts, client.pool_status()

    async def asynchronous() -> Any:
        async with penstock.AsyncClient(url, **options) as client:
            texts = []
            for _ in range(2):
                async with client.stream_events("GET", "/") as events:
                    async for event in events:
                        texts.append(event.raw)
                        if leaves and event.done:
                            break
            return texts, client.pool_status()

    return sync() if colour == "sync" else anyio.run(asynchronous, backend=colour)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_stream_that_was_read_leaves_its_connection(colour: Colour) -> None:
    """Two streams that came to their terminal events need one connection."""
    watch = Watch()
    with Server(streaming(NOISE, END)) as server:
        texts, pool = read_twice(colour, server.url, watch)
        assert (texts, pool, server.connections) == (["1", "[DONE]"] * 2, (1, 0, 1), 1)
    assert watch.ends == ["completed"] * 2


@pytest.mark.parametrize("colour", COLOURS)
def test_who_leaves_at_the_terminal_event_leaves_the_connection_too(colour: Colour) -> None:
    """To stop at `event.done` is to have read the stream."""
    with Server(streaming(END)) as server:
        read_twice(colour, server.url, Watch(), leaves=True)
        assert server.connections == 1


@pytest.mark.parametrize("after", [(), (NOISE,) * 4000], ids=["silent", "talkative"])
@pytest.mark.parametrize("colour", COLOURS)
def test_a_server_that_holds_on_is_left(colour: Colour, after: tuple[bytes, ...]) -> None:
    """A stream whose end does not come soon is closed; it was completed all the same."""
    watch = Watch()
    began = time.monotonic()
    with Server(streaming(*after, holds=True)) as server:
        texts, pool = read_twice(colour, server.url, watch)
        took = time.monotonic() - began
        assert (texts, pool) == (["1", "[DONE]"] * 2, (0, 0, 0))
    assert watch.ends == ["completed"] * 2
    assert took < 2.0


def test_a_transport_that_cannot_be_hurried_is_not_read_off() -> None:
    """Where no limit holds inside of a read, the stream is closed at its terminal event."""
    seen: list[str] = []

    def body() -> Any:
        yield b"data: [DONE]\n\n"
        seen.append("read on")
        yield b": more\n\n"

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body())

    with penstock.Client("http://x.test", transport=httpx.MockTransport(answer)) as client:
        assert [event.done for event in client.stream_events("GET", "/")] == [True]
    assert seen == []
