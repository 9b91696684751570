"""What happens at the end of a body: observers on the stream of an open response."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import anyio

from penstock.errors import InvalidOption, ResponseTooLarge, TimedOut
from penstock.transport.until import Until

if TYPE_CHECKING:
    from penstock.messages import Response


class BodyEnd(NamedTuple):
    """How a body ended.

    Attributes:
        outcome: `completed` (read to its end, or to the last event of a stream), `closed` (the
            reader stopped), `error`, or `abandoned` (dropped unclosed).
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


def too_long(name: str, limit: float) -> ResponseTooLarge:
    """Return the error of a body that is over a limit.

    Args:
        name: The option that sets it.
        limit: What it is, in bytes.
    """
    return ResponseTooLarge(
        f"the body is longer than {name}={limit:.0f} (bytes): give the client or the call a higher "
        "one, or None for no limit"
    )


class BodyLimits(NamedTuple):
    """How long a body may be, and until when it must have ended.

    Attributes:
        now: The clock.
        max_bytes: The most bytes off the wire, or None.
        named: The option that says so.
        expires: The moment by which it must have ended, or None. Checked at each chunk: a transport
            that is not ours cannot be stopped inside one.
    """

    now: Callable[[], float]
    max_bytes: int | None
    expires: float | None
    named: str = "max_response_bytes"

    def tightened(self, named: str, most: int) -> BodyLimits:
        """Return the limits with that of the option *named*, if it is the tighter one."""
        if self.max_bytes is not None and self.max_bytes <= most:
            return self
        return self._replace(max_bytes=most, named=named)

    def check(self, size: int) -> None:
        """Refuse a body that has come to *size* bytes by now.

        Raises:
            ResponseTooLarge: It is too long.
            TimedOut: It is too late.
        """
        if self.max_bytes is not None and size > self.max_bytes:
            raise too_long(self.named, self.max_bytes)
        if self.expires is not None and self.now() >= self.expires:
            msg = "the response did not end in time"
            raise TimedOut(msg)


def wrong_colour(*, is_async: bool) -> InvalidOption:
    """Return the error of an open response that is used as the other client's would be.

    Args:
        is_async: Whether the client it came from is the async one.
    """
    mine = (
        "an AsyncClient's: await response.aread() (aclose, or async for over aiter_bytes)"
        if is_async
        else "a Client's: call response.read() (close, or for over iter_bytes)"
    )
    return InvalidOption(
        f"this response is {mine}; in a middleware, await Call.of(request).runtime.read(response) "
        "(or close)"
    )


class ObservedBody:
    """The raw body of an open response that tells its observers how it ended.

    It is either colour's, and refuses the other before anything is touched. A family's own stream
    classes stand beside it in the class that is used: both libraries check for theirs.

    Args:
        stream: The body as the transport gave it.
        limits: How long it may be, and until when.
        failure: Turns what the transport raised into what the reader sees.
        timeouts: The request's own, which the transport goes by, or None.
        watched: Whether the transport holds to them at its sockets, and to their moments.
        is_async: Whether it is an async client's.
        opened_at: The file and line of who opened it, for a warning if it is dropped open.

    Attributes:
        is_complete: Whether all that counts has come. However it ends, it was completed then.
        can_be_hurried: Whether `hurry` holds, whatever the server does.
    """

    is_complete = False
    _end: BodyEnd | None = READ

    def __init__(
        self,
        stream: Any,
        limits: BodyLimits,
        failure: Callable[[BaseException], BaseException],
        timeouts: dict[str, Any] | None = None,
        *,
        watched: bool = False,
        is_async: bool,
        opened_at: str = "?",
    ) -> None:
        self._stream = stream
        self.can_be_hurried = watched and timeouts is not None
        self._opened_at = opened_at
        self._is_async = is_async
        self._timeouts = timeouts
        self._limits = limits
        self._failure = failure
        self._observers: list[Observer] = []
        self._source: Any = None
        self._size = self._chunks = 0
        self._first_at: float | None = None
        self._last_at: float | None = None
        self._end = None  # the last of all: from here on it has an end to tell of

    def observe(self, observer: Observer) -> None:
        """Have *observer* called at the end, or now if it has been."""
        if self._end is None:
            self._observers.append(observer)
        else:
            observer(self._end)

    def hurry(self, seconds: float) -> None:
        """Have the rest come within *seconds* or not at all, where the transport can see to it."""
        if self._timeouts is not None:
            now = self._limits.now
            self._timeouts["read"] = Until(seconds, now() + seconds, now)

    def __iter__(self) -> Iterator[bytes]:
        self._check_colour(is_async=False)
        try:
            for chunk in self._stream:
                self._count(chunk)
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as error:
            self._stream.close()
            self._fail(error)
            raise
        self._finish("completed")

    def __aiter__(self) -> Self:
        # Not a generator: a reader that leaves in the middle leaves nothing to the collector.
        self._check_colour(is_async=True)
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
            with anyio.CancelScope(shield=True):
                await self._close_source()
            self._fail(error)
            raise
        return chunk

    def close(self) -> None:
        """Close the body; once closed, again is nothing."""
        self._check_colour(is_async=False)
        self._stream.close()
        self._finish("closed")

    async def aclose(self) -> None:
        """Close the body; once closed, again is nothing."""
        self._check_colour(is_async=True)
        try:
            await self._close_source()
        finally:
            self._finish("closed")

    def _check_colour(self, *, is_async: bool) -> None:
        if is_async != self._is_async:
            raise wrong_colour(is_async=self._is_async)

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
            where = f"opened at {self._opened_at}"
            msg = f"a response was dropped open: use `with`, or close it ({where})"
            # Not as its source: who keeps the warning would keep the connection.
            warnings.warn(msg, ResourceWarning, stacklevel=1)

    def _count(self, chunk: bytes) -> None:
        self._last_at = self._limits.now()
        if self._first_at is None:
            self._first_at = self._last_at
        self._chunks += 1
        self._size += len(chunk)
        self._limits.check(self._size)

    def _fail(self, error: BaseException) -> None:
        """Raise what the reader sees for *error*; return if that is *error* itself."""
        failure = self._failure(error)
        try:
            self._finish("error", failure)
            if failure is not error:
                raise failure from error
        finally:
            del failure  # it refers to this frame through its traceback

    def _finish(self, outcome: str, error: BaseException | None = None) -> None:
        if self._end is None:
            if self.is_complete:
                outcome, error = "completed", None
            self._end = BodyEnd(
                outcome, error, self._size, self._chunks, self._first_at, self._last_at
            )
            observers, self._observers = self._observers, []
            for observer in observers:
                observer(self._end)
            # The error's traceback leads back to here: a late observer is told the outcome alone.
            self._end = self._end._replace(error=None)
