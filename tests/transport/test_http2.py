from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import h2.config
import h2.connection
import h2.events
import pytest

from .colours import Colour, by
from .server import Server

if TYPE_CHECKING:
    from .conftest import Certificates
    from .server import Peer

LIMIT = 0.15


def multiplexed(peer: Peer, server: Server) -> None:
    """Answer `/` over HTTP/2; for any other path, drip a body that never ends."""
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    peer.say(connection.data_to_send())
    dripping: set[int] = set()
    peer.sock.settimeout(0.02)
    while not peer.stopping.is_set():
        try:
            data = peer.sock.recv(65536)
            if not data:
                return
        except TimeoutError:
            data = b""
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                connection.send_headers(event.stream_id, [(":status", "200")])
                if dict(event.headers)[b":path"] == b"/":
                    connection.send_data(event.stream_id, b"hello", end_stream=True)
                else:
                    dripping.add(event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                dripping.discard(event.stream_id)
        for stream in dripping:
            connection.send_data(stream, b"a")
        peer.say(connection.data_to_send())


def test_requests_share_one_connection(colour: Colour) -> None:
    """With HTTP/2 alone, requests share a connection that was not asked for by TLS."""

    async def scenario(transport: Any, url: str) -> Any:
        await colour.fetch(transport, colour.request(url))
        response = await colour.send(transport, colour.request(url))
        return response.http_version, await colour.read(response)

    with Server(multiplexed) as server:
        assert colour.run(scenario, server.url, http1=False, http2=True) == ("HTTP/2", b"hello")
    assert server.connections == 1


def test_http2_is_offered_by_tls(colour: Colour, certificates: Certificates) -> None:
    """With `http2=True` a server that chooses HTTP/2 gets it; without, it is not offered."""
    certificates.server.set_alpn_protocols(["h2", "http/1.1"])

    async def scenario(transport: Any, url: str) -> Any:
        response = await colour.send(transport, colour.request(url))
        await colour.read(response)
        stream = response.extensions["network_stream"]
        return stream.get_extra_info("ssl_object").selected_alpn_protocol()

    with Server(multiplexed, tls=certificates.server) as server:
        options = {"verify": certificates.authority, "http2": True}
        assert colour.run(scenario, server.url, **options) == "h2"


def test_no_http2_body_outlives_the_moment(colour: Colour) -> None:
    """A limit that came with one request reaches the socket it shares with others."""

    async def scenario(transport: Any, url: str) -> float:
        await colour.fetch(transport, colour.request(url, timeout=by(30.0)))
        started = time.monotonic()
        with pytest.raises(colour.error("TimeoutException")):
            await colour.fetch(transport, colour.request(f"{url}/drip", timeout=by(LIMIT)))
        return time.monotonic() - started

    with Server(multiplexed) as server:
        taken: float = colour.run(scenario, server.url, http1=False, http2=True)
    assert LIMIT * 0.9 <= taken < 2.0
    assert server.connections == 1


# httpcore 1 leaves the inner ones of its nested generators to trio, which says so.
@pytest.mark.filterwarnings("ignore:Async generator 'httpcore._async.http2:ResourceWarning")
def test_a_reader_that_leaves_an_http2_body_frees_its_stream(colour: Colour) -> None:
    """Leaving one body leaves the connection to the other requests."""

    async def scenario(transport: Any, url: str) -> Any:
        response = await colour.send(transport, colour.request(f"{url}/drip"))
        chunks = colour.chunks(response)
        await colour.next(chunks)
        await colour.close(response)
        return await colour.fetch(transport, colour.request(url))

    with Server(multiplexed) as server:
        assert colour.run(scenario, server.url, http1=False, http2=True) == (200, b"hello")
    assert server.connections == 1
