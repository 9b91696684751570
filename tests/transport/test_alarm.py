"""The limits of one event loop: each law holds of `asyncio.timeout` too, whose place they take."""

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
    alarm = Alarm()

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
