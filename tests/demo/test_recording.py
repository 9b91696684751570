"""Spans and log events kept in memory."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    NoOpTracerProvider,
    ProxyTracerProvider,
    SpanKind,
    Status,
    StatusCode,
)

from penstock.demo.recording import LogLine, Recorder, recording, recording_logger


def test_spans_are_kept_by_the_recording_they_happen_in() -> None:
    """Each recording has its own, in the order they began, and none is kept outside of one."""
    tracer = Recorder().get_tracer("t")
    tracer.start_span("before").end()
    with recording() as one:
        tracer.start_span("first").end()
        tracer.start_span("second").end()
    with recording() as other:
        tracer.start_span("third").end()
    assert [span.name for span in one.spans] == ["first", "second"]
    assert [span.name for span in other.spans] == ["third"]


def test_a_span_knows_the_one_above() -> None:
    """A span started below another is its child and of its trace."""
    tracer = Recorder().get_tracer("t")
    with recording() as kept, tracer.start_as_current_span("above"):
        tracer.start_span("below", kind=SpanKind.CLIENT, attributes={"a": 1})
    above, below = kept.spans
    assert (above.parent_id, below.parent_id) == (None, above.span_id)
    assert below.get_span_context().trace_id == above.get_span_context().trace_id
    assert (below.kind, below.attributes) == (SpanKind.CLIENT, {"a": 1})
    assert not above.is_recording()


def test_a_span_keeps_what_it_is_told() -> None:
    """Name, attributes, status and the first end are kept; events and exceptions are not."""
    with recording() as kept:
        span = Recorder().get_tracer("t").start_span("a", start_time=1_000_000_000)
    span.update_name("b")
    span.set_attribute("x", 1)
    span.set_attributes({"y": 2})
    span.set_status(StatusCode.OK)
    span.set_status(Status(StatusCode.ERROR))
    span.add_event("e")
    span.record_exception(ValueError())
    span.end(3_500_000_000)
    span.end(9_000_000_000)
    (seen,) = kept.spans
    assert (seen.name, seen.attributes, seen.seconds) == ("b", {"x": 1, "y": 2}, 2.5)
    assert seen.status.status_code is StatusCode.ERROR


def test_spans_are_exported_beside() -> None:
    """A provider beside makes the same spans: identity, parents, times, and all they are told."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = Recorder(provider).get_tracer("scope", "1.0")
    with recording() as kept, tracer.start_as_current_span("above"):
        span = tracer.start_span("first", kind=SpanKind.CLIENT, attributes={"a": 1}, start_time=10)
        span.update_name("below")
        span.set_attribute("b", 2)
        span.set_attributes({"c": 3})
        span.set_status(StatusCode.ERROR, "no")
        span.add_event("e")
        span.record_exception(ValueError("wrong"))
        span.end(20)
    below, above = exporter.get_finished_spans()
    assert [told.span_id for told in kept.spans] == [
        told.get_span_context().span_id for told in (above, below)
    ]
    assert kept.spans[0].trace_id == below.get_span_context().trace_id
    assert below.parent == above.get_span_context()
    assert (below.name, below.kind, below.start_time, below.end_time) == (
        "below",
        SpanKind.CLIENT,
        10,
        20,
    )
    assert dict(below.attributes or {}) == {"a": 1, "b": 2, "c": 3} == kept.spans[1].attributes
    assert (below.status.status_code, below.status.description) == (StatusCode.ERROR, "no")
    assert [event.name for event in below.events] == ["e", "exception"]
    assert below.instrumentation_scope is not None
    assert below.instrumentation_scope.name == "scope"


@pytest.mark.parametrize("off", [NoOpTracerProvider(), ProxyTracerProvider()])
def test_a_provider_beside_that_is_off(off: TracerProvider) -> None:
    """Spans have identities of their own then, and know the ones above."""
    tracer = Recorder(off).get_tracer("t")
    with recording() as kept, tracer.start_as_current_span("above"):
        tracer.start_span("below").end()
    above, below = kept.spans
    assert (above.parent_id, below.parent_id) == (None, above.span_id)
    assert above.span_id != below.span_id
    assert above.trace_id == below.trace_id != 0


def test_log_events_are_kept_whole() -> None:
    """Level, name and fields are kept; nothing is printed."""
    logger = recording_logger()
    logger.info("nobody.listens")
    with recording() as kept:
        logger.debug("a.thing.happened", count=3)
    assert kept.lines == [LogLine("debug", "a.thing.happened", {"count": 3})]
