"""The laws of the pool's accounting, which needs no socket."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import ClientClosed
from penstock.transport.leases import Leases, Slot

if TYPE_CHECKING:
    from penstock.transport.waiting import Waiter

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


def taken(pool: Leases, origin: Any) -> Slot:
    slot = pool.take(origin)
    assert slot is not None
    return slot


def waiting(pool: Leases, origin: Any) -> Waiter:
    assert pool.take(origin) is None
    return pool.wait(origin, Event())


def test_the_connection_used_last_is_used_next() -> None:
    """Of an origin's idle connections the one that became idle last is taken first."""
    pool = leases()
    slots = [taken(pool, A) for _ in range(3)]
    for slot in slots:
        pool.release(slot, whole=True)
    assert [taken(pool, A) for _ in range(3)] == slots[::-1]


def test_first_come_first_served() -> None:
    """Who waits longest gets what becomes free, whatever its origin."""
    pool = leases(1)
    slot = taken(pool, A)
    queue = [waiting(pool, origin) for origin in (B, A, C, A)]
    for waiter in queue:
        assert not waiter.event.is_set
        pool.release(slot, whole=True)
        assert waiter.event.is_set
        granted = pool.granted(waiter)
        assert granted is not None
        assert granted.origin == waiter.origin
        slot = granted
    assert pool.counts == (1, 0)
    assert [connection.origin for connection in pool.doomed] == [A, B, A, C]


@pytest.mark.parametrize("whole", [True, False])
def test_a_slot_comes_back_in_every_outcome(whole: bool) -> None:
    """A whole answer leaves its connection idle, any other dooms it, and the next one is served."""
    pool = leases(1)
    slot = taken(pool, A)
    waiter = waiting(pool, A)
    pool.release(slot, whole=whole)
    assert waiter.slot is not None
    assert (waiter.slot is slot) == whole
    assert pool.doomed == ([] if whole else [slot.connection])
    pool.release(waiter.slot, whole=True)
    assert pool.counts == (1, 1)


def test_a_connection_that_is_not_idle_is_not_kept() -> None:
    """Its own word counts, whatever the request that used it says."""
    pool = leases(1)
    slot = taken(pool, A)
    slot.connection.idle = False
    pool.release(slot, whole=True)
    assert pool.counts == (0, 0)
    assert pool.doomed == [slot.connection]


@pytest.mark.parametrize("already", [True, False])
def test_who_gives_up_passes_on_what_it_got(already: bool) -> None:
    """A waiter that leaves, before its turn or in the moment of it, costs the next one nothing."""
    pool = leases(1)
    slot = taken(pool, A)
    first, second = waiting(pool, A), waiting(pool, A)
    if already:
        pool.release(slot, whole=True)
        assert first.slot is slot
    pool.leave(first)
    if not already:
        pool.release(slot, whole=True)
    assert pool.granted(second) is slot


def test_the_connection_idle_longest_makes_room() -> None:
    """With all slots taken, another origin's oldest idle connection is closed."""
    pool = leases(2)
    old, new = taken(pool, A), taken(pool, B)
    pool.release(old, whole=True)
    pool.release(new, whole=True)
    taken(pool, C)
    assert pool.doomed == [old.connection]
    assert taken(pool, B) is new


@pytest.mark.parametrize(("most", "kept"), [(None, 3), (2, 2), (0, 0)])
def test_no_more_are_kept_idle_than_asked_for(most: int | None, kept: int) -> None:
    """The oldest idle connection is closed when there are too many."""
    pool = leases(idle=most)
    slots = [taken(pool, A) for _ in range(3)]
    for slot in slots:
        pool.release(slot, whole=True)
    assert pool.counts == (kept, kept)
    assert pool.doomed == [slot.connection for slot in slots[: 3 - kept]]


def test_idle_connections_expire() -> None:
    """What was idle for too long is closed at the next request, to whichever origin."""
    clock = Clock()
    pool = leases(expiry=5.0, now=clock)
    slots = [taken(pool, A), taken(pool, B)]
    for clock.at, slot in zip((1.0, 2.0), slots, strict=True):
        pool.release(slot, whole=True)
    clock.at = 6.5
    assert taken(pool, B) is slots[1]
    assert pool.doomed == [slots[0].connection]


def test_a_dead_connection_is_replaced_in_its_slot() -> None:
    """Whoever finds an idle connection dead goes on with a new one, at once."""
    pool = leases(1)
    slot = taken(pool, A)
    waiter = waiting(pool, A)
    fresh = pool.renewed(slot)
    assert waiter.slot is None
    assert pool.counts == (1, 0)
    assert pool.doomed == [slot.connection]
    pool.release(fresh, whole=True)
    assert waiter.slot is fresh


def test_an_http2_connection_is_shared() -> None:
    """While it says it is available, further requests use it and no slot."""
    pool = leases(1, shared=True)
    slot = taken(pool, A)
    assert taken(pool, A) is slot
    slot.connection.available = False
    waiter = waiting(pool, A)
    pool.release(slot, whole=True)
    assert waiter.slot is None
    pool.release(slot, whole=True)
    assert waiter.slot not in (None, slot)


def test_a_failed_request_retires_a_shared_connection() -> None:
    """New requests get another connection; those that use it may end."""
    pool = leases(shared=True)
    slot = taken(pool, A)
    taken(pool, A)
    pool.release(slot, whole=False)
    assert pool.doomed == []
    assert taken(pool, A) is not slot
    pool.release(slot, whole=True)
    assert pool.doomed == [slot.connection]


@pytest.mark.parametrize("available", [True, False])
def test_a_refusal_does_not_come_twice(available: bool) -> None:
    """A connection that took no request is not offered to the same one again."""
    pool = leases(shared=True)
    slot = taken(pool, A)
    slot.connection.available = available
    pool.refused(slot)
    assert taken(pool, A) is not slot


def test_a_closed_pool_lends_nothing() -> None:
    """Closing dooms every connection and wakes all who wait, with an error.

    One that was in use, and may have been opened meanwhile, is closed when its request ends.
    """
    pool = leases(2)
    used, idle = taken(pool, A), taken(pool, B)
    waiter = waiting(pool, A)
    pool.release(idle, whole=True)
    assert waiter.slot is not None
    late = waiting(pool, A)
    pool.close()
    assert len(pool.doomed) == len(set(pool.doomed)) == 3
    pool.doomed.clear()
    pool.release(used, whole=True)
    assert pool.doomed == [used.connection]
    assert late.event.is_set
    with pytest.raises(ClientClosed):
        pool.granted(late)
    with pytest.raises(ClientClosed):
        pool.take(A)
    assert pool.counts == (0, 0)


STEPS = st.lists(
    st.tuples(st.sampled_from(["take", "whole", "cut", "leave"]), st.integers(0, 5)), max_size=60
)


def test_no_more_of_an_origin_than_asked_for() -> None:
    """Who finds its origin full waits, also beside free slots, for a slot of that origin alone."""
    pool = leases(3, max_per_origin=1)
    mine, other = taken(pool, A), taken(pool, B)
    waiter = waiting(pool, A)
    pool.release(other, whole=True)
    assert waiter.slot is None
    pool.release(mine, whole=False)
    assert waiter.slot is not None
    assert waiter.slot.origin == A
    assert pool.counts == (2, 1)


def test_a_full_origin_holds_up_nobody_else() -> None:
    """Whoever waits behind a request for a full origin is served before it, and it in its turn."""
    pool = leases(2, max_per_origin=1)
    mine, other = taken(pool, A), taken(pool, B)
    first, second, third = waiting(pool, A), waiting(pool, C), waiting(pool, A)
    pool.release(other, whole=True)
    assert (first.slot, third.slot) == (None, None)
    assert second.slot is not None
    pool.leave(first)
    pool.release(mine, whole=True)
    assert third.slot is mine


@settings(max_examples=100, deadline=None)
@given(steps=STEPS, shared=st.booleans(), most=st.sampled_from([None, 1, 2]))
def test_the_account_holds(steps: list[tuple[str, int]], shared: bool, most: int | None) -> None:
    """Whatever happens: no slot too many, none lost, nobody waits beside one that is free to it."""
    pool = leases(3, 2, shared=shared, max_per_origin=most)
    users: list[Slot] = []
    queue: list[Waiter] = []
    for step, number in steps:
        if step == "take":
            origin = (A, B, C)[number % 3]
            slot = pool.take(origin)
            if slot is None:
                queue.append(pool.wait(origin, Event()))
            else:
                slot.connection.available = slot.connection.idle = False
                users.append(slot)
        elif step == "leave" and queue:
            pool.leave(queue.pop(number % len(queue)))
        elif users:
            slot = users.pop(number % len(users))
            slot.connection.available = slot.connection.idle = step == "whole"
            pool.release(slot, whole=step == "whole")
        granted = [waiter for waiter in queue if waiter.event.is_set]
        for waiter in granted:
            queue.remove(waiter)
            slot = pool.granted(waiter)
            assert slot is not None
            slot.connection.available = slot.connection.idle = False
            users.append(slot)
        total, idle = pool.counts
        assert total == len(set(users)) + idle <= 3
        assert idle <= 2
        used = Counter(slot.origin for slot in set(users))
        assert most is None or not used or max(used.values()) <= most
        assert all((total, idle) == (3, 0) or used[waiter.origin] == most for waiter in queue)
        for served in granted:
            before = {waiter.origin for waiter in queue if waiter.number < served.number}
            assert served.origin not in before
            assert all(used[origin] == most for origin in before)
    for waiter in queue:
        pool.leave(waiter)
    for slot in users:
        pool.release(slot, whole=False)
    assert pool.counts[0] == pool.counts[1]
