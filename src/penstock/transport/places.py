"""How many requests may be under way on one event loop: what an engine's limits are kept by.

The rules are those of a pool's `Leases`, without connections to keep: the engine has its own.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from penstock.errors import ClientClosed
from penstock.transport.alarm import Within
from penstock.transport.until import phase_left
from penstock.transport.waiting import Queue, timed

if TYPE_CHECKING:
    from penstock.transport.alarm import Alarm
    from penstock.transport.limits import Limits
    from penstock.transport.waiting import Origin


class Place:
    """One request's hold on a place, or its turn in the queue for one.

    Dropped, it is left as soon as its event loop can do so.

    Args:
        places: What it is one of.
        origin: What the request goes to.

    Attributes:
        held: Whether it is held.
        event: While it is in the queue, what is set when it is held, or never will be.
        number: Its turn among all who ever waited.
    """

    __slots__ = ("_places", "event", "held", "number", "origin")

    event: asyncio.Event

    def __init__(self, places: Places, origin: Origin) -> None:
        self._places = places
        self.origin = origin
        self.held = False
        self.number = 0

    def leave(self) -> None:
        """Give the place to the next; once left, again is nothing."""
        if self.held:
            self.held = False
            self._places.give_back(self.origin)

    def __del__(self) -> None:
        if self.held:
            self._places.give_back_soon(self.origin)


class Places:
    """The places of one event loop: first come, first served, whatever the origin.

    Who waits for an origin that has as many as it may holds up nobody else.

    Args:
        limits: How many there are.
        alarm: The event loop's.
    """

    def __init__(self, limits: Limits, alarm: Alarm) -> None:
        self._most = limits.max_connections
        self._most_of_one = limits.max_connections_per_origin
        self._alarm = alarm
        self._held = 0
        self._held_of: Counter[Origin] = Counter()
        self._queue: Queue[Place] = Queue()
        self._closed = False

    async def taken(self, request: Any, late: type[Exception]) -> Place:
        """Return a place for *request*, when there is one.

        Args:
            request: The family's request.
            late: What is raised when there was none in time.

        Raises:
            ClientClosed: The client was closed, before or meanwhile.
        """
        url = request.url
        place = Place(self, (url.raw_scheme, url.raw_host, url.port))
        if self._closed or not self._granted(place):
            await self._wait_for(place, request)
            if not place.held:
                msg = "no connection became free in time"
                raise late(msg)
        return place

    async def _wait_for(self, place: Place, request: Any) -> None:
        self._check_open()
        place.event = asyncio.Event()
        self._queue.join(place)
        try:
            with (
                timed(request),
                suppress(TimeoutError),
                Within(self._alarm, phase_left(request, "pool")),
            ):
                await place.event.wait()
        except BaseException:
            place.leave()  # it may have come in the moment of the cancellation
            raise
        finally:
            self._queue.leave(place)
        if not place.held:
            self._check_open()

    def give_back(self, origin: Origin) -> None:
        """Give a place of *origin* to the next."""
        self._held -= 1
        if self._most_of_one is not None:
            self._held_of[origin] -= 1
            if not self._held_of[origin]:
                del self._held_of[origin]
        self._queue.stand(origin)
        self._queue.serve(self._granted, self._is_full)

    def give_back_soon(self, origin: Origin) -> None:
        """Do so on the event loop, from whichever thread the garbage collector runs on."""
        with suppress(RuntimeError):  # it is closed: nobody waits
            self._alarm.loop.call_soon_threadsafe(self.give_back, origin)

    def close(self) -> None:
        """Give no more places, and wake all who wait."""
        self._closed = True
        for waiter in self._queue.clear():
            waiter.event.set()

    def _check_open(self) -> None:
        if self._closed:
            raise ClientClosed

    def _granted(self, place: Place) -> bool:
        if self._held == self._most or self._is_full(place.origin):
            return False
        self._held += 1
        if self._most_of_one is not None:
            self._held_of[place.origin] += 1
        place.held = True
        return True

    def _is_full(self, origin: Origin) -> bool:
        return self._most_of_one is not None and self._held_of[origin] >= self._most_of_one
