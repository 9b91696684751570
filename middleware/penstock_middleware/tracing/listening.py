"""Who listens to a client's telemetry: its own providers, or the global ones once there are any."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.trace import NoOpTracer

from penstock import __version__
from penstock_middleware.tracing.conventions import SCHEMA_URL

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

    from penstock_middleware.tracing.metrics import Metrics

_SCOPE = ("penstock", __version__)


class Listening:
    """Finds a client's tracer and its instruments, and asks again as long as nobody listens.

    The global providers are looked at, not asked for: the API's getters read the environment each
    time, which would be most of what a quiet call does here.

    Args:
        tracer_provider: The client's own, or None for the global one.
        meter_provider: The client's own, or None for the global one.
    """

    def __init__(self, tracer_provider: Any, meter_provider: Any) -> None:
        self._tracer_provider = tracer_provider
        if tracer_provider is None:
            trace.get_tracer_provider()  # loads the one `OTEL_PYTHON_TRACER_PROVIDER` names
        self._tracer: Tracer | None = None
        self._is_untraced = False
        self._meter_provider = meter_provider
        if meter_provider is None and "OTEL_PYTHON_METER_PROVIDER" in os.environ:
            from opentelemetry import metrics

            metrics.get_meter_provider()
        self._metrics: Metrics | None = None
        self._is_unmeasured = False

    def tracer(self) -> Tracer | None:
        """Return the tracer, or None as long as the application has set no SDK up."""
        if self._tracer is None and not self._is_untraced:
            provider = self._tracer_provider or trace._TRACER_PROVIDER
            if provider is None:
                return None
            tracer = provider.get_tracer(*_SCOPE, SCHEMA_URL)
            self._is_untraced = isinstance(tracer, NoOpTracer)
            self._tracer = None if self._is_untraced else tracer
        return self._tracer

    def metrics(self) -> Metrics | None:
        """Return the instruments, or None as long as the application has set no SDK up."""
        if self._metrics is None and not self._is_unmeasured:
            provider = self._meter_provider or _global_meter_provider()
            if provider is None:
                return None
            from opentelemetry.metrics import NoOpMeter

            from penstock_middleware.tracing.metrics import Metrics

            meter = provider.get_meter(*_SCOPE, schema_url=SCHEMA_URL)
            self._is_unmeasured = isinstance(meter, NoOpMeter)
            self._metrics = None if self._is_unmeasured else Metrics(meter)
        return self._metrics


def _global_meter_provider() -> Any:
    # Whoever has not imported it has set none.
    module = sys.modules.get("opentelemetry.metrics._internal")
    return None if module is None else module._METER_PROVIDER
