"""The two iterators over a stream of events, and the two context managers over an open response."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Self

import anyio

from penstock.chunks import achunks_of, chunks_of
from penstock.errors import PenstockError
from penstock.stepping import run_now
from penstock.streaming.reader import Reader, Reading
from penstock.taking import apass_over, pass_over

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
    from types import TracebackType

    from penstock.messages import Response
    from penstock.streaming.event import Event


class OpenResponse:
    """An open response as a context manager: the call happens on entry, the close on exit."""

    def __init__(self, open: Callable[[], Response]) -> None:
        self._open = open

    if not TYPE_CHECKING:  # to type checkers it would have every attribute

        def __getattr__(self, name: str) -> Any:
            raise _not_entered("with", name)

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

    if not TYPE_CHECKING:  # as above

        def __getattr__(self, name: str) -> Any:
            raise _not_entered("async with", name)

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


def _not_entered(how: str, name: str) -> AttributeError:
    msg = f"no {name!r} yet: the request is sent by `{how} client.stream(…) as response:`"
    return AttributeError(msg)


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

    The call happens when it is entered or first iterated. The end of the stream gives the
    connection back at once; so does leaving the loop by `break` or an error, or, inside `with`, the
    block.
    """

    def __init__(self, open: Callable[[], Response], reader: Reader) -> None:
        self._open = open
        self._reader = reader
        self._iterator: Iterator[Event] | None = None

    def __iter__(self) -> Iterator[Event]:
        # Not kept here, outside of `with`: when a loop drops the iterator, its `finally` closes the
        # response.
        return self._iterator or self._iterate()

    def __next__(self) -> Event:
        if self._iterator is None:
            self._iterator = self._iterate()
        return next(self._iterator)

    def __enter__(self) -> Self:
        self._start()
        if self._iterator is None:  # else it was begun already: to drop it would be to close it
            self._iterator = self._iterate()
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
        if self._reading is not None:
            self._reading.end()

    def _start(self) -> tuple[Response, Reading]:
        if self.response is None or self._reading is None:
            self.response = self._open()
            self._reading = Reading(self._reader, self.response)
            if not self._reading.is_empty and not self._reader.accepts(self.response):
                raise run_now(self._reading.refuse(self.response))
        return self.response, self._reading

    def _iterate(self) -> Iterator[Event]:
        response, reading = self._start()
        del self  # it may hold this generator: a dropped stream must need no collector
        chunks: Iterator[bytes] = iter(())
        try:
            if reading.begins(response):
                chunks = chunks_of(response)
                for chunk in chunks:
                    yield from reading.feed(chunk)
                    if reading.completed:
                        return
                yield from reading.finish()
        except PenstockError as error:
            reading.fail(error)
            raise
        finally:
            try:
                if reading.passes_over():
                    pass_over(chunks)
            finally:
                response.close()
                reading.end()


class AsyncEventStream(_Stream):
    """The async twin of `EventStream`: `async with` and `async for`, no `await` needed."""

    def __init__(self, open: Callable[[], Awaitable[Response]], reader: Reader) -> None:
        self._open = open
        self._reader = reader
        self._iterator: AsyncGenerator[Event, None] | None = None

    def __aiter__(self) -> AsyncIterator[Event]:
        # Not kept here, outside of `async with`: when a loop drops the iterator, the event loop
        # runs its `finally`, which closes the response.
        return self._iterator or self._iterate()

    async def __anext__(self) -> Event:
        if self._iterator is None:
            self._iterator = self._iterate()
        return await anext(self._iterator)

    async def __aenter__(self) -> Self:
        await self._start()
        if self._iterator is None:  # as above
            self._iterator = self._iterate()
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
        iterator, self._iterator = self._iterator, None
        with anyio.CancelScope(shield=True):
            if self.completed and iterator is not None:
                await _end(iterator)  # reads off the rest
            if self.response is not None:
                await self.response.aclose()
            if self._reading is not None:
                self._reading.end()
            if iterator is not None:
                await _end(iterator)

    async def _start(self) -> tuple[Response, Reading]:
        if self.response is None or self._reading is None:
            self.response = await self._open()
            self._reading = Reading(self._reader, self.response)
            if not self._reading.is_empty and not self._reader.accepts(self.response):
                raise await self._reading.refuse(self.response)
        return self.response, self._reading

    async def _iterate(self) -> AsyncGenerator[Event, None]:
        response, reading = await self._start()
        del self  # it may hold this generator: a dropped stream must need no collector
        chunks = achunks_of(response)
        try:
            if reading.begins(response):
                async for chunk in chunks:
                    for event in reading.feed(chunk):
                        yield event
                    if reading.completed:
                        return
                for event in reading.finish():
                    yield event
        except PenstockError as error:
            reading.fail(error)
            raise
        finally:
            with anyio.CancelScope(shield=True):
                if reading.passes_over():
                    await apass_over(chunks)
                await response.aclose()
                reading.end()
                await _end(chunks)  # the body is closed: nothing in it waits


async def _end(iterator: AsyncGenerator[Any, None]) -> None:
    with contextlib.suppress(RuntimeError):  # another task is in it, and ends it
        await iterator.aclose()
