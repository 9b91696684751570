"""How many calls there were lately, and how many of them failed."""

from __future__ import annotations

from penstock import Alone

STEPS = 10
"""In how many steps the window moves on."""


class Step:
    """What was counted in one step of time."""

    __slots__ = ("calls", "failures", "number")

    def __init__(self, number: float) -> None:
        self.number = number
        self.calls = self.failures = 0


class Window:
    """Counts the calls and failures of the last *seconds*, in steps of a tenth of that.

    What it costs to count or to move on does not depend on how far the clock has gone. Where the
    clock has gone back, what was counted ahead of it is not seen. To count takes no lock: of two
    threads that do at once, one may go missing, which a share of many calls does not feel.

    Args:
        seconds: How far back it looks.
    """

    __slots__ = ("_latest", "_lock", "_steps", "_width")

    def __init__(self, seconds: float) -> None:
        self._lock = Alone()
        self._width = seconds / STEPS
        self._latest = Step(0)
        self._steps = [self._latest, *map(Step, range(1, STEPS))]

    def add(self, now: float, failed: int) -> None:
        """Count a call that ended at the moment *now*."""
        number = now // self._width
        step = self._latest
        if step.number != number:
            step = self._latest = self._lock.run(self._step, number)
        step.calls += 1
        step.failures += failed

    def _step(self, number: float) -> Step:
        at = int(number) % STEPS
        if self._steps[at].number != number:
            self._steps[at] = Step(number)
        return self._steps[at]

    def totals(self, now: float) -> tuple[int, int]:
        """Return the calls and the failures in the window that ends at the moment *now*."""
        last = now // self._width
        seen = [step for step in self._steps if 0 <= last - step.number < STEPS]
        return sum(step.calls for step in seen), sum(step.failures for step in seen)
