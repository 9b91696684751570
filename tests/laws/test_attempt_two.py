"""The laws of the second attempt: it begins where the first began, and is free of its traces."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import httpx
import pytest

from penstock import Attempt, AttemptEnded, Call, Stack
from penstock.middleware import Headers, Retry
from penstock.testing import Reply

from .support import ELSEWHERE, MIDDLEWARE, STANDARD, Trial, run, stack_of

BELOW_RETRY = sorted(
    name for name, make in MIDDLEWARE.items() if getattr(make(), "zone", None) == "attempt"
)
OVER_THE_WIRE = {"traceparent"}  # each send is a span of its own

BODIES: dict[str, dict[str, Any]] = {
    "none": {},
    "bytes": {"content": b"\x00\x01"},
    "json": {"json": {"model": "m", "n": [1, 2]}},
    "a form": {"data": {"a": "1", "b": "2"}},
    "parts": {"files": {"file": ("name.txt", b"text")}, "data": {"a": "1"}},
}


def retrying(name: str) -> Stack:
    """Return the standard stack, or `Retry` with one middleware below it."""
    return stack_of(STANDARD) if name == STANDARD else Stack([Retry(), MIDDLEWARE[name]()])


def lines(request: httpx.Request) -> list[tuple[str, str]]:
    return [line for line in request.headers.multi_items() if line[0] not in OVER_THE_WIRE]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("name", [*BELOW_RETRY, STANDARD])
def test_every_attempt_sends_the_same(name: str, body: str, colour: Any) -> None:
    """Method, URL, header lines and body are the same each time, and no name comes twice."""
    trial = Trial(colour, retrying(name), [503, httpx.ReadTimeout("silence"), 200], api_key="sk-1")
    call = {"idempotency_key": "once", "headers": {"X-Mine": "kept"}, "params": {"q": "1"}}
    run(colour, partial(trial.send, "POST", **call, **BODIES[body]))
    first, second, third = trial.script.requests
    for later in (second, third):
        assert (later.method, later.url) == (first.method, first.url)
        assert lines(later) == lines(first)
    assert trial.script.bodies == [trial.script.bodies[0]] * 3
    names = [name for name, _ in first.headers.raw]
    assert len(names) == len(set(map(bytes.lower, names)))
    assert first.headers["idempotency-key"] == "once"


def vandalise(request: Any) -> None:
    """Change everything about a request that can be changed."""
    request.method = "PUT"
    request.url = httpx.URL(ELSEWHERE)
    request.headers["X-Edit"] = "one"
    request.headers["Accept"] = "nothing"
    del request.headers["X-Mine"]
    request.extensions["edit"] = "one"
    request.stream = httpx.ByteStream(b"other")


@pytest.mark.parametrize("place", ["just inside Retry", "innermost"])
@pytest.mark.parametrize("name", [*BELOW_RETRY, STANDARD])
def test_no_edit_is_kept(name: str, place: str, colour: Any) -> None:
    """Whatever a middleware did to the first attempt's request, the second knows nothing of it."""
    extensions: list[set[str]] = []

    async def vandal(request: Any, call_next: Any) -> Any:
        if Attempt.of(request).number == 0:
            vandalise(request)
        return await call_next(request)

    async def look(request: Any, call_next: Any) -> Any:
        extensions.append(set(request.extensions))
        return await call_next(request)

    def second(*edits: Any) -> Any:
        stack = retrying(name)
        stack = stack.append(*edits) if place == "innermost" else stack.after(Retry, *edits)
        trial = Trial(colour, stack.append(look), [503, 200], api_key="sk-1")
        call = {"json": {"a": 1}, "headers": {"X-Mine": "kept"}, "idempotency_key": "once"}
        run(colour, partial(trial.send, "POST", **call))
        request = trial.script.requests[1]
        return request.method, request.url, lines(request), trial.script.bodies[1], extensions[-1]

    assert second(vandal) == second()


def test_values_are_asked_for_each_attempt(colour: Any) -> None:
    """A callable header or key is asked anew for each attempt."""
    numbers: dict[str, Any] = {name: itertools.count() for name in ("client", "layer")}
    asked = {name: (lambda name=name: str(next(numbers[name]))) for name in numbers}
    stack = stack_of(STANDARD).replace(Headers, Headers({"X-Layer": asked["layer"]}))
    trial = Trial(colour, stack, [503, 503, 200], headers={"X-Client": asked["client"]})
    run(colour, trial.send)
    for name, values in {
        "X-Client": ["0", "1", "2"],
        "X-Layer": ["0", "1", "2"],
        "Authorization": ["Bearer sk-law-0", "Bearer sk-law-1", "Bearer sk-law-2"],
    }.items():
        assert [request.headers[name] for request in trial.script.requests] == values


@pytest.mark.parametrize("detour", ["redirect", "key refused"])
def test_a_detour_is_the_attempts_own(detour: str, colour: Any) -> None:
    """After an attempt that took a detour, the next begins at the call's own URL."""
    first = {"redirect": Reply(302, headers={"Location": ELSEWHERE}), "key refused": 401}[detour]
    trial = Trial(colour, stack_of(STANDARD), [first, 503, 200])
    run(colour, trial.send)
    start, _, again = trial.script.requests
    assert again.url == start.url
    assert [name for name, _ in lines(again)] == [name for name, _ in lines(start)]
    assert again.headers["host"] == start.headers["host"]


def test_time_spent_above_retry_is_no_attempts(colour: Any) -> None:
    """What a call waited for before its first attempt is not in that attempt's timeout."""
    facts: list[Any] = []

    async def wait_for_a_turn(request: Any, call_next: Any) -> Any:
        call = Call.of(request)
        await call.runtime.sleep(100.0)
        response = await call_next(request)
        facts.extend(call.facts)
        return response

    stack = stack_of(STANDARD).before(Retry, wait_for_a_turn)
    trial = Trial(colour, stack, [Reply(delay=5.0)], timeout=60.0)
    assert run(colour, trial.send).status_code == 200
    ended = next(fact for fact in facts if isinstance(fact, AttemptEnded))
    assert ended.elapsed == 5.0
