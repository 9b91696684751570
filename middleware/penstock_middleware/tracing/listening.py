"""Who listens to a client's telemetry: its own providers, or the global ones once there are any."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from opentelemetry import trace
from opentelemetry.trace import NoOpTracer

from penstock import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Tracer

    from penstock import Scope

InstrumentsT = TypeVar("InstrumentsT")


class Listening(Generic[InstrumentsT]):
    """Finds a client's tracer and its instruments, and asks again as long as nobody listens.

    The global providers are looked at, not asked for: the API's getters read the environment each
    time, which would be most of what a quiet call does here.

    Args:
        scope: The client's.
        name: The name of the instrumentation scope.
        schema_url: Whose names it uses.
        instruments: Makes the instruments of a meter.
    """

    def __init__(
        self,
        scope: Scope,
        name: str,
        schema_url: str,
        instruments: Callable[[Meter], InstrumentsT],
    ) -> None:
        self._name = name
        self._schema_url = schema_url
        self._instruments = instruments
        self._tracer_provider = scope.tracer_provider
        if scope.tracer_provider is None:
            trace.get_tracer_provider()  # loads the one `OTEL_PYTHON_TRACER_PROVIDER` names
        self._tracer: Tracer | None = None
        self._is_untraced = False
        self._meter_provider = scope.meter_provider
        if scope.meter_provider is None and "OTEL_PYTHON_METER_PROVIDER" in os.environ:
            from opentelemetry import metrics

            metrics.get_meter_provider()
        self._metrics: InstrumentsT | None = None
        self._is_unmeasured = False

    def tracer(self) -> Tracer | None:
        """Return the tracer, or None as long as the application has set no SDK up."""
        if self._tracer is None and not self._is_untraced:
            provider = self._tracer_provider or trace._TRACER_PROVIDER
            if provider is None:
                return None
            tracer = provider.get_tracer(self._name, __version__, schema_url=self._schema_url)
            self._is_untraced = isinstance(tracer, NoOpTracer)
            self._tracer = None if self._is_untraced else tracer
        return self._tracer

    def metrics(self) -> InstrumentsT | None:
        """Return the instruments, or None as long as the application has set no SDK up."""
        if self._metrics is None and not self._is_unmeasured:
            provider = self._meter_provider or _global_meter_provider()
            if provider is None:
                return None
            from opentelemetry.metrics import NoOpMeter

            meter = provider.get_meter(self._name, __version__, schema_url=self._schema_url)
            self._is_unmeasured = isinstance(meter, NoOpMeter)
            self._metrics = None if self._is_unmeasured else self._instruments(meter)
        return self._metrics


def _global_meter_provider() -> Any:
    # Whoever has not imported it has set none.
    module = sys.modules.get("opentelemetry.metrics._internal")
    return None if module is None else module._METER_PROVIDER
