"""The laws of every middleware: one trace in all colours, and nothing touched that is not its."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from penstock import Attempt, Stack
from penstock.middleware import UserAgent

from .support import MIDDLEWARE, SCRIPTS, SUBJECTS, TRIED, Trial, run, sync_of

if TYPE_CHECKING:
    from collections.abc import Callable

SENDS: dict[str, set[str]] = {
    "Auth": {"authorization"},
    "Headers": {"x-static", "x-asked"},
    "Idempotency": {"idempotency-key"},
    "UserAgent": {"user-agent"},
    "AttemptTracing": {"traceparent", "tracestate"},
}
"""The headers a middleware puts on a request."""

ANSWERS: dict[str, set[str]] = {
    "Auth": {"key refused", "every key refused"},
    "RaiseForStatus": {"busy once", "slow down", "no such thing", "key refused"},
    "Redirect": {"moved", "moved to another origin", "moved to another scheme"},
    "Retry": {"busy once", "slow down"},
}
"""The scripts whose first answer is a middleware's business."""


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize(("name", "call"), TRIED)
def test_one_trace(name: str, call: Callable[[Trial], Any], script: str, colour: Any) -> None:
    """Outcome, facts, sleeps, requests on the wire, log and spans are those of any other run."""
    here, there = (Trial(one, name, SCRIPTS[script]()) for one in (colour, sync_of(colour)))
    assert here.outcome(call) == there.outcome(call)
    assert here.trace() == there.trace()


@pytest.mark.parametrize("name", MIDDLEWARE)
def test_a_request_passes_untouched(name: str, colour: Any) -> None:
    """A middleware hands down the request it was given, but for the headers that are its own."""
    down: list[Any] = []

    async def above(request: Any, call_next: Any) -> Any:
        down.append(_told(request))
        return await call_next(request)

    async def below(request: Any, call_next: Any) -> Any:
        down.append(_told(request))
        return await call_next(request)

    trial = Trial(colour, Stack([above, MIDDLEWARE[name](), below]))
    call = {"json": {"a": [1, 2]}, "headers": {"X-Mine": "kept"}, "params": {"q": "1"}}
    run(colour, partial(trial.send, "POST", **call))
    before, after = down
    own = SENDS.get(name, set())
    assert [item for item in after["headers"] if item[0] not in own] == before["headers"]
    assert {item[0] for item in after["headers"]} - {item[0] for item in before["headers"]} <= own
    assert {**after, "headers": None} == {**before, "headers": None}
    assert trial.script.bodies == [b'{"a":[1,2]}']


def _told(request: Any) -> dict[str, Any]:
    return {
        "method": request.method,
        "url": request.url,
        "headers": request.headers.multi_items(),
        "content": request.content,
        "stream": request.stream,
        "extensions": {key: value for key, value in request.extensions.items() if not _is_own(key)},
    }


def _is_own(key: str) -> bool:
    # The timeout is `Timeout`'s way to the transport; an attempt is what `Retry` makes.
    return key in {"timeout", "penstock.attempt"}


FIRST_ANSWERS = [
    (name, script)
    for name in MIDDLEWARE
    for script in (
        "a plain answer",
        "no content",
        "busy once",
        "slow down",
        "moved",
        "moved to another scheme",
        "key refused",
        "no such thing",
    )
    if script not in ANSWERS.get(name, set())
]


@pytest.mark.parametrize(("name", "script"), FIRST_ANSWERS)
def test_a_response_passes_untouched(name: str, script: str, colour: Any) -> None:
    """A response that is not its business goes up as the object that came, after one send."""
    came: list[Any] = []

    async def below(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        came.append((response, response.headers.multi_items(), response.content))
        return response

    trial = Trial(colour, Stack([MIDDLEWARE[name](), below]), SCRIPTS[script]())
    response = run(colour, trial.send)
    assert len(came) == len(trial.script.requests) == 1
    assert response is came[0][0]
    assert (response.headers.multi_items(), response.content) == came[0][1:]


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_strangers_error_passes_untouched(name: str, colour: Any) -> None:
    """An error no middleware knows reaches the caller as the object it was, after one attempt."""
    error = LookupError("a bug below")
    attempts: list[int] = []

    async def below(request: Any, call_next: Any) -> Any:
        attempts.append(Attempt.of(request).number)
        raise error

    trial = Trial(colour, name, below=[below])
    with pytest.raises(LookupError) as caught:
        run(colour, trial.send)
    assert caught.value is error
    assert (error.args, error.__cause__, error.__context__) == (("a bug below",), None, None)
    assert attempts == [0]


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_stream_passes_unread(name: str, colour: Any) -> None:
    """A response asked for as a stream comes up open, not a byte of it read."""
    trial = Trial(colour, name, SCRIPTS["a plain answer"]())

    def told(response: Any) -> tuple[Any, ...]:
        return trial.script.open, response.is_stream_consumed, response.is_closed

    seen, body = run(colour, partial(trial.stream, told))
    assert (seen, b"".join(body)) == ((1, False, False), b'{"ok": true}')
    assert trial.script.open == 0


def test_two_of_a_kind_keep_apart(colour: Any) -> None:
    """What a middleware makes once a client is its own: another of its class has another."""
    trial = Trial(colour, Stack([UserAgent("one/1")]))

    async def scenario() -> None:
        await trial.send()
        await trial.send(stack=lambda stack: stack.replace(UserAgent, UserAgent("two/2")))

    run(colour, scenario)
    agents = [request.headers["User-Agent"] for request in trial.script.requests]
    assert [agent.partition(" ")[0] for agent in agents] == ["one/1", "two/2"]
