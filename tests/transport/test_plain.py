"""Plain exchanges: llhttp and h11 take the same bytes for the same, whatever they are."""

from __future__ import annotations

import os
from collections import Counter
from random import Random
from typing import Any

import httpcore
import pytest

from penstock.transport import http11, plain, plain_bodies
from penstock.transport.http11 import Asked, Messages, Target
from penstock.transport.plain import PlainMessages
from penstock.transport.plain_bodies import Chunked

from .mutants import answer, chunked_answer, headers, mutated

MUTANTS = int(os.environ.get("PENSTOCK_MUTANTS", "20000"))
"""How many of each kind are tried. A million of them take ten minutes."""

METHODS = [b"GET", b"GET", b"POST", b"POST", b"PUT", b"HEAD", b"CONNECT", b"get", b"QUERY", b"G T"]
HOST = (b"Host", b"x.test")
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"


def asked(method: bytes, target: bytes, given: list[tuple[bytes, bytes]]) -> Asked:
    return Asked(method, Target(b"http", b"x.test", None, target), given, None, {})


def told(messages: Messages, request: Asked, body: bytes, pieces: list[bytes]) -> list[Any]:
    """Return all that *messages* tell of an exchange, and whether another may follow."""
    seen: list[Any] = []
    try:
        seen.append(messages.head(request))
        seen.append(messages.part(body))
        seen.append(messages.end())
    except httpcore.LocalProtocolError as error:
        return [*seen, "not sent", str(error)]
    return [*seen, *heard(messages, pieces)]


def heard(messages: Messages, pieces: list[bytes]) -> list[Any]:
    """Return all that *messages* tell of an answer."""
    left = [*pieces, b""]
    body = b""
    head = None
    try:
        while (head := messages.answer()) is None:
            messages.heard(left.pop(0))
        beyond = messages.switched()
        if beyond is not None:
            return [head, "switched", beyond]
        while (data := messages.body()) != b"":
            if data is None:
                messages.heard(left.pop(0))
            else:
                body += data
    except httpcore.RemoteProtocolError as error:
        # How much it quotes of a chunk that does not end depends on the pieces.
        return [head, body, str(error).partition("chunk footer: ")[0]]
    return [head, body, messages.ended()]


def test_both_parsers_read_the_same_of_every_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of whatever a server says, in whatever pieces, llhttp tells head, body and error as h11."""
    read = count_parsers(monkeypatch)
    chance, kinds = Random(1), Counter[str]()
    for _ in range(MUTANTS):
        method, pieces = chance.choice(METHODS[:6]), answer(chance)
        request = asked(method, b"/", [HOST])
        before = read["llhttp"]
        quick = told(PlainMessages(httpcore), request, b"", pieces)
        assert quick == told(Messages(httpcore), request, b"", pieces), (method, pieces)
        kinds["llhttp" if read["llhttp"] > before else "h11"] += 1
        kinds["refused" if isinstance(quick[-1], str) else "taken"] += 1
    assert min(kinds.values()) > MUTANTS / 8, kinds


def test_both_parsers_read_the_same_of_every_body_in_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of whatever comes in chunks, in whatever pieces, llhttp tells body and error as h11."""
    chance, kinds = Random(4), Counter[str]()
    place = Chunked.place

    def counted(body: Chunked) -> bytes:
        kinds["h11 from the middle"] += body._between is plain_bodies._NEXT
        return place(body)

    monkeypatch.setattr(Chunked, "place", counted)
    for _ in range(MUTANTS):
        pieces = chunked_answer(chance)
        request, quick = asked(b"POST", b"/", [HOST]), PlainMessages(httpcore)
        seen = told(quick, request, b"", pieces)
        assert seen == told(Messages(httpcore), request, b"", pieces), pieces
        kinds["h11" if quick._plain is None else "llhttp"] += 1
        kinds["refused" if isinstance(seen[-1], str) else "taken"] += 1
    assert min(kinds.values()) > MUTANTS / 6, kinds


def test_both_write_the_same_for_every_request() -> None:
    """The bytes of a request, and what is wrong with it, are h11's."""
    chance, plains = Random(2), 0
    for _ in range(MUTANTS):
        target = mutated(b"/v1/chat?a=b", chance) if chance.random() < 0.1 else b"/v1/chat"
        request = asked(chance.choice(METHODS), target, headers(chance))
        body = chance.choice((b"hello", b"hello", b"", b"hell", b"hello!"))
        quick, careful = PlainMessages(httpcore), Messages(httpcore)
        pieces = [PLAIN + b"hello"]
        assert told(quick, request, body, pieces) == told(careful, request, body, pieces), request
        plains += quick._plain is not None
    assert MUTANTS / 5 < plains < MUTANTS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"Transfer-Encoding: chunked, x", b"y"),
        (b"X", b"y\r\nTransfer-Encoding: chunked"),
        (b"X: y\r\nTransfer-Encoding", b"chunked"),
        (b"X", b"y\nz"),
        (b"X\n", b"y"),
        (b"", b"y"),
    ],
)
def test_no_header_hides_another(name: bytes, value: bytes) -> None:
    """What would be taken for another header, or for the end of one, is refused and not sent."""
    request = asked(b"POST", b"/", [HOST, (name, value)])
    with pytest.raises(httpcore.LocalProtocolError, match="Illegal header"):
        PlainMessages(httpcore).head(request)


def test_exchanges_of_both_kinds_follow_one_another() -> None:
    """One connection carries plain exchanges and others, in any order."""
    quick, careful = PlainMessages(httpcore), Messages(httpcore)
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    chance = Random(3)
    for _ in range(50):
        request = asked(chance.choice((b"GET", b"HEAD")), b"/", [HOST])
        length = b"" if request.method == b"HEAD" else b"hello"
        pieces = [chance.choice((PLAIN + length, chunked))]
        if request.method == b"HEAD":
            pieces = [PLAIN]
        got = told(quick, request, b"", pieces)
        assert got == told(careful, request, b"", pieces)
        assert got[-1] is True


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 599 Strange But True\r\ncontent-length:5\r\nConnection: Keep-Alive\r\n\r\n",
    ],
)
def test_an_ordinary_answer_is_read_by_llhttp(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body of a known length on a connection that stays is what llhttp is for."""
    read = count_parsers(monkeypatch)
    told(PlainMessages(httpcore), asked(b"POST", b"/", [HOST]), b"", [head + b"hello"])
    assert read == {"llhttp": 1}


@pytest.mark.parametrize("more", [b"", b"!", PLAIN])
def test_nothing_beyond_an_answer_is_kept(more: bytes) -> None:
    """A connection with anything left on it carries no other exchange."""
    messages = PlainMessages(httpcore)
    seen = told(messages, asked(b"GET", b"/", [HOST]), b"", [PLAIN + b"hello" + more])
    assert seen[-2:] == [b"hello", not more]


@pytest.mark.parametrize("is_whole", [True, False])
def test_an_early_answer_ends_the_connection(is_whole: bool) -> None:
    """An answer to half a request leaves nothing to follow it, whoever reads it."""
    head = PLAIN if is_whole else b"HTTP/1.1 413 Too Large\r\n\r\n"
    for messages in (PlainMessages(httpcore), Messages(httpcore)):
        messages.head(asked(b"POST", b"/", [HOST, (b"Content-Length", b"9")]))
        messages.part(b"half")
        seen = heard(messages, [head + b"hello"])
        assert seen[1:] == [b"hello", False]


def test_without_httptools_h11_does_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra `fast` is not installed, nothing is missing."""
    monkeypatch.setattr(http11, "find_spec", lambda name: None)
    http11._kind_of_messages.cache_clear()
    kind = type(http11.messages_of(httpcore))
    http11._kind_of_messages.cache_clear()
    monkeypatch.undo()
    assert (kind, type(http11.messages_of(httpcore))) == (Messages, PlainMessages)


def count_parsers(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the heads that llhttp gets to see."""
    count: Counter[str] = Counter()
    real = plain.httptools.HttpResponseParser

    def counted(seen: object) -> Any:
        count["llhttp"] += 1
        return real(seen)

    monkeypatch.setattr(plain.httptools, "HttpResponseParser", counted)
    return count
