"""The law of the retry loop's decisions: they are tenacity's own, strategy by strategy."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any
from unittest import mock

import httpx
import pytest
import tenacity
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tenacity import (
    Retrying,
    retry_all,
    retry_any,
    retry_if_exception,
    retry_if_exception_type,
    retry_if_not_exception_type,
    retry_if_result,
    stop_after_attempt,
    stop_after_delay,
    stop_all,
    stop_any,
    stop_before_delay,
    wait_chain,
    wait_combine,
    wait_exponential,
    wait_exponential_jitter,
    wait_fixed,
    wait_incrementing,
    wait_none,
    wait_random,
    wait_random_exponential,
)

from penstock import ConnectionFailed, PenstockError, TimedOut
from penstock.middleware import Retry
from penstock.testing import VirtualClock

from .support import SYNC, Rig

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 12
"""Attempts after which both give up."""


def is_busy(response: Any) -> bool:
    return bool(response.status_code == 503)


def is_late(error: BaseException) -> bool:
    return isinstance(error, TimedOut)


SECONDS = st.sampled_from([0.0, 0.1, 0.5, 1.0, 3.0])
FIXED = st.builds(wait_fixed, SECONDS)
RANDOM = st.builds(wait_random, max=SECONDS)
ATTEMPTS = st.builds(stop_after_attempt, st.integers(1, 6))

WAITS = st.one_of(
    st.just(wait_none()),
    FIXED,
    RANDOM,
    st.builds(wait_incrementing, SECONDS, SECONDS, st.just(5.0)),
    st.builds(wait_exponential, SECONDS, st.just(8.0)),
    st.builds(wait_exponential_jitter, max=st.just(8.0), jitter=SECONDS),
    st.builds(wait_random_exponential, SECONDS, st.just(8.0)),
    st.builds(wait_combine, FIXED, RANDOM),
    st.builds(wait_chain, FIXED, RANDOM),
)
STOPS = st.one_of(
    ATTEMPTS,
    st.builds(stop_after_delay, SECONDS),
    st.builds(stop_before_delay, SECONDS),
    st.builds(stop_any, ATTEMPTS, st.builds(stop_after_delay, SECONDS)),
    st.builds(stop_all, ATTEMPTS, st.builds(stop_before_delay, SECONDS)),
)
PREDICATES = st.sampled_from(
    [
        retry_if_result(is_busy),
        retry_if_exception_type(ConnectionFailed),
        retry_if_not_exception_type(TimedOut),
        retry_if_exception(is_late),
        retry_any(retry_if_result(is_busy), retry_if_exception_type(PenstockError)),
        retry_all(retry_if_exception_type(ConnectionFailed), retry_if_exception(is_late)),
    ]
)
OUTCOMES = st.lists(
    st.tuples(st.sampled_from([200, 404, 503, ConnectionFailed, TimedOut]), SECONDS),
    min_size=LONGEST,
    max_size=LONGEST,
)


class Play:
    """Has one outcome after the other happen, each after its seconds; counts them."""

    def __init__(self, outcomes: list[tuple[Any, float]], clock: VirtualClock) -> None:
        self._outcomes = iter(outcomes)
        self._clock = clock
        self.attempts = 0

    def next(self) -> httpx.Response:
        """Return the next response, or raise the next error."""
        self.attempts += 1
        outcome, seconds = next(self._outcomes)
        self._clock.advance(seconds)
        if isinstance(outcome, int):
            return httpx.Response(outcome)
        raise outcome("it failed")


def by_tenacity(play: Play, clock: VirtualClock, strategies: dict[str, Any]) -> str:
    """Run *play* under tenacity's own controller, on *clock*, and return how it ended."""
    with mock.patch.object(tenacity, "time", mock.Mock(monotonic=clock.now)):
        retrying = Retrying(sleep=clock.sleep, retry_error_callback=how_it_ended, **strategies)
        try:
            return str(retrying(play.next).status_code)
        except PenstockError as error:
            return type(error).__name__


def how_it_ended(state: tenacity.RetryCallState) -> httpx.Response:
    """Return the last response or raise the last error, as they are: what `Retry` does."""
    response: httpx.Response = state.outcome.result()  # type: ignore[union-attr]
    return response


def by_retry(play: Play, clock: VirtualClock, strategies: dict[str, Any]) -> str:
    """Run *play* under `Retry`, on *clock*, and return how it ended."""

    async def attempt(request: Any, call_next: Any) -> Any:
        return play.next()

    return str(Rig(SYNC, [Retry(**strategies), attempt], clock=clock).ends())


@pytest.fixture
def own_chance() -> Iterator[None]:
    """Give the module `random`, which tenacity draws from, back as it was."""
    state = random.getstate()
    yield
    random.setstate(state)


@pytest.mark.usefixtures("own_chance")
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wait=WAITS, stop=STOPS, retry=PREDICATES, outcomes=OUTCOMES, seed=st.integers(0, 2**16))
def test_decisions_are_tenacitys(
    wait: Any, stop: Any, retry: Any, outcomes: list[tuple[Any, float]], seed: int
) -> None:
    """With equal seeds, attempts, sleeps and the end are those of `tenacity.Retrying`."""
    stop = stop_any(stop, stop_after_attempt(LONGEST))
    seen = []
    for run in (by_tenacity, by_retry):
        clock = VirtualClock()
        play = Play(outcomes, clock)
        random.seed(seed)
        end = run(play, clock, {"retry": retry, "wait": wait, "stop": stop})
        seen.append((end, play.attempts, clock.sleeps))
    assert seen[0] == seen[1]
