from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from penstock.transport import Until

from .colours import Colour, by
from .server import Server, dripping_body, dripping_head, polite, stalled

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Certificates
    from .server import Peer

LIMIT = 0.15
SOON = 2.0
"""Seconds within which a limit of 0.15 s has ended, on the busiest machine."""


def ends(colour: Colour, error: str, scenario: Any, *args: Any, **options: Any) -> None:
    """Assert that a scenario ends with *error* when its limit does, not long before or after."""
    started = time.monotonic()
    with pytest.raises(colour.error(error)):
        colour.run(scenario, *args, **options)
    assert LIMIT * 0.5 <= time.monotonic() - started < SOON  # begun a little before


@pytest.mark.parametrize("handler", [dripping_head, dripping_body, stalled])
def test_no_answer_outlives_the_moment(
    colour: Colour, handler: Callable[[Peer, Server], None]
) -> None:
    """A server that drips its head or its body, or says nothing, is left when the moment comes."""
    with Server(handler) as server:
        ends(colour, "ReadTimeout", colour.fetch, colour.request(server.url, timeout=by(LIMIT)))


def test_no_upload_outlives_the_moment(colour: Colour) -> None:
    """A large body that nobody reads is given up when the moment comes."""
    body = b"x" * 50_000_000
    with Server(stalled) as server:
        request = colour.request(server.url, "POST", content=body, timeout=by(LIMIT))
        ends(colour, "WriteTimeout", colour.fetch, request)


def test_no_handshake_outlives_the_moment(colour: Colour) -> None:
    """A server that takes a connection and never answers TLS is left when the moment comes."""
    with Server(stalled) as server:
        url = server.url.replace("http:", "https:")
        ends(colour, "ConnectTimeout", colour.fetch, colour.request(url, timeout=by(LIMIT)))


def test_a_moment_that_has_passed_sends_nothing(colour: Colour) -> None:
    """With nothing left at the start, no connection is opened."""
    with Server(stalled) as server, pytest.raises(colour.error("ConnectTimeout")):
        colour.run(colour.fetch, colour.request(server.url, timeout=by(-1.0)))
    assert server.connections == 0


def test_a_limit_set_after_the_head_bounds_the_body(colour: Colour) -> None:
    """A stream's read timeout may be changed between its head and its body."""

    async def scenario(transport: Any, url: str) -> None:
        request = colour.request(url)
        response = await colour.send(transport, request)
        request.extensions["timeout"]["read"] = by(LIMIT)["read"]
        await colour.read(response)

    with Server(dripping_body) as server:
        ends(colour, "ReadTimeout", scenario, server.url)


def test_plain_timeouts_keep_their_meaning(colour: Colour) -> None:
    """A plain number bounds one read: it ends a silence, and lets a drip go on."""

    async def scenario(transport: Any, url: str) -> None:
        response = await colour.send(transport, colour.request(url, timeout={"read": LIMIT}))
        chunks = colour.chunks(response)
        until = time.monotonic() + 2 * LIMIT
        while time.monotonic() < until:
            await colour.next(chunks)
        await colour.close(response)

    with Server(dripping_body) as server:
        colour.run(scenario, server.url)
    with Server(stalled) as server:
        request = colour.request(server.url, timeout={"read": LIMIT})
        ends(colour, "ReadTimeout", colour.fetch, request)


def test_each_request_has_its_own_limit(colour: Colour) -> None:
    """A limit belongs to its request: the next one on the same connection has another."""

    def handler(peer: Peer, server: Server) -> None:
        peer.hear()
        peer.answer()
        dripping_head(peer, server)

    async def scenario(transport: Any, url: str) -> None:
        await colour.fetch(transport, colour.request(url, timeout=by(30.0)))
        await colour.fetch(transport, colour.request(url, timeout=by(LIMIT)))

    with Server(handler) as server:
        ends(colour, "ReadTimeout", scenario, server.url)
        assert server.connections == 1


def test_no_nested_handshake_outlives_the_moment(
    colour: Colour, certificates: Certificates
) -> None:
    """An https proxy that drips the origin's handshake is left when the moment comes."""

    def handler(peer: Peer, server: Server) -> None:
        peer.hear()
        peer.say(b"HTTP/1.1 200 OK\r\n\r\n")
        peer.sock.recv(65536)
        peer.drip(b"\x16\x03\x03\x40\x00", b"\x00")

    with Server(handler, tls=certificates.server) as server:
        request = colour.request("https://origin.example", timeout=by(LIMIT))
        options = {"proxy": server.url, "verify": certificates.authority}
        ends(colour, "ConnectTimeout", colour.fetch, request, **options)


@pytest.mark.parametrize("said", [b"", b"\x05\x00"])
def test_no_socks_handshake_outlives_the_moment(colour: Colour, said: bytes) -> None:
    """A SOCKS proxy that never answers is left when the moment comes."""

    def handler(peer: Peer, server: Server) -> None:
        peer.say(said)
        peer.stall()

    with Server(handler) as server:
        request = colour.request("http://origin.example", timeout=by(LIMIT))
        options = {"proxy": f"socks5://127.0.0.1:{server.port}"}
        ends(colour, "ConnectTimeout", colour.fetch, request, **options)


def test_no_dripped_handshake_outlives_the_moment(colour: Colour) -> None:
    """A server that drips its part of TLS is left when the moment comes."""

    def handler(peer: Peer, server: Server) -> None:
        peer.sock.recv(65536)
        peer.drip(b"\x16\x03\x03\x40\x00", b"\x00")

    with Server(handler) as server:
        url = server.url.replace("http:", "https:")
        ends(colour, "ConnectTimeout", colour.fetch, colour.request(url, timeout=by(LIMIT)))


def test_no_tunnel_outlives_the_moment(colour: Colour) -> None:
    """A proxy that drips its answer to CONNECT is left when the moment comes."""
    with Server(dripping_head) as server:
        request = colour.request("https://origin.example", timeout=by(LIMIT))
        ends(colour, "ReadTimeout", colour.fetch, request, proxy=server.url)


def test_no_dripped_socks_handshake_outlives_the_moment(colour: Colour) -> None:
    """A SOCKS proxy that drips its answer is left when the moment comes."""

    def handler(peer: Peer, server: Server) -> None:
        peer.say(b"\x05\x00")
        peer.drip(b"\x05\x00\x00\x03\xff", b"a")

    with Server(handler) as server:
        request = colour.request("http://origin.example", timeout=by(LIMIT))
        options = {"proxy": f"socks5://127.0.0.1:{server.port}"}
        ends(colour, "ConnectTimeout", colour.fetch, request, **options)


def test_no_upload_over_tls_outlives_the_moment(colour: Colour, certificates: Certificates) -> None:
    """Nor does a large body inside TLS."""
    with Server(stalled, tls=certificates.server) as server:
        body = b"x" * 50_000_000
        limit = {"write": by(LIMIT)["write"]}  # the handshake takes as long as it takes
        request = colour.request(server.url, "POST", content=body, timeout=limit)
        ends(colour, "WriteTimeout", colour.fetch, request, verify=certificates.authority)


def test_no_number_of_addresses_outlives_the_moment(
    colour: Colour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three addresses of one name, none of which takes a connection, end together in time."""
    addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    with contextlib.ExitStack() as stack:
        port = 0
        for address in addresses:
            listener = stack.enter_context(socket.socket())
            listener.bind((address, port))
            port = listener.getsockname()[1]
            listener.listen(0)
            for _ in range(2):  # more than may wait to be accepted: the next get no answer
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex((address, port))
        found = [(2, 1, 6, "", (address, port)) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        request = colour.request(f"http://three.test:{port}", timeout=by(LIMIT))
        ends(colour, "ConnectTimeout", colour.fetch, request)


def test_an_until_without_limits_waits(colour: Colour) -> None:
    """An `Until` with neither phase nor moment, and None, are no limit."""
    endless = Until(None, None, time.monotonic)
    with Server(polite) as server:
        for timeout in (endless, None):
            request = colour.request(
                server.url, timeout=dict.fromkeys(("connect", "read", "write", "pool"), timeout)
            )
            assert colour.run(colour.fetch, request) == (200, b"hello")
