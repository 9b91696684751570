"""Heads of answers: how long they are, how many come before, and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpcore
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import penstock
from penstock import ConnectionFailed, InvalidOption, ResponseTooLarge
from penstock.transport.heads import Heads, Unanswered

from .colours import Colour, step
from .server import Server, socks_proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .conftest import Certificates
    from .server import Peer

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
ANSWERS = [OK, HINTS + OK, HINTS * 3 + OK, OK.replace(b"\r", b""), b"\r\n", b"\n" + OK]


def reader(parts: Iterable[bytes]) -> Callable[[], bytes]:
    return iter([*parts, b""]).__next__


def one_answer(heads: Heads, parts: Iterable[bytes]) -> bytes:
    """Return what the engine is given first, in both colours alike."""
    parts = list(parts)
    twin = Heads(httpcore, 200)
    some = reader(parts)

    async def asome() -> bytes:
        return some()

    twin.asked()
    given_async = step(twin.aread(asome))
    heads.asked()
    given_sync = heads.read(reader(parts))
    assert given_sync == given_async
    return given_sync


@settings(max_examples=50)
@given(
    answer=st.sampled_from(ANSWERS), body=st.binary(max_size=40), cuts=st.lists(st.integers(1, 99))
)
def test_a_head_is_handed_over_in_one_piece(answer: bytes, body: bytes, cuts: list[int]) -> None:
    """However it comes, the engine gets all of it at once, and nothing is lost or added."""
    said = answer + body
    ends = sorted({cut for cut in cuts if cut < len(said)})
    parts = [said[a:b] for a, b in zip([0, *ends], [*ends, len(said)], strict=True)]
    heads = Heads(httpcore, 200)
    first = one_answer(heads, parts)
    assert said.startswith(first)
    assert first.startswith(answer[:1] if answer[:1] in b"\r\n" else answer)
    assert not heads.awaited


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("said", [OK, HINTS + OK, b"\x00" * 100])
def test_a_head_at_its_limit(said: bytes, size: int) -> None:
    """It may be as long as the limit, interim ones included; a byte more names the limit."""
    parts = [said[start : start + size] for start in range(0, len(said), size)]
    for most in (len(said), len(said) - 1):
        heads = Heads(httpcore, most)
        heads.asked()
        if most == len(said) and said.endswith(OK):
            assert heads.read(reader([*parts, b"body" * 1000])) == said
        else:
            parts += [b"\x00"] if most == len(said) else []
            with pytest.raises(ResponseTooLarge, match=f"max_header_bytes={most}"):
                heads.read(reader(parts))


def test_a_protocol_that_was_switched_to_is_not_watched() -> None:
    """After a 101 anything may come, in any length."""
    heads = Heads(httpcore, 200)
    heads.asked()
    heads.read(reader([b"HTTP/1.1 101 Switching Protocols\r\n\r\n"]))
    heads.asked()
    assert not heads.awaited


def test_an_end_tells_whether_there_was_an_answer() -> None:
    """It is an `Unanswered` on a connection that has answered before, of which no byte came."""

    def fail() -> bytes:
        raise httpcore.ReadError("reset")

    def ended(heads: Heads, some: Callable[[], bytes]) -> bool:
        heads.asked()
        with pytest.raises((httpcore.ReadError, httpcore.RemoteProtocolError)) as caught:
            heads.read(some)
        assert type(caught.value).__name__ in {"ReadError", "RemoteProtocolError"}
        return isinstance(caught.value, Unanswered)

    fresh, used = Heads(httpcore, 200), Heads(httpcore, 200)
    used.asked()
    used.read(reader([OK]))
    assert not ended(fresh, reader([]))
    assert not ended(fresh, fail)
    assert ended(used, reader([]))
    assert ended(used, fail)
    assert not ended(used, reader([b"H"]))


def saying(*parts: bytes) -> Callable[[Peer, Server], None]:
    def handle(peer: Peer, server: Server) -> None:
        while peer.hear() is not None:
            for part in parts:
                peer.say(part)

    return handle


def endless(first: bytes, then: bytes) -> Callable[[Peer, Server], None]:
    """Return a handler that says *then* as fast as it is read, until the client has gone."""

    def handle(peer: Peer, server: Server) -> None:
        peer.hear()
        peer.say(first)
        while not peer.stopping.is_set():
            peer.say(then)

    return handle


ENDLESS = {
    "a header": endless(OK[:-2] + b"X-Long: ", b"a" * 1000),
    "headers": endless(OK[:-2], b"X-More: a\r\n" * 1000),
    "a status line": endless(b"HTTP/1.1 200 ", b"O" * 1000),
    "no HTTP": endless(b"", b"\x00" * 1000),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_no_head_is_endless(name: str, colour: Colour) -> None:
    """A head that does not end is left at the limit, and its connection closed."""

    async def scenario(transport: Any, url: str) -> None:
        with pytest.raises(ResponseTooLarge, match=r"max_header_bytes=5000.*higher"):
            await colour.fetch(transport, colour.request(url))
        assert transport.pool_status() == (0, 0, 0)

    with Server(ENDLESS[name]) as server:
        colour.run(scenario, server.url, max_header_bytes=5000)


@pytest.mark.parametrize(("interim", "passes"), [(100, True), (101, False)])
def test_interim_answers_are_counted(interim: int, passes: bool, colour: Colour) -> None:
    """A hundred of them may come before an answer, and no more."""
    said = b"HTTP/1.1 102 Processing\r\n\r\n" * interim + OK + b"body"
    with Server(saying(said[:1000], said[1000:])) as server:
        if passes:
            assert colour.fetched(server.url) == (200, b"body")
        else:
            with pytest.raises(colour.error("RemoteProtocolError"), match="interim"):
                colour.fetched(server.url)


def test_the_limit_can_be_raised(colour: Colour) -> None:
    """A head that is longer than the engine's own bound passes where the client allows it."""
    long = OK[:-2] + b"X-Long: " + b"a" * 250_000 + b"\r\n\r\nbody"
    parts = [long[start : start + 50_000] for start in range(0, len(long), 50_000)]
    with Server(saying(*parts)) as server:
        assert colour.fetched(server.url, max_header_bytes=300_000) == (200, b"body")
        with pytest.raises(ResponseTooLarge, match="max_header_bytes=102400"):
            colour.fetched(server.url)


def test_heads_are_watched_inside_tls(colour: Colour, certificates: Certificates) -> None:
    """So they are behind TLS, behind a SOCKS proxy, and in TLS inside TLS."""
    options = {"max_header_bytes": 5000, "verify": certificates.authority}

    def tunnel(peer: Peer, server: Server) -> None:
        peer.hear()
        peer.say(b"HTTP/1.1 200 OK\r\n\r\n")
        peer.tunnel("127.0.0.1", origin.port)

    with (
        Server(ENDLESS["headers"], tls=certificates.server) as origin,
        Server(tunnel, tls=certificates.server) as proxy,
        Server(socks_proxy(None)) as socks,
    ):
        for way in (None, proxy.url, f"socks5://127.0.0.1:{socks.port}"):
            with pytest.raises(ResponseTooLarge, match="max_header_bytes=5000"):
                colour.fetched(origin.url, proxy=way, **options)


@pytest.mark.parametrize("limit", [-1, 1.5, None, "many", True])
def test_a_limit_that_cannot_work(limit: Any, colour: Colour) -> None:
    """`max_header_bytes` is a whole number of bytes."""
    with pytest.raises(InvalidOption, match="max_header_bytes"):
        colour.transport(max_header_bytes=limit)


def test_a_client_says_how_long_a_head_may_be() -> None:
    """It is an argument of the client, whose calls fail with Penstock's own error."""
    many = saying(b"HTTP/1.1 102 Processing\r\n\r\n" * 101)
    for handler, error in ((ENDLESS["headers"], ResponseTooLarge), (many, ConnectionFailed)):
        with (
            Server(handler) as server,
            penstock.Client(
                server.url, max_header_bytes=5000, trust_env=False, max_retries=0
            ) as client,
            pytest.raises(error, match=r"(max_header_bytes=5000|interim).*GET http://localhost"),
        ):
            client.get("/")
    with pytest.raises(InvalidOption, match="max_header_bytes"):
        penstock.Client(server.url, max_header_bytes=5000, transport=penstock.testing.Script())
