"""A client's telemetry, made at its first call: OpenTelemetry is imported then and not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock import Call, Key, Scope

if TYPE_CHECKING:
    from penstock_middleware.tracing.telemetry import Telemetry

_TELEMETRY = Key["Telemetry"]("telemetry")


def telemetry_of(call: Call) -> Telemetry:
    """Return what watches the calls and sends of the client *call* belongs to."""
    return call.once(_TELEMETRY, _open)


def _open(scope: Scope) -> Telemetry:
    from penstock_middleware.tracing.telemetry import Telemetry

    return Telemetry(scope)
