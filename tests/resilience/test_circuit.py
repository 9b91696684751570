"""The laws of a circuit: a state machine that no clock and no latecomer leads astray."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from penstock_middleware.circuit_breaker.circuit import JITTER, Circuit, Phase, Rules
from penstock_middleware.circuit_breaker.window import STEPS as WINDOW_STEPS
from penstock_middleware.circuit_breaker.window import Window

RULES = Rules()


class Model:
    """The breaker as its page words it: a list of outcomes, a number for each stretch of time."""

    def __init__(self, draw: Any) -> None:
        self.draw, self.state, self.epoch, self.next_open = draw, "closed", 0, 5.0
        self.seen: list[tuple[int, bool]] = []
        self.since = self.lasts = 0.0

    def admit(self, now: float) -> int | None:
        if self.state != "closed":
            self.since = min(self.since, now)
            if now - self.since < self.lasts:
                return None
            if self.state == "open":
                self.change("half_open", 60.0)
            self.since = now
        return self.epoch

    def settle(self, epoch: int, now: float, failed: bool | None) -> None:
        if epoch != self.epoch:
            return
        if self.state == "half_open":
            if failed is None:
                self.since = -float("inf")
            elif failed:
                self.open(now)
            else:
                self.next_open = 5.0
                self.seen.clear()
                self.change("closed", 0.0)
        elif failed is not None:
            step = int(now // 3.0)
            # Steps of time that are ten apart take turns in one bucket.
            self.seen = [(at, bad) for at, bad in self.seen if at == step or (at - step) % 10]
            self.seen.append((step, failed))
            lately = [bad for at, bad in self.seen if step - 10 < at <= step]
            if failed and len(lately) >= 10 and 2 * sum(lately) >= len(lately):
                self.open(now)

    def open(self, now: float) -> None:
        self.change("open", self.next_open * (0.8 + 0.4 * self.draw()))
        self.since, self.next_open = now, min(60.0, 2 * self.next_open)

    def change(self, state: str, lasts: float) -> None:
        self.state, self.lasts, self.epoch = state, lasts, self.epoch + 1


STEPS = st.sampled_from([0.0, 1e-9, 0.1, 1.0, 3.0, 5.0, 30.0, 60.0, 1e9, -1e-9, -1.0, -30.0, -1e9])


class Breaker(RuleBasedStateMachine):
    """Calls that begin and end in any order, on a clock that steps as it likes."""

    @initialize(seed=st.integers(0, 3), start=st.sampled_from([0.0, 1e6, -1e6]))
    def begin(self, seed: int, start: float) -> None:
        self.now = start
        self.circuit = Circuit(RULES, random.Random(seed).random)
        self.model = Model(random.Random(seed).random)
        self.calls: list[tuple[Phase, int]] = []

    @rule(step=STEPS)
    def wait(self, step: float) -> None:
        self.now += step

    @rule(calls=st.integers(1, 6))
    def admit(self, calls: int) -> None:
        for _ in range(calls):
            ticket = self.circuit.closed or self.circuit.admit(self.now)
            epoch = self.model.admit(self.now)
            assert (ticket is None) == (epoch is None)
            if ticket is not None and epoch is not None:
                self.calls.append((ticket, epoch))

    @rule(
        which=st.integers(0), calls=st.integers(1, 6), failed=st.sampled_from([True, False, None])
    )
    def settle(self, which: int, calls: int, failed: bool | None) -> None:
        for _ in range(min(calls, len(self.calls))):
            ticket, epoch = self.calls.pop(which % len(self.calls))
            before = self.circuit.state
            changed = self.circuit.settle(ticket, self.now, failed=failed)
            self.model.settle(epoch, self.now, failed)
            assert (changed is not None) == (before != self.circuit.state)

    @rule(calls=st.integers(1, 12), failed=st.booleans())
    def run(self, calls: int, failed: bool) -> None:
        for _ in range(calls):
            self.admit(1)
            self.settle(-1, 1, failed)

    @invariant()
    def equals_the_model(self) -> None:
        assert self.circuit.state == self.model.state
        wait = self.circuit.retry_after(self.now)
        assert 0.0 <= wait <= RULES.max_open * (1 + JITTER)
        assert wait == 0.0 or self.circuit.state == "open"


Breaker.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
test_a_circuit_is_its_model = Breaker.TestCase


def half() -> float:
    return 0.5


def failing(circuit: Circuit, now: float = 0.0, times: int = RULES.min_calls) -> list[Phase | None]:
    """Let calls fail, one after the other, and return what each changed."""
    changes = []
    for _ in range(times):
        ticket = circuit.admit(now)
        assert ticket is not None
        changes.append(circuit.settle(ticket, now, failed=True))
    return changes


def told(circuit: Circuit, outcomes: str, now: float = 0.0) -> str:
    """Let calls end with `F`, `S` or `-`, and return the state that leaves."""
    for outcome in outcomes:
        ticket = circuit.admit(now)
        assert ticket is not None
        circuit.settle(ticket, now, failed={"F": True, "S": False, "-": None}[outcome])
    return circuit.state


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ("F" * 9, "closed"),
        ("F" * 10, "open"),
        ("S" * 5 + "F" * 5, "open"),
        ("S" * 6 + "F" * 5, "closed"),
        ("S" * 6 + "F" * 6, "open"),
        ("F" * 9 + "S", "closed"),  # a success opens nothing
        ("F" * 9 + "SF", "open"),
        ("-" * 50 + "F" * 9, "closed"),
        ("S" * 100, "closed"),
    ],
)
def test_when_it_opens(outcomes: str, state: str) -> None:
    """It opens at a failure, once ten calls or more were counted and half of them failed."""
    assert told(Circuit(RULES, half), outcomes) == state


@pytest.mark.parametrize(
    "rules", [Rules(failure_ratio=0.1), Rules(failure_ratio=1.0), Rules(min_calls=1)]
)
def test_what_it_is_told_to_open_at(rules: Rules) -> None:
    """Ratio and least number are as they were given."""
    circuit = Circuit(rules, half)
    successes = {0.1: 9, 1.0: 0, 0.5: 0}[rules.failure_ratio]
    failures = max(1, rules.min_calls - successes)
    told(circuit, "S" * successes + "F" * (failures - 1))
    assert [circuit.state, told(circuit, "F")] == ["closed", "open"]


def test_what_is_old_is_forgotten() -> None:
    """Calls of thirty seconds ago do not count; those of twenty-seven do."""
    for age, state in ((27.0, "open"), (30.0, "closed")):
        circuit = Circuit(RULES, half)
        told(circuit, "F" * 9)
        assert told(circuit, "F", age) == state


@pytest.mark.parametrize(("draw", "factor"), [(0.0, 0.8), (0.5, 1.0), (1.0, 1.2)])
def test_how_long_it_stays_open(draw: float, factor: float) -> None:
    """Five seconds, twice as long after each probe that fails, to sixty; 20 % about by chance."""
    circuit = Circuit(RULES, lambda: draw)
    opened = failing(circuit)[-1]
    assert opened is not None
    lasts = [opened.lasts]
    now = 0.0
    for _ in range(6):
        now += lasts[-1]
        assert circuit.admit(now - 1e-6) is None
        probe = circuit.admit(now)
        assert probe is not None
        opened = circuit.settle(probe, now, failed=True)
        assert opened is not None
        lasts.append(opened.lasts)
    assert lasts == pytest.approx([factor * s for s in (5, 10, 20, 40, 60, 60, 60)])


def test_a_success_starts_anew() -> None:
    """A probe that succeeds closes it: what was counted is forgotten, and so is the doubling."""
    circuit = Circuit(RULES, half)
    failing(circuit)
    for now, failed in ((5.0, True), (15.0, False)):
        probe = circuit.admit(now)
        assert probe is not None
        circuit.settle(probe, now, failed=failed)
    assert circuit.state == "closed"
    assert failing(circuit, 15.0)[:-1] == [None] * 9
    assert circuit.retry_after(15.0) == 5.0


def test_one_probe_at_a_time() -> None:
    """While a probe is under way no other goes; one that says nothing makes room for the next."""
    circuit = Circuit(RULES, half)
    failing(circuit)
    probe = circuit.admit(5.0)
    assert probe is not None
    assert [circuit.admit(5.0 + later) for later in (0.0, 1.0, 59.9)] == [None] * 3
    assert circuit.retry_after(5.0) == 0.0
    assert circuit.settle(probe, 6.0, failed=None) is None
    again = circuit.admit(6.0)
    assert again is not None
    assert [circuit.admit(6.0), circuit.state] == [None, "half_open"]


def test_a_probe_that_never_comes_back() -> None:
    """One that is out longer than the longest open time is given up: no circuit gets stuck."""
    circuit = Circuit(RULES, half)
    failing(circuit)
    lost, other = circuit.admit(5.0), circuit.admit(65.0)
    assert lost is not None
    assert other is not None
    assert circuit.settle(other, 66.0, failed=False) is not None
    assert circuit.settle(lost, 67.0, failed=True) is None
    assert circuit.state == "closed"


def test_latecomers_do_not_count() -> None:
    """The result of a call admitted before the last change moves nothing, whatever it is."""
    circuit = Circuit(RULES, half)
    late = [circuit.admit(0.0) for _ in range(20)]
    failing(circuit)
    for state, now in (("open", 1.0), ("half_open", 5.0), ("closed", 6.0)):
        if state == "half_open":
            probe = circuit.admit(5.0)
        if state == "closed":
            circuit.settle(probe, 6.0, failed=False)
        for failed in (True, False, None):
            assert circuit.settle(late.pop(), now, failed=failed) is None
        assert circuit.state == state
    for ticket in late:
        circuit.settle(ticket, 6.0, failed=True)
    assert circuit.state == "closed"


@pytest.mark.parametrize("back", [1e-9, 1.0, 1e9])
def test_a_clock_that_goes_back(back: float) -> None:
    """An open circuit waits its time from the first call that sees it, and not a second longer."""
    circuit = Circuit(RULES, half)
    failing(circuit, 1e9)
    now = 1e9 - back
    assert circuit.admit(now) is None
    assert circuit.retry_after(now) == 5.0
    assert circuit.admit(now + 4.9) is None
    assert circuit.admit(now + 5.0) is not None


@pytest.mark.parametrize("step", [0.0, 1e-9, 3.0, 1e9, -1e9, 1e300])
def test_a_window_has_ten_steps(step: float) -> None:
    """However far the clock has gone, a window holds ten steps of time and looks at no more."""
    window = Window(30.0)
    window.add(0.0, 1)
    window.add(step, 0)
    assert len(window._steps) == WINDOW_STEPS
    calls, failures = window.totals(step)
    assert (calls, failures) == ((2, 1) if 0.0 <= step < 30.0 else (1, 0))


def test_what_lies_ahead_does_not_count() -> None:
    """After the clock has gone back, what was counted ahead of it is not seen."""
    window = Window(30.0)
    for now in (100.0, 70.0):
        window.add(now, 1)
    assert window.totals(72.0) == (1, 1)
