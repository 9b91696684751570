"""The limits of one event loop: what they do, `asyncio.timeout` does too, whose place they take."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from penstock.transport.alarm import Alarm, Within

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    Limit = Callable[[float | None], Any]

FOREVER = 1000.0


def asyncios() -> Limit:
    return asyncio.timeout


def ours() -> Limit:
    alarm = Alarm(asyncio.get_running_loop())

    @asynccontextmanager
    async def within(seconds: float | None) -> AsyncIterator[None]:
        with Within(alarm, seconds):
            yield

    return within


both = pytest.mark.parametrize("made", [ours, asyncios])


async def ended(limit: Limit, seconds: float | None, done: list[float | None]) -> None:
    with pytest.raises(TimeoutError):
        async with limit(seconds):
            await asyncio.Event().wait()
    done.append(seconds)


@both
def test_each_limit_ends_in_its_turn(made: Callable[[], Limit]) -> None:
    """What takes too long ends with its own limit, however many others run beside it."""

    async def scenario() -> list[float | None]:
        limit, done = made(), []
        async with limit(FOREVER):
            limits = (0.06, 0.02, 0.04, 0.0, -1.0)
            await asyncio.gather(*(ended(limit, seconds, done) for seconds in limits))
        return done

    assert sorted(asyncio.run(scenario())) == [-1.0, 0.0, 0.02, 0.04, 0.06]


@both
@pytest.mark.parametrize("seconds", [None, 0.0, 0.01])
def test_what_ends_in_time_is_left_alone(made: Callable[[], Limit], seconds: float | None) -> None:
    """A limit that what it was for has kept to has no effect any more."""

    async def scenario() -> int:
        limit, done = made(), []
        async with limit(seconds):
            pass
        await ended(limit, 0.02, done)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert asyncio.run(scenario()) == 0


@both
def test_an_inner_limit_is_not_the_outer_one(made: Callable[[], Limit]) -> None:
    """Of two limits on one task, the nearer one ends what is inside of it and no more."""

    async def scenario(inner: float, outer: float) -> str:
        limit = made()
        try:
            async with limit(outer):
                try:
                    async with limit(inner):
                        await asyncio.Event().wait()
                except TimeoutError:
                    return "inner"
        except TimeoutError:
            return "outer"
        return "none"

    assert asyncio.run(scenario(0.01, FOREVER)) == "inner"
    assert asyncio.run(scenario(FOREVER, 0.01)) == "outer"


@both
def test_a_cancellation_comes_first(made: Callable[[], Limit]) -> None:
    """A task that is cancelled when its limit comes is cancelled, not late."""

    async def late(limit: Limit) -> None:
        async with limit(0.0):
            await asyncio.Event().wait()

    async def scenario() -> bool:
        task = asyncio.create_task(late(made()))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(scenario())


@both
def test_another_error_stays(made: Callable[[], Limit]) -> None:
    """What fails inside of a limit fails as it would without one."""

    async def scenario() -> None:
        async with made()(FOREVER):
            raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(scenario())


class Clock:
    """Stands in for an event loop: its time is what it is told, and one timer is set at most."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, ring: Callable[[], None]) -> Clock:
        self.timers.append((at, ring))
        return self

    def cancel(self) -> None:
        self.timers.clear()


class Waiting:
    """Stands in for a limit, and knows when it was told."""

    def __init__(self, at: float, clock: Clock) -> None:
        self.at = at
        self.told: float | None = None
        self._clock = clock

    def ring(self) -> None:
        self.told = self._clock.now


def test_a_thousand_that_are_late_are_not_looked_through_each_time() -> None:
    """Limits that end close to each other end together, a thousand by a millisecond too late."""
    clock: Any = Clock()
    alarm = Alarm(clock)
    limits: list[Any] = [Waiting(0.1 + number * 1e-5, clock) for number in reversed(range(1000))]
    for limit in limits:
        alarm.start(limit)
        assert len(clock.timers) == 1
    rings = 0
    while clock.timers:
        clock.now, ring = clock.timers.pop()
        ring()
        rings += 1
    assert rings < 100
    assert all(limit.at <= limit.told <= limit.at + 0.001 for limit in limits)
