"""Providers of OpenTelemetry's SDK with the exporters that were asked for; imported when they are.

The strings of the environment are those of OpenTelemetry's "Environment Variable Specification".
What stands in them and is not read here, the SDK and its exporters read themselves.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from penstock.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT_ENDPOINT = "http://localhost:4318"
_DEFAULT_GRPC_ENDPOINT = "http://localhost:4317"
"""Where a Collector listens (OTLP specification, "OTLP/HTTP Default Port" and "OTLP/gRPC")."""

_HTTP = "otlp_proto_http"
_PROTOCOLS = {"http/protobuf": _HTTP, "grpc": "otlp_proto_grpc"}
_PACKAGES = {
    _HTTP: "penstock[otel]",
    "otlp_proto_grpc": "opentelemetry-exporter-otlp-proto-grpc",
    "prometheus": "opentelemetry-exporter-prometheus",
}


@dataclass(frozen=True, slots=True, repr=False)
class Wanted:
    """The arguments of `penstock.telemetry.configure`, None where the environment decides."""

    service_name: str | None = None
    endpoint: str | None = None
    headers: Mapping[str, str] | None = None
    resource: Mapping[str, str | bool | int | float] | None = None
    sample_ratio: float | None = None
    timeout: float | None = None
    traces: str | None = None
    metrics: str | None = None


def sdk_is_disabled() -> bool:
    """Tell whether `OTEL_SDK_DISABLED` says so."""
    return os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def signals_set_up() -> frozenset[str]:
    """Return the signals, `traces` and `metrics`, that have a global provider already."""
    taken = set()
    # Asking loads the provider that `OTEL_PYTHON_TRACER_PROVIDER` or its sibling names.
    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        taken.add("traces")
    # The placeholder for metrics has no public name.
    if type(metrics.get_meter_provider()).__name__ != "_ProxyMeterProvider":
        taken.add("metrics")
    return frozenset(taken)


def exporters_of(wanted: Wanted) -> dict[str, tuple[str, ...]]:
    """Return the names of each signal's exporters: `otlp` by default, none for `none`."""
    named = {"traces": wanted.traces, "metrics": wanted.metrics}
    found = {}
    for signal, given in named.items():
        text = given or os.environ.get(f"OTEL_{signal.upper()}_EXPORTER") or "otlp"
        names = dict.fromkeys(name.strip() for name in text.split(","))
        found[signal] = tuple(name for name in names if name not in {"", "none"})
    return found


def endpoint_of(wanted: Wanted, signal: str) -> str:
    """Return where OTLP sends a signal to."""
    if wanted.endpoint is None:
        own = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT")
        if own:
            return own
    base = wanted.endpoint or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if _entry_point("otlp", signal) == _HTTP:
        return f"{(base or _DEFAULT_ENDPOINT).rstrip('/')}/v1/{signal}"
    return base or _DEFAULT_GRPC_ENDPOINT


class Exports:
    """The providers that were made, and what became of their exports.

    Args:
        wanted: What was asked for.
        exporters: The names of each signal's exporters; a signal without has no provider.

    Attributes:
        tracer_provider: For the traces, or None.
        meter_provider: For the metrics, or None.
        failures: How many exports failed.

    Raises:
        ConfigurationError: An exporter is not installed.
    """

    def __init__(self, wanted: Wanted, exporters: Mapping[str, tuple[str, ...]]) -> None:
        self.failures = 0
        self.tracer_provider: TracerProvider | None = None
        self.meter_provider: MeterProvider | None = None
        # Exporters are made before any provider: what is missing is found before anything starts.
        made = {
            signal: [_exporter(name, signal, wanted) for name in names]
            for signal, names in exporters.items()
        }
        own = {"service.name": wanted.service_name} if wanted.service_name else {}
        resource = Resource.create({**(wanted.resource or {}), **own})
        if made["traces"]:
            ratio = wanted.sample_ratio
            sampler = None if ratio is None else ParentBasedTraceIdRatio(ratio)
            self.tracer_provider = TracerProvider(sampler=sampler, resource=resource)
            for exporter in made["traces"]:
                self.tracer_provider.add_span_processor(BatchSpanProcessor(self._told(exporter)))
        if made["metrics"]:
            readers = [self._reader(exporter) for exporter in made["metrics"]]
            self.meter_provider = MeterProvider(metric_readers=readers, resource=resource)
        self._providers: list[Any] = [
            provider for provider in (self.tracer_provider, self.meter_provider) if provider
        ]

    def set_global(self) -> None:
        """Make the providers those of the process."""
        if self.tracer_provider is not None:
            trace.set_tracer_provider(self.tracer_provider)
        if self.meter_provider is not None:
            metrics.set_meter_provider(self.meter_provider)

    def flush(self, timeout: float) -> bool:
        """Export what has ended, waiting *timeout* seconds for each; tell whether it arrived."""
        before = self.failures
        flushed = [provider.force_flush(int(timeout * 1000)) for provider in self._providers]
        return all(flushed) and self.failures == before

    def shutdown(self) -> None:
        """Export what has ended and stop, once."""
        providers, self._providers = self._providers, []
        for provider in providers:
            provider.shutdown()

    def _reader(self, exporter: Any) -> MetricReader:
        if isinstance(exporter, MetricReader):  # one that is asked, as Prometheus asks
            return exporter
        return PeriodicExportingMetricReader(self._told(exporter))

    def _told(self, exporter: Any) -> Any:
        """Return *exporter*, whose failures are counted from now on: the SDK keeps them quiet."""
        export = exporter.export

        def counted(*args: Any, **named: Any) -> Any:
            try:
                result = export(*args, **named)
            except Exception:  # the SDK logs it, and goes on
                self.failures += 1
                raise
            if result.name != "SUCCESS":
                self.failures += 1
            return result

        exporter.export = counted
        return exporter


def _entry_point(name: str, signal: str) -> str:
    """Return the name of an exporter's entry point: `otlp` is one for each protocol."""
    if name != "otlp":
        return name
    protocol = (
        os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL")
        or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
        or "http/protobuf"
    )
    return _PROTOCOLS.get(protocol, protocol)


def _exporter(name: str, signal: str, wanted: Wanted) -> Any:
    entry = _entry_point(name, signal)
    found = list(entry_points(group=f"opentelemetry_{signal}_exporter", name=entry))
    if not found:
        hint = f": pip install '{_PACKAGES[entry]}'" if entry in _PACKAGES else ""
        raise ConfigurationError(f"no exporter {entry!r} for {signal} is installed{hint}")
    make = found[0].load()
    if name != "otlp":
        return make()
    given: dict[str, Any] = {"headers": wanted.headers, "timeout": wanted.timeout}
    if wanted.endpoint is not None:
        given["endpoint"] = endpoint_of(wanted, signal)
    return make(**{name: value for name, value in given.items() if value is not None})
