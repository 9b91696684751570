"""The laws of the bucket: what repeats cost and successes bring, to the thousandth."""

from __future__ import annotations

import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from penstock_middleware.retry_budget import Bucket, Spending

if TYPE_CHECKING:
    from collections.abc import Iterator

CAPACITY, DEPOSIT, COST = 10_000, 100, 1_000


class Model:
    """The budget as the issue words it: whole tokens, exact arithmetic, one call after another."""

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
        self.bucket, self.model = Bucket(capacity, deposit, cost), Model(capacity, deposit, cost)
        self.calls: list[list[object]] = []

    @rule()
    def begin(self) -> None:
        self.calls.append([Spending(self.bucket), 0])

    @rule(which=st.integers(0), times=st.integers(1, 4))
    def repeat(self, which: int, times: int) -> None:
        if self.calls:
            call = self.calls[which % len(self.calls)]
            for _ in range(times):
                paid = call[0].withdraw()
                assert paid == self.model.repeat()
                call[1] += paid

    @rule(which=st.integers(0), succeeded=st.booleans(), left_waiting=st.booleans())
    def end(self, which: int, succeeded: bool, left_waiting: bool) -> None:
        if self.calls:
            spending, repeats = self.calls.pop(which % len(self.calls))
            unsent = int(left_waiting and not succeeded and repeats > 0)
            spending.settle(1 + repeats - unsent, succeeded=succeeded)
            self.model.end(repeats, unsent, succeeded=succeeded)

    @invariant()
    def equals_the_model(self) -> None:
        assert Fraction(round(self.bucket.tokens * 1000), 1000) == self.model.tokens
        assert 0 <= self.bucket.tokens <= float(self.model.capacity)


Budget.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
test_a_bucket_is_its_model = Budget.TestCase


def test_two_tokens_pay_for_two_repeats() -> None:
    """A bucket of two pays for two repeats, not three; ten successes pay for exactly one more."""
    bucket = Bucket(2_000, DEPOSIT, COST)
    assert [(bucket.withdraw(), bucket.tokens) for _ in range(3)] == [
        (True, 1.0),
        (True, 0.0),
        (False, 0.0),
    ]
    for _ in range(10):
        Spending(bucket).settle(1, succeeded=True)
    assert [bucket.withdraw(), bucket.withdraw()] == [True, False]


@pytest.mark.parametrize(
    ("capacity", "cost", "attempts", "succeeded", "left"),
    [
        (500, 14, 3, True, 486),
        (500, 14, 3, False, 472),
        (14, 14, 2, True, 14),
        (20, 14, 2, False, 6),
    ],
)
def test_aws_figures(capacity: int, cost: int, attempts: int, succeeded: bool, left: int) -> None:
    """With the numbers of AWS's standard mode the bucket counts as theirs does."""
    bucket = Bucket(capacity * 1000, 1000, cost * 1000)
    spending = Spending(bucket)
    assert [spending.withdraw() for _ in range(attempts - 1)] == [True] * (attempts - 1)
    spending.settle(attempts, succeeded=succeeded)
    assert bucket.tokens == left


@pytest.fixture
def many_switches() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("many_switches")
def test_threads() -> None:
    """With 32 threads there are never fewer tokens than none or more than fit, and none is lost."""
    bucket = Bucket(CAPACITY, DEPOSIT, COST)
    start = threading.Barrier(32)

    def work(seed: int) -> tuple[int, set[bool]]:
        draw = random.Random(seed)
        won = 0
        seen = set()
        start.wait(timeout=10)
        for _ in range(300):
            spending = Spending(bucket)
            attempts = 1 + spending.withdraw()
            seen.add(0 <= bucket.tokens <= CAPACITY / 1000)
            succeeded = draw.random() < 0.5
            spending.settle(attempts, succeeded=succeeded)
            won += succeeded
        return won, seen

    with ThreadPoolExecutor(32) as threads:
        results = list(threads.map(work, range(32)))
    assert set.union(*(seen for _, seen in results)) == {True}
    assert 0 <= bucket.tokens <= CAPACITY / 1000


@pytest.mark.usefixtures("many_switches")
def test_no_token_is_made_or_lost_between_threads() -> None:
    """What 32 threads withdraw from a bucket nothing fills is what it held, and all comes back."""
    bucket = Bucket(1_000_000, 0, COST)

    def work(_: int) -> list[Spending]:
        spent = [Spending(bucket) for _ in range(100)]
        return [spending for spending in spent if spending.withdraw()]

    with ThreadPoolExecutor(32) as threads:
        spent = [spending for some in threads.map(work, range(32)) for spending in some]
    assert (len(spent), bucket.tokens) == (1000, 0.0)
    with ThreadPoolExecutor(32) as threads:
        list(threads.map(lambda spending: spending.settle(2, succeeded=True), spent))
    assert bucket.tokens == 1000.0
