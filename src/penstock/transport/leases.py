"""Which request uses which connection: the accounting of a pool, without input or output.

Every step costs the same however many connections there are. A pool takes them one at a time, by
`Leases.step`, and closes what is `doomed` afterwards.

Nothing is lost where a signal interrupts a step: each assignment leaves a state that `_mend` can
read, and a lease that nobody holds any more gives its slot back by itself.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from penstock.alone import FORKS, Alone
from penstock.errors import ClientClosed
from penstock.transport.slots import Slot, Slots
from penstock.transport.waiting import Queue

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from penstock.transport.waiting import Origin

T = TypeVar("T")


class Lease:
    """One request's hold on a slot, or its place in the queue for one. Dropped, it gives it back.

    Args:
        leases: The account it is of.
        origin: What the request wants to connect to.

    Attributes:
        slot: What it holds, or None.
        event: While it is in the queue, what is set when it got a slot, or never will.
        number: Its place among all who ever waited.
    """

    number = 0
    slot: Slot | None = None
    event: Any = None

    def __init__(self, leases: Leases, origin: Origin) -> None:
        self.leases = leases
        self.origin = origin

    @property
    def connection(self) -> Any:
        """The connection of its slot."""
        return None if self.slot is None else self.slot.connection

    def __del__(self) -> None:
        if self.slot is not None and self.leases.forks == FORKS.count:
            self.leases.lose(self.slot)


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
        lost: Told of a slot whose lease was dropped, on whichever thread, to `settle` soon.

    Attributes:
        doomed: Connections that are out of the account and must be closed.
        later: Changes to make as soon as nobody is in a step.
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
        lost: Callable[[Leases, Slot], None] = lambda leases, _slot: leases.settle(),
    ) -> None:
        self._connect = connect
        self._max_connections = max_connections
        self._max_per_origin = max_per_origin
        self._max_idle = max_idle
        self._expiry = expiry
        self._now = now
        self._lost = lost
        self._slots = Slots(shared=shared)
        self._queue: Queue[Lease] = Queue()
        self._closed = False
        self._lock = Alone()
        self._busy = False
        self.doomed: list[Any] = []
        self.later: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self.forks = FORKS.count

    @property
    def counts(self) -> tuple[int, int]:
        """How many slots there are, and how many of them are idle."""
        return len(self._slots.all), len(self._slots.idle)

    def by_origin(self) -> tuple[Counter[Origin], Counter[Origin]]:
        """Return how many slots each origin has, and how many of them are idle."""
        return self._slots.by_origin()

    # One step at a time

    def step(self, change: Callable[..., T], *args: Any) -> T | None:
        """Make one change of the account, and those that had to wait, and return what it returns.

        One that the garbage collector asks for in the midst of another is made `later`, and returns
        None.
        """
        return self._lock.run(self._step, change, *args)

    def _step(self, change: Callable[..., T], *args: Any) -> T | None:
        if self._busy:
            self.later.append((change, args))
            return None
        try:
            self._busy = True
            result = change(*args)
            while self.later:
                late, its = self.later.popleft()
                late(*its)
            self._busy = False
        except BaseException:
            self._mend()
            self._busy = False
            raise
        return result

    def settle(self) -> None:
        """Make the changes that had to wait, unless another thread is about to."""
        while self.later and not self._busy:
            if not self._lock.run_if_free(lambda: self._busy or self._step(_nothing)):
                return

    def lose(self, slot: Slot) -> None:
        """Note that the holder of *slot* is gone without having given it back."""
        self.later.append((self._returned, (slot,)))
        self._lost(self, slot)

    # Changes

    def take(self, lease: Lease, event: Callable[[], Any]) -> None:
        """Give *lease* a slot; or put it at the end of the queue, with an event to wait for.

        Raises:
            ClientClosed: The pool was closed.
        """
        self._check_open()
        if self._expiry is not None:
            self._expire(self._now() - self._expiry)
        if not self._granted(lease):
            lease.event = event()
            self._queue.join(lease)

    def got(self, lease: Lease) -> bool:
        """Tell whether *lease*, which waits no longer, has a slot.

        Raises:
            ClientClosed: The pool was closed meanwhile.
        """
        self._queue.leave(lease)
        lease.event = None
        if lease.slot is None:
            self._check_open()
        return lease.slot is not None

    def renew(self, lease: Lease) -> None:
        """Give *lease* a new connection in place of one that has died."""
        slot = _parted(lease)
        self._discard(slot)
        self._check_open()
        self._grant_new(lease)

    def release(self, lease: Lease, whole: bool) -> None:
        """Take back what *lease* holds, if it does.

        Args:
            lease: The lease.
            whole: Whether the answer was read to its end. If not, nobody may use the connection
                any more.
        """
        if lease.slot is not None:
            self._put_back(_parted(lease), whole=whole)

    def leave(self, lease: Lease) -> None:
        """End a lease of which nothing is to be kept; what it got and did not use yet is."""
        is_unused = lease.event is not None
        self._queue.leave(lease)
        self.release(lease, is_unused)

    def refuse(self, lease: Lease) -> None:
        """Take back a slot whose connection took no request: a shared one that is used up."""
        self.release(lease, not lease.connection.is_available())

    def keep_nothing(self) -> list[Slot]:
        """Lend nothing from now on, keep nothing that comes back, and return what was idle."""
        self._closed = True
        return list(self._slots.idle)

    def close(self) -> None:
        """Doom every connection, and wake all who wait."""
        self._closed = True
        self.doomed += [slot.connection for slot in self._slots.all]
        self._slots.clear()
        for waiter in self._queue.clear():
            waiter.event.set()

    # Their parts

    def _check_open(self) -> None:
        if self._closed:
            raise ClientClosed

    def _granted(self, lease: Lease) -> bool:
        slot = self._slots.ready(lease.origin)
        if slot is not None:
            lease.slot, slot.users = slot, slot.users + 1
            self._slots.wake(slot)
            return True
        if self._is_full(lease.origin):
            return False
        if self._max_connections is not None and len(self._slots.all) >= self._max_connections:
            if not self._slots.idle:
                return False
            self._evict()
        self._grant_new(lease)
        return True

    def _has_or_gets(self, waiter: Lease) -> bool:
        # It has one already where the step that gave it was interrupted before it was told.
        return waiter.slot is not None or self._granted(waiter)

    def _is_full(self, origin: Origin) -> bool:
        most = self._max_per_origin
        return most is not None and self._slots.count_of(origin) >= most

    def _grant_new(self, lease: Lease) -> None:
        slot = Slot(lease.origin, self._connect(lease.origin))
        self._slots.add(slot)
        lease.slot, slot.users = slot, 1

    def _returned(self, slot: Slot) -> None:
        slot.users -= 1
        self._put_back(slot, whole=False)

    def _put_back(self, slot: Slot, *, whole: bool) -> None:
        if not whole:
            self._slots.retire(slot)
        if slot.users:
            return
        connection = slot.connection
        if slot.retired or self._closed or not (connection.is_idle() and connection.is_available()):
            self._discard(slot)
        else:
            self._slots.rest(slot, self._now())
        self._queue.stand(slot.origin)
        self._queue.serve(self._has_or_gets, self._is_full)
        if self._max_idle is not None:
            while len(self._slots.idle) > self._max_idle:
                self._evict()

    def _expire(self, before: float) -> None:
        while self._slots.idle:
            since = next(iter(self._slots.idle)).since
            if since is None or since >= before:
                return
            self._evict()

    def _evict(self) -> None:
        self._discard(self._slots.pop_oldest_idle())

    def _discard(self, slot: Slot) -> None:
        # A connection that was still being opened when the pool was closed is closed again.
        if slot in self._slots.all or self._closed:
            self.doomed.append(slot.connection)
        self._slots.remove(slot)

    def _mend(self) -> None:
        """Make the account whole after a step that was interrupted anywhere."""
        for slot in self._slots.mend():
            self._discard(slot)
        self._queue.mend()
        if self._closed:
            self.close()
        else:
            self._queue.serve(self._has_or_gets, self._is_full)


def _parted(lease: Lease) -> Slot:
    """Part a lease from its slot, and return that."""
    slot = lease.slot
    assert slot is not None
    lease.slot, slot.users = None, slot.users - 1
    return slot


def _nothing() -> None:
    """Change nothing."""
