"""The laws of waiting between attempts."""

from __future__ import annotations

import dataclasses
import itertools
import math
import random
import statistics
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tenacity import RetryCallState, Retrying, stop_after_attempt

from penstock_middleware.retry.backoff import Backoff, retry_after_spread
from penstock_middleware.retry.jitter import JITTERS

CEILINGS = [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]
BELOW_ONE = math.nextafter(1.0, 0.0)

N = 10_000
# Dvoretzky-Kiefer-Wolfowitz: P(D > .0270) <= 2 exp(-2 N .0270^2) < 1e-6 for N = 10 000.
MAX_DISTANCE = 0.0270


def state(repeat=1, draw=lambda: 0.5, waited=0.0):
    retry_state = RetryCallState(Retrying(), None, (), {})
    retry_state.attempt_number = repeat
    retry_state.upcoming_sleep = waited
    retry_state.random = draw
    return retry_state


def waits(backoff, draw, repeats):
    """The waits of one call: each is stored where tenacity stores it before the next is asked."""
    retry_state = state(draw=draw)
    for repeat in range(1, repeats + 1):
        retry_state.attempt_number = repeat
        retry_state.upcoming_sleep = backoff(retry_state)
        yield retry_state.upcoming_sleep


def distance(samples, low, high, clip=math.inf):
    """Kolmogorov's D between the samples and a uniform distribution clipped from above."""

    def uniform(value):
        return min(max((value - low) / (high - low), 0.0), 1.0)

    worst = before = 0.0
    for value, group in itertools.groupby(sorted(samples)):
        upto = before + len(list(group)) / len(samples)
        at = 1.0 if value >= clip else uniform(value)
        worst = max(worst, abs(before - uniform(value)), abs(upto - at))
        before = upto
    return worst


@pytest.mark.parametrize(
    ("jitter", "draw", "expected"),
    [
        ("none", 0.9, CEILINGS),
        ("full", 0.0, [0.0] * 6),
        ("full", 0.5, [0.25, 0.5, 1.0, 2.0, 4.0, 4.0]),
        ("equal", 0.0, [0.25, 0.5, 1.0, 2.0, 4.0, 4.0]),
        ("equal", 0.5, [0.375, 0.75, 1.5, 3.0, 6.0, 6.0]),
        ("proportional", 0.0, [0.4, 0.8, 1.6, 3.2, 6.4, 6.4]),
        ("proportional", 0.5, CEILINGS),
        ("proportional", BELOW_ONE, [0.6, 1.2, 2.4, 4.8, 8.0, 8.0]),
        ("decorrelated", 0.0, [0.5] * 6),
        ("decorrelated", 0.5, [1.0, 1.75, 2.875, 4.5625, 7.09375, 8.0]),
        ("decorrelated", BELOW_ONE, [1.5, 4.5, 8.0, 8.0, 8.0, 8.0]),
    ],
)
def test_vectors(jitter, draw, expected):
    """Each jitter gives its formula's waits for base 0.5 s and cap 8 s."""
    assert list(waits(Backoff(jitter=jitter), lambda: draw, 6)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("options", "repeat", "expected"),
    [
        ({}, 10_000, 8.0),
        ({"base_delay": 1e300, "max_delay": 1e308}, 10_000, 1e308),
        ({"base_delay": 0}, 1, 0.0),
        ({"base_delay": 0}, 10_000, 0.0),
        ({"base_delay": 5, "max_delay": 2}, 1, 2.0),
        ({"base_delay": 5, "max_delay": 0}, 3, 0.0),
        ({"growth": 1}, 6, 0.5),
        ({"growth": 3}, 3, 4.5),
    ],
)
def test_ceilings(options, repeat, expected):
    """The ceiling is base * growth^(n-1), never above the cap, and never overflows."""
    assert Backoff(jitter="none", **options)(state(repeat)) == expected


@settings(max_examples=200)
@given(
    jitter=st.sampled_from(JITTERS),
    base=st.just(0.0) | st.floats(1e-9, 1e6),
    cap=st.just(0.0) | st.floats(1e-9, 1e6),
    draws=st.lists(st.floats(0, BELOW_ONE), min_size=1, max_size=12),
)
def test_bounds(jitter, base, cap, draws):
    """No wait is negative or above the cap, and each jitter keeps to its own bounds."""
    shares = {"none": (1, 1), "full": (0, 1), "equal": (0.5, 1), "proportional": (0.8, 1.2)}
    draw = itertools.cycle(draws).__next__
    for repeat, wait in enumerate(waits(Backoff(base, cap, jitter), draw, len(draws)), start=1):
        ceiling = min(cap, base * 2.0 ** (repeat - 1))
        low, high = (share * ceiling for share in shares.get(jitter, (0, 0)))
        if jitter == "decorrelated":
            low, high = min(base, cap), base * 3.0**repeat
        assert low * (1 - 1e-12) <= wait <= min(cap, high * (1 + 1e-12))


@pytest.mark.parametrize(
    ("backoff", "repeat", "waited", "low", "high"),
    [
        (Backoff(), 1, 0.0, 0.0, 0.5),
        (Backoff(), 3, 0.0, 0.0, 2.0),
        (Backoff(), 10_000, 0.0, 0.0, 8.0),
        (Backoff(jitter="equal"), 2, 0.0, 0.5, 1.0),
        (Backoff(jitter="equal"), 50, 0.0, 4.0, 8.0),
        (Backoff(jitter="proportional"), 1, 0.0, 0.4, 0.6),
        (Backoff(jitter="proportional"), 50, 0.0, 6.4, 9.6),
        (Backoff(jitter="decorrelated"), 1, 0.0, 0.5, 1.5),
        (Backoff(jitter="decorrelated"), 2, 1.2, 0.5, 3.6),
        (Backoff(jitter="decorrelated"), 5, 8.0, 0.5, 24.0),
    ],
)
def test_distribution(backoff, repeat, waited, low, high):
    """Waits are uniform between the jitter's bounds, clipped at the cap (DKW, 1e-6)."""
    retry_state = state(repeat, random.Random(repeat).random, waited)
    samples = [backoff(retry_state) for _ in range(N)]
    assert distance(samples, low, high, clip=backoff.max_delay) <= MAX_DISTANCE


def test_distance_tells_distributions_apart():
    """The measure used above rejects a jitter of the wrong width."""
    draw = random.Random(1).random
    assert distance([0.9 * draw() for _ in range(N)], 0.0, 1.0) > MAX_DISTANCE


@pytest.mark.parametrize("jitter", ["full", "equal"])
def test_spread_at_the_cap(jitter):
    """Clients that have reached the cap still wait differently from one another."""
    retry_state = state(20, random.Random(7).random)
    backoff = Backoff(jitter=jitter)
    assert len({backoff(retry_state) for _ in range(N)}) >= 9_990


def test_decorrelated_mean():
    """Below the cap the mean of the nth decorrelated wait is base * (2 * 1.5^n - 1)."""
    backoff = Backoff(0.5, 1e9, "decorrelated")
    draw = random.Random(3).random
    calls = [list(waits(backoff, draw, 4)) for _ in range(N)]
    means = [statistics.fmean(column) for column in zip(*calls, strict=True)]
    assert means == pytest.approx([1.0, 1.75, 2.875, 4.5625], rel=0.03)


def test_decorrelated_calls_are_apart():
    """Calls that share one strategy and take turns get the waits that each would get alone."""
    backoff = Backoff(jitter="decorrelated")
    alone = [list(waits(backoff, random.Random(seed).random, 6)) for seed in (1, 2)]
    turns = zip(*(waits(backoff, random.Random(seed).random, 6) for seed in (1, 2)), strict=True)
    assert [list(call) for call in zip(*turns, strict=True)] == alone


@pytest.mark.parametrize(
    ("waited", "expected"), [(0.0, 0.75), (0.1, 0.75), (2.0, 1.875), (30.0, 6.375)]
)
def test_decorrelated_after_a_hint(waited, expected):
    """A wait before that lay outside the bounds, such as a server's hint, counts as the bound."""
    assert Backoff(jitter="decorrelated")(state(2, lambda: 0.25, waited)) == expected


@pytest.mark.parametrize("jitter", JITTERS)
def test_under_tenacity(jitter):
    """The strategy waits under tenacity's own Retrying just as it does by hand."""
    slept = []
    attempts = Retrying(
        wait=Backoff(jitter=jitter), stop=stop_after_attempt(5), sleep=slept.append, reraise=True
    )
    random.seed(11)
    with pytest.raises(ZeroDivisionError):
        attempts(lambda: 1 / 0)
    assert slept == list(waits(Backoff(jitter=jitter), random.Random(11).random, 5))[:4]


def test_sums_with_tenacity():
    """The strategy adds up with tenacity's, as any wait strategy does."""
    total = Backoff(jitter="none") + Backoff(1, jitter="none")
    assert total(state(2)) == 3.0


def test_shared_by_threads():
    """32 threads on one strategy each get the waits that their own draws give."""
    backoff = Backoff(jitter="decorrelated")
    start = threading.Barrier(32)
    seen = {}

    def call(seed):
        start.wait()
        seen[seed] = list(waits(backoff, random.Random(seed).random, 50))

    threads = [threading.Thread(target=call, args=(seed,)) for seed in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {s: list(waits(backoff, random.Random(s).random, 50)) for s in range(32)}


def test_immutable():
    """A strategy does not change, equals its like and can be a key."""
    backoff = Backoff()
    with pytest.raises(dataclasses.FrozenInstanceError):
        backoff.max_delay = 1.0
    assert {backoff: "kept"}[Backoff(0.5, 8, "full")] == "kept"


def test_repr():
    """The repr is the call that makes the strategy."""
    text = "Backoff(base_delay=0.1, max_delay=5.0, jitter='equal', growth=2.0)"
    assert repr(Backoff(0.1, 5, "equal")) == text


@pytest.mark.parametrize("name", ["base_delay", "max_delay", "growth"])
@pytest.mark.parametrize(
    "value", [-1, -0.1, math.nan, math.inf, -math.inf, True, "1", None, 10**400]
)
def test_bad_numbers(name, value):
    """A number that is negative, not finite, or no number is refused by name at construction."""
    with pytest.raises(ValueError, match=f"{name} must be a finite number >= 0, not"):
        Backoff(**{name: value})


def test_bad_growth():
    """Ceilings never shrink."""
    with pytest.raises(ValueError, match=r"growth must be at least 1, not 0\.5"):
        Backoff(growth=0.5)


@pytest.mark.parametrize("jitter", ["Full", "", None, ["full"]])
def test_bad_jitter(jitter):
    """An unknown jitter is refused with the list of those there are."""
    with pytest.raises(ValueError, match="must be one of 'full', 'equal', 'decorrelated', "):
        Backoff(jitter=jitter)


@pytest.mark.parametrize(
    ("hint", "draw", "expected"),
    [
        (0.0, BELOW_ONE, 0.0),
        (5.0, 0.0, 5.0),
        (5.0, 0.5, 5.25),
        (10.0, 0.5, 10.5),
        (30.0, 0.5, 30.5),
        (2.0**31, 0.5, 2.0**31 + 0.5),
    ],
)
def test_hint_spread(hint, draw, expected):
    """A server's hint grows by chance, by at most a tenth and at most a second."""
    assert retry_after_spread(hint, lambda: draw) == expected


@settings(max_examples=100)
@given(hint=st.floats(0, 2.0**31), draw=st.floats(0, BELOW_ONE))
def test_hint_is_kept(hint, draw):
    """No wait is shorter than the server asked for."""
    assert hint <= retry_after_spread(hint, lambda: draw) <= hint + 1.0


def test_hint_spread_distribution():
    """What is added to a hint is uniform (DKW, 1e-6)."""
    draw = random.Random(5).random
    samples = [retry_after_spread(4.0, draw) for _ in range(N)]
    assert distance(samples, 4.0, 4.4) <= MAX_DISTANCE
