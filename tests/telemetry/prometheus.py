"""What Prometheus would scrape from a process that made a few calls."""

from __future__ import annotations

import contextlib
import shutil
from importlib.metadata import version
from typing import TYPE_CHECKING

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from packaging.version import Version
from prometheus_client import generate_latest

import penstock
from penstock import Stack
from penstock.middleware import Retry

if TYPE_CHECKING:
    from penstock.demo import DemoServer

# Before 0.62b0 the exporter begins a metric anew for each set of labels, which is not valid.
_IS_VALID = Version(version("opentelemetry-exporter-prometheus")) >= Version("0.62b0")
PROMTOOL = shutil.which("promtool") if _IS_VALID else None


def scraped(server: DemoServer) -> str:
    """Make two calls, one retried and one that fails, and return the text of a scrape."""
    reader = PrometheusMetricReader()
    resource = Resource.create({"service.name": "shop"})
    provider = MeterProvider([reader], resource, shutdown_on_exit=False)
    try:
        with penstock.Client(
            server.url,
            name="shop",
            trust_env=False,
            meter_provider=provider,
            stack=Stack.standard().replace(Retry, Retry(base_delay=0.001)),
        ) as client:
            fault = {"X-Demo-Fault": "503;times=1", "X-Demo-Key": "scraped"}
            client.get("/v1/models?token=hush", headers=fault, operation="models.list")
            with contextlib.suppress(penstock.NotFound):
                client.get("/status/404", operation="status")
        return generate_latest().decode()
    finally:
        provider.shutdown()
