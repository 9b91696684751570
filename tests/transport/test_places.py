"""How many requests may be under way at once, where the engine keeps the connections."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from penstock import ClientClosed, Limits
from penstock.transport.alarm import Alarm
from penstock.transport.places import Places

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from penstock.transport.places import Place

A, B = "https://a.example/", "https://b.example/"
LIMIT = 0.02


class Bench:
    """The places of an event loop, and the order in which they were had."""

    def __init__(self, **limits: Any) -> None:
        self.places = Places(Limits(**limits), Alarm(asyncio.get_running_loop()))
        self.had: list[str] = []
        self.tasks: dict[str, asyncio.Task[Place]] = {}

    async def take(self, name: str, url: str = A, pool: float | None = None) -> Place:
        """Return a place, once there is one."""
        request = httpx.Request("GET", url, extensions={"timeout": {"pool": pool}})
        place = await self.places.taken(request, httpx.PoolTimeout)
        self.had.append(name)
        return place

    async def want(self, name: str, url: str = A, pool: float | None = None) -> None:
        """Have a task take one."""
        self.tasks[name] = asyncio.create_task(self.take(name, url, pool))
        await asyncio.sleep(0)

    async def leave(self, name: str) -> None:
        """Leave what a task has taken, and let others go on."""
        (await self.tasks[name]).leave()
        await asyncio.sleep(0)
        await asyncio.sleep(0)


def run(scenario: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(scenario)


def test_first_come_first_served() -> None:
    """With all places taken, who asked first is next, whatever the origin."""

    async def scenario() -> list[str]:
        bench = Bench(max_connections=2)
        for name, url in (("1", A), ("2", A), ("3", B), ("4", A), ("5", B)):
            await bench.want(name, url)
        assert bench.had == ["1", "2"]
        for name in ("2", "1", "3"):
            await bench.leave(name)
        return bench.had

    assert run(scenario()) == ["1", "2", "3", "4", "5"]


def test_a_full_origin_holds_up_no_other() -> None:
    """Who waits for an origin that has as many as it may lets others pass, and comes after it."""

    async def scenario() -> list[str]:
        bench = Bench(max_connections=3, max_connections_per_origin=1)
        for name, url in (("a1", A), ("a2", A), ("b1", B), ("a3", A), ("b2", B)):
            await bench.want(name, url)
        assert bench.had == ["a1", "b1"]
        for name in ("b1", "a1", "a2"):
            await bench.leave(name)
        return bench.had

    assert run(scenario()) == ["a1", "b1", "b2", "a2", "a3"]


def test_no_place_in_time() -> None:
    """Who waits for longer than the phase `pool` may last is late, and stands in nobody's way."""

    async def scenario() -> list[str]:
        bench = Bench(max_connections=1)
        await bench.want("1")
        with pytest.raises(httpx.PoolTimeout):
            await bench.take("2", pool=LIMIT)
        await bench.want("3")
        await bench.leave("1")
        return bench.had

    assert run(scenario()) == ["1", "3"]


@pytest.mark.parametrize("got", [False, True])
def test_who_is_cancelled_leaves_nothing_taken(got: bool) -> None:
    """A cancellation costs no place, also in the moment in which one has come."""

    async def scenario() -> list[str]:
        bench = Bench(max_connections=1)
        for name in ("1", "2", "3"):
            await bench.want(name)
        if got:
            (await bench.tasks["1"]).leave()
        bench.tasks["2"].cancel()
        await asyncio.wait([bench.tasks["2"]])
        if not got:
            await bench.leave("1")
        await bench.tasks["3"]
        return bench.had

    assert run(scenario()) == ["1", "3"]


def test_left_twice_is_left_once() -> None:
    """To leave a place again is nothing."""

    async def scenario() -> None:
        bench = Bench(max_connections=1)
        for name in ("1", "2"):
            await bench.want(name)
        await bench.leave("1")
        await bench.leave("1")
        with pytest.raises(httpx.PoolTimeout):
            await bench.take("3", pool=LIMIT)

    run(scenario())


def test_a_dropped_place_is_left() -> None:
    """What nobody holds any more is given to the next, on whichever thread it was dropped."""

    async def scenario() -> None:
        bench = Bench(max_connections=1)
        held = [await bench.take("1")]
        await bench.want("2")
        await asyncio.to_thread(held.clear)
        gc.collect()
        await bench.tasks["2"]

    run(scenario())


def test_a_place_may_outlive_its_loop() -> None:
    """A place that is dropped when its event loop is closed troubles nobody."""

    async def scenario() -> Place:
        return await Bench().take("1")

    place = run(scenario())
    del place
    gc.collect()


def test_closed_places() -> None:
    """Who waits when the client is closed is told so, and who comes after that."""

    async def scenario() -> None:
        bench = Bench(max_connections=1)
        for name in ("1", "2"):
            await bench.want(name)
        bench.places.close()
        with pytest.raises(ClientClosed):
            await bench.tasks["2"]
        await bench.leave("1")
        with pytest.raises(ClientClosed, match="the client is closed: make another"):
            await bench.take("3")

    run(scenario())
