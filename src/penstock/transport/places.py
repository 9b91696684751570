"""How many requests may be under way on one event loop: what an engine's limits are kept by."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from penstock.transport.leases import Lease, Leases
from penstock.transport.until import phase_left
from penstock.transport.waiting import timed

if TYPE_CHECKING:
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
        lease = Lease(self._leases, origin)
        try:
            await self._wait_for(lease, request, late)
        except BaseException:
            self._leases.step(self._leases.leave, lease)
            raise
        return Place(lease)

    async def _wait_for(self, lease: Lease, request: Any, late: type[Exception]) -> None:
        self._leases.step(self._leases.take, lease, asyncio.Event)
        if lease.event is not None:
            patience = phase_left(request, "pool")
            with timed(request), suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await lease.event.wait()
            self._leases.step(self._leases.got, lease)
        if lease.slot is None:
            msg = "no connection became free in time"
            raise late(msg)

    def close(self) -> None:
        """Give no more places, and wake all who wait."""
        self._leases.step(self._leases.close)


class Place:
    """One place, held until it is left.

    Args:
        lease: The hold on it.
    """

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def leave(self) -> None:
        """Give the place to the next; once left, again is nothing."""
        leases = self._lease.leases
        if self._lease.slot is not None:
            leases.step(leases.release, self._lease, False)
            leases.doomed.clear()
