"""How many requests may be under way on one event loop: what an engine's limits are kept by."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from penstock.transport.leases import Leases
from penstock.transport.until import left
from penstock.transport.waiting import timed

if TYPE_CHECKING:
    from penstock.transport.leases import Slot
    from penstock.transport.limits import Limits
    from penstock.transport.waiting import Origin


class _Nothing:
    """Stands where `Leases` would have a connection: the engine has its own."""

    def __init__(self, origin: Origin) -> None:
        """Connect to nothing."""


class Places:
    """The places of one event loop, in the order of a pool: first come, first served.

    Args:
        limits: How many there are.
    """

    def __init__(self, limits: Limits) -> None:
        self._leases = Leases(
            _Nothing,
            limits.max_connections,
            0,
            None,
            shared=False,
            max_per_origin=limits.max_connections_per_origin,
        )

    async def taken(self, request: Any, late: type[Exception]) -> Place:
        """Return a place for *request*, when there is one.

        Args:
            request: The family's request.
            late: What is raised when there was none in time.
        """
        url = request.url
        origin = url.raw_scheme, url.raw_host, url.port
        slot = self._leases.take(origin)
        if slot is None:
            with timed(request):
                slot = await self._waited(origin, request, late)
        return Place(self._leases, slot)

    async def _waited(self, origin: Origin, request: Any, late: type[Exception]) -> Slot:
        waiter = self._leases.wait(origin, asyncio.Event())
        patience = left(request.extensions.get("timeout", {}).get("pool"))
        try:
            async with asyncio.timeout(patience):
                await waiter.event.wait()
        except TimeoutError:
            pass
        except BaseException:
            self._leases.leave(waiter)
            raise
        slot = self._leases.granted(waiter)
        if slot is None:
            msg = "no connection became free in time"
            raise late(msg)
        return slot

    def close(self) -> None:
        """Give no more places, and wake all who wait."""
        self._leases.close()


class Place:
    """One place, held until it is left.

    Args:
        leases: The account it is of.
        slot: The slot.
    """

    def __init__(self, leases: Leases, slot: Slot) -> None:
        self._leases = leases
        self._slot: Slot | None = slot

    def leave(self) -> None:
        """Give the place to the next; once left, again is nothing."""
        slot, self._slot = self._slot, None
        if slot is not None:
            self._leases.release(slot, whole=False)
            self._leases.doomed.clear()
