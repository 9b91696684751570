from __future__ import annotations

import base64
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from penstock.transport.socks import SocksError, handshake

from .server import Server, polite, proxy, socks_proxy

if TYPE_CHECKING:
    from collections.abc import Callable

    from .colours import Colour
    from .conftest import Certificates
    from .server import Peer

CREDENTIALS = "user:hunter2"


def test_a_plain_request_is_handed_to_the_proxy(colour: Colour) -> None:
    """An http request goes to the proxy with its whole URL and the proxy's credentials."""
    with Server(proxy(CREDENTIALS)) as between:
        url = between.url.replace("://", f"://{CREDENTIALS}@")
        answer = colour.fetched("http://origin.example/x", proxy=url)
    assert answer == (200, b"http://origin.example/x")
    token = base64.b64encode(CREDENTIALS.encode()).decode()
    assert between.heard[0].headers["proxy-authorization"] == f"Basic {token}"


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_an_https_request_goes_through_a_tunnel(
    colour: Colour, certificates: Certificates, secure: bool
) -> None:
    """The proxy sees where to, and its own credentials; the origin sees neither of these."""

    async def scenario(transport: Any, url: str) -> tuple[int, bytes]:
        headers = {"Authorization": "Bearer sk-secret"}
        await colour.fetch(transport, colour.request(url, headers=headers))
        big = colour.request(url, "POST", content=b"x" * 100_000, headers=headers)
        return await colour.fetch(transport, big)

    tls = certificates.server if secure else None
    with Server(polite, tls=certificates.server) as server, Server(proxy(CREDENTIALS), tls) as via:
        url = via.url.replace("://", f"://{CREDENTIALS}@")
        options = {"proxy": url, "verify": certificates.authority}
        assert colour.run(scenario, server.url, **options) == (200, b"hello")
    assert [(heard.method, heard.target) for heard in via.heard] == [
        ("CONNECT", f"localhost:{server.port}")
    ]
    assert "authorization" not in via.heard[0].headers
    assert "proxy-authorization" not in server.heard[0].headers
    assert len(server.heard[1].body) == 100_000
    assert server.connections == 1


def test_a_stranger_behind_a_proxy_is_refused(
    colour: Colour, certificates: Certificates, stranger: str
) -> None:
    """What the proxy leads to is verified as if it were reached directly."""
    trusted = colour.family.http.Proxy
    for tls in (None, certificates.server):
        with Server(polite, tls=certificates.server) as server, Server(proxy(), tls) as via:
            context = ssl.create_default_context(cafile=certificates.authority)
            between = trusted(via.url, ssl_context=context if tls else None)
            with pytest.raises(colour.error("ConnectError"), match="CERTIFICATE_VERIFY_FAILED"):
                colour.fetched(server.url, proxy=between, verify=stranger)
        assert server.heard == []


@pytest.mark.parametrize("said", [b"", b"garbage, and no TLS record"])
def test_a_tunnel_that_breaks(colour: Colour, certificates: Certificates, said: bytes) -> None:
    """An https proxy whose tunnel ends, or holds nonsense, is a `ConnectError`."""

    def handler(peer: Peer, server: Server) -> None:
        peer.hear()
        peer.say(b"HTTP/1.1 200 OK\r\n\r\n")
        peer.sock.recv(65536)
        peer.say(said)

    with Server(handler, tls=certificates.server) as via:
        options = {"proxy": via.url, "verify": certificates.authority}
        with pytest.raises(colour.error("ConnectError")):
            colour.fetched("https://localhost", **options)


def test_a_proxy_is_not_shown_the_clients_certificate(
    colour: Colour, certificates: Certificates
) -> None:
    """A proxy that asks for a client certificate does not get the one meant for the origin."""
    with (
        Server(polite, tls=certificates.server) as server,
        Server(proxy(), certificates.strict_server) as via,
    ):
        options = {"verify": certificates.authority, "cert": certificates.client}
        with pytest.raises((colour.error("NetworkError"), colour.error("RemoteProtocolError"))):
            colour.fetched(server.url, proxy=via.url, **options)
    assert via.heard == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses(colour: Colour, scheme: str) -> None:
    """Wrong credentials are a `ProxyError` for a tunnel, and the proxy's answer otherwise."""
    with Server(proxy(CREDENTIALS)) as between:
        url = between.url.replace("://", "://user:wrong@")
        if scheme == "http":
            assert colour.fetched("http://origin.example", proxy=url)[0] == 407
        else:
            with pytest.raises(colour.error("ProxyError"), match="407") as caught:
                colour.fetched("https://origin.example", proxy=url)
            assert "wrong" not in str(caught.value)


def test_the_environments_proxies_are_used(colour: Colour) -> None:
    """What `http_proxy` and `no_proxy` say holds, unless `trust_env` is off."""
    with Server(polite) as server, Server(proxy()) as between:
        environ = {"http_proxy": between.url}
        via = server.url.encode() + b"/"
        direct = b"hello"
        port = server.port
        for options, body in (
            ({"environ": environ}, via),
            ({"environ": environ, "trust_env": False}, direct),
            ({"environ": {**environ, "no_proxy": "localhost"}}, direct),
            ({"environ": {**environ, "no_proxy": f"localhost:{port}"}}, direct),
            ({"environ": {"http_proxy": "http://u:p@nowhere.invalid"}, "proxy": between.url}, via),
            ({"environ": environ, "proxy": {"all://": None}}, direct),
        ):
            assert colour.fetched(server.url, **options)[1] == body


def test_each_way_out_has_its_own_connections(colour: Colour) -> None:
    """A transport keeps direct connections and those to each proxy side by side."""

    async def scenario(transport: Any, urls: list[str]) -> Any:
        for url in urls * 2:
            await colour.fetch(transport, colour.request(url))
        return transport.pool_status()

    with Server(polite) as server, Server(proxy()) as one, Server(proxy()) as two:
        proxies = {"http://one.example": one.url, "http://two.example": two.url}
        urls = [server.url, "http://one.example", "http://two.example"]
        assert colour.run(scenario, urls, proxy=proxies) == (3, 0, 3)
    assert (server.connections, one.connections, two.connections) == (1, 1, 1)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("credentials", [None, (b"user", b"hunter2")], ids=["open", "password"])
def test_a_socks_proxy_connects(
    colour: Colour, certificates: Certificates, scheme: str, credentials: Any
) -> None:
    """Plain and TLS connections go through a SOCKS5 proxy, which resolves the name."""
    userinfo = "user:hunter2@" if credentials else ""
    with (
        Server(polite) as plain,
        Server(polite, tls=certificates.server) as secure,
        Server(socks_proxy(credentials)) as via,
    ):
        url = f"{scheme}://{userinfo}127.0.0.1:{via.port}"
        for server in (plain, secure):
            got = colour.fetched(server.url, proxy=url, verify=certificates.authority)
            assert got == (200, b"hello")
        targets = [heard.target for heard in via.heard]
        assert targets == [f"localhost:{plain.port}", f"localhost:{secure.port}"]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([b"\x04\x00"], "SOCKS5"),
        ([b"\x05\xff"], "other credentials"),
        ([b"\x05"], "closed"),
        ([b"\x05\x02", b"\x01\x01"], "user or the password"),
        ([b"\x05\x00", b"\x05\x05\x00\x01"], "connection was refused"),
        ([b"\x05\x00", b"\x05\x63\x00\x01"], "it answers 99"),
    ],
)
def test_a_socks_proxy_that_refuses(colour: Colour, answers: list[bytes], said: str) -> None:
    """What a SOCKS proxy refuses, or says wrongly, is a `ProxyError` without the password."""
    handler: Callable[[Peer, Server], None] = lambda peer, _: [  # noqa: E731
        (peer.sock.recv(1024), peer.say(answer)) for answer in answers
    ]
    with Server(handler) as via, pytest.raises(colour.error("ProxyError"), match=said) as caught:
        colour.fetched("http://o.example", proxy=f"socks5://user:hunter2@127.0.0.1:{via.port}")
    assert "hunter2" not in str(caught.value)


def test_a_socks_proxy_that_is_not_there(colour: Colour) -> None:
    """A SOCKS proxy that refuses the connection is a `ConnectError`."""
    with Server(polite) as server:
        port = server.port
    with pytest.raises(colour.error("ConnectError")):
        colour.fetched("http://origin.example", proxy=f"socks5://127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("h.example", b"\x03\x09h.example"),
        ("10.1.2.3", b"\x01\x0a\x01\x02\x03"),
        ("::1", b"\x04" + bytes(15) + b"\x01"),
    ],
)
@pytest.mark.parametrize(
    ("kind", "length"), [(b"\x01", 6), (b"\x04", 18), (b"\x03", None), (b"\x07", 2)]
)
def test_a_socks_handshake(host: str, address: bytes, kind: bytes, length: int | None) -> None:
    """Addresses go as what they are, and the reply is read to its end whatever its kind."""
    steps = handshake(host, 443, None)
    assert next(steps) == (b"\x05\x01\x00", 2)
    assert steps.send(b"\x05\x00") == (b"\x05\x01\x00" + address + b"\x01\xbb", 4)
    step = steps.send(b"\x05\x00\x00" + kind)
    if length is None:
        assert step == (b"", 1)
        step, length = steps.send(b"\x0b"), 13
    assert step == (b"", length)
    with pytest.raises(StopIteration):
        steps.send(bytes(length))


def test_a_name_too_long_for_socks() -> None:
    """A name that does not fit the protocol is refused."""
    steps = handshake("h" * 256, 443, None)
    next(steps)
    with pytest.raises(SocksError, match="too long"):
        steps.send(b"\x05\x00")
