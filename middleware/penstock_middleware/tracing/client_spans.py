"""A client's spans, made at its first call: OpenTelemetry is imported then and not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock import Call, Key, Scope

if TYPE_CHECKING:
    from penstock_middleware.tracing.spans import Spans

_SPANS = Key["Spans"]("spans")


def spans_of(call: Call) -> Spans:
    """Return what starts the spans of the client *call* belongs to."""
    return call.once(_SPANS, _open)


def _open(scope: Scope) -> Spans:
    from penstock_middleware.tracing.spans import Spans

    return Spans(scope)
