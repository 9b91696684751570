"""OpenTelemetry for an application in one line: `penstock.telemetry.configure(service_name=…)`.

A library never calls it: its clients take `tracer_provider=` and `meter_provider=`. Importing this
module loads nothing of OpenTelemetry; `configure` does.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

from penstock.checks import check_mapping, check_seconds, check_text
from penstock.errors import ConfigurationError, InvalidOption
from penstock.headers import check_header
from penstock.redact import safe_url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

    from penstock.exporting import Exports, Wanted

__all__ = ["Signal", "Telemetry", "configure"]

State = Literal["exporting", "application", "off"]

_WORDS = {
    "application": "left alone: the application has set its own provider up",
    "off": "off",
}
_lock = threading.Lock()
_installed: Telemetry | None = None


class Signal(NamedTuple):
    """What became of one signal, traces or metrics.

    Attributes:
        state: `exporting`; `application`, where the application has set a provider up already and
            nothing was done; or `off`.
        exporters: The names of the exporters, such as `otlp`.
        endpoint: Where `otlp` sends to, redacted; None for others.
    """

    state: State
    exporters: tuple[str, ...] = ()
    endpoint: str | None = None

    def __str__(self) -> str:
        if self.state != "exporting":
            return _WORDS[self.state]
        where = f" to {self.endpoint}" if self.endpoint else ""
        return f"exporting by {', '.join(self.exporters)}{where}"


class Telemetry:
    """What `configure` set up, and the way to end it. A context manager shuts it down at its end.

    Attributes:
        traces: What became of the traces.
        metrics: What became of the metrics.
        tracer_provider: The provider that was made, or None.
        meter_provider: The provider that was made, or None.
    """

    def __init__(self, traces: Signal, metrics: Signal, exports: Exports | None) -> None:
        self.traces = traces
        self.metrics = metrics
        self._exports = exports
        self.tracer_provider: TracerProvider | None = exports.tracer_provider if exports else None
        self.meter_provider: MeterProvider | None = exports.meter_provider if exports else None

    @property
    def failures(self) -> int:
        """How many exports failed for good; what they had is lost."""
        return self._exports.failures if self._exports else 0

    def flush(self, timeout: float = 10.0) -> bool:
        """Export what has ended by now.

        Args:
            timeout: Seconds to wait for each signal. One export may take as long as its own
                timeout on top (`configure(timeout=)`).

        Returns:
            Whether all of it arrived; True where there is nothing of ours to export.
        """
        return self._exports is None or self._exports.flush(timeout)

    def shutdown(self) -> None:
        """Export what has ended, and stop. A second call does nothing.

        It happens by itself when the process ends. Providers of the application's own are left
        alone. A global provider cannot be replaced: after this, nothing is exported any more.
        """
        if self._exports is not None:
            self._exports.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()

    def __repr__(self) -> str:
        return f"Telemetry(traces={self.traces.state!r}, metrics={self.metrics.state!r})"

    def __str__(self) -> str:
        return f"traces: {self.traces}\nmetrics: {self.metrics}"


def configure(
    service_name: str | None = None,
    *,
    endpoint: str | None = None,
    headers: Mapping[str, str] | None = None,
    resource: Mapping[str, str | bool | int | float] | None = None,
    sample_ratio: float | None = None,
    timeout: float | None = None,
    traces: str | None = None,
    metrics: str | None = None,
    set_global: bool = True,
) -> Telemetry:
    """Export the application's traces and metrics, by OTLP over HTTP unless told otherwise.

    An argument beats its environment variable; what is not given is read from the variables that
    OpenTelemetry specifies ("Environment Variable Specification" and "OTLP Exporter
    Configuration"): `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`,
    `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER`, `OTEL_EXPORTER_OTLP_*`, `OTEL_BSP_*`,
    `OTEL_METRIC_EXPORT_INTERVAL`, … `OTEL_SDK_DISABLED=true` switches everything off.

    Where the application has set a provider up already, by hand or with `opentelemetry-instrument`,
    nothing is done for that signal, and the result says so. Called again it does nothing, and
    returns what the first call returned.

    Args:
        service_name: `service.name`, by which every backend files what it gets.
        endpoint: Where OTLP goes, such as `http://localhost:4318`: `/v1/traces` and `/v1/metrics`
            are added. The default is `OTEL_EXPORTER_OTLP_ENDPOINT`, else that very URL.
        headers: What each export carries, such as a vendor's key.
        resource: More attributes of the resource, such as `deployment.environment.name`.
        sample_ratio: The share of traces to record, 0 to 1, where no caller has decided already.
        timeout: Seconds for one export, its repeats included.
        traces: Names of exporters with commas between them: `otlp`, `console`, `none`, or any that
            is installed as `opentelemetry_traces_exporter`.
        metrics: The same for metrics, where `prometheus` is one if its package is installed.
        set_global: Whether the providers become those of the process, which every client and every
            other instrumentation then uses. With False they are yours to hand to clients, each
            call makes new ones, and what the application has set up does not matter.

    Returns:
        What was set up: to flush, to shut down, to print.

    Raises:
        ConfigurationError: The extra `otel` is not installed, or an exporter that was asked for.
        InvalidOption: An argument cannot be meant.
    """
    global _installed  # noqa: PLW0603 - a process has one set of global providers
    try:
        from penstock import exporting
    except ImportError as error:
        msg = f"OpenTelemetry's SDK is not installed ({error.name}): pip install 'penstock[otel]'"
        raise ConfigurationError(msg) from error
    wanted = exporting.Wanted(
        service_name=service_name,
        endpoint=endpoint,
        headers=headers,
        resource=resource,
        sample_ratio=sample_ratio,
        timeout=timeout,
        traces=traces,
        metrics=metrics,
    )
    _check(wanted)
    with _lock:
        if set_global and _installed is not None:
            return _installed
        made = _set_up(wanted, set_global=set_global)
        if set_global:
            _installed = made
        return made


def _set_up(wanted: Wanted, *, set_global: bool) -> Telemetry:
    from penstock import exporting

    if exporting.sdk_is_disabled():
        return Telemetry(Signal("off"), Signal("off"), None)
    names = exporting.exporters_of(wanted)
    taken = exporting.signals_set_up() if set_global else frozenset[str]()
    signals = {
        name: Signal("application") if name in taken else _signal(name, names[name], wanted)
        for name in ("traces", "metrics")
    }
    exports = exporting.Exports(wanted, {name: told.exporters for name, told in signals.items()})
    if set_global:
        exports.set_global()
    return Telemetry(signals["traces"], signals["metrics"], exports)


def _signal(name: str, exporters: tuple[str, ...], wanted: Wanted) -> Signal:
    """Return what becomes of a signal that is ours to set up."""
    from penstock import exporting

    if not exporters:
        return Signal("off")
    endpoint = safe_url(exporting.endpoint_of(wanted, name)) if "otlp" in exporters else None
    return Signal("exporting", exporters, endpoint)


def _check(wanted: Wanted) -> None:
    for name in ("service_name", "endpoint", "traces", "metrics"):
        check_text(name, getattr(wanted, name))
    check_seconds("timeout", wanted.timeout)
    _check_ratio(wanted.sample_ratio)
    for name in ("headers", "resource"):
        if getattr(wanted, name) is not None:
            check_mapping(name, getattr(wanted, name))
    for name, value in (wanted.headers or {}).items():
        check_header(name, value)  # an exporter would log one it cannot send, with its value
    endpoint = wanted.endpoint
    if endpoint is not None and not endpoint.startswith(("http://", "https://")):
        raise InvalidOption("endpoint must be a URL with http:// or https://")
    if endpoint is not None and endpoint.rstrip("/").endswith(("/v1/traces", "/v1/metrics")):
        raise InvalidOption("endpoint is for all signals: leave /v1/… out, it is added for each")
    if wanted.timeout == 0:
        raise InvalidOption("timeout must be seconds above 0")


def _check_ratio(ratio: object) -> None:
    is_number = isinstance(ratio, (int, float)) and not isinstance(ratio, bool)
    if ratio is not None and not (is_number and 0 <= ratio <= 1):  # type: ignore[operator]  # as is_number says
        raise InvalidOption(f"sample_ratio must be a number from 0 to 1, not {ratio!r}")
