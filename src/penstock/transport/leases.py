"""Which request uses which connection: the accounting of a pool, without input or output.

Every step costs the same however many connections there are. A pool calls it under its lock, or
between two awaits, and closes what is `doomed` afterwards.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any

from penstock.errors import ClientClosed
from penstock.transport.waiting import Queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.transport.waiting import Origin, Waiter


class _Forks:
    """Counts how often this process is the child of a fork."""

    count = 0

    def note(self) -> None:
        self.count += 1


FORKS = _Forks()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=FORKS.note)


class Slot:
    """A connection's place among those that may be open.

    Args:
        origin: What it connects to.
        connection: The engine's connection, open or yet to be opened.

    Attributes:
        users: The requests that use it: more than one only over HTTP/2.
        since: When it became idle, in seconds, or None before that.
        retired: Whether it takes no more requests, and ends with its last user.
        stream: The network stream of its last response, or None before that.
    """

    __slots__ = ("connection", "origin", "retired", "since", "stream", "users")

    def __init__(self, origin: Origin, connection: Any) -> None:
        self.origin = origin
        self.connection = connection
        self.users = 1
        self.since: float | None = None
        self.retired = False
        self.stream: Any = None


class Leases:
    """The slots of one pool, and who waits for one.

    A request takes the connection of its origin that became idle last; or a new one; or, with all
    slots taken, a new one in place of the connection that has been idle longest. Failing that it
    waits, first come first served, whatever the origin; who waits for an origin that has as many as
    it may holds up nobody else.

    Args:
        connect: Makes a connection to an origin, which opens at its first request.
        max_connections: The most slots, or None for no limit.
        max_idle: The most connections that are kept idle, or None for no limit.
        expiry: The seconds for which an idle connection is kept, or None for ever.
        shared: Whether connections may turn out to speak HTTP/2.
        max_per_origin: The most slots of one origin, or None for no limit.
        now: The clock, in seconds.

    Attributes:
        lock: What threads hold to use the account. Tasks of one event loop need none.
        doomed: Connections that are out of the account and must be closed.
        forks: The process it was made in: connections are of no use in another.
    """

    def __init__(
        self,
        connect: Callable[[Origin], Any],
        max_connections: int | None,
        max_idle: int | None,
        expiry: float | None,
        *,
        shared: bool,
        max_per_origin: int | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._max_connections = max_connections
        self._max_per_origin = max_per_origin
        self._max_idle = max_idle
        self._expiry = expiry
        self._now = now
        self._slots: set[Slot] = set()
        self._stacks: dict[Origin, deque[Slot]] = {}
        self._idle: OrderedDict[Slot, None] = OrderedDict()
        self._queue = Queue()
        self._of_origin: dict[Origin, int] = {}
        self._shared: dict[Origin, Slot] | None = {} if shared else None
        self._closed = False
        self.lock = threading.Lock()
        self.doomed: list[Any] = []
        self.forks = FORKS.count

    @property
    def counts(self) -> tuple[int, int]:
        """How many slots there are, and how many of them are idle."""
        return len(self._slots), len(self._idle)

    def take(self, origin: Origin) -> Slot | None:
        """Return a slot to use, or None if the request must `wait`.

        Raises:
            ClientClosed: The pool was closed.
        """
        self._check_open()
        if self._expiry is not None:
            self._expire(self._now() - self._expiry)
        return self._taken(origin)

    def wait(self, origin: Origin, event: Any) -> Waiter:
        """Put a request at the end of the queue. *event* is set when its turn has come."""
        return self._queue.join(origin, event)

    def granted(self, waiter: Waiter) -> Slot | None:
        """Take *waiter* out of the queue and return what it got, or None.

        Raises:
            ClientClosed: The pool was closed meanwhile.
        """
        self._queue.leave(waiter)
        if waiter.slot is None:
            self._check_open()
        return waiter.slot

    def leave(self, waiter: Waiter) -> None:
        """Take out of the queue a request that gave up. What it got goes to the next."""
        self._queue.leave(waiter)
        if waiter.slot is not None:
            self.release(waiter.slot, whole=True)

    def renewed(self, slot: Slot) -> Slot:
        """Return a slot with a new connection in place of one whose connection has died."""
        slot.users -= 1
        self._discard(slot)
        self._check_open()
        return self._new(slot.origin)

    def release(self, slot: Slot, *, whole: bool) -> None:
        """Give back what a request used.

        Args:
            slot: What it used.
            whole: Whether the answer was read to its end. If not, nobody may use the connection
                any more.
        """
        slot.users -= 1
        slot.retired = slot.retired or not whole
        if slot.retired and self._shared is not None and self._shared.get(slot.origin) is slot:
            del self._shared[slot.origin]
        if slot.users:
            return
        connection = slot.connection
        if slot.retired or self._closed or not (connection.is_idle() and connection.is_available()):
            self._discard(slot)
        else:
            self._rest(slot)
        self._queue.stand(slot.origin)
        self._serve()
        if self._max_idle is not None:
            while len(self._idle) > self._max_idle:
                self._evict()

    def refused(self, slot: Slot) -> None:
        """Give back a slot whose connection took no request: a shared one that is used up."""
        self.release(slot, whole=not slot.connection.is_available())

    def keep_nothing(self) -> list[Slot]:
        """Lend nothing from now on, keep nothing that comes back, and return what was idle."""
        self._closed = True
        return list(self._idle)

    def close(self) -> None:
        """Doom every connection, and wake all who wait."""
        self._closed = True
        self.doomed += [slot.connection for slot in self._slots]
        self._slots.clear()
        self._stacks.clear()
        self._idle.clear()
        self._of_origin.clear()
        for waiter in self._queue.clear():
            waiter.event.set()

    def _check_open(self) -> None:
        if self._closed:
            msg = "the client is closed: make another"
            raise ClientClosed(msg)

    def _taken(self, origin: Origin) -> Slot | None:
        shared = None if self._shared is None else self._shared.get(origin)
        if shared is not None and shared.users and shared.connection.is_available():
            shared.users += 1
            return shared
        stack = self._stacks.get(origin)
        if stack:
            slot = stack.pop()
            if not stack:
                del self._stacks[origin]
            del self._idle[slot]
            slot.users = 1
            if self._shared is not None:
                self._shared[origin] = slot
            return slot
        if self._is_full(origin):
            return None
        if self._max_connections is not None and len(self._slots) >= self._max_connections:
            if not self._idle:
                return None
            self._evict()
        return self._new(origin)

    def _is_full(self, origin: Origin) -> bool:
        most = self._max_per_origin
        return most is not None and self._of_origin.get(origin, 0) >= most

    def _new(self, origin: Origin) -> Slot:
        slot = Slot(origin, self._connect(origin))
        self._slots.add(slot)
        self._of_origin[origin] = self._of_origin.get(origin, 0) + 1
        if self._shared is not None:
            self._shared[origin] = slot
        return slot

    def _rest(self, slot: Slot) -> None:
        slot.since = self._now()
        self._idle[slot] = None
        self._stacks.setdefault(slot.origin, deque()).append(slot)

    def _serve(self) -> None:
        while (waiter := self._queue.pop()) is not None:
            waiter.slot = self._taken(waiter.origin)
            if waiter.slot is not None:
                self._queue.leave(waiter)
                self._queue.stand(waiter.origin)
                waiter.event.set()
            elif not self._is_full(waiter.origin):
                self._queue.stand(waiter.origin)
                return
            # Else its origin stands again when one of its slots comes back.

    def _expire(self, before: float) -> None:
        while self._idle:
            since = next(iter(self._idle)).since
            if since is None or since >= before:
                return
            self._evict()

    def _evict(self) -> None:
        # What has been idle longest is at the bottom of its origin's stack as well.
        slot, _ = self._idle.popitem(last=False)
        stack = self._stacks[slot.origin]
        stack.popleft()
        if not stack:
            del self._stacks[slot.origin]
        self._discard(slot)

    def _discard(self, slot: Slot) -> None:
        # A connection that was still being opened when the pool was closed is closed again.
        if slot in self._slots:
            self._slots.remove(slot)
            self._leave_origin(slot.origin)
            self.doomed.append(slot.connection)
        elif self._closed:
            self.doomed.append(slot.connection)
        if self._shared is not None and self._shared.get(slot.origin) is slot:
            del self._shared[slot.origin]

    def _leave_origin(self, origin: Origin) -> None:
        left = self._of_origin[origin] - 1
        if left:
            self._of_origin[origin] = left
        else:
            del self._of_origin[origin]
