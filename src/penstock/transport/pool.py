"""The connection pool, in both colours: leases over the engine's public connections.

A connection that is not known to be whole leaves the account before anything is awaited. A
cancellation that strikes anywhere, also asyncio's own, therefore leaves no slot behind.
"""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio

from penstock.alone import FORKS
from penstock.transport.engine import may_send_again
from penstock.transport.hanging_up import hang_up
from penstock.transport.heads import Unanswered
from penstock.transport.leased import AsyncLeasedBody, LeasedBody
from penstock.transport.leases import Lease, Leases
from penstock.transport.loops import is_running, run_soon, running_loop
from penstock.transport.until import phase_left
from penstock.transport.waiting import timed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from penstock.transport.slots import Slot
    from penstock.transport.waiting import Origin

_SCHEMES = frozenset({b"http", b"https", b"ws", b"wss"})


class _Pool:
    """What both colours share: the leases of this process and this event loop.

    Args:
        core: The engine: `httpcore` or `httpcore2`.
        connect: Makes a connection to an origin, which opens at its first request: ours, or the
            engine's.
        max_connections: The most connections, or None for no limit.
        max_idle: The most that are kept idle, or None for no limit.
        expiry: The seconds for which an idle one is kept, or None for ever.
        direct: Whether the connections are ours: they take an `Asked`, not the engine's request.
        shared: Whether to offer HTTP/2.
        max_per_origin: The most connections to one origin, or None for no limit.
    """

    def __init__(
        self,
        core: ModuleType,
        connect: Callable[[Origin], Any],
        max_connections: int | None,
        max_idle: int | None,
        expiry: float | None,
        *,
        direct: bool,
        shared: bool,
        max_per_origin: int | None = None,
    ) -> None:
        self._core = core
        self.direct = direct
        self._connect = connect
        self._limits = (max_connections, max_idle, expiry)
        self._max_per_origin = max_per_origin
        self._may_share = shared
        self._abandoned: list[Leases] = []
        self._leases = self._new_leases()

    @property
    def counts(self) -> tuple[int, int]:
        """How many connections there are, and how many of them are idle."""
        return self._leases.counts if self._leases.forks == FORKS.count else (0, 0)

    def by_origin(self) -> tuple[Counter[Any], Counter[Any]]:
        """Return how many connections each origin has, and how many of them are idle."""
        mine = self._leases.forks == FORKS.count
        return self._leases.by_origin() if mine else (Counter(), Counter())

    def _new_leases(self) -> Leases:
        return Leases(
            self._connect,
            *self._limits,
            shared=self._may_share,
            max_per_origin=self._max_per_origin,
            lost=self._lost,
        )

    def _lost(self, leases: Leases, slot: Slot) -> None:
        raise NotImplementedError  # each colour has its own

    def _origin(self, request: Any) -> Origin:
        url = request.url
        if url.scheme not in _SCHEMES:
            scheme = url.scheme.decode()
            msg = f"Request URL has an unsupported protocol '{scheme}://'."
            if not scheme:
                msg = "Request URL is missing an 'http://' or 'https://' protocol."
            raise self._core.UnsupportedProtocol(msg)
        return url.scheme, url.host, url.port

    def _leave_to_parent(self) -> None:
        # To collect them could say goodbye on a socket that the parent still uses. Their lock may
        # be held by a thread that only the parent has.
        self._abandoned.append(self._leases)
        self._leases = self._new_leases()

    def _late(self) -> Exception:
        error: Exception = self._core.PoolTimeout("no connection became free in time")
        return error


def _has_died(lease: Lease) -> bool:
    slot = lease.slot
    return slot is not None and slot.since is not None and slot.connection.has_expired()


class Pool(_Pool):
    """Lends connections to threads, one request each at a time, and blocks those that must wait."""

    def handle_request(self, request: Any) -> Any:
        """Send *request* and return its response, open and unread.

        Raises:
            ClientClosed: The pool was closed.
            Exception: The engine's own error, such as `httpcore.PoolTimeout`.
        """
        leases = self._current()
        lease = Lease(leases, self._origin(request))
        try:
            self._lend(lease, request)
            while True:
                if _has_died(lease):
                    leases.step(leases.renew, lease)
                    self._tidy(leases)
                try:
                    response = lease.connection.handle_request(request)
                except self._core.ConnectionNotAvailable:
                    leases.step(leases.refuse, lease)
                    self._lend(lease, request)
                except Unanswered:
                    if not may_send_again(request):
                        raise
                    leases.step(leases.renew, lease)  # a new one has nothing to be unanswered after
                    self._tidy(leases)
                else:
                    response.stream = LeasedBody(self, lease, response)
                    return response
        except BaseException:
            leases.step(leases.leave, lease)
            self._tidy(leases)
            raise

    def release(self, lease: Lease, *, whole: bool) -> None:
        """Take back what *lease* holds, and close what that leaves over."""
        lease.leases.step(lease.leases.release, lease, whole)
        self._tidy(lease.leases)

    def close(self) -> None:
        """Close every connection."""
        leases = self._current()
        leases.step(leases.close)
        self._tidy(leases)

    def _current(self) -> Leases:
        if self._leases.forks != FORKS.count:
            self._leave_to_parent()
        return self._leases

    def _lend(self, lease: Lease, request: Any) -> None:
        leases = lease.leases
        leases.step(leases.take, lease, threading.Event)
        self._tidy(leases)
        if lease.event is not None:
            with timed(request):
                lease.event.wait(phase_left(request, "pool"))
            leases.step(leases.got, lease)
        if lease.slot is None:
            raise self._late()

    def _lost(self, leases: Leases, slot: Slot) -> None:  # noqa: ARG002 - the async pool's
        leases.settle()
        self._tidy(leases)

    def _tidy(self, leases: Leases) -> None:
        if leases.later:  # came back while this thread was in a step, too late to be part of it
            leases.settle()
        while leases.doomed:
            try:
                connection = leases.doomed.pop()
            except IndexError:  # another thread closes it
                return
            with suppress(Exception):
                connection.close()


class AsyncPool(_Pool):
    """Lends connections to the tasks of one event loop, and suspends those that must wait."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._loop: Any = None

    async def handle_async_request(self, request: Any) -> Any:
        """Send *request* and return its response, open and unread.

        Errors are those of the sync one.
        """
        leases = self._current()
        lease = Lease(leases, self._origin(request))
        try:
            await self._lend(lease, request)
            while True:
                if _has_died(lease):
                    leases.step(leases.renew, lease)
                    await self.tidy(leases)
                try:
                    response = await lease.connection.handle_async_request(request)
                except self._core.ConnectionNotAvailable:
                    leases.step(leases.refuse, lease)
                    await self._lend(lease, request)
                except Unanswered:
                    if not may_send_again(request):
                        raise
                    leases.step(leases.renew, lease)  # a new one has nothing to be unanswered after
                    await self.tidy(leases)
                else:
                    response.stream = AsyncLeasedBody(self, lease, response)
                    return response
        except GeneratorExit:  # nobody runs this any more, so that nothing can be awaited
            raise
        except BaseException:
            leases.step(leases.leave, lease)
            await self.tidy(leases)
            raise

    async def aclose(self) -> None:
        """Close every connection."""
        leases = self._current()
        leases.step(leases.close)
        await self.tidy(leases)

    async def tidy(self, leases: Leases) -> None:
        """Close what is doomed, all of it also where a cancellation strikes meanwhile."""
        if leases.later:
            leases.settle()
        if not leases.doomed:
            return
        doomed, leases.doomed = leases.doomed, []
        cancelled: BaseException | None = None
        with anyio.CancelScope(shield=True):
            for connection in doomed:
                try:
                    await connection.aclose()
                except Exception:  # noqa: BLE001, S112 - it is gone from the account either way
                    continue
                except BaseException as error:  # noqa: BLE001 - raised below, when all are closed
                    cancelled = error
        if cancelled is not None:
            raise cancelled

    async def _lend(self, lease: Lease, request: Any) -> None:
        leases = lease.leases
        leases.step(leases.take, lease, anyio.Event)
        await self.tidy(leases)
        if lease.event is not None:
            with timed(request), anyio.move_on_after(phase_left(request, "pool")):
                await lease.event.wait()
            leases.step(leases.got, lease)
        if lease.slot is None:
            raise self._late()

    def _lost(self, leases: Leases, slot: Slot) -> None:
        # Nothing can be awaited here: the connection is hung up, and closed by the next request.
        if slot.users == 1:
            _hang_up(slot)
        with suppress(Exception):  # without its loop, nobody waits for the slot
            if is_running(self._loop):
                leases.settle()
            else:
                run_soon(self._loop, leases.settle)

    def _current(self) -> Leases:
        if self._leases.forks != FORKS.count:
            self._leave_to_parent()
            self._loop = None
        loop = running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                # Those of the loop before cannot be closed from this one, only hung up. A body
                # that is still read there gives its connection to its own leases, to be closed.
                for slot in self._leases.step(self._leases.keep_nothing) or ():
                    _hang_up(slot)
                self._leases = self._new_leases()
            self._loop = loop
        return self._leases


def _hang_up(slot: Slot) -> None:
    with suppress(Exception):
        hang_up(slot.stream.get_extra_info("socket"))
