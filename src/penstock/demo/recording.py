"""What a call of the demo says of itself: its spans and log events, kept in memory.

The recorder stands on opentelemetry-api alone, so that the demo needs no SDK to show spans.
"""

from __future__ import annotations

import random
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry import trace
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.context import Context


class LogLine(NamedTuple):
    """One log event.

    Attributes:
        level: Such as `info`.
        event: Its dotted name.
        fields: Everything else it says.
    """

    level: str
    event: str
    fields: dict[str, Any]


@dataclass
class Recording:
    """What was recorded while it was the current one.

    Attributes:
        spans: In the order they began.
        lines: In the order they were logged.
    """

    spans: list[RecordedSpan] = field(default_factory=list)
    lines: list[LogLine] = field(default_factory=list)


_CURRENT: ContextVar[Recording | None] = ContextVar("penstock.demo.recording", default=None)


@contextmanager
def recording() -> Iterator[Recording]:
    """Keep, in this thread or task, every span and log event in the `Recording` this gives."""
    kept = Recording()
    token = _CURRENT.set(kept)
    try:
        yield kept
    finally:
        _CURRENT.reset(token)


class RecordedSpan(trace.Span):
    """A span that keeps everything it is told.

    Args:
        name: Its name.
        parent: The identity of the span above, which may be invalid.
        kind: Its kind.
        attributes: What is known at its start.
        start: Nanoseconds since the epoch; now unless given.
        beside: A span of another tracer that is told the same and gives the identity; or None.

    Attributes:
        name: Its name.
        kind: Its kind.
        parent_id: The id of the span above, or None.
        attributes: As set last.
        start: Nanoseconds since the epoch.
        ended: Nanoseconds since the epoch, or None while it lasts.
        status: As set last.
    """

    def __init__(
        self,
        name: str,
        parent: SpanContext,
        kind: SpanKind,
        attributes: Mapping[str, Any] | None,
        start: int | None,
        beside: trace.Span | None = None,
    ) -> None:
        self._beside = beside or trace.INVALID_SPAN
        self.name = name
        self.kind = kind
        self.parent_id = parent.span_id if parent.is_valid else None
        self.attributes: dict[str, Any] = dict(attributes or {})
        self.start = start or time.time_ns()
        self.ended: int | None = None
        self.status = Status(StatusCode.UNSET)
        given = parent if beside is None else beside.get_span_context()
        # A tracer that is switched off answers with no identity, or with the one above.
        is_new = given.is_valid and given.span_id != parent.span_id
        self._context = given if is_new else _identity_below(parent)

    @property
    def span_id(self) -> int:
        """Its id."""
        return self._context.span_id

    @property
    def trace_id(self) -> int:
        """Its trace."""
        return self._context.trace_id

    @property
    def seconds(self) -> float:
        """How long it took, or has taken."""
        return ((self.ended or time.time_ns()) - self.start) / 1e9

    def get_span_context(self) -> SpanContext:
        """Return its identity."""
        return self._context

    def is_recording(self) -> bool:
        """Tell whether it still lasts."""
        return self.ended is None

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Keep attributes."""
        self.attributes.update(attributes)
        self._beside.set_attributes(attributes)

    def set_attribute(self, key: str, value: Any) -> None:
        """Keep an attribute."""
        self.attributes[key] = value
        self._beside.set_attribute(key, value)

    def update_name(self, name: str) -> None:
        """Take another name."""
        self.name = name
        self._beside.update_name(name)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Keep the status."""
        self.status = status if isinstance(status, Status) else Status(status, description)
        self._beside.set_status(self.status)

    def add_event(
        self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None
    ) -> None:
        """Pass an event on: Penstock makes none."""
        self._beside.add_event(name, attributes, timestamp)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Pass an exception on: Penstock records none as an event."""
        self._beside.record_exception(exception, attributes, timestamp, escaped)

    def end(self, end_time: int | None = None) -> None:
        """End it; the first end holds."""
        if self.ended is None:
            self.ended = end_time or time.time_ns()
            self._beside.end(self.ended)


class Recorder(trace.TracerProvider):
    """A tracer provider whose spans go to the current `Recording`.

    Args:
        beside: A provider whose tracers make the same spans, to export them; or None.
    """

    def __init__(self, beside: trace.TracerProvider | None = None) -> None:
        self._beside = beside

    def get_tracer(self, *args: Any, **named: Any) -> trace.Tracer:
        """Return a tracer that records."""
        return _Tracer(self._beside.get_tracer(*args, **named) if self._beside else None)


class _Tracer(trace.Tracer):
    def __init__(self, beside: trace.Tracer | None) -> None:
        self._beside = beside

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Any = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> RecordedSpan:
        """Start a span below the current one, or the one in *context*."""
        parent = trace.get_current_span(context).get_span_context()
        start = start_time or time.time_ns()
        beside: trace.Span | None = None
        if self._beside is not None:
            beside = self._beside.start_span(
                name,
                context,
                kind,
                attributes,
                links,
                start,
                record_exception,
                set_status_on_exception,
            )
        span = RecordedSpan(name, parent, kind, attributes, start, beside)
        current = _CURRENT.get()
        if current is not None:
            current.spans.append(span)
        return span

    def start_as_current_span(self, name: str, *args: Any, **named: Any) -> Any:
        """Return a context manager that starts a span and makes it the current one."""
        end_on_exit = named.pop("end_on_exit", True)
        return trace.use_span(self.start_span(name, *args, **named), end_on_exit=end_on_exit)


def _identity_below(parent: SpanContext) -> SpanContext:
    return SpanContext(
        parent.trace_id if parent.is_valid else random.getrandbits(128),
        random.getrandbits(64),
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )


def recording_logger() -> Any:
    """Return a structlog logger whose events go to the current `Recording`."""
    import structlog

    return structlog.wrap_logger(
        None, processors=[_keep], wrapper_class=structlog.make_filtering_bound_logger(0)
    )


def _keep(_logger: Any, level: str, fields: Any) -> Any:
    import structlog

    current = _CURRENT.get()
    if current is not None:
        current.lines.append(LogLine(level, fields.pop("event", ""), dict(fields)))
    raise structlog.DropEvent
