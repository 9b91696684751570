"""The laws of the pool's accounting, which needs no socket."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from penstock.errors import ClientClosed
from penstock.transport.leases import Lease, Leases

A, B, C = ((b"http", name, None) for name in (b"a", b"b", b"c"))


class Connection:
    """A connection that says what a test wants said."""

    def __init__(self, origin: Any) -> None:
        self.origin = origin
        self.idle = True
        self.available = True

    def is_idle(self) -> bool:
        return self.idle

    def is_available(self) -> bool:
        return self.available


class Event:
    def __init__(self) -> None:
        self.is_set = False

    def set(self) -> None:
        self.is_set = True


class Clock:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def leases(total: int | None = None, idle: int | None = None, **options: Any) -> Leases:
    expiry = options.pop("expiry", None)
    return Leases(Connection, total, idle, expiry, **{"shared": False, **options})


def asked(pool: Leases, origin: Any) -> Lease:
    lease = Lease(pool, origin)
    pool.step(pool.take, lease, Event)
    return lease


def taken(pool: Leases, origin: Any) -> Lease:
    lease = asked(pool, origin)
    assert lease.slot is not None
    return lease


def waiting(pool: Leases, origin: Any) -> Lease:
    lease = asked(pool, origin)
    assert lease.slot is None
    return lease


def give(pool: Leases, lease: Lease, *, whole: bool) -> Any:
    """Give a lease back, and return the connection it was on."""
    connection = lease.connection
    pool.step(pool.release, lease, whole)
    return connection


def test_the_connection_used_last_is_used_next() -> None:
    """Of an origin's idle connections the one that became idle last is taken first."""
    pool = leases()
    held = [taken(pool, A) for _ in range(3)]
    given_back = [give(pool, lease, whole=True) for lease in held]
    again = [taken(pool, A) for _ in range(3)]
    assert [lease.connection for lease in again] == given_back[::-1]


def test_first_come_first_served() -> None:
    """Who waits longest gets what becomes free, whatever its origin."""
    pool = leases(1)
    holder = taken(pool, A)
    queue = [waiting(pool, origin) for origin in (B, A, C, A)]
    for waiter in queue:
        assert not waiter.event.is_set
        give(pool, holder, whole=True)
        assert waiter.event.is_set
        assert pool.step(pool.got, waiter)
        assert waiter.connection.origin == waiter.origin
        holder = waiter
    assert pool.counts == (1, 0)
    assert [connection.origin for connection in pool.doomed] == [A, B, A, C]


@pytest.mark.parametrize("whole", [True, False])
def test_a_slot_comes_back_in_every_outcome(whole: bool) -> None:
    """A whole answer leaves its connection idle, any other dooms it, and the next one is served."""
    pool = leases(1)
    holder = taken(pool, A)
    waiter = waiting(pool, A)
    connection = give(pool, holder, whole=whole)
    assert waiter.slot is not None
    assert (waiter.connection is connection) == whole
    assert pool.doomed == ([] if whole else [connection])
    give(pool, waiter, whole=True)
    assert pool.counts == (1, 1)


def test_what_is_given_back_twice_counts_once() -> None:
    """A lease that has given its slot back has nothing more to give."""
    pool = leases(1)
    first = taken(pool, A)
    give(pool, first, whole=True)
    second = taken(pool, A)
    give(pool, first, whole=False)
    assert pool.counts == (1, 0)
    assert pool.doomed == []
    give(pool, second, whole=True)
    assert pool.counts == (1, 1)


def test_a_lease_that_is_dropped_gives_its_slot_back() -> None:
    """Nobody need give it back: its connection is doomed, and who waits is served."""
    pool = leases(1)
    holder = taken(pool, A)
    connection = holder.connection
    waiter = waiting(pool, A)
    del holder
    assert waiter.event.is_set
    assert waiter.slot is not None
    assert pool.doomed == [connection]


def test_what_is_dropped_in_the_midst_of_a_step_comes_back_after_it() -> None:
    """The garbage collector may come at any moment: what it frees waits for the step to end."""
    pool = leases(1)
    held = [taken(pool, A)]
    before: list[Any] = []

    def collect() -> None:
        held.clear()
        before.append(pool.counts)

    pool.step(collect)
    assert before == [(1, 0)]
    assert pool.counts == (0, 0)


def test_a_release_in_the_midst_of_a_step_comes_after_it() -> None:
    """A generator that the collector closes gives its lease back in the midst of a step as well."""
    pool = leases(1)
    holder = taken(pool, A)
    pool.step(lambda: give(pool, holder, whole=True))
    assert pool.counts == (1, 1)


def test_a_connection_that_is_not_idle_is_not_kept() -> None:
    """Its own word counts, whatever the request that used it says."""
    pool = leases(1)
    holder = taken(pool, A)
    holder.connection.idle = False
    connection = give(pool, holder, whole=True)
    assert pool.counts == (0, 0)
    assert pool.doomed == [connection]


@pytest.mark.parametrize("already", [True, False])
def test_who_gives_up_passes_on_what_it_got(already: bool) -> None:
    """A waiter that leaves, before its turn or in the moment of it, costs the next one nothing."""
    pool = leases(1)
    holder = taken(pool, A)
    connection = holder.connection
    first, second = waiting(pool, A), waiting(pool, A)
    if already:
        give(pool, holder, whole=True)
        assert first.connection is connection
    pool.step(pool.leave, first)
    if not already:
        give(pool, holder, whole=True)
    assert pool.step(pool.got, second)
    assert second.connection is connection


def test_the_connection_idle_longest_makes_room() -> None:
    """With all slots taken, another origin's oldest idle connection is closed."""
    pool = leases(2)
    held = taken(pool, A), taken(pool, B)
    old, new = (give(pool, lease, whole=True) for lease in held)
    third = taken(pool, C)
    assert third.connection not in (old, new)
    assert pool.doomed == [old]
    assert taken(pool, B).connection is new


@pytest.mark.parametrize(("most", "kept"), [(None, 3), (2, 2), (0, 0)])
def test_no_more_are_kept_idle_than_asked_for(most: int | None, kept: int) -> None:
    """The oldest idle connection is closed when there are too many."""
    pool = leases(idle=most)
    held = [taken(pool, A) for _ in range(3)]
    connections = [give(pool, lease, whole=True) for lease in held]
    assert pool.counts == (kept, kept)
    assert pool.doomed == connections[: 3 - kept]


def test_idle_connections_expire() -> None:
    """What was idle for too long is closed at the next request, to whichever origin."""
    clock = Clock()
    pool = leases(expiry=5.0, now=clock)
    held = [taken(pool, A), taken(pool, B)]
    connections = []
    for clock.at, lease in zip((1.0, 2.0), held, strict=True):
        connections.append(give(pool, lease, whole=True))
    clock.at = 6.5
    again = taken(pool, B)
    assert again.connection is connections[1]
    assert pool.doomed == [connections[0]]


def test_a_dead_connection_is_replaced_in_its_slot() -> None:
    """Whoever finds an idle connection dead goes on with a new one, at once."""
    pool = leases(1)
    holder = taken(pool, A)
    dead = holder.connection
    waiter = waiting(pool, A)
    pool.step(pool.renew, holder)
    assert holder.connection is not dead
    assert waiter.slot is None
    assert pool.counts == (1, 0)
    assert pool.doomed == [dead]
    assert give(pool, holder, whole=True) is waiter.connection


def test_an_http2_connection_is_shared() -> None:
    """While it says it is available, further requests use it and no slot."""
    pool = leases(1, shared=True)
    one, two = taken(pool, A), taken(pool, A)
    slot = one.slot
    assert two.slot is slot
    one.connection.available = False
    waiter = waiting(pool, A)
    give(pool, one, whole=True)
    assert waiter.slot is None
    give(pool, two, whole=True)
    assert waiter.slot not in (None, slot)


@pytest.mark.parametrize("dropped", [True, False])
def test_a_failed_request_retires_a_shared_connection(dropped: bool) -> None:
    """New requests get another connection; those that use it may end."""
    pool = leases(shared=True)
    failed, going = [taken(pool, A)], taken(pool, A)
    connection = going.connection
    if dropped:
        failed.clear()
    else:
        give(pool, failed[0], whole=False)
    assert pool.doomed == []
    other = taken(pool, A)
    assert other.connection is not connection
    give(pool, going, whole=True)
    assert pool.doomed == [connection]


@pytest.mark.parametrize("available", [True, False])
def test_a_refusal_does_not_come_twice(available: bool) -> None:
    """A connection that took no request is not offered to the same one again."""
    pool = leases(shared=True)
    lease = taken(pool, A)
    refuses = lease.connection
    refuses.available = available
    pool.step(pool.refuse, lease)
    assert taken(pool, A).connection is not refuses


def test_a_closed_pool_lends_nothing() -> None:
    """Closing dooms every connection and wakes all who wait, with an error.

    One that was in use, and may have been opened meanwhile, is closed when its request ends.
    """
    pool = leases(2)
    used, idle = taken(pool, A), taken(pool, B)
    waiter = waiting(pool, A)
    give(pool, idle, whole=True)
    assert waiter.slot is not None
    late = waiting(pool, A)
    event = late.event
    pool.step(pool.close)
    assert len(pool.doomed) == len(set(pool.doomed)) == 3
    pool.doomed.clear()
    assert pool.doomed == []
    connection = give(pool, used, whole=True)
    assert pool.doomed == [connection]
    assert event.is_set
    with pytest.raises(ClientClosed):
        pool.step(pool.got, late)
    with pytest.raises(ClientClosed, match="the client is closed: make another"):
        asked(pool, A)
    assert pool.counts == (0, 0)


def test_no_more_of_an_origin_than_asked_for() -> None:
    """Who finds its origin full waits, also beside free slots, for a slot of that origin alone."""
    pool = leases(3, max_per_origin=1)
    mine, other = taken(pool, A), taken(pool, B)
    waiter = waiting(pool, A)
    give(pool, other, whole=True)
    assert waiter.slot is None
    give(pool, mine, whole=False)
    assert waiter.slot is not None
    assert waiter.connection.origin == A
    assert pool.counts == (2, 1)


def test_a_full_origin_holds_up_nobody_else() -> None:
    """Whoever waits behind a request for a full origin is served before it, and it in its turn."""
    pool = leases(2, max_per_origin=1)
    mine, other = taken(pool, A), taken(pool, B)
    first, second, third = waiting(pool, A), waiting(pool, C), waiting(pool, A)
    give(pool, other, whole=True)
    assert (first.slot, third.slot) == (None, None)
    assert second.slot is not None
    pool.step(pool.leave, first)
    connection = give(pool, mine, whole=True)
    assert third.connection is connection


class Account(RuleBasedStateMachine):
    """The account beside a model of it: who holds what, who waits, and who came first."""

    held: list[Lease]
    queue: list[Lease]

    @initialize(
        shared=st.booleans(),
        total=st.integers(1, 3),
        idle=st.integers(0, 3),
        most=st.sampled_from([None, 1, 2]),
    )
    def make(self, shared: bool, total: int, idle: int, most: int | None) -> None:
        self.total, self.idle, self.most = total, idle, most
        self.pool = leases(total, idle, shared=shared, max_per_origin=most)
        self.held, self.queue = [], []

    @rule(origin=st.sampled_from([A, B, C]))
    def take(self, origin: Any) -> None:
        lease = asked(self.pool, origin)
        (self.queue if lease.slot is None else self.held).append(lease)
        self._use()

    @rule(at=st.integers(0, 5), end=st.sampled_from(["whole", "cut", "twice", "drop"]))
    def end(self, at: int, end: str) -> None:
        if self.held:
            lease = self.held.pop(at % len(self.held))
            lease.connection.available = lease.connection.idle = end == "whole"
            if end != "drop":
                give(self.pool, lease, whole=end == "whole")
            if end == "twice":
                give(self.pool, lease, whole=True)

    @rule(at=st.integers(0, 5))
    def give_up(self, at: int) -> None:
        if self.queue:
            self.pool.step(self.pool.leave, self.queue.pop(at % len(self.queue)))

    @rule(at=st.integers(0, 5))
    def find_dead(self, at: int) -> None:
        alone = [lease for lease in self.held if lease.slot and lease.slot.users == 1]
        if alone:
            self.pool.step(self.pool.renew, alone[at % len(alone)])
            self._use()

    def _use(self) -> None:
        for lease in self.held:  # over HTTP/1.1 who is used is neither idle nor available
            lease.connection.available = lease.connection.idle = False

    @invariant()
    def holds(self) -> None:
        """No slot too many, none lost; nobody waits beside one that is free to it, or longer than
        who came later, but where its origin is full."""
        if not hasattr(self, "pool"):
            return
        served = [lease for lease in self.queue if lease.event.is_set]
        for lease in served:
            assert self.pool.step(self.pool.got, lease)
        self.queue = [lease for lease in self.queue if lease not in served]
        self.held += served
        self._use()
        total, idle = self.pool.counts
        slots = {lease.slot for lease in self.held}
        assert len(slots) == total - idle
        assert total <= self.total
        assert idle <= self.idle
        used = Counter(slot.origin for slot in slots if slot is not None)
        full = {origin for origin in used if used[origin] == self.most}
        assert self.most is None or not used or max(used.values()) <= self.most
        is_taken = (total, idle) == (self.total, 0)
        assert is_taken or all(lease.origin in full for lease in self.queue)
        for lease in served:
            before = {other.origin for other in self.queue if other.number < lease.number}
            assert lease.origin not in before
            assert before <= full

    def teardown(self) -> None:
        if hasattr(self, "pool"):
            for lease in self.queue:
                self.pool.step(self.pool.leave, lease)
            self.held.clear()
            self.queue.clear()
            assert self.pool.counts[0] == self.pool.counts[1]


Account.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
test_the_account_holds = Account.TestCase
