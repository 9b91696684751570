"""The metrics a backend gets: buckets, temporality, and the way from a number to its trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import penstock
from penstock import Stack, telemetry
from penstock.middleware import Retry

if TYPE_CHECKING:
    from penstock.demo import DemoServer

    from .receiver import Point, Receiver

SCHEMA = "https://opentelemetry.io/schemas/1.44.0"

# OpenTelemetry semantic conventions 1.44, `http.client.request.duration`: the advised boundaries.
BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]


@pytest.fixture
def points(server: DemoServer, receiver: Receiver) -> list[Point]:
    """The points of one call that was repeated once."""
    with (
        telemetry.configure("the-shop", endpoint=receiver.url, set_global=False) as exporting,
        penstock.Client(
            server.url,
            name="shop",
            trust_env=False,
            tracer_provider=exporting.tracer_provider,
            meter_provider=exporting.meter_provider,
            stack=Stack.standard().replace(Retry, Retry(base_delay=0.001)),
        ) as client,
    ):
        fault = {"X-Demo-Fault": "503;times=1", "X-Demo-Key": "measured"}
        client.get("/v1/models", headers=fault, operation="models.list")
    return receiver.points


def named(points: list[Point], name: str) -> list[Point]:
    return [point for point in points if point.name == name]


def test_what_arrives(points: list[Point]) -> None:
    """Each metric has its unit and kind, counts from the start, and says who made it of what."""
    assert {(point.name, point.unit, point.kind) for point in points} == {
        ("http.client.request.duration", "s", "histogram"),
        ("penstock.client.call.duration", "s", "histogram"),
        ("penstock.client.retries", "{retry}", "sum"),
    }
    assert {point.temporality for point in points} == {"CUMULATIVE"}
    assert {point.scope for point in points} == {("penstock", penstock.__version__, SCHEMA)}
    assert {point.resource["service.name"] for point in points} == {"the-shop"}


def test_the_duration_of_sends(points: list[Point]) -> None:
    """Each send is in one bucket of those the conventions advise, by its status."""
    sends = named(points, "http.client.request.duration")
    assert [list(point.data.explicit_bounds) for point in sends] == [BOUNDARIES] * 2
    assert [sum(point.data.bucket_counts) for point in sends] == [1, 1]
    statuses = [point.attributes["http.response.status_code"] for point in sends]
    assert sorted(statuses) == [200, 503]


def test_the_duration_of_calls(points: list[Point]) -> None:
    """A call has buckets beyond those of a send, for it may wait."""
    (call,) = named(points, "penstock.client.call.duration")
    assert list(call.data.explicit_bounds) == [*BOUNDARIES, 30, 60, 120]
    assert call.attributes["penstock.operation.name"] == "models.list"


def test_retries_are_counted(points: list[Point]) -> None:
    """By the reason of each."""
    (retries,) = named(points, "penstock.client.retries")
    assert (retries.data.as_int, retries.attributes["penstock.retry.reason"]) == (1, "503")


def test_a_number_leads_to_its_trace(points: list[Point], receiver: Receiver) -> None:
    """Every histogram has an exemplar, which is the span it was measured on."""
    spans = {span.span_id: span for span in receiver.spans}
    measured = [point for point in points if point.kind == "histogram"]
    for point in measured:
        (exemplar,) = point.data.exemplars
        span = spans[exemplar.span_id.hex()]
        assert exemplar.trace_id.hex() == span.trace_id
        assert exemplar.as_double == pytest.approx((span.end - span.start) / 1e9, abs=1e-3)
    assert len(measured) == len(spans) == 3
