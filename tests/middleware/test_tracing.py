"""The laws of the spans: which there are, what they say, and how they end."""

from __future__ import annotations

import contextlib
import gc
from typing import Any, NamedTuple

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult

import penstock
from penstock import ConnectionFailed, InvalidOption, Stack
from penstock.middleware import AttemptTracing, Retry, Tracing
from penstock.testing import Reply

from .telemetry import BASE_URL, Recorder, Rig, attributes, failed, seconds

MOVED = Reply(302, headers={"Location": "/there"})
ONCE = {"max_retries": 0}


class Told(NamedTuple):
    """What the spans of a scenario say: `error.type` of the call, and of each send."""

    replies: list[Any]
    call: str | None
    sends: list[str | None]
    attempts: int = 1
    options: dict[str, Any] = {}  # noqa: RUF012 - a tuple's default


SCENARIOS = {
    "answered": Told([200], None, [None]),
    "retried": Told([503, 503, 200], None, ["503", "503", None], attempts=3),
    "retries exhausted": Told([503, 503, 503], "503", ["503", "503", "503"], attempts=3),
    "redirected": Told([MOVED, 200], None, [None, None]),
    "redirected for ever": Told([MOVED] * 21, "penstock.errors.RedirectError", [None] * 21),
    "key renewed": Told([401, 200], None, ["401", None], options={"api_key": "supplied"}),
    "unreachable": Told(
        [httpx.ConnectError("no route")],
        "penstock.errors.ConnectionFailed",
        ["penstock.errors.ConnectionFailed"],
        options=ONCE,
    ),
    "silent": Told(
        [httpx.ReadTimeout("silence")],
        "penstock.errors.TimedOut",
        ["penstock.errors.TimedOut"],
        options=ONCE,
    ),
    "reached at the second attempt": Told(
        [httpx.ConnectError("no route"), 200],
        None,
        ["penstock.errors.ConnectionFailed", None],
        attempts=2,
    ),
    "body cut off": Told(
        [Reply(chunks=[b"half", httpx.ReadError("cut")])],
        "penstock.errors.ConnectionFailed",
        ["penstock.errors.ConnectionFailed"],
        options=ONCE,
    ),
    "wrongly asked": Told([400], "400", ["400"]),
    "not modified": Told([399], None, [None]),
    "no such thing, not raised": Told([404], "404", ["404"], options={"raise_for_status": False}),
    "server error": Told([500], "500", ["500"], options=ONCE),
    "a bug in the transport": Told([ValueError("oops")], "ValueError", ["ValueError"]),
}


def keys(colour: Any) -> Any:
    """Return a supplier of keys, each another one."""
    numbers = iter(range(10))

    async def supply_async() -> str:
        return f"sk-{next(numbers)}"

    return supply_async if colour.is_async else lambda: f"sk-{next(numbers)}"


@pytest.fixture(params=SCENARIOS)
def told(request: pytest.FixtureRequest) -> Told:
    return SCENARIOS[request.param]


@pytest.fixture
def rig(told: Told, colour: Any) -> Rig:
    options = dict(told.options)
    if "api_key" in options:
        options["api_key"] = keys(colour)
    rig = Rig(colour, told.replies, **options)
    rig.get("/v1/things?q=1", operation="things.list")
    return rig


def test_one_tree(rig: Rig, told: Told) -> None:
    """A call is one trace: an INTERNAL span, and under it one CLIENT span for every send."""
    (call,) = rig.recorder.calls
    assert call.parent is None
    assert call.name == "penstock.call things.list"
    assert [span.parent for span in rig.recorder.sends] == [call.context] * len(told.sends)
    assert {span.name for span in rig.recorder.sends} == {"GET"}
    assert len(rig.recorder.spans) == 1 + len(told.sends)
    assert not rig.script.left


def test_sends_are_numbered(rig: Rig, told: Told) -> None:
    """`http.request.resend_count` is absent on the first send, then 1, 2, …, whatever the cause."""
    counts = [attributes(span).get("http.request.resend_count") for span in rig.recorder.sends]
    assert counts == [None, *range(1, len(told.sends))]


def test_status_and_error_type_of_sends(rig: Rig, told: Told) -> None:
    """A send is Error exactly if it has an `error.type`: its status from 400 on, or its failure."""
    sends = rig.recorder.sends
    assert [attributes(span).get("error.type") for span in sends] == told.sends
    assert [failed(span) for span in sends] == [error is not None for error in told.sends]


def test_status_and_error_type_of_the_call(rig: Rig, told: Told) -> None:
    """A call is Error only if it failed: what a retry cured is no error of the call."""
    (call,) = rig.recorder.calls
    said = attributes(call)
    assert said.get("error.type") == told.call
    assert failed(call) is (told.call is not None)
    assert said["penstock.outcome"] == ("ok" if told.call is None else "error")
    assert said["penstock.attempts"] == told.attempts


def test_no_exception_events(rig: Rig) -> None:
    """No span has events: exceptions are told by status, `error.type` and logs."""
    assert [span.events for span in rig.recorder.spans] == [()] * len(rig.recorder.spans)


REQUIRED = {"http.request.method": str, "server.address": str, "server.port": int, "url.full": str}
OPTIONAL = {
    "error.type": str,
    "http.request.resend_count": int,
    "http.response.status_code": int,
    "network.protocol.version": str,
    "penstock.retry.reason": str,
    "penstock.retry.source": str,
    "penstock.retry.wait": float,
}


def test_attributes_of_sends(rig: Rig) -> None:
    """A send has the attributes of the table, each of its type, and no others."""
    for span in rig.recorder.sends:
        types = {name: type(value) for name, value in attributes(span).items()}
        assert REQUIRED.items() <= types.items() <= {**REQUIRED, **OPTIONAL}.items()


def test_the_call_is_no_http_span(rig: Rig) -> None:
    """The call's span has no attribute of an HTTP, URL or server kind."""
    (call,) = rig.recorder.calls
    own = {"penstock.attempts", "penstock.operation.name", "penstock.outcome"}
    assert attributes(call).keys() - {"error.type", "penstock.retry.stopped"} == own


class Spy(Sampler):
    """A sampler that remembers what it was shown."""

    def __init__(self) -> None:
        self.shown: list[dict[str, Any]] = []

    def should_sample(
        self,
        parent_context: Any,
        trace_id: int,
        name: str,
        kind: Any = None,
        attributes: Any = None,
        *rest: Any,
    ) -> SamplingResult:
        self.shown.append(dict(attributes))
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)

    def get_description(self) -> str:
        return "spy"


def test_samplers_see_enough(colour: Any) -> None:
    """What is known before a span starts is there when it is sampled."""
    spy = Spy()
    rig = Rig(colour, [200], Recorder(spy), name="shop")
    rig.get("/v1/things", operation="things.list", attributes={"tenant": "acme"})
    call, send = spy.shown
    assert call == {
        "penstock.client.name": "shop",
        "penstock.operation.name": "things.list",
        "tenant": "acme",
    }
    assert REQUIRED.keys() <= send.keys()


def test_an_unnamed_call(colour: Any) -> None:
    """Without an operation the span's name is `penstock.call`, of low cardinality in any case."""
    rig = Rig(colour, [200])
    rig.get("/v1/things/8341")
    assert rig.recorder.calls[0].name == "penstock.call"


def test_cancellation_is_no_failure(colour: Any) -> None:
    """What its caller cancels ends Unset, with no `error.type`, and says that it was cancelled."""
    rig = Rig(colour, [])
    rig.cancelled()
    (call,), (send,) = rig.recorder.calls, rig.recorder.sends
    for span in (call, send):
        assert not failed(span)
        assert attributes(span)["penstock.outcome"] == "cancelled"
        assert "error.type" not in attributes(span)


def test_durations(colour: Any) -> None:
    """A send lasts until its body was read; a call lasts as long as it takes, waits included."""
    rig = Rig(colour, [Reply(503, delay=1.0), Reply(delay=2.0, chunks=[b"a", 3.0, b"b"])])
    rig.get()
    assert [seconds(span) for span in rig.recorder.sends] == [1.0, 5.0]
    assert seconds(rig.recorder.calls[0]) == round(6.0 + rig.clock.sleeps[0], 5)


def test_nested_in_the_callers_span(colour: Any) -> None:
    """A call is a child of the caller's span, which is current again when it is over."""
    recorder = Recorder()
    rig = Rig(colour, [200, 404], recorder)
    with recorder.provider.get_tracer("app").start_as_current_span("checkout") as own:
        rig.get()
        rig.get()
        assert trace.get_current_span() is own
    parents = [span.parent for span in recorder.calls if span.name == "penstock.call"]
    assert parents == [own.get_span_context()] * 2


def test_sampled_out(colour: Any) -> None:
    """A trace that is sampled out is not exported, and travels as not sampled."""
    rig = Rig(colour, [503, 200], Recorder(ALWAYS_OFF))
    rig.get()
    assert rig.recorder.spans == ()
    flags = [int(request.headers["traceparent"][-2:], 16) & 1 for request in rig.script.requests]
    assert flags == [0, 0]


def test_an_sdk_that_comes_later(colour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client made and used before the application set its SDK up is traced from then on."""
    recorder = Recorder()
    rig = Rig(colour, [200, 200], recorder, tracer_provider=None)
    rig.get()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", recorder.provider)
    rig.get()
    assert len(recorder.spans) == 2


def test_scope_of_the_spans(colour: Any) -> None:
    """Spans name Penstock, its version and the schema they follow."""
    rig = Rig(colour, [200])
    rig.get()
    for span in rig.recorder.spans:
        scope = span.instrumentation_scope
        assert scope is not None
        assert (scope.name, scope.version) == ("penstock", penstock.__version__)
        assert scope.schema_url == "https://opentelemetry.io/schemas/1.44.0"


def test_secrets_do_not_show(colour: Any) -> None:
    """No key shows: not in a query, a path, an attribute the application gave, or a failure."""
    key = "sk-canary-93d1"
    error = httpx.ConnectError(f"proxy https://me:{key}@proxy.example/?token={key} refused {key}")
    rig = Rig(colour, [error], api_key=key, **ONCE)
    url = httpx.URL(BASE_URL, params={"key": key})
    rig.get(f"/bot{key}/x?key={key}&limit=1", attributes={"seen": key, "at": url, "in": [key]})
    rig.script.reply(ValueError(f"a bug with {key} at {url}"))
    rig.get()
    assert len(rig.recorder.spans) == 4
    assert [span for span in rig.recorder.spans if key in span.to_json()] == []
    assert attributes(rig.recorder.sends[0])["url.full"] == (
        f"{BASE_URL}/botREDACTED/x?key=REDACTED&limit=1"
    )


@pytest.mark.parametrize("replies", [[200], [503, 503, 200], [httpx.ConnectError("x")] * 3])
def test_nothing_for_the_collector(replies: list[Any], colour: Any) -> None:
    """A traced call leaves no reference cycles."""
    rig = Rig(colour, [200, *replies], stack=Stack([Tracing(), Retry(), AttemptTracing()]))
    made: list[int] = []

    def count() -> None:
        gc.collect()
        with contextlib.suppress(ConnectionFailed):
            rig.client.get("/v1/things")
        made.append(gc.collect())

    async def acount() -> None:
        gc.collect()
        with contextlib.suppress(ConnectionFailed):
            await rig.client.get("/v1/things")
        made.append(gc.collect())

    rig.get()
    colour.run(acount if colour.is_async else count)
    assert made == [0]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Tracing("later"), "stream_span_end must be 'body' or 'headers', not 'later'"),
        (
            lambda: AttemptTracing("later"),
            "stream_span_end must be 'body' or 'headers', not 'later'",
        ),
        (
            lambda: AttemptTracing(propagate="some"),
            "propagate must be 'trace', 'all' or 'none', not 'some'",
        ),
    ],
)
def test_wrong_options(make: Any, said: str) -> None:
    """A wrong option is refused at construction."""
    with pytest.raises(InvalidOption) as caught:
        make()
    assert caught.value.message == said


@pytest.mark.parametrize(
    "middleware",
    [
        "Tracing()",
        "Tracing('headers')",
        "AttemptTracing()",
        "AttemptTracing('headers', propagate='all')",
    ],
)
def test_reprs(middleware: str) -> None:
    """A repr is what makes its like."""
    assert repr(eval(middleware)) == middleware
