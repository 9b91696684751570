"""`--otlp`: what a command records goes to an OTLP endpoint too."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import click

from penstock.cli.group import complain

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from penstock.telemetry import Telemetry

_TIMEOUT = 3.0  # seconds for an export: a person is waiting

otlp_option = click.option(
    "--otlp",
    is_flag=False,
    flag_value="",
    metavar="[=ENDPOINT]",
    help="Export spans and metrics by OTLP over HTTP; without ENDPOINT to "
    "OTEL_EXPORTER_OTLP_ENDPOINT, else to http://localhost:4318.",
)


def exporting_to(endpoint: str | None) -> Telemetry | None:
    """Return what exports to the endpoint of `--otlp`; None without that option.

    Args:
        endpoint: As typed; empty for the usual one.

    Raises:
        click.UsageError: It is no URL.
        ConfigurationError: The extra `otel` is not installed.
    """
    if endpoint is None:
        return None
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise click.UsageError("--otlp=ENDPOINT wants a URL such as http://localhost:4318")
    from penstock.telemetry import configure

    # What the exporter has to say is said by `finish`, in one line.
    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
    named = {"OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"} & os.environ.keys()
    patient = "OTEL_EXPORTER_OTLP_TIMEOUT" in os.environ
    return configure(
        None if named else "penstock",
        endpoint=endpoint or None,
        timeout=None if patient else _TIMEOUT,
        traces="otlp",
        metrics="otlp",
        set_global=False,
    )


def tracers(exporting: Telemetry | None) -> TracerProvider | None:
    """Return where spans go beside being drawn: as `--otlp` says, else to the process's provider.

    Args:
        exporting: From `exporting_to`.

    Returns:
        The provider; None where there is none, as in a process that nobody instruments.
    """
    from opentelemetry import trace

    if exporting is not None:
        return exporting.tracer_provider
    provider = trace.get_tracer_provider()
    return None if isinstance(provider, trace.ProxyTracerProvider) else provider


def finish(exporting: Telemetry | None, trace_id: int | None = None) -> bool:
    """Export everything and say on standard error where it went, or that it did not arrive.

    Args:
        exporting: From `exporting_to`.
        trace_id: The trace to look for there, if there is one.

    Returns:
        Whether everything arrived.
    """
    if exporting is None:
        return True
    exporting.shutdown()
    where = exporting.traces.endpoint
    if where is None:
        complain("nothing was exported: OTEL_SDK_DISABLED switches it off")
    elif exporting.failures:
        complain(f"could not export to {where}: is a collector listening there?")
    else:
        what = "everything" if trace_id is None else f"trace {trace_id:032x}"
        complain(f"exported {what} to {where}")
    return not exporting.failures
