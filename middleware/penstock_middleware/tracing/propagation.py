"""How a send tells the server which trace it is part of; imported at a client's first call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.context import get_current
from opentelemetry.propagate import inject
from opentelemetry.trace import get_current_span

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from opentelemetry.context import Context


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
        if not context or not (baggage or get_current_span(context).get_span_context().is_valid):
            return
    fields: dict[str, str] = {}
    inject(fields, context)
    if not baggage:
        fields.pop("baggage", None)
    if "traceparent" in fields and "tracestate" in headers:
        del headers["tracestate"]  # it may be of another trace
    for name, value in fields.items():
        headers[name] = value
