"""Who waits for a connection, and whose turn is next."""

from __future__ import annotations

import heapq
import time
from collections import OrderedDict
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Origin = tuple[bytes, bytes, int | None]
"""Scheme, host and port."""

WAITED = "penstock.waited"
"""The extension of a request that tells for how many seconds it waited for a connection."""


@contextmanager
def timed(request: Any) -> Iterator[None]:
    """Note on *request* how long it waits here, added to what it has waited already."""
    started = time.monotonic()
    try:
        yield
    finally:
        waited = time.monotonic() - started + request.extensions.get(WAITED, 0.0)
        request.extensions[WAITED] = waited


class Waiter(Protocol):
    """Who can stand in a `Queue`.

    Attributes:
        origin: What it wants to connect to.
        number: Its place among all who ever waited.
        event: What is set when it has waited long enough.
    """

    origin: Origin
    number: int
    event: Any


W = TypeVar("W", bound=Waiter)


class Queue(Generic[W]):
    """Who waits, first come first served, but for origins that must not have more for now.

    Each origin has a line of its own, and stands in the queue with the number of its first. What it
    costs to find the next grows with the logarithm of the number of origins.
    """

    def __init__(self) -> None:
        self._lines: dict[Origin, OrderedDict[W, None]] = {}
        self._first: list[tuple[int, Origin]] = []
        self._standing: set[Origin] = set()
        self._numbers = count()

    def join(self, waiter: W) -> None:
        """Add one to the end of its origin's line."""
        waiter.number = next(self._numbers)
        self._lines.setdefault(waiter.origin, OrderedDict())[waiter] = None
        self.stand(waiter.origin)

    def leave(self, waiter: W) -> None:
        """Take one out, wherever in its line it is; who is in none already stays so."""
        line = self._lines.get(waiter.origin)
        if line is not None:
            line.pop(waiter, None)
            if not line:
                del self._lines[waiter.origin]

    def stand(self, origin: Origin) -> None:
        """Have *origin* stand in the queue (again), if anyone waits for it."""
        line = self._lines.get(origin)
        if line and origin not in self._standing:
            self._standing.add(origin)
            heapq.heappush(self._first, (next(iter(line)).number, origin))

    def pop(self) -> W | None:
        """Return who waits longest, or None. Its origin no longer stands in the queue."""
        while self._first:
            number, origin = heapq.heappop(self._first)
            self._standing.discard(origin)
            line = self._lines.get(origin)
            if line is None:
                continue
            waiter = next(iter(line))
            if waiter.number == number:
                return waiter
            self.stand(origin)  # its first has left: it has another number now
        return None

    def serve(self, granted: Callable[[W], bool], is_full: Callable[[Origin], bool]) -> None:
        """Give those who wait what there is.

        Args:
            granted: Gives one who waits what it wants, and tells whether there was any.
            is_full: Tells whether an origin must not have more for now. It stands again when one of
                its own comes back.
        """
        while (waiter := self.pop()) is not None:
            if granted(waiter):
                waiter.event.set()
                self.leave(waiter)
                self.stand(waiter.origin)
            elif not is_full(waiter.origin):
                self.stand(waiter.origin)
                return

    def mend(self) -> None:
        """Have every origin that anyone waits for stand in the queue, after an interruption."""
        self._lines = {origin: line for origin, line in self._lines.items() if line}
        self._first.clear()
        self._standing.clear()
        for origin in self._lines:
            self.stand(origin)

    def clear(self) -> list[W]:
        """Take out everybody and return them."""
        waiting = [waiter for line in self._lines.values() for waiter in line]
        self._lines.clear()
        self._first.clear()
        self._standing.clear()
        return waiting
