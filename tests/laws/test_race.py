"""The laws of a race: one result is returned, every other is discarded, whatever ends it."""

from __future__ import annotations

import itertools
import queue
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from penstock import Call, Stack, TimedOut
from penstock.stepping import run_now

from .interruption import (
    CANCELLED,
    FINISHED,
    Interrupt,
    SlowScript,
    cancelled_by_scope,
    cancelled_by_task,
)
from .support import EVENTS, Trial, run

if TYPE_CHECKING:
    from collections.abc import Callable


async def hedge(request: Any, call_next: Any) -> Any:
    """Send a request twice, side by side."""
    call = Call.of(request)
    contenders = [partial(call_next, call.new_attempt(request)) for _ in range(2)]
    return await call.runtime.race(*contenders, discard=call.runtime.close)


def hedged(colour: Any, replies: Any) -> Trial:
    return Trial(colour, Stack([hedge]), replies, partial(SlowScript, Interrupt()))


async def read(trial: Trial) -> Any:
    return await trial.stream(lambda response: response.status_code)


def test_one_result_is_returned(colour: Any) -> None:
    """The result that came first is read to its end, and the other is closed."""
    trial = hedged(colour, [EVENTS, EVENTS])
    status, chunks = run(colour, partial(read, trial))
    wait_for_threads()
    assert (status, b"".join(chunks)) == (200, b"".join(EVENTS.steps))
    assert trial.script.open == 0


def test_the_first_error_is_raised(colour: Any) -> None:
    """When all fail, the error of the first that failed is raised, bare."""
    trial = hedged(colour, [httpx.ReadTimeout("first"), httpx.ReadTimeout("second")])
    with pytest.raises(TimedOut):
        run(colour, partial(read, trial))


def test_a_failure_is_not_the_end(colour: Any) -> None:
    """A contender that fails leaves the race to the other."""
    trial = hedged(colour, [httpx.ReadTimeout("first"), EVENTS])
    status, _ = run(colour, partial(read, trial))
    assert status == 200
    assert trial.script.open == 0


@pytest.mark.parametrize(
    ("colour", "cancelled"),
    [
        ("asyncio", cancelled_by_scope),
        ("asyncio", cancelled_by_task),
        ("trio", cancelled_by_scope),
    ],
    indirect=["colour"],
)
def test_a_cancelled_race(colour: Any, cancelled: Callable[..., Any]) -> None:
    """Wherever a cancellation strikes, no result stays open and no contender runs on."""

    async def cancel_at(at: int) -> bool:
        trial = hedged(colour, [EVENTS, EVENTS])
        tasks = len(anyio.get_running_tasks())
        outcome = await cancelled(partial(read, trial), at)
        assert outcome in (CANCELLED, FINISHED, usual)
        assert trial.script.open == 0
        assert len(anyio.get_running_tasks()) == tasks
        return outcome != FINISHED

    usual = run(colour, partial(read, hedged(colour, [EVENTS, EVENTS])))
    points = itertools.takewhile(lambda at: colour.run(partial(cancel_at, at)), itertools.count())
    assert len(list(points)) > 1


class InterruptedQueue(queue.SimpleQueue[Any]):
    """What a thread waits at: KeyboardInterrupt strikes before a result came, or just after."""

    after = False

    def get(self, *args: Any, **options: Any) -> Any:
        if self.after:
            self.put(super().get(*args, **options))
        raise KeyboardInterrupt


@pytest.mark.filterwarnings("ignore:a response was dropped open:ResourceWarning")
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("colour", ["sync"], indirect=True)
def test_an_interrupted_race(colour: Any, *, after: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that is interrupted while it waits leaves nothing open, though others run on."""
    trial = hedged(colour, [EVENTS, EVENTS])
    monkeypatch.setattr(InterruptedQueue, "after", after)
    monkeypatch.setattr("penstock.runtime.queue.SimpleQueue", InterruptedQueue)
    with pytest.raises(KeyboardInterrupt):
        run_now(read(trial))
    wait_for_threads()
    assert trial.script.open == 0


def wait_for_threads() -> None:
    """Wait until the contenders of a sync race have ended."""
    for thread in threading.enumerate():
        if thread.name == "penstock-race":
            thread.join(10)
