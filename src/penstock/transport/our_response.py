"""What Penstock adds to a family's response: a body read in one step, and typed errors."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

from penstock.body import too_long, wrong_colour
from penstock.codec import decode
from penstock.errors import DecodeError
from penstock.transport.decoding import MAX_DECODED_BYTES, Chunker, decoding_of

if TYPE_CHECKING:
    from penstock.body import BodyLimits
    from penstock.transport.decoding import Decoding


_MAX_CONTENT_TYPE = 1000
"""Characters: no media type with its parameters comes near."""


class OurResponse:
    """Mixed in before a family's own `Response`.

    A plain body is joined, and decoded, in one step: the family's chain of generators would be a
    tenth of a call.

    Attributes:
        limits: How long the body may be, and until when, if something above the transport must see
            to it.
        most: The most bytes of its body that are held, after its coding is undone.
        most_in_pieces: The most that come out where it is read piece by piece, or None.
        seconds: What `elapsed` tells, as the clock gave it.
        is_async: Of a stream, whether it is an async client's: while it is open the other colour is
            refused, before the family counts it as read or closed. None of a plain call.
    """

    limits: BodyLimits | None = None
    most: float = MAX_DECODED_BYTES
    most_in_pieces: float | None = None
    seconds: float | None = None
    is_async: bool | None = None
    headers: Any
    stream: Any
    is_closed: bool
    is_stream_consumed: bool
    _content: bytes

    @property
    def elapsed(self) -> timedelta:
        """The time from the send to the end of a plain call's body, or to a stream's head."""
        if self.seconds is None:
            return super().elapsed  # type: ignore[misc, no-any-return]  # the family's is next
        return timedelta(seconds=self.seconds)

    @elapsed.setter
    def elapsed(self, elapsed: timedelta) -> None:
        self.seconds = elapsed.total_seconds()

    def read(self) -> bytes:
        """Read the body and return it."""
        if self.is_stream_consumed or self.is_closed:
            return super().read()  # type: ignore[misc, no-any-return]  # the family's is next in line
        if self.is_async is True:
            raise wrong_colour(is_async=True)
        stream, self.is_stream_consumed = self.stream, True
        decoding = decoding_of(self.headers, self.most)
        if self.limits is None and decoding is None:
            content, size = _joined(stream, self.most, self.headers)
        else:
            gathered = _Gathered(self, decoding)
            for chunk in stream:
                gathered.add(chunk)
            content, size = gathered.whole(), gathered.size
        stream.close()
        return self._keep(content, size)

    async def aread(self) -> bytes:
        """Read the body and return it."""
        if self.is_stream_consumed or self.is_closed:
            return await super().aread()  # type: ignore[misc, no-any-return]  # as above
        if self.is_async is False:
            raise wrong_colour(is_async=False)
        stream, self.is_stream_consumed = self.stream, True
        gathered = _Gathered(self, decoding_of(self.headers, self.most))
        source = aiter(stream)
        try:
            async for chunk in source:
                gathered.add(chunk)
        except BaseException:
            if isinstance(source, AsyncGenerator):  # left half-way, it waits for the collector
                await source.aclose()
            raise
        content = gathered.whole()
        await stream.aclose()
        return self._keep(content, gathered.size)

    def close(self) -> None:
        """Close the body; once closed, again is nothing."""
        self._check_colour(is_async=False)
        super().close()  # type: ignore[misc]  # as above

    async def aclose(self) -> None:
        """Close the body; once closed, again is nothing."""
        self._check_colour(is_async=True)
        await super().aclose()  # type: ignore[misc]  # as above

    def iter_raw(self, chunk_size: int | None = None) -> Any:
        """Iterate over the body as it came, as the family does."""
        self._check_colour(is_async=False)
        return super().iter_raw(chunk_size)  # type: ignore[misc]  # as above

    def aiter_raw(self, chunk_size: int | None = None) -> Any:
        """Iterate over the body as it came, as the family does."""
        self._check_colour(is_async=True)
        return super().aiter_raw(chunk_size)  # type: ignore[misc]  # as above

    def _check_colour(self, *, is_async: bool) -> None:
        if self.is_async is (not is_async) and not self.is_closed:
            raise wrong_colour(is_async=not is_async)

    def _keep(self, content: bytes, size: int) -> bytes:
        self.is_closed = True
        self._num_bytes_downloaded = size
        self._content = content
        return content

    def iter_bytes(self, chunk_size: int | None = None) -> Any:
        """Iterate over the decoded body, as the family does, in pieces of a bounded length."""
        decoding = self._decoding()
        if decoding is None:
            return super().iter_bytes(chunk_size)  # type: ignore[misc]  # as above
        return _decoded(self.iter_raw(), decoding, Chunker(chunk_size))

    def aiter_bytes(self, chunk_size: int | None = None) -> Any:
        """Iterate over the decoded body, as the family does, in pieces of a bounded length."""
        decoding = self._decoding()
        if decoding is None:
            return super().aiter_bytes(chunk_size)  # type: ignore[misc]  # as above
        return _adecoded(self.aiter_raw(), decoding, Chunker(chunk_size))

    def _decoding(self) -> Decoding | None:
        return None if hasattr(self, "_content") else decoding_of(self.headers, self.most_in_pieces)

    @property
    def charset_encoding(self) -> str | None:
        """What the `Content-Type` says of the charset; of one that is absurdly long, nothing.

        The standard library takes a time that grows with the square of its length.
        """
        if len(self.headers.get("content-type", "")) > _MAX_CONTENT_TYPE:
            return None
        return super().charset_encoding  # type: ignore[misc, no-any-return]  # as above

    def json(self, **kwargs: Any) -> Any:
        """Return the parsed body.

        Raises:
            DecodeError: The body is not JSON.
        """
        try:
            if not kwargs:
                return decode(self.content)  # type: ignore[attr-defined]  # the family has it
            return super().json(**kwargs)  # type: ignore[misc]  # the family's class is next in line
        except (ValueError, RecursionError, LookupError) as error:
            reason = getattr(error, "msg", type(error).__name__)
            position = getattr(error, "pos", None)
        # Raised outside the handler: a JSONDecodeError in the chain would carry the whole body.
        where = "" if position is None else f" at byte {position}"
        msg = f"the body is not JSON: {reason}{where}"
        from penstock.parsing import error_about

        failure = error_about(DecodeError(msg), self)  # type: ignore[arg-type]  # it is one, mixed in
        try:
            raise failure
        finally:
            del failure  # it refers to this frame through its traceback


def _joined(stream: Iterator[bytes], most: float, headers: Any) -> tuple[bytes, int]:
    """Return a body that needs no more than that, and its length: it is nearly every one."""
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


_MANY = 16
"""Chunks that are joined at the end. More go into one buffer as they come, or a long body would be
there twice for a moment; a few are joined faster."""


_MOST_ROOM = 256 * 1024 * 1024
"""Bytes that are made room for at once, where nobody but the server says that they will come."""

_MOST_DIGITS = 12


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


class _Gathered:
    """A body that is read whole, and how much of it there is so far."""

    __slots__ = ("_body", "_chunks", "_decoding", "_headers", "_limits", "_most", "size")

    def __init__(self, response: OurResponse, decoding: Decoding | None) -> None:
        self._limits = response.limits
        self._most = response.most
        self._decoding = decoding
        self._headers = response.headers
        self._body: BytesIO | None = None
        self._chunks: list[bytes] = []
        self.size = 0  # of what came off the wire

    def add(self, chunk: bytes) -> None:
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


def _decoded(raw: Iterator[bytes], decoding: Decoding, chunker: Chunker) -> Iterator[bytes]:
    for data in raw:
        for piece in decoding.feed(data):
            yield from chunker.add(piece)
    decoding.close()
    yield from chunker.rest()


async def _adecoded(raw: Any, decoding: Decoding, chunker: Chunker) -> AsyncIterator[bytes]:
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
