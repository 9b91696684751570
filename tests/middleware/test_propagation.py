"""The laws of what a send tells the server about its trace."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

from penstock import Stack
from penstock.middleware import AttemptTracing, Auth, Redirect, Retry, Tracing
from penstock.testing import Reply

from .telemetry import Recorder, Rig

if TYPE_CHECKING:
    from collections.abc import Iterator

STALE = {"traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01", "tracestate": "stale=1"}


@contextmanager
def current(ctx: context.Context) -> Iterator[None]:
    token = context.attach(ctx)
    yield
    context.detach(token)


def traceparents(rig: Rig) -> list[list[str]]:
    return [request.headers.get_list("traceparent") for request in rig.script.requests]


def test_every_send_is_its_own_parent(colour: Any) -> None:
    """Each send carries one `traceparent`: the trace's id, and its own span's."""
    rig = Rig(colour, [503, Reply(302, headers={"Location": "/there"}), 200])
    rig.get()
    sends = [span.context for span in rig.recorder.sends]
    assert traceparents(rig) == [
        [f"00-{ctx.trace_id:032x}-{ctx.span_id:016x}-{ctx.trace_flags:02x}"] for ctx in sends if ctx
    ]


def test_stale_headers_are_replaced(colour: Any) -> None:
    """The trace of a forwarded request gives way whole to the send's own."""
    rig = Rig(colour, [200], headers=STALE)
    rig.get()
    (headers,) = [request.headers for request in rig.script.requests]
    (send,) = rig.recorder.sends
    assert send.context is not None
    assert headers.get_list("traceparent")[0][36:52] == f"{send.context.span_id:016x}"
    assert "tracestate" not in headers


def test_without_a_trace_headers_stand(colour: Any) -> None:
    """Where there is no trace, what the caller put on a request is sent as it is."""
    rig = Rig(colour, [200], headers=STALE, tracer_provider=None)
    rig.get()
    assert STALE.items() <= dict(rig.script.requests[0].headers).items()


def test_a_remote_parent_passes_through(colour: Any) -> None:
    """Without an SDK the trace that came from outside goes on as it is."""
    state = TraceState([("vendor", "x")])
    remote = SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(1), trace_state=state)
    rig = Rig(colour, [503, 200], tracer_provider=None)
    with current(trace.set_span_in_context(NonRecordingSpan(remote))):
        rig.get()
    for request in rig.script.requests:
        assert request.headers["traceparent"] == f"00-{7:032x}-{8:016x}-01"
        assert request.headers["tracestate"] == "vendor=x"


class Stateful(Sampler):
    """A sampler that gives its spans a trace state."""

    def should_sample(self, *shown: Any, **more: Any) -> SamplingResult:
        return SamplingResult(Decision.DROP, trace_state=TraceState([("vendor", "new")]))

    def get_description(self) -> str:
        return "stateful"


def test_the_trace_state_travels(colour: Any) -> None:
    """The trace state of a send's span replaces any other."""
    rig = Rig(colour, [200], Recorder(Stateful()), headers=STALE)
    rig.get()
    assert rig.script.requests[0].headers.get_list("tracestate") == ["vendor=new"]


@pytest.mark.parametrize(
    ("propagate", "sent"),
    [("trace", {"traceparent"}), ("all", {"traceparent", "baggage"}), ("none", set())],
)
def test_baggage_stays_at_home(propagate: str, sent: set[str], colour: Any) -> None:
    """The trace goes along, baggage only on request, and nothing if so asked."""
    stack = Stack([Tracing(), Retry(), AttemptTracing(propagate=propagate)])
    rig = Rig(colour, [200], stack=stack)
    with current(baggage.set_baggage("customer", "8341")):
        rig.get()
    assert {"traceparent", "baggage"} & rig.script.requests[0].headers.keys() == sent


def test_baggage_needs_no_trace(colour: Any) -> None:
    """On request baggage goes along where there is no trace, too."""
    rig = Rig(colour, [200], stack=Stack([AttemptTracing(propagate="all")]), tracer_provider=None)
    with current(baggage.set_baggage("customer", "8341")):
        rig.get()
    assert rig.script.requests[0].headers["baggage"] == "customer=8341"


def test_the_callers_baggage_header_stands(colour: Any) -> None:
    """A `baggage` header the caller wrote is the caller's business."""
    rig = Rig(colour, [200], headers={"baggage": "mine=1"})
    rig.get()
    assert rig.script.requests[0].headers["baggage"] == "mine=1"


def test_to_another_origin(colour: Any) -> None:
    """A redirect to another origin takes the trace along, and not the first send's."""
    moved = Reply(302, headers={"Location": "https://else.example/there"})
    stack = Stack([Redirect(), Auth(), AttemptTracing()])
    rig = Rig(colour, [moved, 200], stack=stack, api_key="sk-secret")
    rig.get()
    first, second = traceparents(rig)
    assert len(first) == len(second) == 1
    assert first != second
