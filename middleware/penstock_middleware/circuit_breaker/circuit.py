"""The circuit to one origin: when it opens, whom it lets through, when it closes.

It waits for nothing and reads no clock: whoever asks says what time it is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

from penstock import Alone
from penstock_middleware.circuit_breaker.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable

State = Literal["closed", "open", "half_open"]

JITTER = 0.2
"""How far an open time strays to either side: clients that opened together probe apart."""


class Rules(NamedTuple):
    """When a circuit opens, and for how long.

    Attributes:
        failure_ratio: The share of failed calls it opens at, above 0 and at most 1.
        min_calls: How many calls there must have been.
        window: The seconds in which they are counted.
        open_for: Seconds it stays open the first time; twice as long after each probe that failed.
        max_open: The longest of these, in seconds.
    """

    failure_ratio: float = 0.5
    min_calls: int = 10
    window: float = 30.0
    open_for: float = 5.0
    max_open: float = 60.0


class Phase:
    """One stretch of a circuit's life in one state, and the ticket of each call let through in it.

    A call that comes back with the ticket of an earlier phase tells nothing of this one.

    Attributes:
        state: `closed`, `open` or `half_open`.
        since: When the wait below began: as the circuit opened, or the probe was sent.
        lasts: Seconds until the next probe may go.
    """

    __slots__ = ("lasts", "since", "state", "window")

    def __init__(
        self, state: State, since: float = 0.0, lasts: float = 0.0, window: Window | None = None
    ) -> None:
        self.state: State = state
        self.since = since
        self.lasts = lasts
        self.window = window

    def left(self, now: float) -> float:
        """Return the seconds until the next probe may go; zero or less says that it may."""
        return self.lasts - max(0.0, now - self.since)


class Circuit:
    """Closed, calls pass and are counted; open, none passes; half open, one probe does.

    The states are those of "Release It!" (Nygard, 2007). Each call takes a ticket, `closed` or else
    what `admit` gives, and brings it back to `settle` exactly once. Safe to use from many threads.

    Args:
        rules: When it opens, and for how long.
        random: Where chance comes from: a function that gives numbers from [0, 1).

    Attributes:
        closed: The ticket while it is closed, or None.
    """

    def __init__(self, rules: Rules, random: Callable[[], float]) -> None:
        self._rules = rules
        self._random = random
        self._lock = Alone()
        self._next_open = rules.open_for
        self.closed: Phase | None = None
        self._phase = self._close()

    @property
    def state(self) -> State:
        """`closed`, `open` or `half_open`."""
        return self._phase.state

    def admit(self, now: float) -> Phase | None:
        """Return the ticket of a call that may go, or None.

        Args:
            now: The moment, in seconds on a clock that should not, but may, go back.
        """
        return self._lock.run(self._admit, now)

    def _admit(self, now: float) -> Phase | None:
        phase = self._phase
        if phase is self.closed:
            return phase
        # A clock that went back has the wait begin anew, and get no longer.
        phase.since = min(phase.since, now)
        if phase.left(now) > 0:
            return None
        if phase.state == "open":
            # A probe that has not come back after the longest open time is given up for lost.
            self._phase = phase = Phase("half_open", lasts=self._rules.max_open)
        phase.since = now
        return phase

    def retry_after(self, now: float) -> float:
        """Return the seconds until a probe may go; 0 unless the circuit is open."""
        phase = self._phase
        return max(0.0, phase.left(now)) if phase.state == "open" else 0.0

    def settle(self, ticket: Phase, now: float, *, failed: bool | None) -> Phase | None:
        """Take a call's ticket back, and return the new phase if its outcome led to one.

        Args:
            ticket: `closed`, or what `admit` gave.
            now: The moment the call ended.
            failed: Whether it failed; None for an outcome that says nothing about the origin.
        """
        window = ticket.window
        if window is not None and not failed:
            if failed is False:
                window.add(now, 0)  # of a phase that is over, it is lost with it
            return None
        return self._lock.run(self._settle, ticket, now, failed)

    def _settle(self, ticket: Phase, now: float, failed: bool | None) -> Phase | None:
        if ticket is not self._phase:
            return None  # it is late: the circuit has changed since
        window = ticket.window
        if window is None:
            return self._probed(ticket, now, failed)
        window.add(now, 1)
        return self._open(now) if self._is_bad(window, now) else None

    def _probed(self, ticket: Phase, now: float, failed: bool | None) -> Phase | None:
        if failed is None:
            ticket.since = -math.inf  # the next call may probe at once
            return None
        if failed:
            return self._open(now)
        self._next_open = self._rules.open_for
        return self._close()

    def _is_bad(self, window: Window, now: float) -> bool:
        calls, failures = window.totals(now)
        rules = self._rules
        return calls >= rules.min_calls and failures / calls >= rules.failure_ratio

    def _close(self) -> Phase:
        self._phase = self.closed = Phase("closed", window=Window(self._rules.window))
        return self._phase

    def _open(self, now: float) -> Phase:
        lasts = self._next_open * (1 - JITTER + 2 * JITTER * self._random())
        self._next_open = min(2 * self._next_open, self._rules.max_open)
        self.closed = None
        self._phase = Phase("open", now, lasts)
        return self._phase
