"""The laws of what calls and sends are measured by."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from opentelemetry import context
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from penstock import InvalidOption, Stack
from penstock.middleware import AttemptTracing, Tracing
from penstock.testing import Reply

from .telemetry import Recorder, Rig, attributes, seconds

SENDS = "http.client.request.duration"
CALLS = "penstock.client.call.duration"
RETRIES = "penstock.client.retries"
ACTIVE = "http.client.active_requests"
SIZES = ("http.client.request.body.size", "http.client.response.body.size")

SERVER = {"server.address": "api.example.com", "server.port": 443}
GET = {"http.request.method": "GET", **SERVER}


def test_a_send_is_measured_as_its_span_is(colour: Any, meter: Any) -> None:
    """Each send has one duration, that of its span, with method, server, status and version."""
    rig = Rig(
        colour, [Reply(503, delay=0.25), Reply(200, delay=1.5)], meter_provider=meter.provider
    )
    rig.get("/v1/things?page=2")
    told = {point.attributes["http.response.status_code"]: point for point in meter.points(SENDS)}
    assert [dict(point.attributes) for point in told.values()] == [
        {
            **GET,
            "http.response.status_code": 503,
            "network.protocol.version": "1.1",
            "error.type": "503",
        },
        {**GET, "http.response.status_code": 200, "network.protocol.version": "1.1"},
    ]
    spans = [seconds(span) for span in rig.recorder.sends]
    assert [round(point.sum, 5) for point in told.values()] == spans
    assert [point.count for point in told.values()] == [1, 1]


def test_buckets_are_the_conventions(colour: Any, meter: Any) -> None:
    """Durations are in seconds, in the specified buckets, under Penstock's name and schema."""
    rig = Rig(colour, [200], meter_provider=meter.provider)
    rig.get()
    scope, metric = meter.metrics()[SENDS]
    assert metric.unit == "s"
    assert list(metric.data.data_points[0].explicit_bounds) == [
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
    ]  # fmt: skip
    assert (scope.name, scope.schema_url) == ("penstock", "https://opentelemetry.io/schemas/1.44.0")


def test_what_got_no_answer_is_measured(colour: Any, meter: Any) -> None:
    """A send that failed on the wire has a duration with the same `error.type` as its span."""
    rig = Rig(colour, [httpx.ConnectError("x")] * 3, meter_provider=meter.provider)
    rig.get()
    errors = {attributes(span)["error.type"] for span in rig.recorder.sends}
    assert meter.told(SENDS) == [{**GET, "error.type": error} for error in errors]
    assert [point.count for point in meter.points(SENDS)] == [3]


def test_a_call_is_measured_with_its_waits(colour: Any, meter: Any) -> None:
    """A call has one duration, waits included, by client, operation and how it failed."""
    rig = Rig(colour, [503, 503, 503], meter_provider=meter.provider, name="acme")
    rig.get(operation="things.list")
    (point,) = meter.points(CALLS)
    assert dict(point.attributes) == {
        "penstock.client.name": "acme",
        "penstock.operation.name": "things.list",
        "error.type": "503",
    }
    assert round(point.sum, 5) == round(sum(rig.clock.sleeps), 5)


def test_retries_are_counted_by_reason(colour: Any, meter: Any) -> None:
    """Every repeat counts once, for its server and its reason."""
    rig = Rig(colour, [503, httpx.ReadError("x"), 200, 503, 200], meter_provider=meter.provider)
    rig.get()
    rig.get()
    counted = {point.attributes["penstock.retry.reason"]: point for point in meter.points(RETRIES)}
    assert {reason: point.value for reason, point in counted.items()} == {
        "503": 2,
        "ConnectionFailed": 1,
    }
    assert dict(counted["503"].attributes) == {**SERVER, "penstock.retry.reason": "503"}


def test_a_streams_duration_ends_with_its_body(colour: Any, meter: Any) -> None:
    """A stream is measured, as its span is, until its reader has done with it."""
    rig = Rig(colour, [Reply(chunks=[b"one", b"two"])], meter_provider=meter.provider)
    rig.read(lambda _: rig.clock.advance(2))
    assert [round(point.sum, 3) for point in meter.points(SENDS)] == [4]
    assert [round(point.sum, 3) for point in meter.points(CALLS)] == [4]


@pytest.mark.filterwarnings("ignore:a response was dropped open:ResourceWarning")
@pytest.mark.parametrize("end", ["cancelled", "leave", "abandon"])
def test_who_leaves_is_measured_once(colour: Any, meter: Any, end: str) -> None:
    """A call that is cancelled, left or abandoned is measured once and is no error."""
    replies = [] if end == "cancelled" else [Reply(chunks=[b"one"])]
    rig = Rig(colour, replies, meter_provider=meter.provider)
    getattr(rig, end)()
    (point,) = meter.points(CALLS)
    assert (point.count, "error.type" in point.attributes) == (1, False)


def test_what_is_not_sampled_is_measured(colour: Any, meter: Any) -> None:
    """Neither sampling nor a lack of spans takes anything from the metrics."""
    rig = Rig(colour, [200, 503, 200], Recorder(ALWAYS_OFF), meter_provider=meter.provider)
    rig.get()
    rig.get()
    assert sum(point.count for point in meter.points(SENDS)) == 3
    untraced = Rig(colour, [200], tracer_provider=None, meter_provider=meter.provider)
    untraced.get()
    assert sum(point.count for point in meter.points(SENDS)) == 4


def test_durations_point_to_their_spans(colour: Any, meter: Any) -> None:
    """The exemplar of a duration is the span that took it, though it has ended."""
    rig = Rig(colour, [200], meter_provider=meter.provider)
    rig.get()
    collected = meter.metrics()
    for name, spans in ((SENDS, rig.recorder.sends), (CALLS, rig.recorder.calls)):
        (point,) = collected[name][1].data.data_points
        (exemplar,) = point.exemplars
        assert exemplar.span_id == spans[0].context.span_id
        assert exemplar.trace_id == spans[0].context.trace_id


def test_metrics_stay_few(colour: Any, meter: Any) -> None:
    """A thousand paths make one series: a URL is no attribute of a metric."""
    rig = Rig(colour, [200] * 1000, meter_provider=meter.provider)

    for number in range(1000):
        rig.get(f"/v1/things/{number}?token={number}")
    assert len(meter.points(SENDS)) == len(meter.points(CALLS)) == 1
    assert len({span.name for span in rig.recorder.spans}) == 2


def test_what_is_asked_for_is_measured_besides(colour: Any, meter: Any) -> None:
    """Active requests return to none and sizes are told, where they were asked for alone."""
    stack = Stack.standard().replace(AttemptTracing, AttemptTracing(metrics=[ACTIVE, *SIZES]))
    replies = [Reply(content=b"four"), Reply(chunks=[b"one", b"two"]), httpx.ConnectError("x")]
    rig = Rig(colour, replies, meter_provider=meter.provider, stack=stack, max_retries=0)
    rig.request("POST", "/v1/things", content=b"three")
    rig.read()
    rig.get()
    assert [(point.value, dict(point.attributes)["http.request.method"]) for point in
            meter.points(ACTIVE)] == [(0, "POST"), (0, "GET")]  # fmt: skip
    assert [point.sum for point in meter.points(SIZES[0])] == [5]
    assert [point.sum for point in meter.points(SIZES[1])] == [4, 6]
    plain = type(meter)()
    Rig(colour, [200], meter_provider=plain.provider).get()
    assert plain.metrics().keys() == {SENDS, CALLS}


def test_unknown_metrics_are_refused() -> None:
    """A metric nobody records is refused, with those that can be asked for."""
    with pytest.raises(InvalidOption, match=r"http\.client\.active_requests"):
        AttemptTracing(metrics=["http.client.requests"])
    with pytest.raises(InvalidOption, match="a list"):
        AttemptTracing(metrics=ACTIVE)


def test_no_meter_no_work(colour: Any) -> None:
    """A meter provider that is switched off is asked once and told nothing."""
    rig = Rig(colour, [200, 200], meter_provider=NoOpMeterProvider())
    assert rig.get().status_code == 200
    assert rig.get().status_code == 200


def test_suppressed_sends_are_not_measured(colour: Any, meter: Any) -> None:
    """Within somebody's suppression there is neither a span nor a duration."""
    rig = Rig(colour, [200], meter_provider=meter.provider)
    key = context._SUPPRESS_HTTP_INSTRUMENTATION_KEY
    token = context.attach(context.set_value(key, True))
    rig.get()
    context.detach(token)
    assert (meter.points(SENDS), rig.recorder.sends) == ([], [])


def test_only_the_call_is_measured_without_send_telemetry(colour: Any, meter: Any) -> None:
    """Each of the two middleware measures what it wraps, and needs nothing of the other."""
    rig = Rig(
        colour, [200], meter_provider=meter.provider, stack=Stack.standard().without(AttemptTracing)
    )
    rig.get()
    assert meter.metrics().keys() == {CALLS}
    other = type(meter)()
    rig = Rig(colour, [200], meter_provider=other.provider, stack=Stack.standard().without(Tracing))
    rig.get()
    assert other.metrics().keys() == {SENDS}


def test_a_clock_that_is_set_back_makes_no_span_negative(colour: Any, meter: Any) -> None:
    """A span lasts as long as the monotonic clock says, whatever the wall clock does."""
    rig = Rig(colour, [], meter_provider=meter.provider)

    def set_back(_request: Any) -> Any:
        rig.clock.advance(3)
        rig.clock.step_wall(-3600)
        return Reply(200)

    rig.script.reply(set_back)
    rig.get()
    assert [seconds(span) for span in rig.recorder.spans] == [3, 3]
