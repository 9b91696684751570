"""What Penstock adds to a family's response: a body read in one step, and typed errors."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from penstock.body import wrong_colour
from penstock.errors import DecodeError
from penstock.transport.family import family_of

if TYPE_CHECKING:
    from penstock.body import BodyLimits


class OurResponse:
    """Mixed in before a family's own `Response`.

    A plain body is joined, and decoded, in one step: the family's chain of generators would be a
    tenth of a call.

    Attributes:
        limits: How long the body may be, and until when, if something above the transport must see
            to it.
        seconds: What `elapsed` tells, as the clock gave it.
        is_async: Of a stream, whether it is an async client's: while it is open the other colour is
            refused, before the family counts it as read or closed. None of a plain call.
    """

    limits: BodyLimits | None = None
    seconds: float | None = None
    is_async: bool | None = None
    decoding_error: type[Exception]
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
        if self.limits is None:
            content = b"".join(stream)
        else:
            chunks = []
            size = 0
            for chunk in stream:
                chunks.append(chunk)
                size += len(chunk)
                self.limits.check(size)
            content = b"".join(chunks)
        stream.close()
        return self._keep(content)

    async def aread(self) -> bytes:
        """Read the body and return it."""
        if self.is_stream_consumed or self.is_closed:
            return await super().aread()  # type: ignore[misc, no-any-return]  # as above
        if self.is_async is False:
            raise wrong_colour(is_async=False)
        stream, self.is_stream_consumed = self.stream, True
        chunks = []
        size = 0
        source = aiter(stream)
        try:
            async for chunk in source:
                chunks.append(chunk)
                if self.limits is not None:
                    size += len(chunk)
                    self.limits.check(size)
        except BaseException:
            if isinstance(source, AsyncGenerator):  # left half-way, it waits for the collector
                await source.aclose()
            raise
        content = b"".join(chunks)
        await stream.aclose()
        return self._keep(content)

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

    def _keep(self, content: bytes) -> bytes:
        self.is_closed = True
        self._num_bytes_downloaded = len(content)
        # Not looked up by name: the family would work out the encoding of every header first.
        is_coded = any(name.lower() == b"content-encoding" for name, _ in self.headers.raw)
        self._content = undo_coding(self, content) if is_coded else content
        return self._content

    def iter_bytes(self, chunk_size: int | None = None) -> Any:
        """Iterate over the decoded body, as the family does."""
        chunks = super().iter_bytes(chunk_size)  # type: ignore[misc]  # as above
        if "content-encoding" not in self.headers:
            return chunks
        return _decoding(chunks, self.decoding_error)

    def aiter_bytes(self, chunk_size: int | None = None) -> Any:
        """Iterate over the decoded body, as the family does."""
        chunks = super().aiter_bytes(chunk_size)  # type: ignore[misc]  # as above
        if "content-encoding" not in self.headers:
            return chunks
        return _adecoding(chunks, self.decoding_error)

    def json(self, **kwargs: Any) -> Any:
        """Return the parsed body.

        Raises:
            DecodeError: The body is not JSON.
        """
        try:
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


def undo_coding(response: Any, content: bytes) -> bytes:
    """Return a body as *response* means it: its content coding undone (RFC 9110 §8.4).

    Raises:
        DecodeError: It is not what the response's `Content-Encoding` says.
    """
    coding = response.headers.get("content-encoding")
    family = family_of(response)
    if coding is None or family is None:
        return content
    http = family.http
    try:
        whole = http.Response(200, headers={"Content-Encoding": coding}, content=content)
    except http.DecodingError as error:
        reason = str(error)
    else:
        return whole.content  # type: ignore[no-any-return]  # bytes, in either family
    raise _undecodable(reason)


def _undecodable(reason: object) -> DecodeError:
    return DecodeError(f"the body does not decode as its Content-Encoding says: {reason}")


def _decoding(chunks: Iterator[bytes], wrong: type[Exception]) -> Iterator[bytes]:
    try:
        yield from chunks
    except wrong as error:
        raise _undecodable(error) from None


async def _adecoding(chunks: Any, wrong: type[Exception]) -> AsyncIterator[bytes]:
    try:
        async for chunk in chunks:
            yield chunk
    except wrong as error:
        raise _undecodable(error) from None
    finally:
        await chunks.aclose()
