"""The bodies of responses that came over a lent connection: their end gives it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from penstock.alone import FORKS
from penstock.transport.direct import AsyncBody, Body
from penstock.transport.leftovers import nothing_is_left

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from penstock.transport.leases import Lease


class _Leased:
    """What both colours hold.

    Args:
        pool: The pool, of the same colour.
        lease: The request's hold on its connection.
        response: The engine's response.

    Attributes:
        whole: Whether the connection may outlive it: because it was read to its end, which the
            reader says; or because it shares an HTTP/2 connection.
    """

    def __init__(self, pool: Any, lease: Lease, response: Any) -> None:
        self._pool = pool
        self._lease: Lease | None = lease
        self._stream = response.stream
        self.whole = response.extensions["http_version"] == b"HTTP/2"


class LeasedBody(_Leased):
    """The body of a response, whose end gives the connection back."""

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""
        lease, self._lease = self._lease, None
        if lease is None or lease.leases.forks != FORKS.count:
            return
        whole = False
        try:
            if isinstance(self._stream, Body):
                whole = self._stream.finish() and self.whole
            else:
                self._stream.close()
                whole = self.whole and nothing_is_left(lease.connection)
        finally:
            self._pool.release(lease, whole=whole)


class AsyncLeasedBody(_Leased):
    """`LeasedBody` on an event loop."""

    def __init__(self, pool: Any, lease: Lease, response: Any) -> None:
        super().__init__(pool, lease, response)
        self._connection = lease.connection
        if lease.slot is not None:
            lease.slot.stream = response.extensions["network_stream"]

    def __aiter__(self) -> AsyncIterator[bytes]:
        parts: AsyncIterator[bytes] = aiter(self._stream)
        return parts

    async def aclose(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""
        lease, self._lease = self._lease, None
        if lease is None or lease.leases.forks != FORKS.count:
            return
        leases, whole = lease.leases, False
        if not self.whole:
            leases.step(leases.release, lease, False)
        try:
            if isinstance(self._stream, AsyncBody):
                whole = await self._stream.finish() and self.whole
            else:
                with anyio.CancelScope(shield=True):
                    await self._stream.aclose()
                whole = nothing_is_left(self._connection)
        finally:
            leases.step(leases.release, lease, whole)
            await self._pool.tidy(leases)
