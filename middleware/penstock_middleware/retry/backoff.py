"""How long to wait before the next attempt when the server gave no hint, and how to spread it."""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenacity.wait import wait_base

from penstock_middleware.checks import is_number
from penstock_middleware.retry.jitter import JITTERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState

    from penstock_middleware.retry.jitter import Jitter

PROPORTION = 0.2
"""How far `proportional` jitter strays to either side: gRFC A6 (gRPC retry design) has 0.8 to 1.2,
as shares of the ceiling."""

SPREAD_SHARE = 0.1
SPREAD_SECONDS = 1.0
"""How much is at most added to a server's hint: this share of it, and this many seconds."""


@dataclass(frozen=True)
class Backoff(wait_base):
    """Wait longer after each failed attempt, by chance within bounds; a tenacity wait strategy.

    Before repeat *n* (the first is 1) the ceiling is `min(max_delay, base_delay * growth**(n-1))`,
    called c below. It is capped before chance comes in, so clients go on spreading at the cap:

    ==================  ============================================================================
    jitter              wait
    ==================  ============================================================================
    ``"full"``          uniform in [0, c]
    ``"equal"``         uniform in [c/2, c]
    ``"decorrelated"``  `min(max_delay, uniform in [base_delay, 3 * the wait before])`, first from
                        `base_delay`; `growth` plays no part
    ``"proportional"``  uniform within 20 % of c, and never above `max_delay`
    ``"none"``          c
    ==================  ============================================================================

    Full, equal and decorrelated jitter are those of "Exponential Backoff And Jitter" (AWS
    Architecture Blog, 2015), proportional that of gRFC A6. The strategy holds no state: one object
    serves any number of calls at once. Chance comes from `retry_state.random` where the state of
    the call has one (a function that returns a number in [0, 1)), else from the module `random`.

    Args:
        base_delay: The first ceiling, in seconds.
        max_delay: What no wait exceeds, in seconds.
        jitter: How chance comes in.
        growth: By what each ceiling is greater than the one before; at least 1.

    Raises:
        ValueError: A number is negative, not finite or no number, `growth` is below 1, or `jitter`
            is not one of the five.
    """

    base_delay: float = 0.5
    max_delay: float = 8.0
    jitter: Jitter = "full"
    growth: float = 2.0

    def __post_init__(self) -> None:
        for name in ("base_delay", "max_delay", "growth"):
            object.__setattr__(self, name, _finite(name, getattr(self, name)))
        if self.growth < 1:
            raise ValueError(f"growth must be at least 1, not {self.growth!r}")
        if self.jitter not in JITTERS:
            choices = ", ".join(map(repr, JITTERS))
            raise ValueError(f"jitter must be one of {choices}, not {self.jitter!r}")

    def __call__(self, retry_state: RetryCallState) -> float:
        """Return the seconds to wait before the attempt that follows the one in *retry_state*."""
        ceiling = self._ceiling(retry_state.attempt_number)
        if self.jitter == "none":
            return ceiling
        draw = getattr(retry_state, "random", random.random)()
        if self.jitter == "full":
            return ceiling * draw
        if self.jitter == "equal":
            return ceiling * (0.5 + draw / 2)
        if self.jitter == "proportional":
            return min(self.max_delay, ceiling * (1 + PROPORTION * (2 * draw - 1)))
        longest = 3 * self._wait_before(retry_state)
        return min(self.max_delay, self.base_delay + (longest - self.base_delay) * draw)

    def _ceiling(self, repeat: int) -> float:
        try:
            grown = self.base_delay * self.growth ** (repeat - 1)
        except OverflowError:
            grown = self.max_delay if self.base_delay else 0.0
        return min(self.max_delay, grown)

    def _wait_before(self, retry_state: RetryCallState) -> float:
        # tenacity overwrites `upcoming_sleep` with what this strategy returns, so it still holds
        # the wait before, 0 at first: the state is the call's, and the strategy can be shared. A
        # server's hint may have put it out of bounds.
        return max(self.base_delay, min(retry_state.upcoming_sleep, self.max_delay))


def retry_after_spread(hint: float, random: Callable[[], float]) -> float:
    """Return a server's hint plus a little chance, because every client was given the same one.

    Args:
        hint: The wait that the server asked for, in seconds.
        random: A function that returns a number in [0, 1).

    Returns:
        Seconds: never less than *hint*, and more by at most a tenth of it and at most one second.
    """
    return hint + min(SPREAD_SHARE * hint, SPREAD_SECONDS) * random()


def _finite(name: str, value: Any) -> float:
    # The comparison is false for NaN, and exact for an int too large for a float.
    if not is_number(value) or not 0 <= value <= sys.float_info.max:
        raise ValueError(f"{name} must be a finite number >= 0, not {value!r}")
    return float(value)
