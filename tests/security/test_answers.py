"""What a server says cannot exhaust, slow down or disable its client."""

from __future__ import annotations

import gzip
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from tests.acceptance.support import done, play
from tests.transport.server import Server, polite

from penstock import DecodeError, PenstockError, ResponseTooLarge
from penstock.testing import Reply

from .support import SECRET, get, saying, wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.support import Rig

MEGABYTE = 1024 * 1024
BOMB = gzip.compress(b"\0" * 200 * MEGABYTE)


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


@pytest.mark.parametrize("status", ["200 OK", "503 Service Unavailable", "302 Found"])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_bomb_costs_no_more_than_the_limit(layers: int, status: str, colour: Any) -> None:
    """Also of an error, and of a redirect on the way (CVE-2025-66471, CVE-2026-84382)."""
    body = BOMB if layers == 1 else gzip.compress(BOMB)
    said = answer(
        body, "Content-Encoding: " + ", ".join(["gzip"] * layers), "Location: /", status=status
    )
    with Server(saying(*[said] * 3)) as server:
        tracemalloc.start()
        try:
            with pytest.raises(ResponseTooLarge, match="max_decoded_bytes"):
                get(colour, server.url, "/x", max_decoded_bytes=4 * MEGABYTE, max_retries=0)
            assert tracemalloc.get_traced_memory()[1] < 32 * MEGABYTE
        finally:
            tracemalloc.stop()
    assert len(server.heard) == 1


@pytest.mark.parametrize("length", ["0", "1", "9999999", "9" * 20, "9" * 5000, "-1", "one", ""])
def test_a_length_is_a_hint(length: str, rig: Callable[..., Rig]) -> None:
    """A body that is not as long as it says, on a transport that lets that pass, is what came."""
    chunks = [bytes([number]) * 64 * 1024 for number in range(40)]
    server = rig([Reply(headers={"Content-Length": length}, chunks=chunks)])
    assert server.send().content == b"".join(chunks)


def test_codings_are_counted(colour: Any) -> None:
    """A chain of them is refused before the first is undone (CVE-2025-66418)."""
    said = answer(b"x", "Content-Encoding: " + ", ".join(["gzip"] * 1000))
    with Server(saying(said)) as server, pytest.raises(DecodeError, match="1000 codings"):
        get(colour, server.url, "/x", max_retries=0)


LONG = 90_000
SLOW = {
    "media type": ("Content-Type", "text/plain" + ";" * LONG),
    "parameters": ("Content-Type", "text/plain" + ";a=b" * (LONG // 4)),
    "continuations": ("Content-Type", "text/plain" + ";a*0=b" * (LONG // 6)),
    "quotes": ("Content-Type", 'text/plain;charset="' + '\\"' * (LONG // 2)),
    "blanks": ("Content-Type", "text/plain;" + " " * LONG + "x"),
    "links": ("Link", "<a>;" * (LONG // 4)),
    "brackets": ("Link", "<" * LONG),
    "commas": ("Link", ", " * (LONG // 2)),
    "cookies": ("Set-Cookie", "a=" + "x;" * (LONG // 2)),
    "a date": ("Set-Cookie", "a=b; expires=Mon, " + " " * LONG + "x"),
    "codings": ("Content-Encoding", "," * LONG),
    "a wait": ("Retry-After", " " * (LONG - 1) + "1"),
    "a place": ("Location", "/" * LONG),
    "a challenge": ("WWW-Authenticate", "Digest " + "a," * (LONG // 2)),
    "a request id": ("X-Request-Id", "r" * LONG),
}


# Seconds of processor time: 90 KB read in a straight line take a few milliseconds, and 4·10⁹ steps
# of a regular expression half a minute.
QUADRATIC = 5.0


@pytest.mark.parametrize("name", SLOW)
def test_no_header_is_slow_to_read(name: str, rig: Callable[..., Rig]) -> None:
    """90 KB of any header are read in no time to speak of (CVE-2021-33503, CVE-2020-8492)."""
    header, value = SLOW[name]
    server = rig([Reply(status, headers={header: value}, text="{}") for status in (200, 429)])
    started = time.thread_time()
    response = server.send()
    for attribute in ("text", "encoding", "links", "cookies", "charset_encoding"):
        getattr(response, attribute)
    assert response.json() == {}
    with pytest.raises(PenstockError):
        server.send(max_retries=0)
    assert time.thread_time() - started < QUADRATIC


@pytest.mark.parametrize("cookie", ["a=b", "a=b; Path=/; Domain=localhost", "a=\xe9\xff; Path=/"])
def test_no_cookie_is_kept(cookie: str, colour: Any) -> None:
    """What a server sets is sent back to nobody, and breaks no later request."""
    said = answer(b"first", f"Set-Cookie: {cookie}")
    with Server(saying(*[said] * 3)) as server:
        answers = get(colour, server.url, "/x", "/x", "/x")
    assert [one.content for one in answers] == [b"first"] * 3
    assert "cookie" not in wire([server]).lower()


def test_a_password_in_an_answer_is_nobodys(colour: Any) -> None:
    """A challenge, an `Authentication-Info` and the like are not obeyed unless asked to be."""
    said = answer(b"no", "WWW-Authenticate: Basic realm=x", status="401 Unauthorized")
    with Server(saying(said)) as server:
        get(colour, server.url, "/x", raise_for_status=False)
    assert [one.headers.get("authorization") for one in server.heard] == [None]


def test_a_client_goes_on_after_any_of_it(colour: Any) -> None:
    """What one connection did to a client does not outlive it."""

    def hostile(peer: Any, server: Server) -> None:
        if server.connections < 4:
            peer.hear()
            bad = [b"\0" * 100, answer(BOMB, "Content-Encoding: gzip"), b""]
            peer.say(bad[server.connections - 1])
            return
        polite(peer, server)

    async def attempt(client: Any) -> Any:
        try:
            return await client.get("/x") if colour.is_async else client.get("/x")
        except PenstockError as error:
            return type(error).__name__

    options = {"max_retries": 0, "max_decoded_bytes": MEGABYTE, "api_key": SECRET}
    with Server(hostile) as server:
        outcomes = play_all(colour, server.url, attempt, **options)
    assert [getattr(one, "content", one) for one in outcomes] == [
        "ConnectionFailed",
        "ResponseTooLarge",
        "ConnectionFailed",
        b"hello",
    ]


def play_all(colour: Any, url: str, attempt: Any, **options: Any) -> list[Any]:
    async def scenario() -> list[Any]:
        client = colour.client(url, trust_env=False, **options)
        try:
            return [await attempt(client) for _ in range(4)]
        finally:
            await done(client.aclose() if colour.is_async else client.close())

    outcomes: list[Any] = play(colour, scenario)
    return outcomes
