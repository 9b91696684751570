"""The laws of what a call leaves behind: nothing open, and nothing held."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from penstock import Call, Key, PenstockError, Stack, on_response
from penstock.middleware import Auth, RaiseForStatus, Retry

from .support import SCRIPTS, STANDARD, SUBJECTS, TRIED, Boom, Trial, boom, run

if TYPE_CHECKING:
    from collections.abc import Callable


class BrokenFlow(httpx.Auth):
    """An auth flow that fails when it sees a response."""

    def auth_flow(self, request: httpx.Request) -> Any:
        boom((yield request))


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("name", SUBJECTS)
def test_what_is_discarded_is_closed(name: str, script: str, colour: Any) -> None:
    """While a stream is open no other response is, and afterwards none is, however it ended."""
    trial = Trial(colour, name, SCRIPTS[script]())
    outcome = trial.outcome(partial(Trial.stream, look=lambda _: trial.script.open))
    assert outcome[0] == 1 or isinstance(outcome[0], type)
    assert trial.script.open == 0


BROKEN: dict[str, Callable[[], Any]] = {
    "a key that cannot be renewed": lambda: Auth(refresh=boom),
    "an auth flow that fails": lambda: Auth(BrokenFlow()),
    "a function that fails": lambda: on_response(boom),
    "a retry rule that fails": lambda: Retry(retry=boom),
    "a wait that fails": lambda: Retry(wait=boom, statuses=[401]),
    "an error table that fails": lambda: RaiseForStatus(errors=boom),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_response_is_closed_when_its_middleware_fails(what: str, colour: Any) -> None:
    """Who raises after a response came has discarded it, and closes it."""
    options = {"api_key": None} if "flow" in what else {}
    trial = Trial(colour, Stack([BROKEN[what]()]), SCRIPTS["key refused"](), **options)
    with pytest.raises(Boom):
        run(colour, partial(trial.stream, lambda _: None))
    assert trial.script.open == 0


class Canary:
    """It dies with the call that holds it."""


CANARY: Key[Canary] = Key("canary")


@pytest.mark.usefixtures("collector_off")
@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize(("name", "call"), TRIED)
def test_nothing_is_held(name: str, call: Callable[[Trial], Any], script: str, colour: Any) -> None:
    """After a call, it, its requests, response and error are gone, its middleware unchanged."""
    followed: list[weakref.ref[Any]] = []

    async def follow(request: Any, call_next: Any) -> Any:
        canary = Canary()
        Call.of(request).set(CANARY, canary)
        followed.extend((weakref.ref(canary), weakref.ref(request)))
        response = await call_next(request)
        followed.append(weakref.ref(response))
        return response

    async def scenario() -> list[str]:
        try:
            await call(trial)
        except PenstockError as error:
            followed.append(weakref.ref(error))
        trial.forget()
        return [type(ref()).__name__ for ref in followed if ref() is not None]

    trial = Trial(colour, name, SCRIPTS[script](), below=[follow])
    before = [_state(layer) for layer in trial.client.stack]
    assert run(colour, scenario) == []
    assert [_state(layer) for layer in trial.client.stack] == before


def _state(layer: Any) -> Any:
    """Return what a middleware holds, containers as they are now."""
    return {
        name: value.copy() if isinstance(value, (dict, list, set)) else value
        for name, value in getattr(layer, "__dict__", {}).items()
    }


class MakesOnce:
    """A middleware that makes something once a client."""

    def __init__(self, made: list[weakref.ref[Any]]) -> None:
        self._key: Key[Canary] = Key("made once")
        self._made = made

    async def __call__(self, request: Any, call_next: Any) -> Any:
        self._made.append(weakref.ref(Call.of(request).once(self._key, lambda scope: Canary())))
        return await call_next(request)


@pytest.mark.usefixtures("collector_off")
def test_stacks_of_calls_do_not_pile_up(colour: Any) -> None:
    """Of the stacks calls bring along the last few are kept, and of what those made no more."""
    made: list[weakref.ref[Any]] = []

    async def scenario() -> None:
        for _ in range(100):
            await trial.send(stack=lambda stack: stack.append(MakesOnce(made)))

    trial = Trial(colour, STANDARD)
    run(colour, scenario)
    trial.forget()
    assert len(made) == 100
    assert sum(ref() is not None for ref in made) <= 32
