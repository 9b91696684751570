"""What httpcore documents of its pool and its extensions holds for ours, over both engines."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import anyio
import h2.config
import h2.connection
import h2.events
import pytest

from penstock import Limits

from .server import Server, dripping_body, polite
from .test_pool import Crowd, limited

if TYPE_CHECKING:
    from .colours import Colour
    from .conftest import Certificates
    from .server import Peer


@pytest.mark.parametrize("by", ["request", "response", "HTTP/1.0"])
def test_a_connection_that_is_to_be_closed_is_not_kept(colour: Colour, by: str) -> None:
    """Whichever end says `Connection: close`, or speaks HTTP/1.0, the connection ends there."""
    headers = {"Host": "localhost", "Connection": "close"} if by == "request" else {}

    def handler(peer: Peer, server: Server) -> None:
        while peer.hear() is not None:
            if by == "HTTP/1.0":
                peer.say(b"HTTP/1.0 200 OK\r\n\r\nhello")
                return
            peer.answer(headers="Connection: close\r\n" if by == "response" else "")

    async def scenario(transport: Any, url: str) -> None:
        for _ in range(2):
            request = colour.request(url, headers=headers)
            assert await colour.fetch(transport, request) == (200, b"hello")
            assert transport.pool_status() == (0, 0, 0)

    with Server(handler) as server:
        colour.run(scenario, server.url)
    assert server.connections == 2


def test_no_idle_connection_where_none_is_allowed(colour: Colour) -> None:
    """With `max_keepalive_connections=0` nothing is kept."""

    async def scenario(transport: Any, url: str) -> None:
        for _ in range(2):
            assert await colour.fetch(transport, colour.request(url)) == (200, b"hello")
            assert transport.pool_status() == (0, 0, 0)

    with Server(polite) as server:
        options = limited(colour, max_keepalive_connections=0)
        colour.run(scenario, server.url, **options)
    assert server.connections == 2


def test_an_origin_is_scheme_host_and_port(colour: Colour, certificates: Certificates) -> None:
    """Another scheme, host or port is another connection; another path is not."""

    async def scenario(transport: Any, *urls: str) -> Any:
        for url in urls:
            assert await colour.fetch(transport, colour.request(url)) == (200, b"hello")
        return transport.pool_status()

    with Server(polite) as one, Server(polite, tls=certificates.server) as two:
        by_address = one.url.replace("localhost", "127.0.0.1")
        urls = [one.url, f"{one.url}/path?query", by_address, two.url, one.url, two.url]
        status = colour.run(scenario, *urls, verify=certificates.authority)
    assert status == (3, 0, 3)
    assert (one.connections, two.connections) == (2, 1)


@pytest.mark.parametrize("colour", ["asyncio", "trio"], indirect=True)
def test_one_connection_at_a_time_to_a_server_that_closes_each(colour: Colour) -> None:
    """With one connection allowed there is one at a time, also where each carries one request."""

    def closing(peer: Peer, server: Server) -> None:
        peer.hear()
        peer.answer(headers="Connection: close\r\n")

    async def scenario(transport: Any, url: str) -> None:
        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(colour.fetch, transport, colour.request(url))
        assert transport.pool_status() == (0, 0, 0)

    with Server(closing) as server:
        colour.run(scenario, server.url, **limited(colour))
    assert server.connections == 6


def test_a_patience_of_zero(colour: Colour) -> None:
    """A `pool` timeout of 0 refuses to wait, and nothing else."""

    async def scenario(transport: Any, url: str) -> None:
        now = {"pool": 0}
        for _ in range(2):
            assert (await colour.fetch(transport, colour.request(url, timeout=now)))[0] == 200
        held = await colour.send(transport, colour.request(url, timeout=now))
        with pytest.raises(colour.error("PoolTimeout")):
            await colour.send(transport, colour.request(url, timeout=now))
        assert await colour.read(held) == b"hello"

    with Server(polite) as server:
        colour.run(scenario, server.url, **limited(colour))


@pytest.mark.parametrize("url", ["ftp://localhost/", "//localhost/"])
def test_a_scheme_that_is_not_spoken(colour: Colour, url: str) -> None:
    """A URL that is neither http nor https is the family's `UnsupportedProtocol`."""
    with pytest.raises(colour.error("UnsupportedProtocol")):
        colour.run(colour.fetch, colour.request(url))


def test_a_body_under_way_when_the_pool_is_closed(colour: Colour) -> None:
    """What is read from a transport that was closed is an error, not a short body."""

    async def drained(chunks: Any) -> None:
        while True:
            await colour.next(chunks)

    async def scenario(transport: Any, url: str) -> None:
        response = await colour.send(transport, colour.request(url))
        chunks = colour.chunks(response)
        await colour.next(chunks)
        await colour.close(transport)
        with pytest.raises(colour.error("TransportError")):
            await drained(chunks)
        await colour.close(response)

    with Server(dripping_body) as server:
        colour.run(scenario, server.url)


def test_what_happens_is_traced(colour: Colour) -> None:
    """The extension `trace` is told of each step; a reused connection connects no more."""
    told: list[str] = []

    def blocking(name: str, info: Any) -> None:
        if name.endswith(".started"):
            told.append(name.removesuffix(".started").partition(".")[2])

    async def trace(name: str, info: Any) -> None:
        blocking(name, info)

    async def scenario(transport: Any, url: str) -> None:
        for _ in range(2):
            request = colour.request(url)
            request.extensions["trace"] = trace if colour.is_async else blocking
            await colour.fetch(transport, request)

    with Server(polite) as server:
        colour.run(scenario, server.url)
    exchange = ["send_request_headers", "send_request_body", "receive_response_headers"]
    exchange += ["receive_response_body", "response_closed"]
    assert told == ["connect_tcp", *exchange, *exchange]


def test_a_target_of_ones_own(colour: Colour) -> None:
    """The extension `target` is asked for in place of the URL's path (RFC 9112 §3.2)."""

    async def scenario(transport: Any, url: str) -> None:
        request = colour.request(url, "OPTIONS")
        request.extensions["target"] = b"*"
        assert await colour.fetch(transport, request) == (200, b"hello")

    with Server(polite) as server:
        colour.run(scenario, server.url)
    assert [(heard.method, heard.target) for heard in server.heard] == [("OPTIONS", "*")]


def test_a_server_name_of_ones_own(colour: Colour, certificates: Certificates) -> None:
    """The extension `sni_hostname` is the name that TLS asks for and verifies."""

    async def scenario(transport: Any, url: str) -> None:
        request = colour.request(url)
        request.extensions["sni_hostname"] = "elsewhere.example"
        assert await colour.fetch(transport, request) == (200, b"hello")

    with Server(polite, tls=certificates.misnamed_server) as server:
        colour.run(scenario, server.url, verify=certificates.authority)


def test_an_upgraded_connection_is_the_callers(colour: Colour) -> None:
    """After 101 the stream is the caller's to read and write, and nobody else gets it."""

    def handler(peer: Peer, server: Server) -> None:
        peer.hear()
        peer.say(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhi")
        peer.say(peer.sock.recv(100).upper())

    async def scenario(transport: Any, url: str) -> None:
        headers = {"Host": "localhost", "Connection": "upgrade", "Upgrade": "x"}
        response = await colour.send(transport, colour.request(url, headers=headers))
        assert response.status_code == 101
        stream = response.extensions["network_stream"]
        for send, expected in ((None, b"hi"), (b"shout", b"SHOUT")):
            if colour.is_async:
                if send:
                    await stream.write(send)
                assert await stream.read(100) == expected
            else:
                if send:
                    stream.write(send)
                assert stream.read(100) == expected
        assert transport.pool_status() == (1, 1, 0)
        await colour.close(response)
        assert transport.pool_status() == (0, 0, 0)

    with Server(handler) as server:
        colour.run(scenario, server.url)


def leaving(peer: Peer, server: Server) -> None:
    """Answer one request over HTTP/2 and say goodbye (RFC 9113 §6.8)."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    peer.say(connection.data_to_send())
    answered = False
    while (data := peer.sock.recv(65536)) and not answered:
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                connection.send_headers(event.stream_id, [(":status", "200")])
                connection.send_data(event.stream_id, b"hello", end_stream=True)
                answered = True
        if answered:
            connection.close_connection(last_stream_id=1)
        peer.say(connection.data_to_send())


def test_after_a_goodbye_comes_another_connection(colour: Colour) -> None:
    """A server that leaves an HTTP/2 connection after its answer is asked next on a new one."""

    async def scenario(transport: Any, url: str) -> None:
        for _ in range(2):
            assert await colour.fetch(transport, colour.request(url)) == (200, b"hello")

    with Server(leaving) as server:
        colour.run(scenario, server.url, http1=False, http2=True)
    assert server.connections == 2


@pytest.mark.parametrize("family", ["httpx"], indirect=True)
@pytest.mark.parametrize("colour", ["sync"], indirect=True)
def test_no_thread_exceeds_the_limit_of_an_origin(colour: Colour) -> None:
    """Threads hold no more connections to an origin than its share, and each is served."""
    crowd = Crowd()
    limits = Limits(max_connections=8, max_connections_per_origin=3)
    transport = colour.transport(limits=limits)
    statuses: list[int] = []

    def work(url: str) -> None:
        for _ in range(5):
            response = transport.handle_request(colour.request(url))
            response.read()
            statuses.append(response.status_code)

    with Server(crowd) as server:
        threads = [threading.Thread(target=work, args=(server.url,)) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        transport.close()
    assert statuses == [200] * 60
    assert crowd.most <= 3
