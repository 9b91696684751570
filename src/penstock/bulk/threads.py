"""`Client.map`: many requests at once, each in one of a few threads."""

from __future__ import annotations

import threading
from contextlib import suppress
from contextvars import Context, copy_context
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Self

from penstock.bulk.interrupt import Interrupt, Left
from penstock.bulk.requests import sending
from penstock.bulk.results import BulkResult, Turns
from penstock.progress import reporting

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from types import TracebackType

    from penstock.bulk.work import Work
    from penstock.progress import Report

_Job = tuple[Context, int, Any]


class Bulk:
    """The results of many requests: iterate over it, inside `with` or not.

    Nothing is sent before it is first iterated. To leave it early sends no more and interrupts what
    is under way: what waits for a repeat or for an answer at once, on a transport that is the
    client's own; elsewhere an answer is waited for.
    """

    def __init__(self, work: Work) -> None:
        self._results = _results(work)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> BulkResult:
        return next(self._results)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Send no more, and interrupt what is under way."""
        self._results.close()


def _results(work: Work) -> Generator[BulkResult]:
    crew = _Crew(work)
    work.open()
    try:
        with reporting(work.progress, "requests", in_bytes=False, total=work.total) as report:
            yield from _handed_over(work, crew, report)
    finally:
        crew.dismiss()
        work.close()


def _handed_over(work: Work, crew: _Crew, report: Report) -> Iterator[BulkResult]:
    source = enumerate(work.requests)  # pulled in the reader's own thread, where it may belong
    turns = Turns(ordered=work.ordered)
    ahead, more = 0, True
    while more or ahead:
        for result in crew.finished():
            turns.put(result)
            work.count(report)
        can_pull = more and ahead < work.ahead
        # The wire is kept busy first; then the reader; then comes what is pulled ahead.
        turn = None if can_pull and crew.is_idle else turns.take()
        if turn is not None:
            ahead -= 1
            yield turn
        elif not can_pull:
            crew.wait()
        elif (job := next(source, None)) is None:
            more = False
        else:
            ahead += 1
            known = work.known(*job)
            if known is None:
                crew.give(*job)
            else:
                turns.put(known)
                work.count(report)


class _Crew:
    """The threads that send.

    Args:
        work: What is sent.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._interrupt = Interrupt()
        self._client = work.client.with_options(stack=self._interrupt.into)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._done: SimpleQueue[BulkResult | BaseException] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._under_way = 0
        self._waited: list[BulkResult | BaseException] = []

    @property
    def is_idle(self) -> bool:
        """Whether a thread has nothing to do."""
        return self._under_way < self._work.concurrency

    def give(self, index: int, item: Any) -> None:
        """Have a request sent, in the context of the reader: its span is the parent."""
        self._under_way += 1
        if len(self._threads) < min(self._under_way, self._work.concurrency):
            thread = threading.Thread(
                target=self._toil, name=f"penstock-map-{len(self._threads)}", daemon=True
            )
            self._threads.append(thread)
            thread.start()
        self._jobs.put((copy_context(), index, item))

    def finished(self) -> Iterator[BulkResult]:
        """Give the results that have come.

        Raises:
            OSError: A result could not be written to the results file.
        """
        waited, self._waited = self._waited, []
        with suppress(Empty):
            while True:
                waited.append(self._done.get_nowait())
        for outcome in waited:
            self._under_way -= 1
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome

    def wait(self) -> None:
        """Wait until one more has finished."""
        self._waited.append(self._done.get())

    def dismiss(self) -> None:
        """Interrupt what is under way, and wait for every thread to end."""
        self._interrupt.set()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def _toil(self) -> None:
        while (job := self._jobs.get()) is not None:
            context, index, item = job
            try:
                self._done.put(context.run(self._outcome, index, item))
            except BaseException as error:  # noqa: BLE001 - handed to the reader's thread
                self._done.put(error)

    def _outcome(self, index: int, item: Any) -> BulkResult:
        if self._interrupt.is_set():
            raise Left
        try:
            response = sending(self._client, item)
        except Exception as error:  # noqa: BLE001 - it is the request's result
            return self._work.result(index, item, error=error)
        return self._work.result(index, item, response)
