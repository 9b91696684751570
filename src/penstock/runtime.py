"""How a middleware waits: one set of awaitables, in two colours.

`AsyncClient` awaits a middleware. `Client` steps the very same coroutine once: everything it awaits
from its `Runtime` is async-shaped but never suspends, so one step runs it to its end.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import anyio

from penstock.clock import SystemClock
from penstock.locks import LOOP_LOCKS, BlockingLock, PerOwner
from penstock.stepping import run_now
from penstock.taking import OF_NO_INTEREST, Taking, hurry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from penstock.clock import Clock
    from penstock.messages import Response

T = TypeVar("T")


class Event(Protocol):
    """Set once; whoever waits goes on."""

    def set(self) -> None:
        """Let everyone who waits go on."""
        ...

    def is_set(self) -> bool:
        """Tell whether it was set."""
        ...

    async def wait(self) -> None:
        """Wait until it is set."""
        ...


class Runtime(Protocol):
    """What a middleware may await in a sync and in an async client alike."""

    is_async: bool

    def now(self) -> float:
        """Return monotonic seconds."""
        ...

    def wall(self) -> float:
        """Return seconds since the epoch."""
        ...

    def random(self) -> float:
        """Return a number drawn uniformly from [0, 1)."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let *seconds* pass."""
        ...

    def lock(self, owner: object) -> AbstractAsyncContextManager[Any]:
        """Return the lock of *owner*: the same one each time, within one client or event loop."""
        ...

    def event(self) -> Event:
        """Return a new event."""
        ...

    async def race(
        self, *contenders: Callable[[], Awaitable[T]], discard: Callable[[T], Awaitable[None]]
    ) -> T:
        """Run *contenders* side by side and return what the first to succeed returns.

        The others are cancelled; in a sync client, where a thread cannot be, they run on. A result
        that comes too late is given to *discard*. When all fail, the first error is raised.
        """
        ...

    async def call(self, sync_fn: Callable[[], T], async_fn: Callable[[], Awaitable[T]]) -> T:
        """Return what the function of this colour returns."""
        ...

    async def read(self, response: Response) -> bytes:
        """Read the rest of a response's body."""
        ...

    async def close(self, response: Response) -> None:
        """Close a response; once closed, again is nothing."""
        ...

    async def take(self, response: Response, limit: int) -> bytes:
        """Read at most about *limit* bytes of a body and close the response.

        Then its connection can be used again.

        What fails meanwhile is of no interest any more: what was read until then is returned.
        """
        ...


class Blocking:
    """The runtime of `Client`: waits by blocking the thread.

    Args:
        clock: Time and chance.
    """

    is_async = False

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock = clock or SystemClock()
        self.now, self.wall, self.random = clock.now, clock.wall, clock.random
        self._locks: PerOwner[threading.Lock] = PerOwner()

    async def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    def lock(self, owner: object) -> AbstractAsyncContextManager[Any]:
        return BlockingLock(self._locks.of(owner, threading.Lock))

    def event(self) -> Event:
        return _BlockingEvent()

    async def race(
        self, *contenders: Callable[[], Awaitable[T]], discard: Callable[[T], Awaitable[None]]
    ) -> T:
        # Each runs in a copy of the caller's context: the current span goes along.
        results: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()
        settled = threading.Lock()
        won = False

        def run(contender: Callable[[], Awaitable[T]]) -> None:
            nonlocal won
            try:
                result = run_now(_await(contender))
            except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
                results.put((None, error))
                return
            with settled:
                late, won = won, True
            if late:
                run_now(_await(lambda: discard(result)))
            else:
                results.put((result, None))

        for contender in contenders:
            context = contextvars.copy_context()
            threading.Thread(
                target=context.run, args=(run, contender), name="penstock-race", daemon=True
            ).start()
        errors: list[BaseException] = []
        for _ in contenders:
            result, error = results.get()
            if error is None:
                return result  # type: ignore[return-value]  # a T, since there is no error
            errors.append(error)
            del error
        raise _first(errors)

    async def call(self, sync_fn: Callable[[], T], async_fn: Callable[[], Awaitable[T]]) -> T:  # noqa: ARG002
        return sync_fn()

    async def read(self, response: Response) -> bytes:
        return response.read()

    async def close(self, response: Response) -> None:
        response.close()

    async def take(self, response: Response, limit: int) -> bytes:
        taking = Taking(self.now, limit)
        if response.is_closed:
            return taking.of_closed(response)
        hurry(response)
        try:
            for chunk in response.iter_raw():
                if taking.is_enough(chunk):
                    break
        except OF_NO_INTEREST:
            pass
        finally:
            response.close()
        return taking.decoded(response)


class AnyIO:
    """The runtime of `AsyncClient`: waits on whichever event loop runs, asyncio or trio.

    Args:
        clock: Time and chance.
    """

    is_async = True

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock = clock or SystemClock()
        self.now, self.wall, self.random = clock.now, clock.wall, clock.random

    async def sleep(self, seconds: float) -> None:
        await self.clock.asleep(seconds)

    def lock(self, owner: object) -> AbstractAsyncContextManager[Any]:
        locks = LOOP_LOCKS.get(None)
        if locks is None:
            locks = PerOwner()
            LOOP_LOCKS.set(locks)
        return locks.of(owner, anyio.Lock)

    def event(self) -> Event:
        return anyio.Event()

    async def race(
        self, *contenders: Callable[[], Awaitable[T]], discard: Callable[[T], Awaitable[None]]
    ) -> T:
        winners: list[T] = []
        errors: list[BaseException] = []

        async def run(contender: Callable[[], Awaitable[T]]) -> None:
            try:
                result = await contender()
            except Exception as error:  # noqa: BLE001 - the first is raised below when all have failed
                errors.append(error)
                return
            if winners:
                with anyio.CancelScope(shield=True):
                    await discard(result)
            else:
                winners.append(result)
                group.cancel_scope.cancel()

        try:
            async with anyio.create_task_group() as group:
                for contender in contenders:
                    group.start_soon(run, contender)
        except BaseException:
            with anyio.CancelScope(shield=True):
                for result in winners:  # of a race that was cancelled when it was won
                    await discard(result)
            raise
        if winners:
            return winners[0]
        raise _first(errors)

    async def call(self, sync_fn: Callable[[], T], async_fn: Callable[[], Awaitable[T]]) -> T:  # noqa: ARG002
        return await async_fn()

    async def read(self, response: Response) -> bytes:
        return await response.aread()

    async def close(self, response: Response) -> None:
        # Giving a connection back must not be cut short by the cancellation that made it necessary.
        with anyio.CancelScope(shield=True):
            await response.aclose()

    async def take(self, response: Response, limit: int) -> bytes:
        taking = Taking(self.now, limit)
        if response.is_closed:
            return taking.of_closed(response)
        hurry(response)
        chunks: Any = response.aiter_raw()
        try:
            async for chunk in chunks:
                if taking.is_enough(chunk):
                    break
        except OF_NO_INTEREST:
            pass
        finally:
            await self.close(response)
            await chunks.aclose()  # the body is closed: nothing in it waits
        return taking.decoded(response)


def _first(errors: list[BaseException]) -> BaseException:
    first = errors[0] if errors else ValueError("race needs a contender")
    errors.clear()  # an error refers, through its traceback, to the frame that holds the list
    return first


async def _await(contender: Callable[[], Awaitable[T]]) -> T:
    return await contender()


class _BlockingEvent:
    def __init__(self) -> None:
        self._event = threading.Event()
        self.set, self.is_set = self._event.set, self._event.is_set

    async def wait(self) -> None:
        self._event.wait()
