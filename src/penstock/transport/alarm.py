"""How long a task may wait for something: what `asyncio.timeout` does, with one timer for all."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType


_LOOK = 1e-6
"""Seconds for each limit that runs, by which the alarm may ring late. To look at one takes about a
tenth of that: however many end one after the other, most of the time is left to the tasks."""


class Alarm:
    """The limits of one event loop that are running: nearly all of them end before their time.

    A timer for each would be set and taken back for nothing. There is one, for the next that is due
    when it is set; when it rings, those that are late are told, and it is set anew.

    Args:
        loop: The event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._running: set[Within] = set()
        self._rings_at = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def start(self, limit: Within) -> None:
        """Have *limit* told when its time comes."""
        self._running.add(limit)
        if limit.at < self._rings_at:
            self._ring_at(limit.at)

    def end(self, limit: Within) -> None:
        """Forget *limit*; once it is forgotten, again is nothing."""
        self._running.discard(limit)

    def _ring_at(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_at(at, self._ring)
        self._rings_at = at

    def _ring(self) -> None:
        self._timer, self._rings_at = None, math.inf
        now = self.loop.time()
        for limit in [limit for limit in self._running if limit.at <= now]:
            self.end(limit)
            limit.ring()
        if self._running:
            soonest = min(limit.at for limit in self._running)
            self._ring_at(max(soonest, now + len(self._running) * _LOOK))


class Within:
    """Have what is awaited inside end in time.

    A cancellation from outside is told from this one as `asyncio.timeout` does it, by counting
    (`asyncio.Task.uncancel`).

    Args:
        alarm: The event loop's.
        seconds: How long it may take, or None for no limit.

    Attributes:
        at: When it is too late, on the event loop's clock.

    Raises:
        TimeoutError: It took longer.
    """

    __slots__ = ("_alarm", "_cancels", "_is_late", "_seconds", "_task", "at")

    at: float
    _task: Any

    def __init__(self, alarm: Alarm, seconds: float | None) -> None:
        self._alarm = alarm
        self._seconds = seconds
        self._is_late = False

    def __enter__(self) -> None:
        if self._seconds is None:
            return
        self._task = asyncio.current_task()
        self._cancels = self._task.cancelling()
        self.at = self._alarm.loop.time() + self._seconds
        self._alarm.start(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._seconds is None:
            return
        self._alarm.end(self)
        if not self._is_late or self._task.uncancel() > self._cancels:
            return
        if isinstance(error, asyncio.CancelledError):
            raise TimeoutError from error

    def ring(self) -> None:
        """End what is awaited: it is too late."""
        self._is_late = True
        self._task.cancel()
