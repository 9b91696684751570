"""The laws of chaos: what is injected looks like the real thing, at the rate asked for."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from penstock import (
    Call,
    ConnectionFailed,
    DeadlineExceeded,
    InvalidOption,
    ServerError,
    Stack,
    StatusError,
    TimedOut,
)
from penstock.middleware import Chaos, CircuitBreaker, Deadline, RaiseForStatus, Retry, Timeout
from penstock.testing import VirtualClock

from .support import Rig

N = 2_000
# Hoeffding: P(|share - rate| > .05) <= 2 exp(-2 N .05^2) < 1e-4 for N = 2000; the seeds are fixed.
NEAR = 0.05


def ends(colour: Any, chaos: Chaos, times: int, **options: Any) -> list[Any]:
    """Return how *times* calls end."""
    rig = Rig(colour, [chaos], forever=True, **options)
    return [rig.ends() for _ in range(times)]


def test_nothing_unless_asked(colour: Any) -> None:
    """Without rates nothing happens, and no chance is drawn."""
    rig = Rig(colour, [Chaos()], forever=True)
    assert [rig.ends() for _ in range(20)] == [200] * 20
    assert (rig.clock.sleeps, rig.sent) == ([], 20)
    assert rig.clock.random() == VirtualClock().random()


@pytest.mark.parametrize("colour", ["sync"], indirect=True)
def test_rates(colour: Any) -> None:
    """Each kind of failure comes as often as it was asked for, and the rest is sent."""
    chaos = Chaos(error_rate=0.1, timeout_rate=0.2, status_rate=0.3, statuses=[500, 503], seed=1)
    rig = Rig(colour, [chaos], forever=True)
    seen = [rig.ends() for _ in range(N)]
    shares = {end: seen.count(end) / N for end in set(seen)}
    wanted = {"ConnectionFailed": 0.1, "TimedOut": 0.2, 500: 0.15, 503: 0.15, 200: 0.4}
    assert shares == pytest.approx(wanted, abs=NEAR)
    assert rig.sent == seen.count(200)


def test_a_seed_repeats(colour: Any) -> None:
    """Two clients meet the same with one seed, something else with another."""

    def meets(seed: int) -> list[Any]:
        return ends(colour, Chaos(error_rate=0.3, status_rate=0.3, seed=seed), 30)

    assert meets(1) == meets(1)
    assert meets(1) != meets(2)
    shared = Chaos(error_rate=0.3, status_rate=0.3, seed=1)
    assert ends(colour, shared, 30) == ends(colour, shared, 30) == meets(1)


def test_without_a_seed_chance_is_the_clients(colour: Any) -> None:
    """Without a seed chance comes from the client's clock."""
    chaos = Chaos(error_rate=0.5)
    for draw, end in ((0.4, "ConnectionFailed"), (0.6, 200)):
        assert ends(colour, chaos, 3, clock=VirtualClock(random=lambda: draw)) == [end] * 3  # noqa: B023


def test_a_rate_moves_nothing_else(colour: Any) -> None:
    """To raise one rate adds failures of its kind, and leaves the others where they were."""
    few = ends(colour, Chaos(error_rate=0.2, seed=3), 40)
    more = ends(colour, Chaos(error_rate=0.2, status_rate=0.3, latency=0.1, seed=3), 40)
    assert [end == "ConnectionFailed" for end in few] == [end == "ConnectionFailed" for end in more]


def test_latency(colour: Any) -> None:
    """Latency passes on the client's clock, as long as was said or by chance between two bounds."""
    rig = Rig(colour, [Chaos(latency=0.25)], forever=True)
    rig.send()
    assert rig.clock.sleeps == [0.25]
    rig = Rig(colour, [Chaos(latency=(0.1, 0.3), latency_rate=0.5, seed=1)], forever=True)
    for _ in range(200):
        rig.send()
    assert all(0.1 <= sleep <= 0.3 for sleep in rig.clock.sleeps)
    assert len(set(rig.clock.sleeps)) == len(rig.clock.sleeps)
    assert 70 <= len(rig.clock.sleeps) <= 130


@pytest.mark.parametrize(
    ("options", "error", "waited"),
    [
        ({"timeout": 3.0}, TimedOut, 3.0),
        ({"timeout": httpx.Timeout(9.0, read=2.0)}, TimedOut, 2.0),
        ({"timeout": 9.0, "deadline": 4.0}, DeadlineExceeded, 4.0),
        ({"timeout": None, "deadline": 4.0}, DeadlineExceeded, 4.0),
        ({"timeout": None}, TimedOut, 0.0),
    ],
    ids=["number", "phases", "deadline", "deadline alone", "no limit"],
)
@pytest.mark.parametrize("chaos", [{"timeout_rate": 1.0}, {"latency": 9.5}], ids=repr)
def test_timeouts(
    chaos: dict[str, Any],
    options: dict[str, Any],
    error: type[Exception],
    waited: float,
    colour: Any,
) -> None:
    """A request answered never, or too late, ends as a real one: at its limit, by its error."""
    rig = Rig(colour, [Deadline(), Timeout(), Chaos(**chaos)], **options)
    if options == {"timeout": None} and "latency" in chaos:
        assert (rig.ends(), rig.clock.sleeps) == (200, [9.5])
        return
    with pytest.raises(TimedOut) as caught:
        rig.send()
    assert type(caught.value) is error
    assert sum(rig.clock.sleeps) == waited
    assert (caught.value.phase, caught.value.method, rig.sent) == ("read", "GET", 0)


@pytest.mark.parametrize("phase", ["connect", "pool", "write", "read", "protocol", "proxy"])
def test_connection_failures(phase: str, colour: Any) -> None:
    """A connection fails where it was said to, as a real one: `Retry` goes by its phase."""
    real = {"connect": httpx.ConnectError("chaos"), "read": httpx.ReadError("chaos")}
    layers = [Retry(base_delay=0.0), Chaos(error_rate=1.0, phases=[phase])]
    rig = Rig(colour, layers, max_retries=1)
    with pytest.raises(ConnectionFailed) as caught:
        rig.send("POST")
    error = caught.value
    assert (error.phase, rig.sent) == (phase, 0)
    assert len(error.attempts) == (2 if phase in {"connect", "pool", "proxy"} else 1)
    if phase in real:
        other = Rig(colour, [Retry(base_delay=0.0)], [real[phase]] * 2, max_retries=1)
        with pytest.raises(ConnectionFailed) as seen:
            other.send("POST")
        assert str(seen.value) == str(error)


@pytest.mark.parametrize("status", [200, 404, 503])
def test_statuses(status: int, colour: Any) -> None:
    """A status is a whole response: it raises and is returned as one that was sent for."""
    rig = Rig(colour, [RaiseForStatus(), Chaos(status_rate=1.0, statuses=[status])])
    response = rig.send(raise_for_status=False)
    assert (response.status_code, rig.sent) == (status, 0)
    assert response.json() == {"error": {"message": "chaos"}}
    assert response.elapsed.total_seconds() == 0.0
    assert Call.of(response.request).operation is None
    if status >= 400:
        with pytest.raises(StatusError, match=f"{status} .*: chaos") as caught:
            rig.send()
        assert isinstance(caught.value, ServerError) == (status >= 500)


def test_a_status_as_a_stream(colour: Any) -> None:
    """Where a stream was asked for, the status comes with a body that has yet to be read."""
    rig = Rig(colour, [Chaos(status_rate=1.0)])

    def stream() -> Any:
        with rig.client.stream("GET", "/it") as response:
            return response.is_stream_consumed, b"".join(response.iter_bytes())

    async def astream() -> Any:
        async with rig.client.stream("GET", "/it") as response:
            seen = response.is_stream_consumed
            return seen, b"".join([chunk async for chunk in response.aiter_bytes()])

    assert colour.run(astream if colour.is_async else stream) == (
        False,
        b'{"error": {"message": "chaos"}}',
    )


def test_httpx2(colour: Any) -> None:
    """On the other family the response is of that family."""
    import httpx2

    transport = httpx2.MockTransport(lambda _: httpx2.Response(200))
    rig = Rig(colour, [Chaos(status_rate=1.0)], transport=transport)
    assert isinstance(rig.send(), httpx2.Response)


@pytest.mark.parametrize("colour", ["sync"], indirect=True)
def test_when(colour: Any) -> None:
    """A predicate turns it on and off for each request; a number scales every rate."""

    def on_writes(request: Any) -> bool:
        return bool(request.method == "POST")

    rig = Rig(colour, [Chaos(latency=1.0, status_rate=1.0, when=on_writes)], forever=True)
    assert [rig.ends(), rig.ends("POST"), rig.clock.sleeps] == [200, 503, [1.0]]

    def a_tenth(_: Any) -> float:
        return 0.1

    chaos = Chaos(latency=1.0, error_rate=0.5, status_rate=0.5, seed=1, when=a_tenth)
    rig = Rig(colour, [chaos], forever=True)
    seen = [rig.ends() for _ in range(N)]
    assert seen.count(200) / N == pytest.approx(0.9, abs=NEAR)
    assert seen.count(503) / N == pytest.approx(0.05, abs=NEAR)
    assert len(rig.clock.sleeps) / N == pytest.approx(0.1, abs=NEAR)


def test_it_opens_circuits(colour: Any) -> None:
    """What it injects is a failure to whoever stands outside it."""
    rig = Rig(colour, [CircuitBreaker(), Chaos(error_rate=1.0)])
    assert [rig.ends() for _ in range(11)] == ["ConnectionFailed"] * 10 + ["CircuitOpen"]


def test_its_place(colour: Any) -> None:
    """Innermost in the standard stack, a failure it injects is cured as a real one would be."""
    stack = Stack.standard().append(Chaos(error_rate=0.5, status_rate=0.2, seed=4))
    rig = Rig(colour, stack, forever=True, max_retries=20)
    assert [rig.ends() for _ in range(20)] == [200] * 20
    assert len(rig.clock.sleeps) > 20


@pytest.mark.parametrize(
    "arguments",
    [
        {"latency": -1.0},
        {"latency": float("nan")},
        {"latency": float("inf")},
        {"latency": (0.2, 0.1)},
        {"latency": (0.1, 0.2, 0.3)},
        {"latency": "1"},
        {"latency_rate": 1.1},
        {"error_rate": -0.1},
        {"timeout_rate": True},
        {"status_rate": "0.1"},
        {"status_rate": 0.6, "error_rate": 0.5},
        {"statuses": []},
        {"statuses": [100]},
        {"statuses": ["503"]},
        {"phases": []},
        {"phases": ["connect", "lunch"]},
    ],
    ids=repr,
)
def test_what_cannot_work_is_refused(arguments: dict[str, Any]) -> None:
    """A value that makes no sense is refused, and the message names the argument."""
    with pytest.raises(InvalidOption, match=next(iter(arguments))):
        Chaos(**arguments)
