"""Streams of an API's own items over a stream of events."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import anyio

from penstock.call import Call
from penstock.errors import PenstockError
from penstock.sdk.failing import own_error

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
    from types import TracebackType

    from penstock.facts import AttemptRecord
    from penstock.messages import Response
    from penstock.sdk.failing import Failures
    from penstock.streaming.event import Event
    from penstock.streaming.stream import AsyncEventStream, EventStream

T = TypeVar("T")
EventsT = TypeVar("EventsT", bound="EventStream | AsyncEventStream")

_ENTERED: Any = object()


class _Stream(Generic[EventsT]):
    """What a reader of a stream may ask about it, in either colour."""

    _events: EventsT

    @property
    def response(self) -> Response | None:
        """The response, once the stream was opened."""
        return self._events.response

    @property
    def attempts(self) -> tuple[AttemptRecord, ...]:
        """What was tried to open it, oldest first."""
        response = self._events.response
        return () if response is None else Call.of(response.request).attempts

    @property
    def completed(self) -> bool:
        """Whether the stream came to its proper end."""
        return self._events.completed

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._events!r}>"


class ItemStream(_Stream["EventStream"], Generic[T]):
    """The items of one stream: iterate over it, inside `with` or not.

    The call happens when it is entered or first iterated. The end of the stream gives the
    connection back at once; so does leaving the loop by `break` or an error, or, inside `with`, the
    block.

    Args:
        events: The stream of events.
        convert: From an event to an item, or to None for an event that is none.
        failures: From an error to the API's own, or None to leave it.
    """

    def __init__(
        self,
        events: EventStream,
        convert: Callable[[Event], T | None],
        failures: Failures | None = None,
    ) -> None:
        self._events = events
        self._convert = convert
        self._failures = failures
        self._iterator: Iterator[T] | None = None

    def __iter__(self) -> Iterator[T]:
        # Not kept here, outside of `with`: when a loop drops the iterator, the response is closed.
        return self._iterator or self._iterate()

    def __next__(self) -> T:
        if self._iterator is None:
            self._iterator = self._iterate()
        return next(self._iterator)

    def _iterate(self, *, entered: bool = False) -> Iterator[T]:
        events, convert, failures = self._events, self._convert, self._failures
        del self  # it may hold this generator: a dropped stream must need no collector
        try:
            if entered:
                yield _ENTERED  # from now on the response is closed when the generator is dropped
            for event in events:
                item = convert(event)
                if item is not None:
                    yield item
        except PenstockError as error:
            raise own_error(error, failures, events.response)  # noqa: B904 - it sets the cause
        finally:
            events.close()

    def __enter__(self) -> Self:
        if self._iterator is not None:  # begun already: a new iterator would drop and so close it
            return self
        try:
            self._events.__enter__()
        except PenstockError as error:
            raise own_error(error, self._failures)  # noqa: B904 - it sets the cause
        self._iterator = self._iterate(entered=True)
        next(self._iterator)
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
        self._events.close()


class AsyncItemStream(_Stream["AsyncEventStream"], Generic[T]):
    """The async twin of `ItemStream`: `async with` and `async for`, no `await` needed."""

    def __init__(
        self,
        events: AsyncEventStream,
        convert: Callable[[Event], T | None],
        failures: Failures | None = None,
    ) -> None:
        self._events = events
        self._convert = convert
        self._failures = failures
        self._iterator: AsyncGenerator[T, None] | None = None

    def __aiter__(self) -> AsyncIterator[T]:
        # Not kept here, outside of `async with`: when a loop drops the iterator, the event loop
        # runs its `finally`, which closes the response.
        return self._iterator or _Ending(self._iterate(), self._events)

    async def __anext__(self) -> T:
        if self._iterator is None:
            self._iterator = self._iterate()
        return await anext(self._iterator)

    async def _iterate(self, *, entered: bool = False) -> AsyncGenerator[T, None]:
        events, convert, failures = self._events, self._convert, self._failures
        del self  # it may hold this generator: a dropped stream must need no collector
        source: Any = aiter(events)
        try:
            if entered:
                yield _ENTERED  # from now on the response is closed when the generator is dropped
            async for event in source:
                item = convert(event)
                if item is not None:
                    yield item
        except PenstockError as error:
            raise own_error(error, failures, events.response)  # noqa: B904 - it sets the cause
        finally:
            # Being dropped does not close an async generator.
            with anyio.CancelScope(shield=True), contextlib.suppress(RuntimeError):
                await source.aclose()
                await events.aclose()

    async def __aenter__(self) -> Self:
        if self._iterator is not None:  # as above
            return self
        try:
            await self._events.__aenter__()
        except PenstockError as error:
            raise own_error(error, self._failures)  # noqa: B904 - it sets the cause
        self._iterator = self._iterate(entered=True)
        await anext(self._iterator)
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
            await self._events.aclose()
            if iterator is not None:
                with contextlib.suppress(RuntimeError):  # another task is in it, and ends it
                    await iterator.aclose()


class _Ending(Generic[T]):
    """Gives the items of a generator, and runs it to its end before it gives the stream's last.

    Whoever leaves the loop there leaves nothing to be closed: trio warns of a generator that was
    dropped.
    """

    def __init__(self, items: AsyncGenerator[T, None], events: AsyncEventStream) -> None:
        self._items = items
        self._events = events

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        item = await anext(self._items)
        if self._events.completed:
            async for _ in self._items:
                pass
        return item

    async def aclose(self) -> None:
        await self._items.aclose()


Items = ItemStream[T] | AsyncItemStream[T]
"""A stream of items in either colour."""
