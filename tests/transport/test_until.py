from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.transport import Until
from penstock.transport.until import left, pinned

if TYPE_CHECKING:
    from collections.abc import Callable

moments = st.floats(-1e6, 1e6)
phases = st.floats(0, 1e6)


def clock(now: float) -> Callable[[], float]:
    return lambda: now


@given(phases | st.none(), moments | st.none(), moments)
def test_what_is_left_is_the_nearer_of_phase_and_moment(
    seconds: float | None, at: float | None, now: float
) -> None:
    """An operation may take its phase's time, and not beyond the moment; None is no limit."""
    bounds = [seconds] if seconds is not None else []
    bounds += [at - now] if at is not None else []
    assert Until(seconds, at, clock(now)).left() == (min(bounds) if bounds else None)


@pytest.mark.parametrize(
    ("seconds", "at", "number"),
    [
        (5.0, None, 5.0),
        (5.0, 9.0, 5.0),
        (5.0, 3.0, 3.0),
        (None, 3.0, 3.0),
        (None, None, float("inf")),
    ],
)
def test_a_limit_is_a_plain_number_too(
    seconds: float | None, at: float | None, number: float
) -> None:
    """Whoever knows nothing of moments sees what one operation could take when it was made."""
    limit = Until(seconds, at, clock(0.0))
    assert limit == number
    assert isinstance(limit, float)


@pytest.mark.parametrize(("timeout", "seconds"), [(None, None), (2.5, 2.5), (float("inf"), None)])
def test_a_plain_timeout_is_its_own_answer(timeout: float | None, seconds: float | None) -> None:
    """Plain timeouts pass through; an infinite one is none."""
    assert left(timeout) == seconds


def test_a_pinned_phase_runs_on() -> None:
    """The phase of a pinned limit is shared by the steps that follow, and ends with the moment."""
    now = 10.0
    limit = pinned(Until(5.0, 12.0, lambda: now))
    assert left(limit) == 2.0
    now = 11.5
    assert left(limit) == 0.5
    now = 13.0
    assert left(limit) == -1.0


def test_a_plain_timeout_is_pinned_to_the_systems_clock() -> None:
    """A plain timeout counts down in real seconds, and None has nothing to pin."""
    limit = pinned(5.0)
    assert limit is not None
    assert limit.now is time.monotonic
    assert 4.0 < (limit.left() or 0.0) <= 5.0
    assert pinned(None) is None
