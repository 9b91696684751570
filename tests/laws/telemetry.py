"""Telemetry that remembers what it was told, with ids that count: equal runs tell the same."""

from __future__ import annotations

import itertools
from functools import partialmethod
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator


class _Counting(IdGenerator):
    def __init__(self) -> None:
        self._ids = itertools.count(1)

    def generate_span_id(self) -> int:
        return next(self._ids)

    def generate_trace_id(self) -> int:
        return next(self._ids)


class Telemetry:
    """A logger, and the tracer provider beside it.

    Attributes:
        options: What a client is given of it.
        lines: The events it was told: level, event, fields.
    """

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        provider = TracerProvider(
            id_generator=_Counting(), resource=Resource.get_empty(), shutdown_on_exit=False
        )
        provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self.options: dict[str, Any] = {"logger": self, "tracer_provider": provider}
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def _tell(self, level: str, event: str, **fields: Any) -> None:
        self.lines.append((level, event, fields))

    debug = partialmethod(_tell, "debug")
    info = partialmethod(_tell, "info")
    warning = partialmethod(_tell, "warning")
    error = partialmethod(_tell, "error")

    def told(self) -> tuple[Any, ...]:
        """Return the log and the finished spans."""
        spans = [
            (span.name, parent, span.start_time, span.end_time, dict(span.attributes or {}))
            for span, parent in self._with_parents()
        ]
        return self.lines, spans

    def children(self) -> dict[str | None, list[str]]:
        """Return the names of the spans below each span, by its name."""
        found: dict[str | None, list[str]] = {}
        for span, parent in self._with_parents():
            found.setdefault(parent, []).append(span.name)
        return found

    def _with_parents(self) -> list[tuple[Any, str | None]]:
        spans: Any = self._spans.get_finished_spans()
        names = {span.context.span_id: span.name for span in spans}
        return [(span, names[span.parent.span_id] if span.parent else None) for span in spans]

    def forget(self) -> None:
        """Drop what it was told."""
        self.lines.clear()
        self._spans.clear()
