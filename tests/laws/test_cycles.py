"""The laws of reference cycles: a call makes none, so that it costs the collector nothing."""

from __future__ import annotations

import gc
import gzip
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from penstock import PenstockError, Stack, on_response
from penstock.middleware import RaiseForStatus
from penstock.testing import Reply

from .support import CALLS, LONG, OBSERVED, SCRIPTS, STANDARD, Boom, Trial, boom, events, plain, run

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.usefixtures("collector_off")
@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", [STANDARD, OBSERVED])
def test_no_cycles(name: str, call: Callable[[Trial], Any], script: str, colour: Any) -> None:
    """A call through the standard stack makes no reference cycle, whether it succeeds or fails."""
    assert garbage(Trial(colour, name), call, SCRIPTS[script]) == {}


def sse(*steps: Any) -> Reply:
    return Reply(headers={"Content-Type": "text/event-stream"}, chunks=steps)


async def decode(trial: Trial) -> Any:
    return (await trial.send()).json()


async def read_too_much(trial: Trial) -> Any:
    return await trial.send(max_response_bytes=10)


async def come_too_late(trial: Trial) -> Any:
    return await trial.send(deadline=1.0)


async def go_elsewhere(trial: Trial) -> Any:
    return await trial.send(path="https://else.example/")


async def break_the_stack(trial: Trial) -> Any:
    return await trial.send(stack=lambda stack: stack.append(on_response(boom)))


async def translate(trial: Trial) -> Any:
    return await trial.send(stack=with_own_errors)


def with_own_errors(stack: Stack) -> Stack:
    return stack.replace(RaiseForStatus, RaiseForStatus(failures=lambda error: Boom(str(error))))


LONG_GZIP = gzip.compress(LONG)
GZIP = {"Content-Encoding": "gzip"}
FAILURES: dict[str, tuple[Callable[[Trial], Any], list[Any]]] = {
    "not JSON": (decode, [Reply(text="<html>")]),
    "too long": (read_too_much, [Reply(chunks=[LONG])]),
    "compressed, and too long": (read_too_much, [Reply(headers=GZIP, chunks=[LONG_GZIP])]),
    "badly compressed": (plain, [Reply(headers=GZIP, chunks=[LONG])]),
    "too late": (come_too_late, [Reply(delay=2.0)]),
    "too late to try again": (come_too_late, [Reply(503, headers={"Retry-After": "9"})]),
    "too late in its body": (come_too_late, [Reply(chunks=[b"a", 2.0, b"b"])]),
    "leaving its origin": (go_elsewhere, []),
    "a bug in the stack": (break_the_stack, [200]),
    "errors of an SDK": (translate, [httpx.ReadTimeout("silence")] * 3),
    "an error among the events": (events, [sse(b"event: error\ndata: {}\n\n")]),
    "events that end too early": (events, [sse(b"data: 1\n\n")]),
    "events that break off": (events, [sse(b"data: 1\n\n", httpx.ReadError("cut"))]),
    "no events at all": (events, [Reply(text="<html>")]),
}


@pytest.mark.usefixtures("collector_off")
@pytest.mark.parametrize("failure", FAILURES)
def test_no_cycles_in_failures(failure: str, colour: Any) -> None:
    """However a call fails, its error is gone with the last that holds it."""
    call, replies = FAILURES[failure]
    trial = Trial(colour, STANDARD)
    assert garbage(trial, call, lambda: list(replies), fails=True) == {}


def garbage(
    trial: Trial,
    call: Callable[[Trial], Any],
    replies: Callable[[], list[Any]],
    *,
    fails: bool = False,
) -> dict[str, int]:
    """Return what only the cycle collector could free after a call, by type."""

    async def attempt() -> None:
        trial.play(*replies())
        try:
            await call(trial)
        except (PenstockError, Boom):
            return
        assert not fails

    async def scenario() -> dict[str, int]:
        await attempt()  # what is made once is made now
        trial.forget()
        gc.collect()
        gc.set_debug(gc.DEBUG_SAVEALL)
        await attempt()
        gc.collect()
        gc.set_debug(0)
        found = Counter(type(thing).__qualname__ for thing in gc.garbage)
        gc.garbage.clear()
        return dict(found)

    return run(trial.colour, scenario)
