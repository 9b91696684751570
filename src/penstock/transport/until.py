"""A time limit that one request carries down to the socket."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable


class Until(float):
    """A phase timeout in seconds that also knows the moment after which nothing may run.

    httpcore hands a request's own timeout objects to the network backend unchanged. A limit set on
    one request therefore reaches the socket with no state shared between requests, also where many
    of them share one HTTP/2 connection.

    As a plain number it is what one operation could take when it was made, `inf` for no limit: what
    a transport that knows nothing of moments goes by.

    Args:
        seconds: The longest one operation of this phase may take, or None for no such limit.
        at: The moment, on the clock *now*, after which nothing may run, or None.
        now: The clock, in seconds.
    """

    __slots__ = ("at", "now")

    at: float | None
    now: Callable[[], float]

    def __new__(cls, seconds: float | None, at: float | None, now: Callable[[], float]) -> Self:
        """Return the limit, which is a float."""
        phase = math.inf if seconds is None else seconds
        self = super().__new__(cls, phase if at is None else min(phase, at - now()))
        self.at = at
        self.now = now
        return self

    def left(self) -> float | None:
        """Return the seconds that an operation which starts now may take, or None for no limit.

        Zero or less means it is too late.
        """
        if self.at is not None:
            return min(float(self), self.at - self.now())
        return None if self == math.inf else float(self)


def left(timeout: float | None) -> float | None:
    """Return what `Until.left` does; a plain timeout is its own answer."""
    if isinstance(timeout, Until):
        return timeout.left()
    return None if timeout == math.inf else timeout


def pinned(timeout: float | None) -> Until | None:
    """Return *timeout* with its phase counted from now: the limit that several steps share."""
    seconds = left(timeout)
    if seconds is None:
        return None
    now = timeout.now if isinstance(timeout, Until) else time.monotonic
    return Until(None, now() + seconds, now)
