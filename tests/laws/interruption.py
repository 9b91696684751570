"""Ending a call anywhere: at every await of an async one, where a sync one blocks."""

from __future__ import annotations

import asyncio
import itertools
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import httpx

from penstock.testing import Script, VirtualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator


CANCELLED = "cancelled"
FINISHED = "finished before"


class Interrupt:
    """What raises KeyboardInterrupt at the *at*-th thing a sync call blocks in."""

    def __init__(self) -> None:
        self.at: int | None = None
        self.error = KeyboardInterrupt("the user pressed Ctrl-C")
        self.struck = False
        self._blocked = itertools.count()

    def arm(self, at: int) -> None:
        """Raise at the *at*-th from now on."""
        self._blocked, self.at = itertools.count(), at

    def tick(self) -> None:
        """Say that the call blocks here."""
        if next(self._blocked) == self.at:
            self.struck = True
            raise self.error


class InterruptibleClock(VirtualClock):
    """A virtual clock whose sleeps can be interrupted."""

    def __init__(self, interrupt: Interrupt) -> None:
        super().__init__()
        self._interrupt = interrupt

    def sleep(self, seconds: float) -> None:
        self._interrupt.tick()
        super().sleep(seconds)


class SlowScript(Script):
    """A script that can be interrupted while it waits for a head, for a chunk, and while it closes.

    It is as bad a transport as it may be: closing that begins in a cancelled scope closes nothing.
    """

    def __init__(self, interrupt: Interrupt, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._interrupt = interrupt

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._interrupt.tick()
        response = super().handle_request(request)
        response.stream = _SlowBody(response.stream, self._interrupt)
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        response.stream = _SlowBody(response.stream, self._interrupt)
        return response


class _SlowBody(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, body: Any, interrupt: Interrupt) -> None:
        self._body = body
        self._interrupt = interrupt

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._body:
            self._interrupt.tick()
            yield chunk
        self._body.close()

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._chunks = iter(self._body)
        return self

    async def __anext__(self) -> bytes:
        await anyio.lowlevel.checkpoint()
        for chunk in self._chunks:
            return chunk
        self._body.close()
        raise StopAsyncIteration

    def close(self) -> None:
        self._body.close()

    async def aclose(self) -> None:
        await anyio.lowlevel.checkpoint_if_cancelled()
        try:
            await anyio.lowlevel.checkpoint()
        finally:
            self._body.close()


class _Stepped:
    """A coroutine that calls *cancel* when it suspends for the *at*-th time."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], at: int, cancel: Callable[[], Any]):
        self._coroutine = coroutine
        self._at = at
        self._cancel = cancel
        self.reached = False

    def __await__(self) -> Generator[Any, Any, Any]:
        step = partial(self._coroutine.send, None)
        for suspension in itertools.count():
            try:
                waits_for = step()
            except StopIteration as stop:
                return stop.value
            if suspension == self._at:
                self.reached = True
                self._cancel()
            try:
                step = partial(self._coroutine.send, (yield waits_for))
            except BaseException as error:  # noqa: BLE001 - handed to the coroutine, whatever it is
                step = partial(self._coroutine.throw, error)


async def cancelled_by_scope(call: Callable[[], Coroutine[Any, Any, Any]], at: int) -> Any:
    """Run a call, cancel the scope it is in at its *at*-th suspension, and return how it ended.

    Returns:
        Its own outcome, `CANCELLED`, or `FINISHED` when it did not suspend so often.
    """
    with anyio.CancelScope() as scope:
        stepped = _Stepped(call(), at, scope.cancel)
        outcome = await stepped
        return outcome if stepped.reached else FINISHED
    return CANCELLED


async def cancelled_by_task(call: Callable[[], Coroutine[Any, Any, Any]], at: int) -> Any:
    """As `cancelled_by_scope`, by asyncio's own `task.cancel()`; its message must come through."""
    task: Any = asyncio.current_task()
    stepped = _Stepped(call(), at, partial(task.cancel, "the caller left"))
    try:
        outcome = await stepped
    except asyncio.CancelledError as cancelled:
        if (type(cancelled), cancelled.args) != (asyncio.CancelledError, ("the caller left",)):
            raise
        task.uncancel()
        return CANCELLED
    return outcome if stepped.reached else FINISHED
