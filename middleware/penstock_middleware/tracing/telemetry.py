"""Starts the spans of one client and its durations, over `opentelemetry-api`."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from opentelemetry.context import (
    _SUPPRESS_HTTP_INSTRUMENTATION_KEY,
    _SUPPRESS_INSTRUMENTATION_KEY,
    get_current,
)
from opentelemetry.context.context import Context
from opentelemetry.trace import INVALID_SPAN, SpanKind, get_current_span
from opentelemetry.trace.propagation import _SPAN_KEY

from penstock_middleware.safe_values import safe_values
from penstock_middleware.tracing import conventions
from penstock_middleware.tracing.captured import Captured
from penstock_middleware.tracing.listening import Listening
from penstock_middleware.tracing.live_span import LiveSpan
from penstock_middleware.tracing.metrics import Metrics
from penstock_middleware.tracing.propagation import propagate_context
from penstock_middleware.tracing.targets import Targets

if TYPE_CHECKING:
    from collections.abc import Collection

    from opentelemetry.trace import Span, Tracer

    from penstock import Call, Request, Scope
    from penstock_middleware.tracing.live_span import Measure


class Telemetry:
    """Starts spans and durations with the client's providers, else with the global ones.

    Args:
        scope: The client's.

    Attributes:
        captured: Which headers spans show, or None for none.
    """

    propagate = staticmethod(propagate_context)

    def __init__(self, scope: Scope) -> None:
        self._listening = Listening(scope, "penstock", conventions.SCHEMA_URL, Metrics)
        self._targets = Targets(conventions.known_methods(os.environ))
        self.captured = Captured(os.environ) or None

    def start_call(self, call: Call) -> LiveSpan | None:
        """Start watching a whole call; None where nobody listens or telemetry is suppressed."""
        tracer, measure = self._listening.tracer(), self.measure_call(call)
        if tracer is None and measure is None:
            return None
        name = f"penstock.call {call.operation}" if call.operation else "penstock.call"
        return start_call_span(tracer, name, SpanKind.INTERNAL, of_call(call), call, measure)

    def measure_call(self, call: Call) -> Measure | None:
        """Return what records how long a whole call took; None where nobody measures."""
        metrics = self._listening.metrics()
        return None if metrics is None else partial(metrics.call_ended, call)

    def start_send(
        self, call: Call, request: Request, optional: Collection[str] = ()
    ) -> LiveSpan | None:
        """Start watching one send; None where nobody listens or HTTP telemetry is suppressed.

        While it is current, HTTP instrumentation below it is suppressed: a send has one CLIENT span
        and one duration, whatever else the application has switched on.

        Args:
            call: The call.
            request: What is about to be sent.
            optional: Which of the metrics that are not always recorded are.
        """
        tracer, metrics = self._listening.tracer(), self._listening.metrics()
        if tracer is None and metrics is None:
            return None
        context = get_current()
        if context.get(_SUPPRESS_HTTP_INSTRUMENTATION_KEY) or context.get(
            _SUPPRESS_INSTRUMENTATION_KEY
        ):
            return None
        target = self._targets.of(request, call)
        if metrics is not None and conventions.OPEN_CONNECTIONS in optional:
            metrics.count_connections(call.scope)
        measure = None if metrics is None else metrics.start_send(target, request, call, optional)
        attributes = conventions.send_attributes(request, call, target.attributes)
        return _start(
            tracer,
            target.name,
            SpanKind.CLIENT,
            attributes,
            call,
            context,
            measure,
            is_send=True,
        )


def start_call_span(
    tracer: Tracer | None,
    name: str,
    kind: SpanKind,
    attributes: dict[str, Any],
    call: Call,
    measure: Measure | None,
) -> LiveSpan | None:
    """Start the span of a whole call; None where telemetry is suppressed.

    Args:
        tracer: The tracer, or None where nobody traces.
        name: The name of the span.
        kind: Its kind.
        attributes: What it has from its start.
        call: The call.
        measure: Records what it took, or None where nobody measures.
    """
    context = get_current()
    if context.get(_SUPPRESS_INSTRUMENTATION_KEY):
        return None
    return _start(tracer, name, kind, attributes, call, context, measure, is_send=False)


def _start(
    tracer: Tracer | None,
    name: str,
    kind: SpanKind,
    attributes: dict[str, Any],
    call: Call,
    context: Context,
    measure: Measure | None,
    *,
    is_send: bool,
) -> LiveSpan | None:
    started, at = call.runtime.now(), int(call.runtime.wall() * 1e9)
    current: dict[str, Any] = {_SUPPRESS_HTTP_INSTRUMENTATION_KEY: True} if is_send else {}
    span: Span = INVALID_SPAN
    if tracer is not None:
        span = tracer.start_span(name, context, kind, attributes, start_time=at)
        if span.is_recording() or _began(span, context):
            current[_SPAN_KEY] = span
        elif measure is None:
            return None
    within = Context({**context, **current})
    return LiveSpan(span, within, call, at, started, measure, tells_outcome=not is_send)


def _began(span: Span, context: Context) -> bool:
    """Tell whether *span* is one: a tracer that is switched off gives its parent's identity."""
    return span.get_span_context() != get_current_span(context).get_span_context()


def of_call(call: Call) -> dict[str, Any]:
    """Return what the span of a whole call has from its start."""
    attributes: dict[str, Any] = {}
    if call.options.attributes:
        attributes = safe_values(call.options.attributes, call.scope.secrets)
        attributes.pop(conventions.TEMPLATE, None)  # its sends': the call's is no HTTP span
    if call.client_name:
        attributes["penstock.client.name"] = call.client_name
    if call.operation:
        attributes["penstock.operation.name"] = call.operation
    return attributes
