from __future__ import annotations

import gc
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from penstock.errors import ClientClosed, ConfigurationError
from penstock.transport import AsyncPoolTransport, PoolTransport, family_of

from .colours import Colour, by
from .server import Server, dripping_body, polite

if TYPE_CHECKING:
    from pathlib import Path

    from .server import Peer


def test_two_requests_use_one_connection(colour: Colour) -> None:
    """A connection whose body was read to its end carries the next request."""

    async def scenario(transport: Any, url: str) -> tuple[Any, ...]:
        first = await colour.fetch(transport, colour.request(url))
        idle = transport.pool_status()
        second = await colour.fetch(transport, colour.request(url))
        return first, idle, second

    with Server(polite) as server:
        first, idle, second = colour.run(scenario, server.url)
    assert first == second == (200, b"hello")
    assert idle == (1, 0, 1)
    assert server.connections == 1


def test_a_response_is_the_familys_own(colour: Colour) -> None:
    """What comes back is what the family's own transport would have returned."""

    async def scenario(transport: Any, url: str) -> Any:
        response = await colour.send(transport, colour.request(url))
        await colour.read(response)
        return response

    with Server(polite) as server:
        response = colour.run(scenario, server.url)
    assert type(response) is colour.family.http.Response
    assert response.headers["content-length"] == "5"
    assert response.http_version == "HTTP/1.1"
    assert response.reason_phrase == "OK"
    assert "network_stream" in response.extensions


def test_a_transport_is_of_its_family(colour: Colour) -> None:
    """A transport is an instance of the family's own base class."""
    transport = colour.transport()
    name = "AsyncBaseTransport" if colour.is_async else "BaseTransport"
    assert isinstance(transport, getattr(colour.family.http, name))
    assert family_of(transport) == colour.family


def test_an_httpx_client_sends_with_it() -> None:
    """A whole httpx client works on the owned transport."""
    with Server(polite) as server, httpx.Client(transport=PoolTransport(environ={})) as client:
        response = client.post(server.url, json={"a": 1})
        assert response.text == "hello"
        assert server.heard[0].body == b'{"a":1}'


def test_a_reader_that_leaves_gives_the_connection_back(colour: Colour) -> None:
    """Closing a half-read body frees its place in the pool at once."""

    async def scenario(transport: Any, url: str) -> tuple[Any, ...]:
        response = await colour.send(transport, colour.request(url))
        chunks = colour.chunks(response)
        chunk = await colour.next(chunks)
        during = transport.pool_status()
        await colour.close(response)
        await colour.close(response)
        return chunk, during, transport.pool_status()

    with Server(dripping_body) as server:
        chunk, during, after = colour.run(scenario, server.url)
    gc.collect()
    assert set(chunk) == {ord("a")}
    assert during == (1, 1, 0)
    assert after == (0, 0, 0)


def test_closing_an_unread_body_gives_the_connection_back(colour: Colour) -> None:
    """A response may be closed without its body having been looked at."""

    async def scenario(transport: Any, url: str) -> Any:
        await colour.close(await colour.send(transport, colour.request(url)))
        return transport.pool_status()

    with Server(dripping_body) as server:
        assert colour.run(scenario, server.url).active == 0


def test_a_refused_connection_is_the_familys_error(colour: Colour) -> None:
    """The engine's errors come up as the family's, by the same name, without a request."""
    with Server(polite) as server:
        url = server.url
    with pytest.raises(colour.error("ConnectError")) as caught:
        colour.fetched(url)
    assert type(caught.value.__cause__).__module__ == colour.family.core.__name__
    with pytest.raises(RuntimeError):
        _ = caught.value.request


def test_an_answer_that_is_not_http_is_the_familys_error(colour: Colour) -> None:
    """What breaks the protocol, in the head or in the body, is a `RemoteProtocolError`."""
    for answer in (b"HELO\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"):
        handler = partial(broken, answer=answer)
        with Server(handler) as server, pytest.raises(colour.error("RemoteProtocolError")):
            colour.fetched(server.url)


def broken(peer: Peer, server: Server, answer: bytes) -> None:
    peer.hear()
    peer.say(answer)


def test_an_illegal_header_is_not_quoted(colour: Colour) -> None:
    """The error for a header that cannot be sent, and what it came from, do not show its value."""
    headers = {"Authorization": "Bearer sk-secret\n"}
    with Server(polite) as server, pytest.raises(colour.error("LocalProtocolError")) as caught:
        colour.run(colour.fetch, colour.request(server.url, headers=headers))
    error: BaseException | None = caught.value
    assert str(error) == "Illegal header value"
    while error is not None:
        assert "sk-secret" not in repr(error)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "localhost:70000", "no-such-host.invalid"])
def test_a_host_that_cannot_be_connected_to(colour: Colour, host: str) -> None:
    """A host or a port that cannot be is a `ConnectError`, not an error of the standard library."""
    with pytest.raises(colour.error("ConnectError")):
        colour.fetched(f"http://{host}/")


def test_a_socket_in_the_file_system(colour: Colour, tmp_path: Path) -> None:
    """With `uds=`, the path is what is connected to, whatever the URL's host."""
    path = str(tmp_path / "s")
    with Server(polite, path=path) as server:
        assert colour.fetched("http://anywhere.example/x", uds=path) == (200, b"hello")
    assert server.heard[0].headers["host"] == "anywhere.example"


def test_a_closed_transport_sends_nothing(colour: Colour) -> None:
    """After a close every request is refused, and closing again is nothing."""

    async def scenario(transport: Any, url: str) -> Any:
        await colour.fetch(transport, colour.request(url))
        await colour.close(transport)
        with pytest.raises(ClientClosed, match="the client is closed: make another"):
            await colour.send(transport, colour.request(url))
        return transport.pool_status()

    with Server(polite) as server:
        assert colour.run(scenario, server.url).connections == 0
    assert len(server.heard) == 1


def test_the_connections_are_limited(colour: Colour) -> None:
    """A request for which no connection comes free in time is a `PoolTimeout`."""

    async def scenario(transport: Any, url: str) -> None:
        held = await colour.send(transport, colour.request(url))
        timeout = {"pool": by(0.05)["read"]}
        try:
            with pytest.raises(colour.error("PoolTimeout")):
                await colour.send(transport, colour.request(url, timeout=timeout))
        finally:
            await colour.close(held)

    limits = colour.family.http.Limits(max_connections=1)
    with Server(dripping_body) as server:
        colour.run(scenario, server.url, limits=limits)
        assert server.connections == 1


def test_a_body_of_the_other_colour_is_refused(colour: Colour) -> None:
    """A body that this colour cannot iterate is an error before anything is sent."""
    http = colour.family.http

    class Other(http.SyncByteStream if colour.is_async else http.AsyncByteStream):
        """A body of the other colour."""

    with Server(polite) as server, pytest.raises(ConfigurationError, match="other colour"):
        colour.run(colour.fetch, colour.request(server.url, "POST", stream=Other()))
    assert server.heard == []


def test_threads_share_a_transport(family: Any) -> None:
    """Many threads that use a new transport at the same moment make one pool between them."""
    colour = Colour("sync", family)
    transport = colour.transport(limits=family.http.Limits(max_connections=2))
    start = threading.Barrier(8)
    statuses = []

    def work(url: str) -> None:
        start.wait()
        response = transport.handle_request(colour.request(url))
        response.read()
        statuses.append(response.status_code)

    with Server(polite) as server:
        threads = [threading.Thread(target=work, args=(server.url,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        transport.close()
    assert statuses == [200] * 8
    assert server.connections <= 2


@pytest.mark.parametrize(
    "options",
    [
        {"limits": httpx.Limits(max_connections=0)},
        {"limits": httpx.Limits(max_keepalive_connections=-1)},
        {"limits": httpx.Limits(keepalive_expiry=float("nan"))},
        {"limits": httpx.Limits(max_connections=True)},
        {"http1": False},
        {"uds": "/s", "proxy": "http://proxy.example"},
        {"proxy": 7},
    ],
)
def test_what_cannot_work_is_refused_at_construction(options: dict[str, Any]) -> None:
    """A setting that cannot work is an error before any request."""
    with pytest.raises(ConfigurationError):
        PoolTransport(environ={}, **options)


@pytest.mark.parametrize("transport", [PoolTransport, AsyncPoolTransport])
def test_http2_needs_its_extra(transport: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP/2 without its package is an error at construction that says what to install."""
    monkeypatch.setitem(sys.modules, "h2", None)
    with pytest.raises(ConfigurationError, match=r"penstock\[http2\]"):
        transport(http2=True, environ={})


def test_a_repr_shows_settings_and_no_secret(colour: Colour) -> None:
    """The repr names family, limits and proxies, and no credential."""
    shown = repr(colour.transport(proxy="http://user:hunter2@proxy.example:3128"))
    assert colour.family.name in shown
    assert "max_connections=100" in shown
    assert "http://proxy.example:3128" in shown
    assert "hunter2" not in shown
    assert "user" not in shown
