"""A body's content codings undone, within a limit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from penstock.body import too_long
from penstock.errors import DecodeError
from penstock.transport.codings import CODINGS, Spoilt, spoilt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from penstock.transport.codings import Coding

MAX_DECODED_BYTES = 256 * 1024 * 1024
"""The longest body that is held in memory unless a client or a call says otherwise: 256 MiB."""

_MAX_CODINGS = 3
"""Nobody applies more; each multiplies what the one before makes of a byte (CVE-2025-66418)."""


class Decoding:
    """Undoes what a response's `Content-Encoding` names, piece by piece.

    Args:
        codings: The codings, in the order in which to undo them.
        most: The most bytes that may come out, of each, or None.
    """

    def __init__(self, codings: list[Coding], most: float | None) -> None:
        self._codings = codings
        self._most = math.inf if most is None else most
        self._sizes = [0] * len(codings)
        self._known = spoilt()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Iterate over what *data* decodes to, in small pieces.

        Raises:
            DecodeError: It is not what the header says.
            ResponseTooLarge: More came out than is allowed.
        """
        pieces: Iterable[bytes] = (data,)
        for stage in range(len(self._codings)):
            pieces = self._stage(stage, pieces)
        try:
            yield from pieces
        except self._known as error:
            reason = _reason(error)
        else:
            return
        raise undecodable(reason)

    def close(self) -> None:
        """Refuse a body that has come to its end before its codings have.

        Raises:
            DecodeError: As said.
        """
        try:
            for coding in self._codings:
                coding.close()
        except Spoilt as error:
            reason = _reason(error)
        else:
            return
        raise undecodable(reason)

    def _stage(self, stage: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
        coding = self._codings[stage]
        for data in pieces:
            for piece in coding.feed(data):
                self._sizes[stage] += len(piece)
                if self._sizes[stage] > self._most:
                    raise too_long("max_decoded_bytes", self._most)
                if piece:
                    yield piece


def is_coded(headers: Any) -> bool:
    """Tell whether a body has a content coding, by a family's *headers*.

    They are gone through in bytes: a look-up by name has the family work out their encoding first.
    """
    return b"content-encoding" in [name.lower() for name, _ in headers.raw]


def decoding_of(headers: Any, most: float | None) -> Decoding | None:
    """Return what undoes the codings a response's *headers* name, or None if there is nothing to.

    A coding that nothing installed can undo stays, with those that were applied before it.

    Args:
        headers: A family's headers.
        most: The most bytes that may come out, or None.

    Raises:
        DecodeError: More codings were applied than anybody applies.
    """
    if not is_coded(headers):
        return None
    named = headers.get_list("content-encoding", split_commas=True)
    applied = [name.strip().lower() for name in named]
    applied = [name for name in applied if name not in {"", "identity"}]
    if len(applied) > _MAX_CODINGS:
        raise undecodable(f"it names {len(applied)} codings, more than {_MAX_CODINGS}")
    codings = []
    for name in reversed(applied):
        coding = CODINGS[name]() if name in CODINGS else None
        if coding is None:
            break
        codings.append(coding)
    return Decoding(codings, most) if codings else None


def undecodable(reason: object) -> DecodeError:
    """Return the error of a body that is not what its `Content-Encoding` says."""
    return DecodeError(f"the body does not decode as its Content-Encoding says: {reason}")


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


class Chunker:
    """Cuts what comes in pieces of any length into chunks of one.

    Args:
        size: The length, or None to leave the pieces as they are.
    """

    def __init__(self, size: int | None) -> None:
        self._size = None if size is None else max(size, 1)
        self._held = bytearray()

    def add(self, piece: bytes) -> Iterator[bytes]:
        """Iterate over the whole chunks there are with *piece*."""
        if self._size is None:
            yield piece
            return
        self._held += piece
        while len(self._held) >= self._size:
            yield bytes(self._held[: self._size])
            del self._held[: self._size]

    def rest(self) -> Iterator[bytes]:
        """Iterate over what is left."""
        if self._held:
            yield bytes(self._held)


def decoded(raw: Iterator[bytes], decoding: Decoding, chunker: Chunker) -> Iterator[bytes]:
    """Iterate over the chunks of a body that comes as *raw*."""
    for data in raw:
        for piece in decoding.feed(data):
            yield from chunker.add(piece)
    decoding.close()
    yield from chunker.rest()


async def adecoded(raw: Any, decoding: Decoding, chunker: Chunker) -> AsyncIterator[bytes]:
    """Iterate over the chunks of a body that comes as *raw*, which is closed then."""
    try:
        async for data in raw:
            for piece in decoding.feed(data):
                for chunk in chunker.add(piece):
                    yield chunk
        decoding.close()
        for chunk in chunker.rest():
            yield chunk
    finally:
        await raw.aclose()


def decoded_start(response: Any, content: bytes, most: int) -> bytes:
    """Return the first bytes of a body whose beginning is *content*, its coding undone.

    Args:
        response: Either family's response.
        content: The first bytes of the body as it came.
        most: How many bytes are wanted. A few more may come.

    Raises:
        DecodeError: It is not what the response's `Content-Encoding` says.
    """
    decoding = decoding_of(response.headers, None)
    if decoding is None:
        return content
    start = b""
    for piece in decoding.feed(content):
        start += piece
        if len(start) >= most:
            break
    return start
