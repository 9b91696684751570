"""The laws of a call ended from outside: nothing stays open, nothing runs on, the client works."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from penstock import Limits, PenstockError, Stack
from penstock.demo import DemoServer
from penstock.middleware import Retry
from penstock.stepping import run_now
from penstock.testing import VirtualClock
from penstock.transport.capabilities import TABLE

from .interruption import (
    CANCELLED,
    FINISHED,
    Interrupt,
    InterruptibleClock,
    SlowScript,
    cancelled_by_scope,
    cancelled_by_task,
)
from .support import CALLS, SCRIPTS, SUBJECTS, Trial, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


GREEDY = "a Retry of whatever fails"
ENDED = [*SUBJECTS, GREEDY]
CANCELLED_BY = [
    ("asyncio", cancelled_by_scope),
    ("asyncio", cancelled_by_task),
    ("trio", cancelled_by_scope),
]


def whatever_fails(state: Any) -> bool:
    outcome = state.outcome
    return bool(outcome.failed or outcome.result().is_error)


def trial_of(colour: Any, name: str, interrupt: Interrupt) -> Trial:
    return Trial(
        colour,
        Stack([Retry(retry=whatever_fails)]) if name == GREEDY else name,
        SCRIPTS["all of it"](),
        partial(SlowScript, interrupt),
        InterruptibleClock(interrupt),
    )


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", ENDED)
@pytest.mark.parametrize("colour", ["sync"], indirect=True)
def test_an_interrupted_call(name: str, call: Callable[[Trial], Any], colour: Any) -> None:
    """Wherever KeyboardInterrupt strikes, it comes out as it is, and nothing is left behind."""

    def interrupt_at(at: int) -> bool:
        interrupt = Interrupt()
        trial = trial_of(colour, name, interrupt)
        interrupt.arm(at)
        caught: BaseException | None = None
        try:
            run_now(call(trial))
        except (KeyboardInterrupt, PenstockError) as error:
            caught = error
        assert (caught is interrupt.error) == interrupt.struck
        assert trial.script.open == 0
        interrupt.at = None
        trial.play(200)
        assert run_now(trial.send(path="/next")).status_code == 200
        return interrupt.struck

    points = itertools.takewhile(interrupt_at, itertools.count())
    assert len(list(points)) > 1


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", ENDED)
@pytest.mark.parametrize(("colour", "cancelled"), CANCELLED_BY, indirect=["colour"])
def test_a_cancelled_call(
    name: str, call: Callable[[Trial], Any], cancelled: Callable[..., Any], colour: Any
) -> None:
    """Wherever a cancellation strikes, it comes out as it is, unless it came too late to matter."""

    async def cancel_at(at: int) -> bool:
        """Leave nothing open, no task running, and the client fit for the next call."""
        trial = trial_of(colour, name, Interrupt())
        tasks = len(anyio.get_running_tasks())
        outcome = await cancelled(partial(settle, call, trial), at)
        assert outcome in (CANCELLED, FINISHED, usual)
        assert trial.script.open == 0
        assert len(anyio.get_running_tasks()) == tasks
        trial.play(200)
        assert (await trial.send(path="/next")).status_code == 200
        return outcome != FINISHED

    usual = trial_of(colour, name, Interrupt()).outcome(call)
    points = itertools.takewhile(lambda at: colour.run(partial(cancel_at, at)), itertools.count())
    assert len(list(points)) > 1


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with DemoServer() as running:
        yield running


CHAT = {"model": "m", "messages": [{"role": "user", "content": "count with me to three"}]}


@pytest.mark.parametrize("verb", ["post", "stream_events"])
@pytest.mark.parametrize(("colour", "cancelled"), CANCELLED_BY, indirect=["colour"])
def test_a_cancelled_call_over_a_socket(
    verb: str, cancelled: Callable[..., Any], colour: Any, server: DemoServer
) -> None:
    """Wherever a cancellation strikes, no connection stays leased, and the client works on."""

    async def cancel_at(at: int) -> bool:
        async with colour.client(server.url, clock=VirtualClock(), trust_env=False) as client:
            key = f"{colour} {verb} {cancelled.__name__} {at}"
            headers = {"X-Demo-Fault": "503;times=1", "X-Demo-Key": key}
            outcome = await cancelled(partial(chat, client, verb, headers), at)
            assert client._wire.transport.pool_status().active == 0
            assert (await client.get("/v1/models")).status_code == 200
        return outcome != FINISHED

    points = itertools.takewhile(lambda at: colour.run(partial(cancel_at, at)), itertools.count())
    assert len(list(points)) > 3


ENGINES_CANCELLED_BY = [
    (engine, colour, cancelled)
    for engine in ("httpx", "httpx2", "aiohttp")
    for colour, cancelled in CANCELLED_BY
    if TABLE[colour].by(engine, is_async=True)
    and (cancelled is cancelled_by_scope or TABLE["cancellation"].by(engine, is_async=True))
]


@pytest.mark.parametrize("verb", ["post", "stream_events"])
@pytest.mark.parametrize(
    ("engine", "colour", "cancelled"), ENGINES_CANCELLED_BY, indirect=["colour"]
)
def test_a_cancelled_call_over_an_engine(
    verb: str, engine: str, cancelled: Callable[..., Any], colour: Any, server: DemoServer
) -> None:
    """Wherever a cancellation strikes that the table lets the engine bear, its slot is free."""
    options = {"engine": engine, "limits": Limits(max_connections=1), "trust_env": False}

    async def cancel_at(at: int) -> bool:
        async with colour.client(server.url, timeout=2, max_retries=0, **options) as client:
            outcome = await cancelled(partial(chat, client, verb, {}), at)
            assert (await client.get("/v1/models")).status_code == 200
        return outcome != FINISHED

    points = itertools.takewhile(lambda at: colour.run(partial(cancel_at, at)), itertools.count())
    assert len(list(points)) > 2


async def chat(client: Any, verb: str, headers: dict[str, str]) -> Any:
    body = {**CHAT, "stream": verb == "stream_events"}
    if verb == "post":
        return (await client.post("/v1/chat/completions", json=body, headers=headers)).content
    async with client.stream_events(
        "POST", "/v1/chat/completions", json=body, headers=headers
    ) as events:
        return [event.raw async for event in events]
