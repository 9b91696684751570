"""Where time and chance come from: injected everywhere, so that tests can hold both."""

from __future__ import annotations

import random
import time
from typing import Protocol

import anyio


class Clock(Protocol):
    """A source of time and chance. `penstock.testing.VirtualClock` is the one tests use."""

    def now(self) -> float:
        """Return monotonic seconds; only differences mean anything."""
        ...

    def wall(self) -> float:
        """Return seconds since the epoch, for comparing with dates a server sent."""
        ...

    def random(self) -> float:
        """Return a number drawn uniformly from [0, 1)."""
        ...

    def sleep(self, seconds: float, /) -> None:
        """Let *seconds* pass, blocking the thread."""
        ...

    async def asleep(self, seconds: float, /) -> None:
        """Let *seconds* pass, leaving the event loop to others."""
        ...


class SystemClock:
    """The machine's own time and chance."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)
    random = staticmethod(random.random)
    sleep = staticmethod(time.sleep)
    asleep = staticmethod(anyio.sleep)

    def __repr__(self) -> str:
        return "SystemClock()"
