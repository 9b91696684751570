"""Which span is the current one, for whoever writes a log line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext


def current_span_context() -> SpanContext | None:
    """Return the identity of OpenTelemetry's current span, or None where there is none.

    Asking never imports OpenTelemetry.
    """
    trace = sys.modules.get("opentelemetry.trace")  # whoever has not imported it has no span
    if trace is None:
        return None
    context: SpanContext = trace.get_current_span().get_span_context()
    return context if context.is_valid else None
