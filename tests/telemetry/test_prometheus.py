"""The metrics as Prometheus scrapes them: OpenTelemetry's own exporter, its text read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from .prometheus import scraped

if TYPE_CHECKING:
    from penstock.demo import DemoServer

DURATION = "http_client_request_duration_seconds"
CALL = "penstock_client_call_duration_seconds"
RETRIES = "penstock_client_retries"

# OpenTelemetry semantic conventions 1.44, `http.client.request.duration`: the advised boundaries.
BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]


@pytest.fixture
def families(server: DemoServer) -> dict[str, Any]:
    """What was scraped, by its name."""
    return {family.name: family for family in text_string_to_metric_families(scraped(server))}


def test_the_names_and_kinds_prometheus_wants(families: dict[str, Any]) -> None:
    """Names are in base units, histograms are histograms and counters are counters."""
    kinds = {name: family.type for name, family in families.items()}
    assert (kinds[DURATION], kinds[CALL], kinds[RETRIES]) == ("histogram", "histogram", "counter")


@pytest.mark.parametrize("name", [DURATION, CALL])
def test_a_histogram_is_one(name: str, families: dict[str, Any]) -> None:
    """Its buckets grow with their bound, the last is the count, and the sum is there."""
    series: dict[Any, dict[str, float]] = {}
    for sample in families[name].samples:
        labels = dict(sample.labels)
        bound = labels.pop("le", sample.name.removeprefix(name))
        series.setdefault(tuple(sorted(labels.items())), {})[bound] = sample.value
    assert series
    for told in series.values():
        bounds = [bound for bound in told if bound[0] != "_"]
        assert bounds[-1] == "+Inf"
        values = [told[bound] for bound in bounds]
        assert values == sorted(values)
        assert told["+Inf"] == told["_count"] > 0
        assert told["_sum"] > 0


def test_the_buckets_are_those_of_the_conventions(families: dict[str, Any]) -> None:
    """The duration of a send has the boundaries every dashboard expects."""
    bounds = {
        float(sample.labels["le"]) for sample in families[DURATION].samples if "le" in sample.labels
    }
    assert bounds == {*BOUNDARIES, float("inf")}


def test_every_send_counts_once(families: dict[str, Any]) -> None:
    """Three sends of two calls are three in the durations, two in the calls, and one retry."""

    def total(name: str, suffix: str) -> float:
        samples = families[name].samples
        return sum(sample.value for sample in samples if sample.name == f"{name}{suffix}")

    assert total(DURATION, "_count") == 3
    assert total(CALL, "_count") == 2
    assert total(RETRIES, "_total") == 1


def test_labels_are_few_and_say_nothing_private(families: dict[str, Any]) -> None:
    """No label has a URL, a path, an id or a query: a series for each would be the end of it."""
    labels = {
        label
        for name in (DURATION, CALL, RETRIES)
        for sample in families[name].samples
        for label in sample.labels
    }
    assert labels <= {
        "le",
        "error_type",
        "http_request_method",
        "http_response_status_code",
        "network_protocol_version",
        "server_address",
        "server_port",
        "penstock_client_name",
        "penstock_operation_name",
        "penstock_retry_reason",
        "otel_scope_name",
        "otel_scope_version",
        "otel_scope_schema_url",
    }
