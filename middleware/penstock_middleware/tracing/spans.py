"""Starts the spans of one client, over `opentelemetry-api`; imported at its first call."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.context import (
    _SUPPRESS_HTTP_INSTRUMENTATION_KEY,
    _SUPPRESS_INSTRUMENTATION_KEY,
    get_current,
)
from opentelemetry.context.context import Context
from opentelemetry.trace import NoOpTracer, SpanKind, get_current_span
from opentelemetry.trace.propagation import _SPAN_KEY

from penstock import __version__
from penstock_middleware.safe_values import safe_values
from penstock_middleware.tracing import conventions
from penstock_middleware.tracing.live_span import LiveSpan, nanoseconds
from penstock_middleware.tracing.propagation import propagate_context

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from penstock import Call, Request, Scope

_TARGETS_KEPT = 256


class Spans:
    """Starts spans with the client's tracer provider, else with the global one.

    Args:
        scope: The client's.
    """

    propagate = staticmethod(propagate_context)

    def __init__(self, scope: Scope) -> None:
        self._provider = scope.tracer_provider
        if self._provider is None:
            trace.get_tracer_provider()  # loads the one `OTEL_PYTHON_TRACER_PROVIDER` names
        self._tracer: Tracer | None = None
        self._is_off = False
        self._methods = conventions.known_methods(os.environ)
        self._targets = _Targets()

    def start_call(self, call: Call) -> LiveSpan | None:
        """Start the span of a whole call; None where nobody listens or spans are suppressed."""
        tracer = self._listening()
        if tracer is None:
            return None
        context = get_current()
        if context.get(_SUPPRESS_INSTRUMENTATION_KEY):
            return None
        name = f"penstock.call {call.operation}" if call.operation else "penstock.call"
        return _start(tracer, name, SpanKind.INTERNAL, _call_attributes(call), call, context)

    def start_send(self, call: Call, request: Request) -> LiveSpan | None:
        """Start the span of one send; None where nobody listens or HTTP spans are suppressed.

        While it is current, HTTP instrumentation below it is suppressed: a send has one CLIENT
        span, whatever else the application has switched on.
        """
        tracer = self._listening()
        if tracer is None:
            return None
        context = get_current()
        if context.get(_SUPPRESS_HTTP_INSTRUMENTATION_KEY) or context.get(
            _SUPPRESS_INSTRUMENTATION_KEY
        ):
            return None
        name = conventions.send_name(request.method, conventions.template_of(call), self._methods)
        target = self._targets.of(request, call)
        attributes = conventions.send_attributes(request, call, self._methods, target)
        return _start(tracer, name, SpanKind.CLIENT, attributes, call, context)

    def _listening(self) -> Tracer | None:
        """Return the tracer, or None as long as the application has set no SDK up."""
        if self._tracer is None and not self._is_off:
            # Looked at, not asked for: `get_tracer_provider` reads the environment each time, which
            # would be most of what a quiet call does here.
            provider = self._provider or trace._TRACER_PROVIDER
            if provider is None:
                return None
            tracer = provider.get_tracer("penstock", __version__, conventions.SCHEMA_URL)
            self._is_off = isinstance(tracer, NoOpTracer)
            self._tracer = None if self._is_off else tracer
        return self._tracer


class _Targets:
    """The attributes of the URLs a client sends to most, which are the same ones all the time."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, Any]] = {}
        self._secrets: tuple[Any, ...] = ()

    def of(self, request: Request, call: Call) -> dict[str, Any]:
        """Return the attributes of where *request* goes."""
        if self._secrets is not call.scope.secrets:
            # What was shown before a secret was known may have it.
            self._kept, self._secrets = {}, call.scope.secrets
        url = str(request.url)
        kept = self._kept.get(url)
        if kept is None:
            kept = conventions.target_attributes(request, call)
            if len(self._kept) < _TARGETS_KEPT:
                self._kept[url] = kept
        return kept


def _start(
    tracer: Tracer,
    name: str,
    kind: SpanKind,
    attributes: dict[str, Any],
    call: Call,
    context: Context,
) -> LiveSpan | None:
    at = nanoseconds(call.runtime.wall())
    span = tracer.start_span(name, context, kind, attributes, start_time=at)
    if not span.is_recording():
        # A tracer that is switched off answers with its parent's identity: nothing began here.
        parent = get_current_span(context).get_span_context()
        if span.get_span_context() == parent:
            return None
    # One copy of the context, where `set_span_in_context` and `set_value` make one each.
    current: dict[str, Any] = {**context, _SPAN_KEY: span}
    if kind is SpanKind.CLIENT:
        current[_SUPPRESS_HTTP_INSTRUMENTATION_KEY] = True
    return LiveSpan(span, Context(current), call, tells_outcome=kind is SpanKind.INTERNAL)


def _call_attributes(call: Call) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    if call.options.attributes:
        attributes = safe_values(call.options.attributes, call.scope.secrets)
        attributes.pop(conventions.TEMPLATE, None)  # its sends': the call's is no HTTP span
    if call.client_name:
        attributes["penstock.client.name"] = call.client_name
    if call.operation:
        attributes["penstock.operation.name"] = call.operation
    return attributes
