"""The laws of the buckets: what repeats cost and successes bring, to the thousandth."""

from __future__ import annotations

import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from penstock_middleware.per_origin import MOST_ORIGINS
from penstock_middleware.retry_budget import Buckets

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = httpx.URL("https://api.example.com/it")
CAPACITY, DEPOSIT, COST = 10_000, 100, 1_000


class Call:
    """As much of a call as a bucket looks at."""

    def __init__(self) -> None:
        self.attempt_count = 1
        self._bag: dict[Any, Any] = {}

    def get(self, key: Any, default: Any) -> Any:
        return self._bag.get(key, default)

    def set(self, key: Any, value: Any) -> None:
        self._bag[key] = value

    def repeat(self, buckets: Buckets) -> bool:
        """Begin one more attempt, if it can be paid for."""
        paid = buckets.withdraw(self, URL)  # type: ignore[arg-type]  # it quacks
        self.attempt_count += paid
        return paid

    def end(self, buckets: Buckets, *, succeeded: bool) -> None:
        """End, one way or the other."""
        buckets.settle(self, URL, succeeded=succeeded)  # type: ignore[arg-type]  # it quacks


class Model:
    """The budget as the page words it: whole tokens, exact arithmetic, one call after another."""

    def __init__(self, capacity: int, deposit: int, cost: int) -> None:
        self.capacity, self.tokens = Fraction(capacity, 1000), Fraction(capacity, 1000)
        self.deposit, self.cost = Fraction(deposit, 1000), Fraction(cost, 1000)

    def repeat(self) -> bool:
        """Take the price of a repeat, if there is enough."""
        enough = self.tokens >= self.cost
        if enough:
            self.tokens -= self.cost
        return enough

    def end(self, repeats: int, unsent: int, *, succeeded: bool) -> None:
        """Bring back what was not spent, and what a success brings."""
        back = unsent * self.cost
        if succeeded:
            back += self.cost if repeats else self.deposit
        self.tokens = min(self.capacity, self.tokens + back)


class Budget(RuleBasedStateMachine):
    """Several calls at once on one bucket, each repeated and ended at any time."""

    @initialize(
        capacity=st.integers(0, 12_000), deposit=st.integers(0, 1_500), cost=st.integers(1, 3_000)
    )
    def fill(self, capacity: int, deposit: int, cost: int) -> None:
        self.buckets, self.model = Buckets(capacity, deposit, cost), Model(capacity, deposit, cost)
        self.calls: list[Call] = []

    @rule()
    def begin(self) -> None:
        self.calls.append(Call())

    @rule(which=st.integers(0), times=st.integers(1, 4))
    def repeat(self, which: int, times: int) -> None:
        if self.calls:
            for _ in range(times):
                call = self.calls[which % len(self.calls)]
                assert call.repeat(self.buckets) == self.model.repeat()

    @rule(which=st.integers(0), succeeded=st.booleans(), left_waiting=st.booleans())
    def end(self, which: int, succeeded: bool, left_waiting: bool) -> None:
        if self.calls:
            call = self.calls.pop(which % len(self.calls))
            repeats = call.attempt_count - 1
            unsent = int(left_waiting and not succeeded and repeats > 0)
            call.attempt_count -= unsent
            call.end(self.buckets, succeeded=succeeded)
            self.model.end(repeats, unsent, succeeded=succeeded)

    @invariant()
    def equals_the_model(self) -> None:
        tokens = self.buckets.tokens(URL)
        assert Fraction(round(tokens * 1000), 1000) == self.model.tokens
        assert 0 <= tokens <= float(self.model.capacity)
        assert self.buckets.are_full == (self.model.tokens == self.model.capacity)


Budget.TestCase.settings = settings(max_examples=100, stateful_step_count=40)
test_a_bucket_is_its_model = Budget.TestCase


def test_two_tokens_pay_for_two_repeats() -> None:
    """A bucket of two pays for two repeats, not three; ten successes pay for exactly one more."""
    buckets, call = Buckets(2_000, DEPOSIT, COST), Call()
    assert [(call.repeat(buckets), buckets.tokens(URL)) for _ in range(3)] == [
        (True, 1.0),
        (True, 0.0),
        (False, 0.0),
    ]
    for _ in range(10):
        Call().end(buckets, succeeded=True)
    assert [call.repeat(buckets), call.repeat(buckets)] == [True, False]


@pytest.mark.parametrize(
    ("capacity", "cost", "attempts", "succeeded", "left"),
    [
        (500, 14, 3, True, 486),
        (500, 14, 3, False, 472),
        (14, 14, 2, True, 14),
        (14, 14, 2, False, 0),
        (20, 14, 2, False, 6),
    ],
)
def test_aws_figures(capacity: int, cost: int, attempts: int, succeeded: bool, left: int) -> None:
    """With the numbers of AWS's standard mode the bucket counts as theirs does."""
    buckets, call = Buckets(capacity * 1000, 1000, cost * 1000), Call()
    assert [call.repeat(buckets) for _ in range(attempts - 1)] == [True] * (attempts - 1)
    call.end(buckets, succeeded=succeeded)
    assert buckets.tokens(URL) == left


def test_a_crawler_does_not_grow_it() -> None:
    """However many origins fail, what is kept is bounded; the one that paid longest ago goes."""
    buckets = Buckets(CAPACITY, DEPOSIT, COST)
    call: Any = Call()
    for number in range(MOST_ORIGINS + 5):
        buckets.withdraw(call, httpx.URL(f"https://host-{number}.example.com/"))
        buckets.withdraw(call, httpx.URL("https://host-0.example.com/"))
    assert len(buckets._left) == MOST_ORIGINS
    assert buckets.tokens(httpx.URL("https://host-0.example.com/")) == 0.0
    assert buckets.tokens(httpx.URL("https://host-1.example.com/")) == 10.0


@pytest.fixture
def many_switches() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("many_switches")
def test_threads() -> None:
    """With 32 threads there are never fewer tokens than none or more than fit."""
    buckets = Buckets(CAPACITY, DEPOSIT, COST)
    together = threading.Barrier(32, timeout=10)

    def work(seed: int) -> set[bool]:
        draw = random.Random(seed)
        seen = set()
        together.wait()
        for _ in range(300):
            call = Call()
            call.repeat(buckets)
            seen.add(0 <= buckets.tokens(URL) <= CAPACITY / 1000)
            call.end(buckets, succeeded=draw.random() < 0.5)
        return seen

    with ThreadPoolExecutor(32) as threads:
        assert set.union(*threads.map(work, range(32))) == {True}
    assert 0 <= buckets.tokens(URL) <= CAPACITY / 1000


@pytest.mark.usefixtures("many_switches")
def test_no_token_is_made_or_lost_between_threads() -> None:
    """What 32 threads withdraw from a bucket nothing fills is what it held, and all comes back."""
    buckets = Buckets(1_000_000, 0, COST)

    def work(_: int) -> list[Call]:
        calls = [Call() for _ in range(100)]
        return [call for call in calls if call.repeat(buckets)]

    with ThreadPoolExecutor(32) as threads:
        paid = [call for calls in threads.map(work, range(32)) for call in calls]
    assert (len(paid), buckets.tokens(URL)) == (1000, 0.0)
    with ThreadPoolExecutor(32) as threads:
        list(threads.map(lambda call: call.end(buckets, succeeded=True), paid))
    assert buckets.tokens(URL) == 1000.0
