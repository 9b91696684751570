"""What a request leaves behind when it does not end well: nothing."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from .colours import Colour, by
from .server import Server, dripping_body, dripping_head, polite, stalled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from .server import Peer


class Upload:
    """A body's stream, whose generators note when they are closed."""

    closed = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            while True:
                yield b"x" * 1_000_000
        finally:
            self.closed = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 1_000_000
        finally:
            self.closed = True


def upload(colour: Colour) -> Any:
    """Return an endless body of the family and colour."""
    http = colour.family.http
    base = http.AsyncByteStream if colour.is_async else http.SyncByteStream
    return type("Body", (Upload, base), {})()


def test_an_upload_that_ends_badly_is_closed(colour: Colour) -> None:
    """What iterates a body is closed when the request fails, not when garbage is collected."""

    async def scenario(transport: Any, url: str) -> bool:
        body = upload(colour)
        headers = {"Host": "localhost", "Transfer-Encoding": "chunked"}
        request = colour.request(url, "POST", stream=body, headers=headers, timeout=by(0.15))
        with pytest.raises(colour.error("WriteTimeout")):
            await colour.send(transport, request)
        return bool(body.closed)

    with Server(stalled) as server:
        assert colour.run(scenario, server.url)


@pytest.mark.parametrize("handler", [dripping_head, dripping_body, stalled])
def test_a_request_that_fails_leaves_no_connection(
    colour: Colour, handler: Callable[[Peer, Server], None]
) -> None:
    """After a timeout the pool holds nothing of the request."""

    async def scenario(transport: Any, url: str) -> Any:
        with pytest.raises(colour.error("ReadTimeout")):
            await colour.fetch(transport, colour.request(url, timeout=by(0.3)))
        return transport.pool_status()

    with Server(handler) as server:
        assert colour.run(scenario, server.url) == (0, 0, 0)


@pytest.mark.parametrize("handler", [dripping_head, dripping_body, stalled])
def test_a_cancelled_request_leaves_no_connection(
    colour: Colour, handler: Callable[[Peer, Server], None]
) -> None:
    """A request that is cancelled while it waits gives its place back: the next one is sent."""

    async def scenario(transport: Any, url: str, good: str) -> Any:
        if colour.is_async:
            with anyio.move_on_after(0.1):
                await colour.fetch(transport, colour.request(url))
        else:
            with pytest.raises(colour.error("ReadTimeout")):
                await colour.fetch(transport, colour.request(url, timeout=by(0.3)))
        await colour.fetch(transport, colour.request(good))
        return transport.pool_status()

    limits = colour.family.http.Limits(max_connections=1)
    with Server(handler) as server, Server(polite) as good:
        assert colour.run(scenario, server.url, good.url, limits=limits) == (1, 0, 1)


def test_a_reader_that_leaves_what_has_arrived_frees_the_connection(colour: Colour) -> None:
    """Leaving a body of which more has come than was read holds nothing either."""

    def handler(peer: Peer, server: Server) -> None:
        peer.hear()
        peer.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 9)
        peer.stall()

    async def scenario(transport: Any, url: str) -> Any:
        response = await colour.send(transport, colour.request(url))
        chunks = colour.chunks(response)
        assert (await colour.next(chunks)).startswith(b"a")  # llhttp hands over all that is there
        await colour.close(response)
        return transport.pool_status()

    with Server(handler) as server:
        assert colour.run(scenario, server.url) == (0, 0, 0)


def test_a_good_request_leaves_no_garbage(colour: Colour) -> None:
    """A request that ends well is freed without the garbage collector."""

    async def scenario(transport: Any, url: str) -> int:
        for _ in range(3):
            await colour.fetch(transport, colour.request(url))
        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                await colour.fetch(transport, colour.request(url))
            return gc.collect()
        finally:
            gc.enable()

    with Server(polite) as server:
        assert colour.run(scenario, server.url) == 0
