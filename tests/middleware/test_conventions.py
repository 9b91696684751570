"""Every scenario's trace, metrics and log lines against the conventions."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest
import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind
from structlog.testing import LogCapture

from penstock.testing import Reply

from .conventions import CREATION, SamplerSpy, Send, check_trace
from .telemetry import Recorder, Rig

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FAILED = "penstock.errors.ConnectionFailed"
LATE = "penstock.errors.TimedOut"
CUT = [b"data", httpx.ReadError("cut")]


pytestmark = pytest.mark.filterwarnings("ignore:a response was dropped open:ResourceWarning")


class Scenario(NamedTuple):
    """A call and what is to be told of it.

    Attributes:
        replies: What the server does.
        sends: What is expected of each send.
        outcome: `penstock.outcome` of the call.
        error: Its `error.type`.
        act: Makes the call; a plain GET unless given.
    """

    replies: Sequence[Any]
    sends: Sequence[Send]
    outcome: str = "ok"
    error: str | None = None
    act: Callable[[Rig], Any] = lambda rig: rig.get()


def _keys() -> Callable[[], str]:
    keys = iter(["key-one-0001", "key-two-0002"])
    return lambda: next(keys)


SCENARIOS = {
    "plain": Scenario([200], [Send()]),
    "retry": Scenario([503, 503, 200], [Send(503, "503"), Send(503, "503"), Send()]),
    "redirect": Scenario([Reply(302, headers={"Location": "/b"}), 200], [Send(302), Send()]),
    "connect error": Scenario(
        [httpx.ConnectError("x")] * 3, [Send(None, FAILED)] * 3, "error", FAILED
    ),
    "timeout": Scenario([httpx.ReadTimeout("x")] * 3, [Send(None, LATE)] * 3, "error", LATE),
    "4xx": Scenario([404], [Send(404, "404")], "error", "404"),
    "5xx": Scenario([500, 500, 500], [Send(500, "500")] * 3, "error", "500"),
    "an unknown method": Scenario([200], [Send()], act=lambda rig: rig.request("PURGE", "/x")),
    "cut body": Scenario([Reply(chunks=CUT)] * 3, [Send(None, FAILED)] * 3, "error", FAILED),
    "stream": Scenario([Reply(chunks=[b"a", b"b"])], [Send()], act=lambda rig: rig.read()),
    "stream, retried": Scenario(
        [503, Reply(chunks=[b"a"])], [Send(503, "503"), Send()], act=lambda rig: rig.read()
    ),
    "stream cut": Scenario(
        [Reply(chunks=CUT)], [Send(200, FAILED)], "error", FAILED, lambda rig: rig.read()
    ),
    "stream left early": Scenario([Reply(chunks=[b"a"])], [Send()], act=lambda rig: rig.leave()),
    "stream abandoned": Scenario([Reply(chunks=[b"a"])], [Send()], act=lambda rig: rig.abandon()),
}


@pytest.fixture(params=SCENARIOS, ids=str)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return SCENARIOS[request.param]


def test_traces_follow_the_conventions(colour: Any, scenario: Scenario) -> None:
    """Names, kinds, attributes, types, status and tree are as the table says, in every scenario."""
    rig = Rig(colour, scenario.replies)
    scenario.act(rig)
    check_trace(rig.recorder.spans, scenario.sends, outcome=scenario.outcome, error=scenario.error)


def test_a_renewed_credential_is_a_send(colour: Any) -> None:
    """The send that a 401 led to is the second of one attempt, under the same call."""
    rig = Rig(colour, [401, 200], api_key=_keys())
    rig.get()
    check_trace(rig.recorder.spans, [Send(401, "401"), Send()], outcome="ok", error=None)


def test_a_cancelled_call_is_no_error(colour: Any) -> None:
    """Who cancels has not failed: status Unset, no `error.type`, and it is said who ended it."""
    rig = Rig(colour, [])
    rig.cancelled()
    (call,) = rig.recorder.calls
    check_trace(
        rig.recorder.spans,
        [Send(None)] * len(rig.recorder.sends),
        outcome="cancelled",
        error=None,
    )
    assert (call.attributes or {})["penstock.attempts"] == 1


def test_samplers_see_what_they_need(colour: Any, scenario: Scenario) -> None:
    """What a sampler decides by is there when a send's span starts."""
    spy = SamplerSpy()
    scenario.act(Rig(colour, scenario.replies, Recorder(spy)))
    shown = [attributes for kind, attributes in spy.seen if kind is SpanKind.CLIENT]
    assert len(shown) == len(scenario.sends)
    assert all(attributes >= CREATION for attributes in shown)


def test_nested_in_a_users_span(colour: Any) -> None:
    """The call's span is a child of the span that is current, which stays current afterwards."""
    rig = Rig(colour, [503, 200])
    tracer = rig.recorder.provider.get_tracer("application")
    with tracer.start_as_current_span("work") as work:
        rig.get()
        assert trace.get_current_span() is work
    (call,) = [span for span in rig.recorder.calls if span.name != "work"]
    assert call.parent is not None
    assert call.parent.span_id == work.get_span_context().span_id
    spans = [span for span in rig.recorder.spans if span.name != "work"]
    check_trace(spans, [Send(503, "503"), Send()], outcome="ok", error=None)


def test_sampled_out(colour: Any, scenario: Scenario) -> None:
    """An unsampled trace records nothing and still travels, with its decision."""
    rig = Rig(colour, scenario.replies, Recorder(ALWAYS_OFF))
    scenario.act(rig)
    assert rig.recorder.spans == ()
    flags = [int(sent.headers["traceparent"][-2:], 16) & 1 for sent in rig.script.requests]
    assert flags == [0] * len(scenario.sends)


def test_spans_metrics_and_logs_agree(colour: Any, scenario: Scenario, meter: Any) -> None:
    """A span, its duration and its event say the same of how something ended."""
    capture = LogCapture()
    logger = structlog.wrap_logger(
        None, [capture], wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG)
    )
    rig = Rig(colour, scenario.replies, logger=logger, meter_provider=meter.provider)
    scenario.act(rig)
    measured: list[Any] = []
    for point in meter.points("http.client.request.duration"):
        told = dict(point.attributes)
        ending = told.get("http.response.status_code"), told.get("error.type")
        measured += [ending] * point.count
    assert sorted(measured, key=str) == sorted(map(tuple, scenario.sends), key=str)
    (call,) = meter.points("penstock.client.call.duration")
    assert call.attributes.get("error.type") == scenario.error
    ends = ("http.call.completed", "http.call.failed", "http.stream.closed")
    logged = [event.get("error.type") for event in capture.entries if event["event"] in ends]
    assert logged[-1] == scenario.error
