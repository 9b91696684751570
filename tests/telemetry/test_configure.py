"""`penstock.telemetry.configure`: one line, the standard variables, and never in anybody's way."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.trace import SpanKind

from penstock import ConfigurationError, InvalidOption, exporting, telemetry

from .receiver import Receiver

if TYPE_CHECKING:
    from penstock.demo import DemoServer

CALL = """
import sys, penstock
with penstock.Client(sys.argv[1], trust_env=False) as client:
    client.get("/v1/models")
"""


def run(code: str, server: DemoServer, **variables: str) -> list[str]:
    """Run a program of its own, as global providers are for ever; return the lines it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, server.url],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def export(**arguments: Any) -> telemetry.Telemetry:
    """Set exporting up beside the global providers, send one span, and shut down."""
    made = telemetry.configure(**arguments, set_global=False)
    if made.tracer_provider is not None:
        made.tracer_provider.get_tracer("test").start_span("s", kind=SpanKind.CLIENT).end()
    if made.meter_provider is not None:
        made.meter_provider.get_meter("test").create_counter("c").add(1)
    made.shutdown()
    made.shutdown()
    return made


def test_one_line_is_enough(server: DemoServer, receiver: Receiver) -> None:
    """A program that says it once exports every call, without a word at its end."""
    line = "import penstock; penstock.telemetry.configure('the-shop')"
    assert run(f"{line}\n{CALL}", server, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url) == []
    assert [span.name for span in receiver.spans] == ["penstock.call", "GET"]
    assert {span.resource["service.name"] for span in receiver.spans} == {"the-shop"}


def test_called_twice_is_one_set_up(server: DemoServer, receiver: Receiver) -> None:
    """The second call returns what the first set up, and every span is exported once."""
    twice = """
import penstock
one = penstock.telemetry.configure("one")
print(penstock.telemetry.configure("two") is one)
"""
    said = run(twice + CALL, server, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    assert said == ["True"]
    assert [span.resource["service.name"] for span in receiver.spans] == ["one", "one"]


def test_what_the_application_set_up_stays(server: DemoServer, receiver: Receiver) -> None:
    """Where there is a tracer provider, traces are left alone and said to be; metrics are not."""
    own = """
import penstock
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
provider = TracerProvider()
trace.set_tracer_provider(provider)
made = penstock.telemetry.configure("s")
print(trace.get_tracer_provider() is provider, made.tracer_provider)
print(made.traces.state, made.metrics.state)
print(made)
"""
    said = run(own + CALL, server, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    assert said == [
        "True None",
        "application exporting",
        "traces: left alone: the application has set its own provider up",
        f"metrics: exporting by otlp to {receiver.url}/v1/metrics",
    ]
    assert receiver.spans == []


def test_everything_set_up_by_the_application(server: DemoServer) -> None:
    """Where there are both providers, nothing at all is done, and shutting down ends neither."""
    own = """
import penstock
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
metrics.set_meter_provider(MeterProvider())
with penstock.telemetry.configure("s") as made:
    print(made, made.flush())
print(trace.get_tracer("t").start_span("s").is_recording())
"""
    left = "left alone: the application has set its own provider up"
    assert run(own, server) == [f"traces: {left}", f"metrics: {left} True", "True"]


@pytest.mark.parametrize("value", ["true", "TRUE"])
def test_switched_off(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`OTEL_SDK_DISABLED` switches everything off."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", value)
    made = export()
    assert (made.traces.state, made.metrics.state) == ("off", "off")
    assert (made.tracer_provider, made.meter_provider, made.failures) == (None, None, 0)
    assert str(made) == "traces: off\nmetrics: off"


def test_the_standard_variables(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Endpoint, headers, name and resource come from the variables where no argument is given."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{receiver.url}/base/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-vendor-key=abc")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "from-the-variable")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.version=7,service.name=lesser")
    made = export()
    paths = {delivery.path for delivery in receiver.deliveries}
    assert paths == {"/base/v1/traces", "/base/v1/metrics"}
    assert {delivery.headers["x-vendor-key"] for delivery in receiver.deliveries} == {"abc"}
    (span,) = receiver.spans
    assert span.resource["service.name"] == "from-the-variable"
    assert span.resource["service.version"] == "7"
    assert made.traces.endpoint == f"{receiver.url}/base/v1/traces"


def test_an_endpoint_for_one_signal(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal's own variable is the whole URL, and comes before the one for all."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{receiver.url}/here/v1/traces")
    made = export()
    assert made.traces.endpoint == f"{receiver.url}/here/v1/traces"
    assert {item.path for item in receiver.deliveries} == {"/here/v1/traces", "/v1/metrics"}


def test_arguments_beat_variables(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is given in the call holds, whatever the environment says."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/wrong")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "wrong")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.version=wrong")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "otlp")
    made = export(
        service_name="right",
        endpoint=receiver.url,
        headers={"x-vendor-key": "given"},
        resource={"service.version": "right"},
        sample_ratio=1.0,
        metrics="none",
    )
    (span,) = receiver.spans
    assert (span.resource["service.name"], span.resource["service.version"]) == ("right", "right")
    assert [item.headers["x-vendor-key"] for item in receiver.deliveries] == ["given"]
    assert made.metrics.state == "off"


def test_sampled_out(receiver: Receiver) -> None:
    """With a ratio of 0 nothing is recorded, and so nothing arrives."""
    export(endpoint=receiver.url, sample_ratio=0.0)
    assert receiver.spans == []


@pytest.mark.parametrize(
    ("variables", "traces", "metrics"),
    [
        ({"OTEL_TRACES_EXPORTER": "none"}, ("off", ()), ("exporting", ("otlp",))),
        ({"OTEL_METRICS_EXPORTER": "none"}, ("exporting", ("otlp",)), ("off", ())),
        (
            {"OTEL_TRACES_EXPORTER": "otlp, none, otlp", "OTEL_METRICS_EXPORTER": " "},
            ("exporting", ("otlp",)),
            ("off", ()),
        ),
    ],
)
def test_exporters_by_name(
    variables: dict[str, str],
    traces: Any,
    metrics: Any,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each signal goes where its variable says, once to each place, or nowhere."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    made = export(endpoint=receiver.url)
    assert (made.traces.state, made.traces.exporters) == traces
    assert (made.metrics.state, made.metrics.exporters) == metrics
    assert len(receiver.spans) == ("otlp" in made.traces.exporters)
    assert len(receiver.points) == ("otlp" in made.metrics.exporters)


def test_the_console(server: DemoServer, receiver: Receiver) -> None:
    """Several exporters have the same spans; `console` prints them."""
    line = "import penstock; print(penstock.telemetry.configure('s', metrics='none').traces)"
    said = run(
        f"{line}\n{CALL}",
        server,
        OTEL_TRACES_EXPORTER="console,otlp",
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
    )
    assert said[0] == f"exporting by console, otlp to {receiver.url}/v1/traces"
    assert sum('"kind": "SpanKind.CLIENT"' in line for line in said) == 1
    assert len(receiver.spans) == 2


@pytest.mark.parametrize(
    ("protocol", "endpoint"),
    [
        ("http/protobuf", "http://localhost:4318/v1/traces"),
        ("grpc", "http://localhost:4317"),
    ],
)
def test_where_it_goes_unless_told(
    protocol: str, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Collector on this machine, at the port of the protocol."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    assert exporting.endpoint_of(exporting.Wanted(), "traces") == endpoint


def test_prometheus_scrapes(server: DemoServer) -> None:
    """`prometheus` is an exporter that is asked: it listens, and answers with the metrics."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    line = "import penstock; penstock.telemetry.configure('s', traces='none', metrics='prometheus')"
    scrape = f"""
from urllib.request import urlopen
with urlopen("http://127.0.0.1:{port}/metrics") as answer:
    lines = answer.read().decode().splitlines()
print(*(line for line in lines if "duration_seconds_count" in line))
"""
    said = run(
        line + CALL + scrape,
        server,
        OTEL_EXPORTER_PROMETHEUS_HOST="127.0.0.1",
        OTEL_EXPORTER_PROMETHEUS_PORT=str(port),
    )
    assert said[0].startswith("http_client_request_duration_seconds_count{")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"OTEL_TRACES_EXPORTER": "whistle"}, "no exporter 'whistle' for traces is installed"),
        (
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "pip install 'opentelemetry-exporter-otlp-proto-grpc'",
        ),
        ({"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "smoke"}, "'smoke' for metrics"),
    ],
)
def test_an_exporter_that_is_not_there(
    variables: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an error that names it, and what to install; nothing is set up."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=message):
        export()


@pytest.mark.parametrize(
    "arguments",
    [
        {"endpoint": "localhost:4318"},
        {"endpoint": "http://localhost:4318/v1/traces"},
        {"sample_ratio": 1.5},
        {"timeout": 0},
        {"timeout": "3"},
        {"sample_ratio": "0.1"},
        {"sample_ratio": True},
        {"endpoint": 4318},
        {"service_name": 7},
        {"traces": False},
        {"metrics": ["otlp"]},
        {"headers": "x-key=abc"},
        {"resource": "a=b"},
    ],
    ids=lambda given: repr(next(iter(given.values()))),
)
def test_what_cannot_be_meant(arguments: dict[str, Any]) -> None:
    """A wrong argument is an error that names it."""
    with pytest.raises(InvalidOption, match=next(iter(arguments))):
        export(**arguments)


@pytest.mark.parametrize("value", ["hush-hush\n", "hush-hush\u2019", b"hush-hush"])
def test_a_header_that_cannot_be_sent(value: Any) -> None:
    """It is refused without being shown: an exporter would log it with its value, every time."""
    with pytest.raises(InvalidOption, match="the header x-key") as caught:
        export(headers={"x-key": value}, metrics="none")
    assert "hush-hush" not in str(caught.value)


def test_an_endpoint_that_refuses() -> None:
    """Failed exports are counted, and `flush` says that not everything arrived."""
    with Receiver(status=400) as refusing:
        made = telemetry.configure(endpoint=refusing.url, metrics="none", set_global=False)
        assert made.flush()
        assert made.tracer_provider is not None
        made.tracer_provider.get_tracer("test").start_span("s").end()
        assert not made.flush()
        made.shutdown()
    assert made.failures == 1


def test_an_exporter_that_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an exporter raises, as older ones do where nobody listens, did not arrive either."""

    def export_to_nobody(self: Any, spans: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(OTLPSpanExporter, "export", export_to_nobody)
    made = telemetry.configure(metrics="none", set_global=False)
    assert made.tracer_provider is not None
    made.tracer_provider.get_tracer("test").start_span("s").end()
    assert not made.flush()
    made.shutdown()
    assert made.failures == 1


def test_no_secret_in_what_it_shows() -> None:
    """Credentials in the endpoint's URL and in headers are not shown."""
    made = telemetry.configure(
        endpoint="http://user:hush-hush@127.0.0.1:9",
        headers={"x-key": "hush-hush"},
        metrics="none",
        set_global=False,
    )
    made.shutdown()
    assert "hush-hush" not in f"{made} {made!r} {made.traces!r}"
    assert "http://REDACTED:REDACTED@127.0.0.1:9/v1/traces" in str(made)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra."""
    monkeypatch.delitem(sys.modules, "penstock.exporting", raising=False)
    monkeypatch.delattr("penstock.exporting", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.metrics", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'penstock\[otel\]'"):
        telemetry.configure()


def test_it_costs_nothing_until_called(server: DemoServer) -> None:
    """`penstock.telemetry` and `penstock.logging` are there without OpenTelemetry being loaded."""
    loaded = """
import sys, penstock
penstock.telemetry.configure, penstock.logging.configure_json
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    assert run(loaded, server) == ["[]"]
