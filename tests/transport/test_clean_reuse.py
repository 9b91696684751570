"""A connection carries a second request only if it is clean, and once more if it turns out dead."""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING, Any

import pytest

from .server import Server, polite, proxy, socks_proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from .colours import Colour
    from .conftest import Certificates
    from .server import Peer

pytestmark = pytest.mark.usefixtures("either_parser")

SOON = 2.0
FIRST = b"200 OK\r\nContent-Length: 5\r\n\r\nfirst"
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n"

LEFTOVERS: dict[str, tuple[str, bytes, tuple[int, bytes]]] = {
    "an answer more": (
        "GET",
        FIRST + POISON,
        (200, b"first"),
    ),
    "more than its length": ("GET", FIRST + b"!", (200, b"first")),
    "an answer after chunks": ("GET", b"200 OK\r\n" + CHUNKED + POISON, (200, b"first")),
    "a line end after chunks": ("GET", b"200 OK\r\n" + CHUNKED + b"\r\n", (200, b"first")),
    "a body of a 204": ("GET", b"204 No Content\r\nContent-Length: 4\r\n\r\nbody", (204, b"")),
    "an answer after a 204": ("GET", b"204 No Content\r\n\r\n" + POISON, (204, b"")),
    "a body of a 304": ("GET", b"304 Not Modified\r\nContent-Length: 4\r\n\r\nbody", (304, b"")),
    "a body of a HEAD": ("HEAD", FIRST, (200, b"")),
}


def once(say: Callable[[Peer], None]) -> Callable[[Peer, Server], None]:
    """Return a handler that is polite but on its first connection, where it does *say*."""

    def handle(peer: Peer, server: Server) -> None:
        if server.connections > 1:
            polite(peer, server)
            return
        peer.hear()
        say(peer)
        peer.hear()

    return handle


@pytest.mark.parametrize("name", LEFTOVERS)
def test_what_is_left_over_answers_nobody(name: str, colour: Colour) -> None:
    """Bytes after an answer, in the same segment, close the connection."""
    method, said, got = LEFTOVERS[name]

    async def scenario(transport: Any, url: str) -> None:
        assert await colour.fetch(transport, colour.request(url, method)) == got
        assert transport.pool_status() == (0, 0, 0)
        assert await colour.fetch(transport, colour.request(url)) == (200, b"hello")

    with Server(once(lambda peer: peer.say(b"HTTP/1.1 " + said))) as server:
        colour.run(scenario, server.url)
        assert server.connections == 2


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_what_comes_unasked_answers_nobody(
    secure: bool, colour: Colour, certificates: Certificates
) -> None:
    """An answer that comes while a connection is idle closes it."""
    idle, said = threading.Event(), threading.Event()

    def late(peer: Peer) -> None:
        peer.answer(b"first")
        assert idle.wait(SOON)
        peer.say(POISON)
        said.set()

    async def scenario(transport: Any, url: str) -> None:
        assert await colour.fetch(transport, colour.request(url)) == (200, b"first")
        idle.set()
        assert said.wait(SOON)
        assert await colour.fetch(transport, colour.request(url)) == (200, b"hello")

    with Server(once(late), tls=certificates.server if secure else None) as server:
        colour.run(scenario, server.url, verify=certificates.authority)
        assert server.connections == 2


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("length", [5, 65536])
def test_what_was_received_and_not_read_answers_nobody(
    length: int, secure: bool, colour: Colour, certificates: Certificates
) -> None:
    """Nor does what an event loop, or TLS, has taken off the socket ahead of its reader."""
    begun, said = threading.Event(), threading.Event()

    def more(peer: Peer) -> None:
        peer.say(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode())
        assert begun.wait(SOON)
        peer.say(b"x" * length)
        peer.say(POISON)
        said.set()

    async def scenario(transport: Any, url: str) -> None:
        response = await colour.send(transport, colour.request(url))
        begun.set()
        assert said.wait(SOON)
        assert await colour.read(response) == b"x" * length
        assert await colour.fetch(transport, colour.request(url)) == (200, b"hello")

    with Server(once(more), tls=certificates.server if secure else None) as server:
        colour.run(scenario, server.url, verify=certificates.authority)
        assert server.connections == 2


@pytest.mark.parametrize("tunnelled", [False, True])
def test_to_ask_whether_there_is_more_takes_nothing_away(
    tunnelled: bool, colour: Colour, certificates: Certificates
) -> None:
    """A body is whole although somebody asked its stream in the middle whether it can be read."""
    begun, said = threading.Event(), threading.Event()

    def handler(peer: Peer, server: Server) -> None:
        peer.hear()
        peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123")
        assert begun.wait(SOON)
        peer.say(b"456")
        peer.say(b"789")
        said.set()

    async def scenario(transport: Any, url: str) -> None:
        response = await colour.send(transport, colour.request(url))
        chunks = colour.chunks(response)
        got = await colour.next(chunks)
        begun.set()
        assert said.wait(SOON)
        while len(got) < 9:
            response.extensions["network_stream"].get_extra_info("is_readable")
            got += await colour.next(chunks)
        assert got == b"123456789"
        await colour.close(response)

    with (
        Server(handler, tls=certificates.server) as server,
        Server(proxy(), tls=certificates.server) as near,
    ):
        options = {"proxy": near.url} if tunnelled else {}
        colour.run(scenario, server.url, verify=certificates.authority, **options)


@pytest.mark.parametrize(
    "way", ["direct", "TLS", "a proxy", "a tunnel", "a tunnel in TLS", "SOCKS"]
)
def test_a_clean_connection_is_used_again(
    way: str, colour: Colour, certificates: Certificates
) -> None:
    """Whatever lies between, the second request goes the way of the first."""
    tls = None if way in {"direct", "a proxy"} else certificates.server
    near_tls = certificates.server if way == "a tunnel in TLS" else None
    handler = socks_proxy(None) if way == "SOCKS" else proxy()

    async def scenario(transport: Any, url: str) -> None:
        for _ in range(3):
            status, _ = await colour.fetch(transport, colour.request(url))
            assert status == 200
        assert transport.pool_status() == (1, 0, 1)

    with Server(polite, tls=tls) as origin, Server(handler, tls=near_tls) as near:
        scheme = "socks5" if way == "SOCKS" else near.url.partition(":")[0]
        options = {"verify": certificates.authority}
        if way not in {"direct", "TLS"}:
            options["proxy"] = f"{scheme}://localhost:{near.port}"
        colour.run(scenario, origin.url, **options)
    assert max(origin.connections, near.connections) == 1


def abort(peer: Peer) -> None:
    """Have the connection reset."""
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer._file.close()
    peer.sock.close()


def leave(peer: Peer) -> None:
    """Close the connection in order."""


ENDS: dict[str, Callable[[Peer], None]] = {"in order": leave, "by a reset": abort}


def dies_at(number: int, end: Callable[[Peer], None]) -> Callable[[Peer, Server], None]:
    """Return a handler that takes a connection's request of that number, and ends it instead."""

    def handle(peer: Peer, server: Server) -> None:
        while (heard := peer.hear()) is not None:
            server.heard.append(heard)
            if len(server.heard) == number:
                end(peer)
                return
            peer.answer()

    return handle


def body(colour: Colour, kind: str) -> dict[str, Any]:
    def generate() -> Iterator[bytes]:
        yield b"body"

    async def agenerate() -> AsyncIterator[bytes]:
        yield b"body"

    if kind == "one shot":
        return {"content": agenerate() if colour.is_async else generate()}
    return {} if kind == "none" else {"content": b"body"}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("method", "kind", "headers", "again"),
    [
        ("GET", "none", {}, True),
        ("HEAD", "none", {}, True),
        ("PUT", "bytes", {}, True),
        ("DELETE", "none", {}, True),
        ("POST", "bytes", {"idempotency-key": "k"}, True),
        ("POST", "bytes", {}, False),
        ("PATCH", "none", {}, False),
        ("POST", "one shot", {"Idempotency-Key": "k"}, False),
        ("PUT", "one shot", {}, False),
    ],
)
def test_a_stale_connection_is_replaced(
    method: str, kind: str, headers: dict[str, str], again: bool, end: str, colour: Colour
) -> None:
    """What dies under a request on a used connection is sent once more, if it may be and can be."""

    async def scenario(transport: Any, url: str) -> int:
        await colour.fetch(transport, colour.request(url))
        sent = colour.request(url, method, headers=headers, **body(colour, kind))
        status, _ = await colour.fetch(transport, sent)
        return status

    with Server(dies_at(2, ENDS[end])) as server:
        if again:
            assert colour.run(scenario, server.url) == 200
            assert server.heard[1] == server.heard[2]
        else:
            error = colour.family.http.TransportError
            with pytest.raises(error):
                colour.run(scenario, server.url)
        assert server.connections == len(server.heard) - 1 == (2 if again else 1)


def test_an_answer_that_has_begun_is_not_asked_for_again(colour: Colour) -> None:
    """One byte of it is enough: the server has seen the request, and done what it asks."""
    handler = dies_at(2, lambda peer: peer.say(b"H"))

    async def scenario(transport: Any, url: str) -> None:
        await colour.fetch(transport, colour.request(url))
        await colour.fetch(transport, colour.request(url))

    with Server(handler) as server:
        with pytest.raises(colour.error("RemoteProtocolError"), match="middle"):
            colour.run(scenario, server.url)
        assert (server.connections, len(server.heard)) == (1, 2)


@pytest.mark.parametrize("end", ENDS)
def test_a_new_connection_that_dies_is_the_callers_to_know(end: str, colour: Colour) -> None:
    """Neither a first request, nor the one that is sent again, is sent any more often."""

    def die(peer: Peer, server: Server) -> None:
        while (heard := peer.hear()) is not None:
            server.heard.append(heard)
            if len(server.heard) != 2:
                ENDS[end](peer)
                return
            peer.answer()

    async def scenario(transport: Any, url: str) -> list[str]:
        outcomes = []
        for _ in range(3):
            try:
                await colour.fetch(transport, colour.request(url))
            except colour.family.http.TransportError:
                outcomes.append("error")
            else:
                outcomes.append("answer")
        return outcomes

    with Server(die) as server:
        assert colour.run(scenario, server.url) == ["error", "answer", "error"]
        assert (server.connections, len(server.heard)) == (3, 4)


@pytest.mark.parametrize(
    ("framing", "says_so", "whole"),
    [
        ("", True, True),
        ("", False, False),
        ("Content-Length: 4\r\n", False, True),
        ("Content-Length: 5\r\n", True, False),
        ("Content-Length: 5\r\n", False, False),
    ],
)
def test_tls_that_ends_without_saying_so(
    framing: str, says_so: bool, whole: bool, colour: Colour, certificates: Certificates
) -> None:
    """A body that goes on to the end of the connection is whole only if TLS says that it ends."""

    def handler(peer: Peer, server: Server) -> None:
        peer.hear()
        peer.say(f"HTTP/1.1 200 OK\r\nConnection: close\r\n{framing}\r\nbody".encode())
        if says_so:
            peer.sock.unwrap()  # type: ignore[attr-defined]  # it is a TLS socket

    with Server(handler, tls=certificates.server) as server:
        options = {"verify": certificates.authority}
        if whole:
            assert colour.fetched(server.url, **options) == (200, b"body")
        else:
            error = colour.family.http.TransportError
            with pytest.raises(error):
                colour.fetched(server.url, **options)
