"""`AsyncClient.map`: many requests at once, each in a task."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import anyio

from penstock.bulk.requests import sending
from penstock.bulk.results import BulkResult, Turns
from penstock.bulk.spawning import spawn
from penstock.progress import reporting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    from anyio.abc import TaskGroup

    from penstock.bulk.work import Work
    from penstock.progress import Report


class AsyncBulk:
    """The results of many requests: iterate over it, inside `async with` or not.

    Nothing is sent before it is entered or first iterated. To leave it early cancels what is under
    way; `async with` also waits until that has ended.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._run: _Run | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> BulkResult:
        run = self._started()
        while (result := run.turns.take()) is None:
            if run.ended.is_set():
                error, run.error = run.error, None
                raise error or StopAsyncIteration
            await run.something()
        run.room.release()
        return result

    async def __aenter__(self) -> Self:
        self._started()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Cancel what is under way, and wait until it has ended."""
        if self._run is not None:
            self._run.cancel()
            with anyio.CancelScope(shield=True):
                await self._run.ended.wait()

    def __del__(self) -> None:
        if getattr(self, "_run", None) is not None:
            with suppress(RuntimeError):  # the event loop is gone, and its tasks with it
                self._run.cancel()  # type: ignore[union-attr]  # as asked

    def _started(self) -> _Run:
        if self._run is None:
            self._run = _Run(self._work)
            self._run.kept = spawn(self._run.feed)
        return self._run


class _Run:
    """What the reader and the tasks share. It knows nothing of the reader, who may walk away.

    Attributes:
        work: What is sent.
        turns: Where results wait for the reader.
        room: Held by each request that was taken and whose result was not handed over.
        ended: Set when every task has ended.
        error: What ended the run early: the requests themselves, or the results file.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        self.turns = Turns(ordered=work.ordered)
        self.room = anyio.Semaphore(work.ahead)
        self.slots = anyio.Semaphore(work.concurrency)
        self.ended = anyio.Event()
        self.error: Exception | None = None
        self.kept: Any = None
        self._scope = anyio.CancelScope()
        self._news = anyio.Event()

    async def something(self) -> None:
        """Wait until a result has come, or the end."""
        self._news = anyio.Event()
        try:
            await self._news.wait()
        except BaseException:  # a cancellation: the reader leaves
            self.cancel()
            raise

    def cancel(self) -> None:
        """Cancel what is under way."""
        self._scope.cancel()

    def fail(self, error: Exception) -> None:
        """End the run for *error*."""
        self.error = self.error or error
        self._scope.cancel()

    async def feed(self) -> None:
        """Take the requests one after another and have each sent in a task of its own."""
        try:
            with self._scope:
                await self._feed_all()
        except Exception as error:  # noqa: BLE001 - raised in the reader's task
            self.error = self.error or error
        finally:
            self.work.close()
            self.ended.set()
            self._news.set()

    async def _feed_all(self) -> None:
        await anyio.to_thread.run_sync(self.work.open)  # a long file takes its time
        with reporting(
            self.work.progress, "requests", in_bytes=False, total=self.work.total
        ) as report:
            async with anyio.create_task_group() as group:
                await self._feed(group, report)

    async def _feed(self, group: TaskGroup, report: Report) -> None:
        source = _numbered(self.work.requests)
        try:
            while True:
                await self.room.acquire()
                try:
                    index, item = await anext(source)
                    if (known := self.work.known(index, item)) is not None:
                        self._arrive(known, report)
                        continue
                except StopAsyncIteration:
                    return
                except Exception as error:  # noqa: BLE001 - as above
                    self.fail(error)
                    return
                await self.slots.acquire()
                group.start_soon(self._send, index, item, report)
        finally:
            with anyio.CancelScope(shield=True):
                await source.aclose()

    async def _send(self, index: int, item: Any, report: Report) -> None:
        response = error = None
        try:
            response = await sending(self.work.client, item)
        except Exception as failure:  # noqa: BLE001 - it is the request's result
            error = failure
        finally:
            self.slots.release()
        try:
            self._arrive(self.work.result(index, item, response, error), report)
        except Exception as failure:  # noqa: BLE001 - as above
            self.fail(failure)
        finally:
            del error

    def _arrive(self, result: BulkResult, report: Report) -> None:
        self.work.count(report)
        self.turns.put(result)
        self._news.set()


async def _numbered(requests: Any) -> AsyncGenerator[tuple[int, Any]]:
    index = 0
    if not isinstance(requests, AsyncIterable):
        for item in requests:
            yield index, item
            index += 1
        return
    source: AsyncIterator[Any] = aiter(requests)
    try:
        async for item in source:
            yield index, item
            index += 1
    finally:
        if isinstance(source, AsyncGenerator):
            await source.aclose()
