"""What `Retry` tells: strategies what happened, subscribers what follows, callers what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tenacity import RetryAction, RetryCallState

from penstock import (
    AttemptEnded,
    AttemptStarted,
    ConnectionFailed,
    InvalidOption,
    RetryScheduled,
    RetryStopped,
)
from penstock.middleware import Retry
from penstock.testing import Reply
from penstock_middleware.retry.rule import RetryTransient

from .support import SYNC, Rig

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Colour


def test_what_a_strategy_is_shown(colour: Colour) -> None:
    """Tenacity's whole state: outcome, number, clock, the waits before and the one to come."""
    seen: list[dict[str, Any]] = []

    def wanted(state: RetryCallState) -> bool:
        outcome: Any = state.outcome
        seen.append(
            {
                "outcome": (outcome.attempt_number, outcome.failed, type(outcome.exception())),
                "number": state.attempt_number,
                "called": (callable(state.fn), len(state.args), state.kwargs),
                "idle for": state.idle_for,
                "before": state.upcoming_sleep,
                "since": state.outcome_timestamp - state.start_time,  # type: ignore[operator]
            }
        )
        return True

    def stops(state: RetryCallState) -> bool:
        seen[-1]["to come"] = (state.upcoming_sleep, state.next_action.sleep)  # type: ignore[union-attr]
        assert isinstance(state.next_action, RetryAction)
        return state.attempt_number == 3

    waits = iter([2.0, 3.0, 5.0])
    retry = Retry(retry=wanted, stop=stops, wait=lambda state: next(waits))
    Rig(colour, [retry], [500, httpx.ReadError("cut"), 502]).ends()
    nothing, called = type(None), (True, 1, {})
    assert seen == [
        {
            "outcome": (1, False, nothing),
            "number": 1,
            "called": called,
            "idle for": 0.0,
            "before": 0.0,
            "since": 0.0,
            "to come": (2.0, 2.0),
        },
        {
            "outcome": (2, True, ConnectionFailed),
            "number": 2,
            "called": called,
            "idle for": 2.0,
            "before": 2.0,
            "since": 2.0,
            "to come": (3.0, 3.0),
        },
        {
            "outcome": (3, False, nothing),
            "number": 3,
            "called": called,
            "idle for": 5.0,
            "before": 3.0,
            "since": 5.0,
            "to come": (5.0, 5.0),
        },
    ]


def test_what_a_strategy_is_shown_of_an_error(colour: Colour) -> None:
    """When the first attempt fails without a response, the state is as whole as with one."""

    def wanted(state: RetryCallState) -> bool:
        return callable(state.fn) and bool(state.outcome and state.outcome.failed)

    rig = Rig(colour, [Retry(retry=wanted)], [httpx.ReadError("cut"), 200])
    assert rig.ends() == 200


def test_what_a_subscriber_is_told(colour: Colour) -> None:
    """Each fact has the number it speaks of and the moment it became one."""
    rig = Rig(colour, [Retry(jitter="none")], [503, 503, 503], max_retries=2)
    assert rig.ends() == 503
    told = [
        (type(fact), fact.number, fact.at)
        for fact in rig.facts
        if isinstance(fact, (AttemptStarted, AttemptEnded, RetryScheduled, RetryStopped))
    ]
    assert told == [
        (AttemptStarted, 0, 1000.0),
        (AttemptEnded, 0, 1000.0),
        (RetryScheduled, 1, 1000.0),
        (AttemptStarted, 1, 1000.5),
        (AttemptEnded, 1, 1000.5),
        (RetryScheduled, 2, 1000.5),
        (AttemptStarted, 2, 1001.5),
        (AttemptEnded, 2, 1001.5),
        (RetryStopped, 2, 1001.5),
    ]


@pytest.mark.parametrize("strategy", ["retry", "stop", "wait"])
def test_a_strategy_that_raises(strategy: str, colour: Colour) -> None:
    """Its own error comes out, and the stream that was open is closed."""

    def broken(state: RetryCallState) -> Any:
        raise LookupError(strategy)

    rig = Rig(colour, [Retry(**{strategy: broken})], [Reply(503, chunks=[b"busy"])])  # type: ignore[arg-type]

    async def open_async() -> None:
        async with rig.client.stream("GET", "/it"):
            pass

    def open_sync() -> None:
        with rig.client.stream("GET", "/it"):
            pass

    with pytest.raises(LookupError, match=strategy):
        colour.run(open_async if colour.is_async else open_sync)
    assert (rig.sent, rig.script.open) == (1, 0)


def test_a_spread_of_ones_own(colour: Colour) -> None:
    """`retry_after_spread` makes the wait of what the server asks for, within the cap."""
    draws: list[float] = []

    def doubled(hint: float, random: Callable[[], float]) -> float:
        draws.append(random())
        return 2 * hint

    hints = [Reply(503, headers={"Retry-After": seconds}) for seconds in ("3", "20")]
    rig = Rig(colour, [Retry(retry_after_spread=doubled)], [*hints, 200])
    assert rig.ends() == 200
    assert rig.clock.sleeps == [6.0, 30.0]
    assert all(0 <= draw < 1 for draw in draws)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, -1) for name in ("base_delay", "max_delay", "retry_after_cap")),
        *((name, RetryTransient) for name in ("retry", "stop", "wait")),
        ("statuses", 503),
        ("over_cap", "wait"),
    ],
)
def test_a_wrong_argument_is_named(name: str, value: Any) -> None:
    """What cannot work is refused at once, by name and with what was given."""
    with pytest.raises(InvalidOption, match=rf"^{name} must be .*not {value!r}"):
        Retry(**{name: value})


def test_a_wrong_jitter_is_told_those_there_are() -> None:
    """The five are named, and what was given."""
    choices = "full, equal, decorrelated, proportional, none"
    with pytest.raises(InvalidOption, match=f"^jitter must be one of {choices}, not 'some'$"):
        Retry(jitter="some")  # type: ignore[arg-type]


def test_the_default_rule_by_itself() -> None:
    """`RetryTransient()` repeats no POST that may have been processed, and nothing that is open."""

    async def sent(request: Any, call_next: Any) -> Any:
        state: Any = RetryCallState(None, None, (request,), {})  # type: ignore[arg-type]
        assert RetryTransient()(state) is False
        return await call_next(request)

    rig = Rig(SYNC, [sent, Retry(retry=RetryTransient())], [500, 200])
    assert [rig.ends("POST"), rig.ends("POST"), rig.sent] == [500, 200, 2]
