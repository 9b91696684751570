"""The bodies of plain answers: of a length, or in chunks that llhttp and h11 take for the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httptools import HttpResponseParser

CHUNKED = -1
"""The length of a body that comes in chunks."""

_DIGITS = rb"[0-9A-Fa-f]{1,8}"
"""Of a chunk's size. llhttp takes up to sixteen, h11 twenty."""


class _Between:
    """What stands between the data of two chunks, without extensions or trailers (RFC 9112 §7.1).

    Args:
        before: What ends a chunk's data.

    Attributes:
        size: Matches what comes before a chunk's data, and finds its size.
        last: Matches what ends the body.
        begun: Matches all of what may yet become either.
    """

    def __init__(self, before: bytes) -> None:
        self.size = re.compile(rb"%b(?!0+\r)(%b)\r\n" % (before, _DIGITS))
        self.last = re.compile(rb"%b0{1,8}\r\n\r\n" % before)
        self.begun = re.compile(rb"\r?|%b(?:(?:%b)?\r?|0{1,8}\r\n\r?)" % (before, _DIGITS))


_FIRST, _NEXT = _Between(b""), _Between(b"\r\n")


class Counted:
    """A body of a known length.

    Args:
        length: Its bytes.

    Attributes:
        is_odd: Whether what comes next is not plain.
    """

    is_odd = False

    def __init__(self, length: int) -> None:
        self._length = self._unread = length

    @property
    def is_whole(self) -> bool:
        """Whether all of it was read."""
        return not self._unread

    def read(self, held: bytes) -> tuple[bytes, bytes]:
        """Return what *held* has of the body, and what is left of it."""
        data, left = held[: self._unread], held[self._unread :]
        self._unread -= len(data)
        return data, left

    def cut(self) -> str:
        """Return what h11 says of such a body where nothing more comes."""
        received = self._length - self._unread
        return (
            "peer closed connection without sending complete message body "
            f"(received {received} bytes, expected {self._length})"
        )


class Chunked:
    """A body in chunks. llhttp gets nothing of it that it could take for something else than h11.

    Args:
        parser: Has read the head.
        parts: Where the parser puts what it finds.

    Attributes:
        is_whole: Whether all of it was read.
        is_odd: Whether what comes next is not plain.
    """

    def __init__(self, parser: HttpResponseParser, parts: list[bytes]) -> None:
        self._parser = parser
        self._parts = parts
        self._between = _FIRST
        self._unread = 0
        self.is_whole = self.is_odd = False

    def read(self, held: bytes) -> tuple[bytes, bytes]:
        """Return what *held* has of the body, and what is left of it."""
        end = self._plain_until(held)
        self._parser.feed_data(held[:end])
        data = b"".join(self._parts)
        self._parts.clear()
        return data, held[end:]

    def place(self) -> bytes:
        """Return what is, to h11, an answer that was read as far: its last byte is one of data."""
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        return head if self._between is _FIRST else b"%b%x\r\n-" % (head, self._unread + 1)

    def _plain_until(self, held: bytes) -> int:
        """Return where what is plain of *held* ends."""
        at = 0
        while True:
            data = min(self._unread, len(held) - at)
            self._unread -= data
            at += data
            if self._unread or self.is_whole:
                return at
            size = self._between.size.match(held, at)
            if size is not None:
                self._between, self._unread = _NEXT, int(size[1], 16)
                at = size.end()
            elif last := self._between.last.match(held, at):
                self.is_whole = True
                return last.end()
            else:
                self.is_odd = not self._between.begun.fullmatch(held, at)
                return at
