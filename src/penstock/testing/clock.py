"""A clock that only moves when something sleeps: ten minutes of backoff take no time at all."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import anyio.lowlevel

if TYPE_CHECKING:
    from collections.abc import Callable


class VirtualClock:
    """Time and chance under a test's control; pass it to a client as `clock=`.

    Args:
        now: Where the monotonic clock starts, in seconds.
        wall: Where the wall clock starts, in seconds since the epoch. By default Fri, 15 Jan 2027
            08:00:00 GMT.
        random: Where chance comes from: a function that gives numbers from [0, 1). By default a
            seeded generator.

    Attributes:
        sleeps: How long each sleep was, in seconds, oldest first.
    """

    def __init__(
        self,
        now: float = 1000.0,
        wall: float = 1_800_000_000.0,
        random: Callable[[], float] | None = None,
    ) -> None:
        self._now = now
        self._wall = wall
        self._random = random or _seeded()
        self.sleeps: list[float] = []

    def now(self) -> float:
        """Return monotonic seconds."""
        return self._now

    def wall(self) -> float:
        """Return seconds since the epoch."""
        return self._wall

    def random(self) -> float:
        """Return the next number from [0, 1)."""
        return self._random()

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass on both clocks without a sleep, as work does."""
        self._now += seconds
        self._wall += seconds

    def step_wall(self, seconds: float) -> None:
        """Set the wall clock forward, or back if negative, as an administrator or NTP does."""
        self._wall += seconds

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass at once."""
        self.sleeps.append(seconds)
        self.advance(seconds)

    async def asleep(self, seconds: float) -> None:
        """Let *seconds* pass at once; other tasks run, and a cancellation arrives."""
        self.sleep(seconds)
        await anyio.lowlevel.checkpoint()

    def __repr__(self) -> str:
        return f"<VirtualClock at {self._now}>"


def _seeded() -> Callable[[], float]:
    return random.Random(0).random  # noqa: S311 - repeatable on purpose
