"""The law of Ctrl-C: wherever it strikes, the client is as good as before."""

from __future__ import annotations

import contextlib
import itertools
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from penstock import Client, Stack
from penstock.transport.leases import Lease, Leases

from .echo import Echo
from .lines import Interruption, from_another_thread

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 5.0
SLOTS = 2


def plain(client: Client) -> Any:
    return client.get("/it").content


def stream(client: Client) -> Any:
    with client.stream("GET", "/it") as response:
        return response.read()


def production(url: str) -> Client:
    limits = httpx.Limits(max_connections=SLOTS)
    return Client(url, limits=limits, trust_env=False, timeout=1.0, stack=Stack.production())


def all_slots(client: Client) -> Any:
    """Hold every connection there may be at once, and return what the pool counts afterwards."""
    with contextlib.ExitStack() as held:
        for _ in range(SLOTS):
            held.enter_context(client.stream("GET", "/it"))
    return client._wire.transport.pool_status().active


@pytest.fixture
def swallowed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the classes of what struck in a `__del__`: nobody can catch that."""
    told: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda it: told.append(it.exc_type))
    return told


# One that is struck before its first step was never awaited.
@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
@pytest.mark.parametrize(("call", "is_warm"), [(plain, True), (stream, False)])
def test_a_call_interrupted_at_any_line(
    call: Callable[[Client], Any], is_warm: bool, swallowed: list[Any]
) -> None:
    """After KeyboardInterrupt at any line of ours every slot can be had, from any thread."""
    points = 0
    with Echo() as server:
        for at in itertools.count():
            client = production(server.url)
            if is_warm:
                plain(client)
            interruption = Interruption(at)
            result = interruption.strike(partial(call, client))
            left = from_another_thread(partial(all_slots, client), PATIENCE)
            assert left == 0, interruption.where
            assert from_another_thread(client.close, PATIENCE) is None
            if interruption.where is None:
                assert result == b"/it"
                break
            points += 1
    assert points > 500
    # A socket that was about to become a connection is closed by whoever collects it.
    assert set(swallowed) <= {KeyboardInterrupt, ResourceWarning}


class Connection:
    """A connection that is always ready."""

    def __init__(self, origin: Any) -> None:
        self.origin = origin

    def is_idle(self) -> bool:
        return True

    is_available = is_idle


class Event:
    is_set = False

    def set(self) -> None:
        self.is_set = True


A, B, C = ((b"http", name, None) for name in (b"a", b"b", b"c"))


class Crowd:
    """A full account: one idle, one lent, two that wait."""

    def __init__(self, *, shared: bool) -> None:
        self.leases = Leases(Connection, 2, 2, 60.0, shared=shared)
        self.idle, self.lent = self.ask(A), self.ask(B)
        self.leases.step(self.leases.release, self.idle, True)

    def ask(self, origin: Any) -> Lease:
        lease = Lease(self.leases, origin)
        try:
            self.leases.step(self.leases.take, lease, Event)
        except BaseException:
            self.leases.step(self.leases.leave, lease)
            raise
        return lease

    def take(self) -> None:
        self.kept = self.ask(A)

    def evict(self) -> None:
        self.kept = self.ask(B)

    def wait_and_leave(self) -> None:
        self.kept, self.waiter = self.ask(A), self.ask(C)
        self.leases.step(self.leases.leave, self.waiter)

    def release_to_a_waiter(self) -> None:
        self.kept, self.waiter = self.ask(A), self.ask(C)
        self.leases.step(self.leases.release, self.lent, True)
        assert self.leases.step(self.leases.got, self.waiter)

    def fail(self) -> None:
        self.leases.step(self.leases.release, self.lent, False)

    def renew(self) -> None:
        self.leases.step(self.leases.renew, self.lent)


STEPS = [
    Crowd.take,
    Crowd.evict,
    Crowd.wait_and_leave,
    Crowd.release_to_a_waiter,
    Crowd.fail,
    Crowd.renew,
]


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_the_account_interrupted_at_any_line(
    step: Callable[[Crowd], None], *, shared: bool, swallowed: list[Any]
) -> None:
    """Wherever a step is interrupted, once the leases are gone no slot is."""
    for at in itertools.count():
        crowd = Crowd(shared=shared)
        leases = crowd.leases
        interruption = Interruption(at)
        interruption.strike(partial(step, crowd))
        for lease in vars(crowd).values():
            if isinstance(lease, Lease) and lease.event is not None:
                from_another_thread(partial(leases.step, leases.leave, lease), PATIENCE)
        del crowd, lease
        total, idle = leases.counts
        assert total == idle, interruption.where
        holders = [Lease(leases, origin) for origin in (A, B)]
        for holder in holders:
            from_another_thread(partial(leases.step, leases.take, holder, Event), PATIENCE)
            assert holder.slot is not None, interruption.where
        del holders, holder
        if interruption.where is None:
            break
    assert at > 10
    assert set(swallowed) <= {KeyboardInterrupt}
