"""A body that is read whole: gathered as it comes, within its limits, and there once in memory."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from penstock.body import too_long

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.body import BodyLimits
    from penstock.transport.decoding import Decoding

_MANY = 16
"""Chunks that are joined at the end. More go into one buffer as they come, or a long body would be
there twice for a moment; a few are joined faster."""

_MOST_ROOM = 256 * 1024 * 1024
"""Bytes that are made room for at once, where nobody but the server says that they will come."""

_MOST_DIGITS = 12
"""Of a Content-Length that is believed: none of more is within `_MOST_ROOM`."""


def joined(stream: Iterator[bytes], most: float, headers: Any) -> tuple[bytes, int]:
    """Return a body that needs no more than joining, and its length: it is nearly every one.

    Args:
        stream: Its chunks.
        most: The most bytes that it may have.
        headers: Of its response.

    Raises:
        ResponseTooLarge: It has more.
    """
    chunks, size = [], 0
    parts = iter(stream)
    for chunk in parts:
        size += len(chunk)
        if size > most:
            raise too_long("max_decoded_bytes", most)
        chunks.append(chunk)
        if len(chunks) == _MANY:
            return _joined_more(parts, chunks, most, _room(headers, most))
    return b"".join(chunks), size


def _joined_more(
    parts: Iterator[bytes], chunks: list[bytes], most: float, body: BytesIO
) -> tuple[bytes, int]:
    body.writelines(chunks)
    chunks.clear()
    for chunk in parts:
        body.write(chunk)
        if body.tell() > most:
            raise too_long("max_decoded_bytes", most)
    return _content(body), body.tell()


class Gathered:
    """A body that is checked or decoded as it comes, and how much of it there is so far.

    Args:
        headers: Of its response.
        most: The most bytes that are held, after its coding is undone.
        limits: How long it may be, and until when, or None.
        decoding: Undoes its coding, or None.

    Attributes:
        size: Bytes that came off the wire.
    """

    __slots__ = ("_body", "_chunks", "_decoding", "_headers", "_limits", "_most", "size")

    def __init__(
        self, headers: Any, most: float, limits: BodyLimits | None, decoding: Decoding | None
    ) -> None:
        self._headers = headers
        self._most = most
        self._limits = limits
        self._decoding = decoding
        self._body: BytesIO | None = None
        self._chunks: list[bytes] = []
        self.size = 0

    def add(self, chunk: bytes) -> None:
        """Add a chunk as it came off the wire.

        Raises:
            ResponseTooLarge: There is more of it now than is allowed.
            TimedOut: It came too late.
            DecodeError: It is not what the response's `Content-Encoding` says.
        """
        self.size += len(chunk)
        if self._limits is not None:
            self._limits.check(self.size)
        if self._decoding is not None:
            for piece in self._decoding.feed(chunk):
                self._hold(piece)
            return
        self._hold(chunk)
        if self.size > self._most:
            raise too_long("max_decoded_bytes", self._most)

    def whole(self) -> bytes:
        """Return all of it, decoded.

        Raises:
            DecodeError: It has come to its end before its coding has.
        """
        if self._decoding is not None:
            self._decoding.close()
        if self._body is None:
            return b"".join(self._chunks)
        self._body.writelines(self._chunks)
        return _content(self._body)

    def _hold(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        if len(self._chunks) == _MANY:
            self._body = self._body or _room(self._headers, self._most)
            self._body.writelines(self._chunks)
            self._chunks.clear()


def _room(headers: Any, most: float) -> BytesIO:
    """Return what a long body goes into: it has room for all, so that it need not move to grow."""
    body = BytesIO()
    said = headers.get("content-length", "")
    if said.isdecimal() and len(said) < _MOST_DIGITS and 0 < int(said) <= min(most, _MOST_ROOM):
        body.seek(int(said) - 1)
        body.write(b"\0")
        body.seek(0)
    return body


def _content(body: BytesIO) -> bytes:
    """Return what was written."""
    body.truncate()
    return body.getvalue()
