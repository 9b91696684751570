"""The two iterators over a stream of events, and the two context managers over an open response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import anyio

from penstock.errors import PenstockError
from penstock.streaming.reader import Reader, Reading, enough

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from types import TracebackType

    from penstock.messages import Response
    from penstock.streaming.event import Event


class OpenResponse:
    """An open response as a context manager: the call happens on entry, the close on exit."""

    def __init__(self, open: Callable[[], Response]) -> None:
        self._open = open

    def __enter__(self) -> Response:
        self._response = self._open()
        return self._response

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._response.close()


class AsyncOpenResponse:
    """The async twin of `OpenResponse`."""

    def __init__(self, open: Callable[[], Awaitable[Response]]) -> None:
        self._open = open

    async def __aenter__(self) -> Response:
        self._response = await self._open()
        return self._response

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self._response.aclose()


class _Stream:
    """What a reader of a stream may ask about it.

    Attributes:
        response: The response, once the stream was opened.
    """

    response: Response | None = None
    _reading: Reading | None = None

    @property
    def completed(self) -> bool:
        """Whether the stream came to its proper end."""
        return self._reading is not None and self._reading.completed

    @property
    def events(self) -> int:
        """How many events were delivered."""
        return 0 if self._reading is None else self._reading.events

    @property
    def last_event_id(self) -> str:
        """The last event id in force."""
        return "" if self._reading is None else self._reading.last_event_id

    def __repr__(self) -> str:
        state = "completed" if self.completed else ("open" if self._reading else "not opened")
        return f"<{type(self).__name__} {state}, {self.events} events>"


class EventStream(_Stream):
    """The events of one response: iterate over it, inside `with` or not.

    The call happens when it is entered or first iterated. Leaving the loop, by its end, `break` or
    an error, gives the connection back at once.
    """

    def __init__(self, open: Callable[[], Response], reader: Reader) -> None:
        self._open = open
        self._reader = reader
        self._iterator: Iterator[Event] | None = None

    def __iter__(self) -> Iterator[Event]:
        # Not kept here: when a loop drops the iterator, its `finally` closes the response.
        return self._iterator or self._iterate()

    def __next__(self) -> Event:
        if self._iterator is None:
            self._iterator = self._iterate()
        return next(self._iterator)

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop reading and give the connection back."""
        self._iterator = None
        if self.response is not None:
            self.response.close()

    def _start(self) -> tuple[Response, Reading]:
        if self.response is None or self._reading is None:
            self.response = self._open()
            self._reading = Reading(self._reader, self.response)
            if not self._reading.is_empty and not self._reader.accepts(self.response):
                raise self._refuse(self.response, self._reading)
        return self.response, self._reading

    def _refuse(self, response: Response, reading: Reading) -> PenstockError:
        chunks: list[bytes] = []
        try:
            for chunk in response.iter_bytes():
                chunks.append(chunk)
                if enough(chunks):
                    break
        except PenstockError as error:
            return reading.failure(error)
        finally:
            response.close()
        return reading.refusal(response, b"".join(chunks))

    def _iterate(self) -> Iterator[Event]:
        response, reading = self._start()
        try:
            if not response.is_closed and not reading.completed:
                for chunk in _chunks(response):
                    yield from reading.feed(chunk)
                    if reading.completed:
                        return
                yield from reading.finish()
        except PenstockError as error:
            failure = reading.failure(error)
            if failure is error:
                raise
            raise failure from error
        finally:
            response.close()


class AsyncEventStream(_Stream):
    """The async twin of `EventStream`: `async with` and `async for`, no `await` needed."""

    def __init__(self, open: Callable[[], Awaitable[Response]], reader: Reader) -> None:
        self._open = open
        self._reader = reader
        self._iterator: AsyncIterator[Event] | None = None

    def __aiter__(self) -> AsyncIterator[Event]:
        # Not kept here: when a loop drops the iterator, the event loop runs its `finally`, which
        # closes the response.
        return self._iterator or self._iterate()

    async def __anext__(self) -> Event:
        if self._iterator is None:
            self._iterator = self._iterate()
        return await anext(self._iterator)

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop reading and give the connection back."""
        self._iterator = None
        if self.response is not None:
            with anyio.CancelScope(shield=True):
                await self.response.aclose()

    async def _start(self) -> tuple[Response, Reading]:
        if self.response is None or self._reading is None:
            self.response = await self._open()
            self._reading = Reading(self._reader, self.response)
            if not self._reading.is_empty and not self._reader.accepts(self.response):
                raise await self._refuse(self.response, self._reading)
        return self.response, self._reading

    async def _refuse(self, response: Response, reading: Reading) -> PenstockError:
        chunks: list[bytes] = []
        try:
            async for chunk in response.aiter_bytes():
                chunks.append(chunk)
                if enough(chunks):
                    break
        except PenstockError as error:
            return reading.failure(error)
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()
        return reading.refusal(response, b"".join(chunks))

    async def _iterate(self) -> AsyncIterator[Event]:
        response, reading = await self._start()
        try:
            if not response.is_closed and not reading.completed:
                async for chunk in _achunks(response):
                    for event in reading.feed(chunk):
                        yield event
                    if reading.completed:
                        return
                for event in reading.finish():
                    yield event
        except PenstockError as error:
            failure = reading.failure(error)
            if failure is error:
                raise
            raise failure from error
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()


def _chunks(response: Response) -> Iterator[bytes]:
    return response.iter_bytes() if "content-encoding" in response.headers else response.iter_raw()


def _achunks(response: Response) -> AsyncIterator[Any]:
    return (
        response.aiter_bytes() if "content-encoding" in response.headers else response.aiter_raw()
    )
