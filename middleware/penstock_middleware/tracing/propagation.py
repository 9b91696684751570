"""How a send tells the server which trace it is part of; imported at a client's first call."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import get_current
from opentelemetry.propagate import get_global_textmap
from opentelemetry.propagators.textmap import Setter, default_setter
from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from opentelemetry.context import Context
    from opentelemetry.propagators.textmap import TextMapPropagator


def propagate_context(
    headers: MutableMapping[str, str], context: Context | None = None, *, baggage: bool
) -> None:
    """Put a trace on *headers* with the application's propagators (`OTEL_PROPAGATORS`).

    It replaces what an earlier send or the caller left there. An unsampled trace travels too, and
    so does a remote parent where there is no SDK; without any trace the headers stay as they are.

    Args:
        headers: The request's.
        context: The context of a span of ours; the current one unless given.
        baggage: Whether baggage goes along, which may tell a stranger what is none of their
            business (W3C Baggage, Security Considerations).
    """
    if context is None:
        context = get_current()
        if not context:
            return
    span = get_current_span(context).get_span_context()
    if not (span.is_valid or baggage):
        return
    if span.is_valid and "tracestate" in headers:
        del headers["tracestate"]  # it may be of another trace
    propagator = get_global_textmap()
    if baggage or not _is_default(propagator):
        propagator.inject(headers, context, default_setter if baggage else _ALL_BUT_BAGGAGE)
        return
    # W3C Trace Context §3.2 and §3.3, put together here in a third of the time: nearly every send.
    headers["traceparent"] = f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
    if span.trace_state:
        headers["tracestate"] = span.trace_state.to_header()


@lru_cache(maxsize=8)
def _is_default(propagator: TextMapPropagator) -> bool:
    """Tell whether *propagator* is OpenTelemetry's default: trace context and baggage."""
    parts = getattr(propagator, "_propagators", ())
    return {type(part) for part in parts} == {TraceContextTextMapPropagator, W3CBaggagePropagator}


class _AllButBaggage(Setter[Any]):
    def set(self, carrier: Any, key: str, value: str) -> None:
        if key != "baggage":
            carrier[key] = value


_ALL_BUT_BAGGAGE = _AllButBaggage()
