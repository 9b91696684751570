"""The laws of a breaker in a stack: what counts as a failure, who is refused, who may probe."""

from __future__ import annotations

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import httpx
import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import LogCapture

from penstock import (
    Call,
    CircuitChanged,
    CircuitOpen,
    ConnectionFailed,
    DecodeError,
    InvalidOption,
    RetryScheduled,
    RetryStopped,
    Stack,
)
from penstock.middleware import CircuitBreaker, Logging, Redirect, Retry, RetryBudget, Tracing
from penstock.testing import Reply, VirtualClock

from .support import BASE_URL, Rig

if TYPE_CHECKING:
    from collections.abc import Callable

ORIGIN = ("https", "api.example.com", 443)


def half() -> float:
    return 0.5


def broken(colour: Any, *layers: Any, replies: Any = (503,), **options: Any) -> Rig:
    """Return a rig whose circuit ten failures have just opened, for five seconds."""
    clock = VirtualClock(random=half)
    rig = Rig(colour, [CircuitBreaker(), *layers], replies, clock=clock, forever=True, **options)
    for _ in range(10):
        rig.ends(max_retries=0)
    assert (rig.ends(max_retries=0), rig.sent) == ("CircuitOpen", 10)
    return rig


def test_it_opens_and_closes(colour: Any) -> None:
    """Ten failures open it; nothing is sent until one call has shown that the origin is back."""
    rig = broken(colour)
    rig.script._replies = [200]
    rig.clock.advance(4.9)
    assert (rig.ends(), rig.sent) == ("CircuitOpen", 10)
    rig.clock.advance(0.2)
    assert [rig.ends() for _ in range(3)] == [200] * 3
    assert [fact[1:] for fact in rig.kinds(CircuitChanged)] == [
        (ORIGIN, "open", 5.0),
        (ORIGIN, "half_open", 0.0),
        (ORIGIN, "closed", 0.0),
    ]


def test_a_probe_that_fails(colour: Any) -> None:
    """A probe that fails is its call's outcome, and the circuit is open for twice as long."""
    rig = broken(colour)
    rig.clock.advance(5.0)
    assert [rig.ends(), rig.ends(), rig.sent] == [503, "CircuitOpen", 11]
    assert [fact.open_for for fact in rig.kinds(CircuitChanged)] == [5.0, 0.0, 10.0]


@pytest.mark.parametrize(
    "failure",
    [
        500,
        501,
        503,
        599,
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("silence"),
        httpx.ReadTimeout("silence"),
        httpx.RemoteProtocolError("garbage"),
        httpx.ProxyError("407"),
        Reply(chunks=[b"half", httpx.ReadError("cut")]),
    ],
    ids=repr,
)
def test_what_a_failure_is(failure: Any, colour: Any) -> None:
    """A failed connection, a timeout, a cut body and a status of 500 or more are failures."""
    rig = Rig(colour, [CircuitBreaker()], [failure], forever=True)
    ends = [rig.ends() for _ in range(11)]
    assert (ends[10], rig.sent) == ("CircuitOpen", 10)


@pytest.mark.parametrize("status", [200, 204, 304, 400, 401, 404, 408, 409, 429, 499])
def test_what_a_success_is(status: int, colour: Any) -> None:
    """Any other status, 429 among them, comes from an origin that works."""
    rig = Rig(colour, [CircuitBreaker()], [*([status] * 11), *([503] * 10)])
    assert [rig.ends() for _ in range(21)] == [status] * 11 + [503] * 10


class Left(BaseException):
    """What ends a call from outside, in any colour."""


@pytest.mark.parametrize(
    "neither",
    [
        Left(),
        httpx.PoolTimeout("none came free"),
        Reply(content=b"plain", headers={"Content-Encoding": "gzip"}),
        LookupError("a bug"),
        CircuitOpen("another breaker's"),
    ],
    ids=repr,
)
def test_what_is_neither(neither: Any, colour: Any) -> None:
    """A cancellation, a pool that is full and a broken answer say nothing of the origin."""

    def end(_: Any) -> Any:
        if isinstance(neither, BaseException):
            raise neither
        return neither

    rig = Rig(colour, [CircuitBreaker()], [end], clock=VirtualClock(random=half), forever=True)
    for _ in range(11):
        with pytest.raises((Left, ConnectionFailed, DecodeError, LookupError)):
            rig.send()
    assert rig.sent == 11
    rig.script._replies = [503]
    assert [rig.ends() for _ in range(11)] == [503] * 10 + ["CircuitOpen"]
    rig.clock.advance(5.0)
    rig.script._replies = [end]
    with pytest.raises((Left, ConnectionFailed, DecodeError, LookupError)):
        rig.send()  # a probe that says nothing
    rig.script._replies = [200]
    assert [rig.ends(), rig.ends()] == [200, 200]


def test_a_stream_counts_by_its_head(colour: Any) -> None:
    """A stream whose head came is a success, whatever becomes of its body."""
    cut = Reply(chunks=[b"half", httpx.ReadError("cut")])
    rig = Rig(colour, [CircuitBreaker()], [cut], forever=True)

    def stream() -> Any:
        with rig.client.stream("GET", "/it") as response:
            return response.read()

    async def astream() -> Any:
        async with rig.client.stream("GET", "/it") as response:
            return await response.aread()

    for _ in range(12):
        with pytest.raises(ConnectionFailed, match="cut"):
            colour.run(astream if colour.is_async else stream)


@pytest.mark.parametrize("colour", ["sync"], indirect=True)
def test_one_of_fifty_threads_probes(colour: Any) -> None:
    """Of fifty threads that ask a half-open circuit together, one goes through."""
    together, refused = threading.Barrier(50, timeout=10), threading.Semaphore(0)

    def wait(_: Any) -> int:
        for _ in range(49):
            assert refused.acquire(timeout=10)
        return 200

    rig = broken(colour)
    rig.clock.advance(5.0)
    rig.script._replies = [wait]

    def call(_: int) -> Any:
        together.wait()
        end = rig.ends()
        refused.release()
        return end

    with ThreadPoolExecutor(50) as threads:
        ends = list(threads.map(call, range(50)))
    assert (ends.count(200), ends.count("CircuitOpen"), rig.sent) == (1, 49, 11)


@pytest.mark.parametrize("colour", ["asyncio", "trio"], indirect=True)
def test_one_of_fifty_tasks_probes(colour: Any) -> None:
    """The same for fifty tasks."""
    ends: list[Any] = []

    async def call() -> None:
        try:
            ends.append((await rig.client.get("/it")).status_code)
        except CircuitOpen as error:
            ends.append(error.retry_after)

    async def scenario() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(call)

    async def slow(request: Any, call_next: Any) -> Any:
        while len(ends) < 49 and slowly:
            await anyio.lowlevel.checkpoint()
        return await call_next(request)

    slowly: list[bool] = []
    rig = broken(colour, slow)
    slowly.append(True)
    rig.clock.advance(5.0)
    rig.script._replies = [200]
    colour.run(scenario)
    assert (ends, rig.sent) == ([0.0] * 49 + [200], 11)


@pytest.mark.parametrize("colour", ["asyncio", "trio"], indirect=True)
def test_a_cancelled_probe_makes_room(colour: Any) -> None:
    """A probe whose task is cancelled is neither: the next call is the probe."""
    held: list[bool] = []

    async def hold(request: Any, call_next: Any) -> Any:
        if held:
            held.clear()
            await anyio.sleep_forever()
        return await call_next(request)

    async def scenario() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(rig.client.get, "/it")
            while held:
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()

    rig = broken(colour, hold)
    rig.clock.advance(5.0)
    held.append(True)
    colour.run(scenario)
    rig.script._replies = [200]
    assert (rig.ends(), rig.sent) == (200, 11)


def test_what_a_refusal_tells(colour: Any) -> None:
    """A refused call says how long to wait; it was never sent, it pickles, and shows no secret."""
    rig = broken(colour)
    rig.clock.advance(1.0)
    with pytest.raises(CircuitOpen) as caught:
        rig.send(url="/it?token=secret")
    error = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(error, ConnectionFailed)
    assert (error.retry_after, error.phase, error.unsent) == (4.0, "circuit", True)
    assert error.message == (
        "too many calls to api.example.com failed lately: the next may go in 4.0 s"
    )
    assert "secret" not in str(error)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("deadline", "draw", "ends", "sleeps"),
    [
        (None, 0.0, "CircuitOpen", []),
        (5.0, 0.0, "CircuitOpen", []),
        (5.1, 0.0, 200, [5.0]),
        (20.0, 0.5, 200, [5.25]),
    ],
)
def test_a_call_with_a_deadline_waits(
    method: str, deadline: float | None, draw: float, ends: Any, sleeps: list[float], colour: Any
) -> None:
    """A call whose deadline leaves the time waits for the circuit; any other hears at once."""

    async def hurry(request: Any, call_next: Any) -> Any:
        call = Call.of(request)
        call.deadline = None if deadline is None else call.runtime.now() + deadline
        return await call_next(request)

    rig = broken(colour)
    rig.script._replies = [200]
    rig.clock._random = lambda: draw
    with_retry = lambda stack: Stack([hurry, Retry(), *stack])  # noqa: E731 - one call's
    assert rig.ends(method, stack=with_retry) == ends
    assert (rig.clock.sleeps, rig.sent) == (sleeps, 10 + len(sleeps))
    assert [fact.reason for fact in rig.kinds(RetryScheduled)] == ["CircuitOpen"] * len(sleeps)


@pytest.mark.parametrize("over_cap", ["clamp", "stop"])
def test_a_wait_over_the_cap(over_cap: str, colour: Any) -> None:
    """A circuit open for longer than the cap is not waited for: too early it refuses again."""
    rig = broken(colour)
    capped = Retry(retry_after_cap=4.0, over_cap=over_cap)

    async def patient(request: Any, call_next: Any) -> Any:
        Call.of(request).deadline = 1e9
        return await call_next(request)

    assert rig.ends(stack=lambda stack: Stack([patient, capped, *stack])) == "CircuitOpen"
    assert [fact.reason for fact in rig.kinds(RetryStopped)] == ["retry_after"]


def test_repeats_meet_the_circuit(colour: Any) -> None:
    """The breaker stands inside `Retry`: attempts open it, and a refused repeat is the last."""
    stack = [Retry(base_delay=0.0), CircuitBreaker()]
    rig = Rig(colour, stack, [503], forever=True)
    assert [rig.ends() for _ in range(5)] == [503] * 3 + ["CircuitOpen"] * 2
    assert rig.sent == 10


def test_each_origin_has_its_own(colour: Any) -> None:
    """An origin's circuit leaves another's alone; a hop counts for where it goes."""
    moved = Reply(302, headers={"Location": "https://other.example.com/it"})
    rig = Rig(colour, [Redirect(), CircuitBreaker()], [moved, 503] * 10 + [moved, 200, 200])
    assert [rig.ends() for _ in range(11)] == [503] * 10 + ["CircuitOpen"]
    assert rig.ends() == 200
    assert [fact.origin[1] for fact in rig.kinds(CircuitChanged)] == ["other.example.com"]


@pytest.mark.parametrize("shared", [True, False])
def test_clients_share_on_purpose_alone(shared: bool, colour: Any) -> None:
    """Two clients with one breaker object have a circuit each, unless it says that it is shared."""
    breaker = CircuitBreaker(shared=shared)
    one, other = (Rig(colour, [breaker], [503], forever=True) for _ in range(2))
    for _ in range(10):
        one.ends()
    assert other.ends() == ("CircuitOpen" if shared else 503)


def unbroken(stack: Stack) -> Stack:
    return stack.without(CircuitBreaker)


def test_one_call_past_it(colour: Any) -> None:
    """`stack=` takes a call past an open circuit."""
    rig = broken(colour)
    assert (rig.ends(stack=unbroken), rig.sent) == (503, 11)


def test_it_is_told_in_the_log(colour: Any) -> None:
    """Each change is a warning in the log of the call that brought it about."""
    seen = LogCapture()
    rig = Rig(
        colour,
        [Logging(), CircuitBreaker(min_calls=1)],
        [503, 200],
        clock=VirtualClock(random=half),
        logger=structlog.wrap_logger(None, [seen]),
        name="shop",
    )
    rig.ends()
    rig.clock.advance(5.0)
    rig.ends()
    told = [entry for entry in seen.entries if entry["event"] == "circuit.state.changed"]
    shared = {
        "event": "circuit.state.changed",
        "log_level": "warning",
        "penstock.client.name": "shop",
        "server.address": "api.example.com",
        "server.port": 443,
    }
    assert told == [
        {**shared, "penstock.circuit.state": "open", "penstock.circuit.open_for": 5.0},
        {**shared, "penstock.circuit.state": "half_open"},
        {**shared, "penstock.circuit.state": "closed"},
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        {"failure_ratio": 0},
        {"failure_ratio": 1.1},
        {"failure_ratio": True},
        {"min_calls": 0},
        {"min_calls": 2.5},
        {"min_calls": True},
        {"window": 0},
        {"window": float("inf")},
        {"window": "30"},
        {"open_for": -1.0},
        {"open_for": float("nan")},
        {"max_open": 1.0},
        {"max_open": float("inf")},
    ],
    ids=repr,
)
def test_what_cannot_work_is_refused(arguments: dict[str, Any]) -> None:
    """A value no circuit can have is refused, and the message names the argument."""
    with pytest.raises(InvalidOption, match=next(iter(arguments))):
        CircuitBreaker(**arguments)


PROBLEMS: dict[str, Callable[[], Any]] = {
    "the budget below the line": lambda: Stack([Retry(), RetryBudget()]),
    "the breaker above it": lambda: Stack([CircuitBreaker(), Retry()]),
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_wrong_side_of_the_line(problem: str) -> None:
    """A budget inside `Retry` and a breaker outside it are refused when the stack is made."""
    with pytest.raises(Exception, match=r"stands (inside|outside) Retry"):
        PROBLEMS[problem]()


def test_the_production_stack(colour: Any) -> None:
    """`Stack.production()` holds both: a failing origin is left alone, and nobody waits for it."""
    clock = VirtualClock()
    rig = Rig(colour, Stack.production(), [503], clock=clock, forever=True, base_url=BASE_URL)
    ends = [rig.ends() for _ in range(20)]
    assert ends == ["ServiceUnavailable"] * 3 + ["CircuitOpen"] * 17
    assert rig.sent == 10


def test_it_is_told_by_the_span(colour: Any) -> None:
    """A call's span says what it made of a circuit, and why a failure was not tried again."""
    spans = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    layers = [Tracing(), RetryBudget(0.0), Retry(), CircuitBreaker(min_calls=2)]
    rig = Rig(colour, layers, [503], forever=True, tracer_provider=provider)
    for _ in range(3):
        rig.ends()
    told = ("penstock.circuit.state", "penstock.retry.stopped", "error.type")
    assert [
        tuple((span.attributes or {}).get(name) for name in told)
        for span in spans.get_finished_spans()
    ] == [
        (None, "budget", "503"),
        ("open", "budget", "503"),
        (None, None, "penstock.errors.CircuitOpen"),
    ]
