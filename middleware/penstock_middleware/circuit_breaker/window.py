"""How many calls there were lately, and how many of them failed."""

from __future__ import annotations

BUCKETS = 10
"""In how many steps the window moves on."""


class Window:
    """Counts the calls and failures of the last *seconds*, in steps of a tenth of that.

    What it costs to read or move on does not depend on how far the clock has gone. Where the clock
    has gone back, what was counted ahead of it is not seen.

    Args:
        seconds: How far back it looks.
    """

    __slots__ = ("_calls", "_failures", "_numbers", "_width")

    def __init__(self, seconds: float) -> None:
        self._width = seconds / BUCKETS
        self._numbers = [0] * BUCKETS  # which step of time each bucket is for
        self._calls = [0] * BUCKETS
        self._failures = [0] * BUCKETS

    def add(self, now: float, *, failed: bool) -> None:
        """Count a call that ended at the moment *now*."""
        number = int(now // self._width)
        at = number % BUCKETS
        if self._numbers[at] != number:
            self._numbers[at] = number
            self._calls[at] = self._failures[at] = 0
        self._calls[at] += 1
        self._failures[at] += failed

    def totals(self, now: float) -> tuple[int, int]:
        """Return the calls and the failures in the window that ends at the moment *now*."""
        last = int(now // self._width)
        calls = failures = 0
        for at, number in enumerate(self._numbers):
            if last - BUCKETS < number <= last:
                calls += self._calls[at]
                failures += self._failures[at]
        return calls, failures
