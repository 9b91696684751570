"""What Penstock adds to a family's response: a body read in one step, and errors with a type."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from penstock.body import wrong_colour
from penstock.codec import decode
from penstock.detached import media_type_of
from penstock.errors import DecodeError
from penstock.transport.decoding import (
    MAX_DECODED_BYTES,
    Chunker,
    adecoded,
    decoded,
    decoding_of,
)
from penstock.transport.gathering import Gathered, joined

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
            content, size = joined(stream, self.most, self.headers)
        else:
            gathered = Gathered(self.headers, self.most, self.limits, decoding)
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
        decoding = decoding_of(self.headers, self.most)
        gathered = Gathered(self.headers, self.most, self.limits, decoding)
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
        return decoded(self.iter_raw(), decoding, Chunker(chunk_size))

    def aiter_bytes(self, chunk_size: int | None = None) -> Any:
        """Iterate over the decoded body, as the family does, in pieces of a bounded length."""
        decoding = self._decoding()
        if decoding is None:
            return super().aiter_bytes(chunk_size)  # type: ignore[misc]  # as above
        return adecoded(self.aiter_raw(), decoding, Chunker(chunk_size))

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
        from penstock.parsing import error_about

        response: Any = self  # it is one, mixed in
        msg = f"the body is not JSON ({media_type_of(response.headers)}): {reason}{where}"
        failure = error_about(DecodeError(msg), response)
        try:
            raise failure
        finally:
            del failure  # it refers to this frame through its traceback
