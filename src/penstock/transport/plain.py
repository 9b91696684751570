"""Plain exchanges: llhttp reads their answers, and all takes a quarter of what h11 does.

An exchange is plain where the request's body has a known length, the answer's has one too or comes
in chunks, nothing is negotiated, and both heads have a shape that h11 and llhttp take for the same.
Any other is h11's, and so is the rest of a body that turns out not to be plain: it never shows
which of them was at work.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import h11
import httptools

from penstock.transport.http11 import Head, Messages
from penstock.transport.plain_bodies import CHUNKED, Chunked, Counted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from penstock.transport.http11 import Asked

_METHODS = frozenset({b"DELETE", b"GET", b"OPTIONS", b"PATCH", b"POST", b"PUT", b"QUERY"})
"""Those whose answer has the body that its head announces (RFC 9112 §6.3): not HEAD or CONNECT."""

_NEGOTIATED = frozenset({b"expect", b"transfer-encoding", b"upgrade"})
"""Headers that change how a message is framed, or what follows it, in another way than chunks."""

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110 §5.6.2
_TEXT = rb"(?:[!-~]+(?:[ \t]+[!-~]+)*)?"  # RFC 9110 §5.5, less what is beyond ASCII

_NAMES = re.compile(rb"\n(?:%b\n)+" % _TOKEN)
_REQUEST = re.compile(rb"[A-Z]+ [!-~]+ HTTP/1\.1\r\n(?:%b: %b\r\n)+\r\n" % (_TOKEN, _TEXT))
_ANSWER = re.compile(
    # 204 and 304 have no body, whatever their heads say (RFC 9112 §6.3).
    rb"HTTP/1\.1 (?!204|304)[2-5][0-9]{2}(?: %b)?\r\n(?:%b: ?%b\r\n)+\r\n" % (_TEXT, _TOKEN, _TEXT)
)

_MOST_DIGITS = 18
"""Of a length: what fits into llhttp's 64 bits. h11 takes two more."""


class PlainMessages(Messages):
    """What is said on one connection, one exchange after another: most of them plain.

    Args:
        core: The engine whose errors are raised.
    """

    def __init__(self, core: ModuleType) -> None:
        super().__init__(core)
        self._plain: _Exchange | None = None

    def head(self, request: Asked) -> bytes:
        """Return the bytes of a request's head: the same that h11 writes."""
        written = _written(request)
        if written is None:
            self._plain = None
            return super().head(request)
        head, length = written
        self._plain = _Exchange(request.method, length)
        return head

    def part(self, chunk: bytes) -> bytes:
        """Return the bytes of a part of a request's body."""
        plain = self._plain
        if plain is None:
            return super().part(chunk)
        plain.unsent -= len(chunk)
        if plain.unsent < 0:
            raise self._core.LocalProtocolError("Too much data for declared Content-Length")
        return chunk

    def end(self) -> bytes:
        """Return the bytes that end a request."""
        plain = self._plain
        if plain is None:
            return super().end()
        if plain.unsent:
            raise self._core.LocalProtocolError("Too little data for declared Content-Length")
        plain.is_asked = True
        return b""

    def heard(self, data: bytes) -> None:
        """Take what came; none is the end."""
        plain = self._plain
        if plain is None:
            super().heard(data)
        elif data:
            plain.held += data
        else:
            plain.is_over = True

    def answer(self) -> Head | None:
        """Return the head of the answer, or None while it is not there."""
        plain = self._plain
        if plain is None:
            return super().answer()
        if not plain.held and not plain.is_over:
            return None
        head = plain.head()
        if head is None:
            self._give_over(plain)
            return super().answer()
        return head

    def body(self) -> bytes | None:
        """Return the next bytes of the body; none at its end, None while there are none."""
        plain = self._plain
        if plain is None:
            return super().body()
        rest = plain.body
        data, plain.held = rest.read(plain.held)
        if data or rest.is_whole:
            return data
        if not rest.is_odd and not plain.is_over:
            return None
        if isinstance(rest, Counted):
            raise self._core.RemoteProtocolError(rest.cut())
        self._give_over(plain)
        return super().body()

    def switched(self) -> bytes | None:
        """Return what came beyond the head if HTTP ends here, or None."""
        return None if self._plain is not None else super().switched()

    def ended(self) -> bool:
        """End an exchange; return whether another may follow on this connection."""
        plain = self._plain
        if plain is None:
            return super().ended()
        return plain.is_asked and plain.body.is_whole and not (plain.held or plain.is_over)

    def _give_over(self, plain: _Exchange) -> None:
        """Have h11 read what is left, and what is still to come, of an answer that is not plain."""
        self._plain = None
        # Of a request, the method is all that an answer depends on.
        self._said(h11.Request, method=plain.method, target=b"/", headers=[(b"Host", b"")])
        if plain.is_asked:
            self._said(h11.EndOfMessage)
        if isinstance(plain.body, Chunked):
            super().heard(plain.body.place())
            super().answer()
            super().body()
        for data in (plain.held, b"") if plain.is_over else (plain.held,):
            super().heard(data)


class _Exchange:
    """A plain exchange so far.

    Args:
        method: The request's.
        unsent: The length of its body.

    Attributes:
        method: As above.
        unsent: Bytes of the request's body that are still to be sent.
        is_asked: Whether all of the request was.
        held: What came and was not read yet.
        is_over: Whether nothing more will come.
        body: The answer's body, of which nothing is known before its head.
    """

    __slots__ = ("body", "held", "is_asked", "is_over", "method", "unsent")

    body: Counted | Chunked

    def __init__(self, method: bytes, unsent: int) -> None:
        self.method = method
        self.unsent = unsent
        self.is_asked = self.is_over = False
        self.held = b""
        self.body = Counted(0)

    def head(self) -> Head | None:
        """Read the head of the answer, or return None where it is not plain."""
        shape = _ANSWER.match(self.held)
        if shape is None:
            return None
        seen = _Seen()
        parser = httptools.HttpResponseParser(seen)
        try:
            parser.feed_data(shape[0])
        except httptools.HttpParserError:
            return None
        length = _length(seen.headers)
        if length is None:
            return None
        self.body = Chunked(parser, seen.parts) if length == CHUNKED else Counted(length)
        self.held = self.held[shape.end() :]
        return Head(b"1.1", parser.get_status_code(), seen.reason, seen.headers)


class _Seen:
    """What llhttp finds in an answer."""

    __slots__ = ("headers", "parts", "reason")

    def __init__(self) -> None:
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []

    def on_status(self, reason: bytes) -> None:
        self.reason = reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_body(self, part: bytes) -> None:
        self.parts.append(part)


def _written(request: Asked) -> tuple[bytes, int] | None:
    """Return the head of *request* and the length of its body; None where it is not plain."""
    length = _length(request.headers, missing=0)
    if length is None or length == CHUNKED or request.method not in _METHODS:
        return None
    names = b"\n".join([b"", *[name for name, _ in request.headers], b""]).lower()
    if not names.startswith(b"\nhost\n") or names.find(b"\nhost\n", 1) > 0:
        return None  # h11 moves it to the top, or refuses
    lines = [b"%b: %b\r\n" % header for header in request.headers]
    head = b"%b %b HTTP/1.1\r\n%b\r\n" % (request.method, request.url.target, b"".join(lines))
    # A line break in a name or a value would begin another header, a colon in a name another value.
    if head.count(b"\n") != len(lines) + 2 or not _NAMES.fullmatch(names):
        return None
    if not _REQUEST.fullmatch(head):
        return None
    return head, length


def _length(headers: Iterable[tuple[bytes, bytes]], missing: int | None = None) -> int | None:
    """Return the length of a body or `CHUNKED`; None where that, or what follows it, is not plain.

    Args:
        headers: Names and values.
        missing: What no length means.
    """
    length = None
    for name, value in headers:
        kind = name.lower()
        if kind == b"content-length":
            if length is not None or not value.isdigit() or len(value) > _MOST_DIGITS:
                return None
            length = int(value)
        elif kind == b"transfer-encoding" and value == b"chunked" and length is None:
            length = CHUNKED
        elif kind in _NEGOTIATED or (kind == b"connection" and value.lower() != b"keep-alive"):
            return None
    return missing if length is None else length
