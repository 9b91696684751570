"""The connection pool, in both colours: leases over the engine's public connections.

A connection that is not known to be whole leaves the account before anything is awaited. A
cancellation that strikes anywhere, also asyncio's own, therefore leaves no slot behind.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio

from penstock.transport.engine import may_send_again
from penstock.transport.heads import Unanswered
from penstock.transport.leases import FORKS, Leases
from penstock.transport.leftovers import nothing_is_left
from penstock.transport.until import left
from penstock.transport.waiting import timed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import ModuleType

    from penstock.transport.leases import Slot
    from penstock.transport.waiting import Origin, Waiter

_SCHEMES = frozenset({b"http", b"https", b"ws", b"wss"})


class _Pool:
    """What both colours share: the leases of this process and this event loop.

    Args:
        core: The engine: `httpcore` or `httpcore2`.
        maker: A pool of the engine's, of which only `create_connection` is used: it knows how
            to connect, also through a proxy.
        max_connections: The most connections, or None for no limit.
        max_idle: The most that are kept idle, or None for no limit.
        expiry: The seconds for which an idle one is kept, or None for ever.
        shared: Whether to offer HTTP/2.
        max_per_origin: The most connections to one origin, or None for no limit.
    """

    def __init__(
        self,
        core: ModuleType,
        maker: Any,
        max_connections: int | None,
        max_idle: int | None,
        expiry: float | None,
        *,
        shared: bool,
        max_per_origin: int | None = None,
    ) -> None:
        self._core = core
        self._maker = maker
        self._limits = (max_connections, max_idle, expiry)
        self._max_per_origin = max_per_origin
        self._may_share = shared
        self._abandoned: list[Leases] = []
        self._leases = self._new_leases()

    @property
    def counts(self) -> tuple[int, int]:
        """How many connections there are, and how many of them are idle."""
        return self._leases.counts

    def _new_leases(self) -> Leases:
        return Leases(
            self._connection,
            *self._limits,
            shared=self._may_share,
            max_per_origin=self._max_per_origin,
        )

    def _connection(self, origin: Origin) -> Any:
        scheme, host, port = origin
        url = self._core.URL(scheme=scheme, host=host, port=port, target=b"/")
        return self._maker.create_connection(url.origin)

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


def _patience(request: Any) -> float | None:
    return left(request.extensions.get("timeout", {}).get("pool"))


class Pool(_Pool):
    """Lends connections to threads, one request each at a time, and blocks those that must wait."""

    def handle_request(self, request: Any) -> Any:
        """Send the engine's *request* and return its response, open and unread.

        Raises:
            ClientClosed: The pool was closed.
            Exception: The engine's own error, such as `httpcore.PoolTimeout`.
        """
        origin = self._origin(request)
        leases = self._current()
        slot = None
        while True:
            slot = slot or self._slot(leases, origin, request)
            try:
                if slot.since is not None and slot.connection.has_expired():
                    slot = self._renewed(leases, slot)
                response = slot.connection.handle_request(request)
            except self._core.ConnectionNotAvailable:
                self._refused(leases, slot)
                slot = None
            except Unanswered:
                if not may_send_again(request):
                    self.release(leases, slot, whole=False)
                    raise
                slot = self._renewed(leases, slot)  # a new one has nothing to be unanswered after
            except BaseException:
                self.release(leases, slot, whole=False)
                raise
            else:
                response.stream = LeasedBody(self, leases, slot, response)
                return response

    def release(self, leases: Leases, slot: Slot, *, whole: bool) -> None:
        """Give *slot* back to the *leases* it is of, and close what that leaves over."""
        with leases.lock:
            leases.release(slot, whole=whole)
        self._bury(leases)

    def close(self) -> None:
        """Close every connection."""
        leases = self._current()
        with leases.lock:
            leases.close()
        self._bury(leases)

    def _current(self) -> Leases:
        if self._leases.forks != FORKS.count:
            self._leave_to_parent()
        return self._leases

    def _slot(self, leases: Leases, origin: Origin, request: Any) -> Slot:
        waiter = None
        with leases.lock:
            slot = leases.take(origin)
            if slot is None:
                waiter = leases.wait(origin, threading.Event())
        if waiter is not None:
            with timed(request):
                slot = self._waited(leases, waiter, _patience(request))
        if leases.doomed:
            self._bury(leases)
        if slot is None:
            raise self._late()
        return slot

    def _waited(self, leases: Leases, waiter: Waiter, patience: float | None) -> Slot | None:
        try:
            waiter.event.wait(patience)
        except BaseException:
            with leases.lock:
                leases.leave(waiter)
            self._bury(leases)
            raise
        with leases.lock:
            return leases.granted(waiter)

    def _renewed(self, leases: Leases, slot: Slot) -> Slot:
        with leases.lock:
            slot = leases.renewed(slot)
        self._bury(leases)
        return slot

    def _refused(self, leases: Leases, slot: Slot) -> None:
        with leases.lock:
            leases.refused(slot)
        self._bury(leases)

    def _bury(self, leases: Leases) -> None:
        while leases.doomed:
            with leases.lock:
                doomed, leases.doomed = leases.doomed, []
            for connection in doomed:
                with suppress(Exception):
                    connection.close()


class LeasedBody:
    """The body of a response, whose end gives the connection back.

    Args:
        pool: The pool.
        leases: What its slot is of.
        slot: The slot.
        response: The engine's response.

    Attributes:
        whole: Whether the connection may outlive it: because it was read to its end, which the
            reader says; or because it shares an HTTP/2 connection.
    """

    def __init__(self, pool: Pool, leases: Leases, slot: Slot, response: Any) -> None:
        self._pool = pool
        self._leases = leases
        self._slot: Slot | None = slot
        self._stream = response.stream
        self.whole = response.extensions["http_version"] == b"HTTP/2"

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""
        slot, self._slot = self._slot, None
        if slot is None or self._leases.forks != FORKS.count:
            return
        whole = False
        try:
            self._stream.close()
            whole = self.whole and nothing_is_left(slot.connection)
        finally:
            self._pool.release(self._leases, slot, whole=whole)


class AsyncPool(_Pool):
    """Lends connections to the tasks of one event loop, and suspends those that must wait."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._loop: Any = None

    async def handle_async_request(self, request: Any) -> Any:
        """Send the engine's *request* and return its response, open and unread.

        Errors are those of the sync one.
        """
        origin = self._origin(request)
        leases = self._current()
        slot = None
        while True:
            slot = slot or leases.take(origin)
            if slot is None:
                with timed(request):
                    slot = await self._waited(leases, leases.wait(origin, anyio.Event()), request)
            try:
                if slot.since is not None and slot.connection.has_expired():
                    slot = leases.renewed(slot)
                if leases.doomed:
                    await self.bury(leases)
                response = await slot.connection.handle_async_request(request)
            except self._core.ConnectionNotAvailable:
                leases.refused(slot)
                slot = None
                await self.bury(leases)
            except Unanswered:
                if not may_send_again(request):
                    leases.release(slot, whole=False)
                    await self.bury(leases)
                    raise
                slot = leases.renewed(slot)  # a new one has nothing to be unanswered after
            except BaseException:
                leases.release(slot, whole=False)
                await self.bury(leases)
                raise
            else:
                response.stream = AsyncLeasedBody(self, leases, slot, response)
                return response

    async def aclose(self) -> None:
        """Close every connection."""
        leases = self._current()
        leases.close()
        await self.bury(leases)

    async def bury(self, leases: Leases) -> None:
        """Close what is doomed, all of it also where a cancellation strikes meanwhile."""
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

    def _current(self) -> Leases:
        if self._leases.forks != FORKS.count:
            self._leave_to_parent()
            self._loop = None
        loop = running_loop()
        if self._loop is not loop:
            if self._loop is not None:
                # Those of the loop before cannot be closed from this one, only hung up. A body
                # that is still read there gives its connection to its own leases, to be closed.
                for slot in self._leases.keep_nothing():
                    with suppress(Exception):
                        slot.stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
                self._leases = self._new_leases()
            self._loop = loop
        return self._leases

    async def _waited(self, leases: Leases, waiter: Waiter, request: Any) -> Slot:
        patience = _patience(request)
        try:
            if patience is None:
                await waiter.event.wait()
            else:
                with anyio.move_on_after(patience):
                    await waiter.event.wait()
        except BaseException:
            leases.leave(waiter)
            await self.bury(leases)
            raise
        slot = leases.granted(waiter)
        if slot is None:
            raise self._late()
        return slot


def running_loop() -> Any:
    """Return what tells one event loop from another: asyncio's loop, or a trio run's token."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        import trio

        return trio.lowlevel.current_trio_token()


class AsyncLeasedBody:
    """`LeasedBody` on an event loop.

    Args:
        pool: The pool.
        leases: What its slot is of.
        slot: The slot.
        response: The engine's response.

    Attributes:
        whole: Whether the connection may outlive it: because it was read to its end, which the
            reader says; or because it shares an HTTP/2 connection.
    """

    def __init__(self, pool: AsyncPool, leases: Leases, slot: Slot, response: Any) -> None:
        self._pool = pool
        self._leases = leases
        self._slot: Slot | None = slot
        self._stream = response.stream
        self.whole = response.extensions["http_version"] == b"HTTP/2"
        self._connection = slot.connection
        slot.stream = response.extensions["network_stream"]

    def __aiter__(self) -> AsyncIterator[bytes]:
        parts: AsyncIterator[bytes] = aiter(self._stream)
        return parts

    async def aclose(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""
        slot, self._slot = self._slot, None
        if slot is None or self._leases.forks != FORKS.count:
            return
        leases, whole = self._leases, False
        if not self.whole:
            leases.release(slot, whole=False)
            slot = None
        try:
            with anyio.CancelScope(shield=True):
                await self._stream.aclose()
            whole = nothing_is_left(self._connection)
        finally:
            if slot is not None:
                leases.release(slot, whole=whole)
            await self._pool.bury(leases)
