"""How long an attempt and a call may take."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import tenacity

from penstock import (
    Call,
    DeadlineExceeded,
    RetryScheduled,
    RetryStopped,
    ServiceUnavailable,
    Stack,
    StreamIdle,
    TimedOut,
)
from penstock.middleware import Deadline, Retry
from penstock.testing import Reply

from .support import done, play, with_retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.demo import DemoServer

    from .support import Rig

PHASES = ("connect", "read", "write", "pool")
WAIT_ONE = {"stack": with_retry(wait=tenacity.wait_fixed(1))}


def busy(delay: float = 0.0) -> Reply:
    return Reply(503, text="busy", delay=delay)


def test_no_wait_reaches_past_the_deadline(rig: Callable[..., Rig]) -> None:
    """With 0.7 s left and a wait of 1 s the call ends at once, with the response it has."""
    server = rig([busy(0.3), 200], deadline=1.0, **WAIT_ONE)
    started = server.clock.now()
    with pytest.raises(ServiceUnavailable):
        server.send()
    assert server.clock.now() - started == pytest.approx(0.3)
    assert server.sent == 1
    assert server.sleeps == []
    assert [fact.reason for fact in server.kinds(RetryStopped)] == ["deadline"]


@pytest.mark.parametrize(("deadline", "sends"), [(1.5, 1), (1.5001, 2)])
def test_a_wait_for_all_that_is_left_is_none(
    deadline: float, sends: int, rig: Callable[..., Rig]
) -> None:
    """A wait that would take exactly what is left is not begun."""
    server = rig([busy(0.5), 200], deadline=deadline, **WAIT_ONE)
    server.status()
    assert server.sent == sends


def test_a_servers_wait_past_the_deadline_ends_the_call(rig: Callable[..., Rig]) -> None:
    """`Retry-After: 30` with 10 s left returns the response at once."""
    server = rig([Reply(429, headers={"Retry-After": "30"}), 200], deadline=10)
    assert server.status() == 429
    assert (server.sent, server.sleeps) == (1, [])


def test_an_attempt_has_no_more_than_what_is_left(rig: Callable[..., Rig]) -> None:
    """Connect, read, write and pool of each attempt get what its deadline leaves of its timeout."""
    stack = with_retry(wait=tenacity.wait_fixed(0.5))
    server = rig([busy(0.2), 200], deadline=1.0, timeout=0.9, stack=stack)
    assert server.status() == 200
    first, second = (request.extensions["timeout"] for request in server.requests)
    assert [first[phase] for phase in PHASES] == [pytest.approx(0.9)] * 4
    assert [second[phase] for phase in PHASES] == [pytest.approx(0.3)] * 4


def test_every_attempt_has_its_whole_timeout(rig: Callable[..., Rig]) -> None:
    """Without a deadline each attempt's timeout begins anew, waits not counted."""
    server = rig([busy(0.5), busy(0.5), 200], timeout=0.9, **WAIT_ONE)
    assert server.status() == 200
    assert [
        {phase: float(request.extensions["timeout"][phase]) for phase in PHASES}
        for request in server.requests
    ] == [dict.fromkeys(PHASES, pytest.approx(0.9))] * 3


def test_an_httpx_timeout_keeps_its_phases(rig: Callable[..., Rig]) -> None:
    """Each phase of an `httpx.Timeout` is its own, up to a deadline; None is no limit."""
    timeout = httpx.Timeout(5.0, connect=0.5, pool=None)
    server = rig([200, 200], timeout=timeout)
    server.send()
    server.send(deadline=2.0)
    assert [
        {phase: server.requests[n].extensions["timeout"][phase] for phase in PHASES}
        for n in range(2)
    ] == [
        {"connect": 0.5, "read": 5.0, "write": 5.0, "pool": None},
        {"connect": 0.5, "read": 2.0, "write": 2.0, "pool": 2.0},
    ]


@pytest.mark.parametrize("call", [{"timeout": None}, {"timeout": None, "deadline": None}])
def test_none_is_no_limit(call: dict[str, Any], rig: Callable[..., Rig]) -> None:
    """`timeout=None` sends without a limit, over a client that has one."""
    server = rig([Reply(200, delay=1e6)], timeout=1.0)
    assert server.status(**call) == 200
    limits = server.requests[0].extensions.get("timeout", {})
    assert [limits.get(phase) for phase in PHASES] == [None] * 4


@pytest.mark.parametrize("body", [b"", b"late"], ids=["no body", "a body"])
@pytest.mark.parametrize(
    ("limits", "kind", "sends"),
    [
        ({"timeout": 1.0}, TimedOut, 3),
        ({"timeout": 1.0, "deadline": 100.0}, TimedOut, 3),
        ({"deadline": 1.0}, DeadlineExceeded, 1),
        ({"deadline": 1.0, "timeout": 1.0}, DeadlineExceeded, 1),
    ],
)
def test_a_late_head_is_a_timeout(
    limits: dict[str, float],
    kind: type[TimedOut],
    sends: int,
    body: bytes,
    rig: Callable[..., Rig],
) -> None:
    """An answer that comes after its limit ends the attempt, and with the deadline's the call."""
    server = rig([Reply(content=body, delay=2.0)], forever=True, **limits)
    with pytest.raises(TimedOut) as caught:
        server.send()
    assert type(caught.value) is kind
    assert server.sent == sends
    assert server.script.open == 0


@pytest.mark.parametrize(
    ("limits", "kind"), [({"timeout": 1.0}, TimedOut), ({"deadline": 1.0}, DeadlineExceeded)]
)
def test_a_dripping_body_ends_with_its_limit(
    limits: dict[str, float], kind: type[TimedOut], rig: Callable[..., Rig]
) -> None:
    """The wall clock bounds the whole body: bytes that keep coming do not put the end off."""
    drip = Reply(chunks=[b"a", 0.4] * 10)
    server = rig([drip], max_retries=0, **limits)
    started = server.clock.now()
    with pytest.raises(TimedOut) as caught:
        server.send()
    assert type(caught.value) is kind
    assert server.clock.now() - started == pytest.approx(1.2)


def test_a_phase_timeout_lets_a_drip_go_on(rig: Callable[..., Rig]) -> None:
    """An `httpx.Timeout` has no wall clock: it bounds each read alone, as in httpx."""
    server = rig([Reply(chunks=[b"a", 0.4] * 10)], timeout=httpx.Timeout(1.0))
    assert server.send().text == "a" * 10


@pytest.mark.parametrize("limits", [{"deadline": 0}, {"timeout": 0}, {"deadline": 0, "timeout": 0}])
def test_nothing_is_sent_without_time(limits: dict[str, float], rig: Callable[..., Rig]) -> None:
    """A limit of zero ends the call before anything is sent, with the error of that limit."""
    server = rig([200], max_retries=0, **limits)
    with pytest.raises(TimedOut) as caught:
        server.send()
    assert type(caught.value) is (DeadlineExceeded if "deadline" in limits else TimedOut)
    assert server.sent == 0


def test_time_that_ran_out_above_the_attempt_is_the_deadlines(rig: Callable[..., Rig]) -> None:
    """A middleware that takes all the time leaves a `DeadlineExceeded`, and nothing is sent."""

    async def dawdle(request: Any, call_next: Any) -> Any:
        await Call.of(request).runtime.sleep(5.0)
        return await call_next(request)

    for stack in (Stack.standard().before(Retry, dawdle), Stack.standard().after(Retry, dawdle)):
        server = rig([200], deadline=5.0, stack=stack)
        with pytest.raises(DeadlineExceeded):
            server.send()
        assert server.sent == 0


def test_redirects_and_refreshes_share_the_attempts_time(rig: Callable[..., Rig]) -> None:
    """Every send of an attempt has what the ones before it left."""
    moved = Reply(302, headers={"Location": "/there"}, delay=0.25)
    server = rig([moved, moved, 200], timeout=1.0)
    assert server.status() == 200
    assert [request.extensions["timeout"]["read"] for request in server.requests] == [
        pytest.approx(limit) for limit in (1.0, 0.75, 0.5)
    ]


@pytest.mark.parametrize(
    ("over", "deadline"), [({}, 3.0), ({"deadline": 2.0}, 2.0), ({"deadline": 9.0}, 9.0)]
)
def test_the_calls_deadline_wins(
    over: dict[str, float], deadline: float, rig: Callable[..., Rig]
) -> None:
    """A deadline of the call replaces the middleware's default, in either direction."""
    stack = Stack.standard().replace(Deadline, Deadline(3.0))
    server = rig([200], stack=stack, timeout=None)
    server.send(**over)
    assert server.requests[0].extensions["timeout"]["read"] == pytest.approx(deadline)


def test_steps_of_the_wall_clock_do_not_matter(rig: Callable[..., Rig]) -> None:
    """Limits are counted on the monotonic clock: a wall clock that jumps changes nothing."""

    def jump(request: Any) -> Reply:
        server.clock.step_wall(-1e9 if server.sent % 2 else 1e9)
        return busy(0.1)

    server = rig([jump, jump, 200], deadline=10.0, timeout=1.0, **WAIT_ONE)
    assert server.status() == 200
    assert [fact.wait for fact in server.kinds(RetryScheduled)] == [1.0, 1.0]


def test_a_deadline_bounds_a_stream_to_its_end(rig: Callable[..., Rig]) -> None:
    """A timeout ends with a stream's head; the deadline holds to the last event."""
    events = [b"data: 1\n\n", 2.0] * 4

    def read(server: Rig, **call: Any) -> int:
        seen: list[Any] = []

        async def scenario() -> None:
            stream = server.client.stream_events("GET", "/it", terminal=None, **call)
            if server.colour.is_async:
                async for event in stream:
                    seen.append(event)  # noqa: PERF401 - counted also when the loop breaks off
            else:
                seen.extend(stream)

        try:
            play(server.colour, scenario)
        finally:
            assert server.script.open == 0
        return len(seen)

    headers = {"Content-Type": "text/event-stream"}
    server = rig([Reply(headers=headers, chunks=events)] * 2)
    assert read(server, timeout=1.0) == 4
    with pytest.raises(DeadlineExceeded) as caught:
        read(server, deadline=5.0)
    assert not isinstance(caught.value, StreamIdle)


@pytest.mark.parametrize(
    ("told", "limits", "kind"),
    [
        ("drip-head=0.02", {"timeout": 0.2}, TimedOut),
        ("drip=0.02", {"timeout": 0.2}, TimedOut),
        ("hang", {"timeout": 0.2}, TimedOut),
        ("drip-head=0.02", {"deadline": 0.2}, DeadlineExceeded),
        ("drip=0.02", {"deadline": 0.2}, DeadlineExceeded),
        ("hang", {"deadline": 0.2}, DeadlineExceeded),
    ],
)
def test_on_the_wire_no_drip_outlives_its_limit(
    told: str, limits: dict[str, float], kind: type[TimedOut], colour: Any, demo: DemoServer
) -> None:
    """On the client's own transport a server that drips, or says nothing, is left in time."""

    async def scenario() -> None:
        client = colour.client(demo.url, trust_env=False, max_retries=0)
        started = time.monotonic()
        with pytest.raises(TimedOut) as caught:
            await done(client.get("/v1/models", headers={"X-Demo-Fault": told}, **limits))
        taken = time.monotonic() - started
        await done(client.aclose() if colour.is_async else client.close())
        assert type(caught.value) is kind
        assert 0.19 < taken < 1.5

    play(colour, scenario)
