"""What happens at the end of a body: observers on the stream of an open response."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import anyio

from penstock.errors import ResponseTooLarge, TimedOut

if TYPE_CHECKING:
    from penstock.messages import Response


class BodyEnd(NamedTuple):
    """How a body ended.

    Attributes:
        outcome: `completed` (read to its end), `closed` (the reader stopped), `error`, or
            `abandoned` (dropped unclosed).
        error: What broke it, or None.
        size: Bytes read off the wire.
        chunks: Reads that brought them.
        first_at: The moment the first of them came, or None.
        last_at: The moment the last of them came, or None.
    """

    outcome: str
    error: BaseException | None
    size: int
    chunks: int
    first_at: float | None
    last_at: float | None


Observer = Callable[[BodyEnd], None]


def observe_body(response: Response, observer: Observer) -> None:
    """Call `observer(end)` once: when the body is exhausted, closed, broken or abandoned.

    It is called at once when the body has been read already. It must not block, and must not hold
    the response.

    Args:
        response: A response that came up a Penstock stack.
        observer: A plain function of a `BodyEnd`.
    """
    stream = response.stream
    if isinstance(stream, ObservedBody):
        stream.observe(observer)
    else:
        observer(READ)


READ = BodyEnd("completed", None, 0, 0, None, None)


class ObservedBody:
    """The raw body of an open response, in either colour, that tells its observers how it ended.

    A family's own stream class stands beside it in the class that is used: both libraries check for
    theirs.

    Args:
        stream: The body as the transport gave it.
        now: The clock.
        failure: Turns what the transport raised into what the reader sees.
        max_bytes: The longest body, or None.
        expires: The moment by which the body must have ended, or None. Checked at each chunk: a
            transport that is not ours cannot be stopped inside one.
    """

    def __init__(
        self,
        stream: Any,
        *,
        now: Callable[[], float],
        failure: Callable[[BaseException], BaseException],
        max_bytes: int | None = None,
        expires: float | None = None,
    ) -> None:
        self._stream = stream
        self._now = now
        self._failure = failure
        self._max_bytes = max_bytes
        self._expires = expires
        self._observers: list[Observer] = []
        self._end: BodyEnd | None = None
        self._source: Any = None
        self._size = self._chunks = 0
        self._first_at: float | None = None
        self._last_at: float | None = None

    def observe(self, observer: Observer) -> None:
        """Have *observer* called at the end, or now if it has been."""
        if self._end is None:
            self._observers.append(observer)
        else:
            observer(self._end)

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._stream:
                self._count(chunk)
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as error:
            failure = self._fail(error)
            self._stream.close()
            if failure is error:
                raise
            raise failure from error
        self._finish("completed")

    def __aiter__(self) -> Self:
        # Not a generator: a reader that leaves in the middle leaves nothing to the collector.
        self._source = aiter(self._stream)
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk: bytes = await anext(self._source)
            self._count(chunk)
        except StopAsyncIteration:
            self._finish("completed")
            raise
        except BaseException as error:
            failure = self._fail(error)
            with anyio.CancelScope(shield=True):
                await self._close_source()
            if failure is error:
                raise
            raise failure from error
        return chunk

    def close(self) -> None:
        """Close the body; once closed, again is nothing."""
        self._stream.close()
        self._finish("closed")

    async def aclose(self) -> None:
        """Close the body; once closed, again is nothing."""
        try:
            await self._close_source()
        finally:
            self._finish("closed")

    async def _close_source(self) -> None:
        await self._stream.aclose()
        if isinstance(self._source, AsyncGenerator):
            with contextlib.suppress(RuntimeError):  # another task is in it, and ends it
                await self._source.aclose()

    def __del__(self) -> None:
        if self._end is None:
            self._finish("abandoned")
            if hasattr(self._stream, "close"):
                self._stream.close()

    def _count(self, chunk: bytes) -> None:
        at = self._last_at = self._now()
        if self._first_at is None:
            self._first_at = at
        self._chunks += 1
        self._size += len(chunk)
        if self._max_bytes is not None and self._size > self._max_bytes:
            msg = f"the body is longer than max_response_bytes={self._max_bytes}"
            raise ResponseTooLarge(msg)
        if self._expires is not None and at >= self._expires:
            msg = "the body did not end in time"
            raise TimedOut(msg)

    def _fail(self, error: BaseException) -> BaseException:
        failure = self._failure(error)
        self._finish("error", failure)
        return failure

    def _finish(self, outcome: str, error: BaseException | None = None) -> None:
        if self._end is None:
            self._end = BodyEnd(
                outcome, error, self._size, self._chunks, self._first_at, self._last_at
            )
            observers, self._observers = self._observers, []
            for observer in observers:
                observer(self._end)
