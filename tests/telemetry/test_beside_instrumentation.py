"""Where the application instruments httpx as well, a send is told once."""

from __future__ import annotations

import importlib
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from penstock import Stack, on_request
from penstock.middleware import AttemptTracing, Auth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.demo import DemoServer


class Application:
    """An application that has set telemetry up, and has instrumented httpx."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)

    @property
    def sends(self) -> list[Any]:
        return [span for span in self._spans.get_finished_spans() if span.kind is SpanKind.CLIENT]

    def durations(self) -> list[tuple[str, int]]:
        """Return which scope measured how many sends."""
        data = self._reader.get_metrics_data()
        return [
            (scope.scope.name, sum(point.count for point in metric.data.data_points))  # type: ignore[union-attr]
            for resource in (data.resource_metrics if data else [])
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == "http.client.request.duration"
        ]


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    made = Application()
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=made.tracers, meter_provider=made.meters)
    yield made
    instrumentor.uninstrument()


@pytest.fixture(params=["engine", "transport", "http_client"])
def way(request: pytest.FixtureRequest) -> str:
    """How httpx's own transport comes to send for a client of ours."""
    return str(request.param)


def _client(colour: Any, way: str, url: str, app: Application, **options: Any) -> Any:
    httpx = importlib.import_module("httpx")
    prefix = "Async" if colour.is_async else ""
    telemetry = {"tracer_provider": app.tracers, "meter_provider": app.meters}
    if way == "engine":
        return colour.client(url, engine="httpx", **telemetry, **options)
    if way == "transport":
        transport = getattr(httpx, f"{prefix}HTTPTransport")()
        return colour.client(url, transport=transport, **telemetry, **options)
    theirs = getattr(httpx, f"{prefix}Client")(trust_env=False)
    return colour.client(url, http_client=theirs, **telemetry, **options), theirs


def _get(colour: Any, client: Any, path: str) -> Any:
    """Send a GET and close everything: a caller's own client stays open otherwise."""
    (client, *below) = client if isinstance(client, tuple) else (client,)

    async def aget() -> Any:
        async with AsyncExitStack() as closing:
            for each in (*below, client):
                await closing.enter_async_context(each)
            return await client.get(path)

    if colour.is_async:
        return colour.run(aget)
    with ExitStack() as closing:
        for each in (*below, client):
            closing.enter_context(each)
        return client.get(path)


def test_one_span_and_one_duration(
    colour: Any, way: str, server: DemoServer, application: Application
) -> None:
    """A send has Penstock's span and duration alone, and the server hears of that span."""
    seen: list[str] = []
    look = on_request(lambda request: seen.append(request.headers["traceparent"]))
    stack = Stack.standard().after(AttemptTracing, look)
    client = _client(colour, way, server.url, application, stack=stack)
    response = _get(colour, client, "/v1/models")
    (send,) = application.sends
    assert send.instrumentation_scope.name == "penstock"
    assert application.durations() == [("penstock", 1)]
    assert f"{send.context.span_id:016x}" in response.request.headers["traceparent"]
    assert seen == [response.request.headers["traceparent"]]


def test_what_is_not_ours_keeps_its_spans(
    colour: Any, server: DemoServer, application: Application
) -> None:
    """Spans are suppressed around a send and nowhere else: a key's supplier keeps its own."""
    httpx = importlib.import_module("httpx")

    def key() -> str:
        with httpx.Client(trust_env=False) as other:
            other.get(f"{server.url}/v1/models")
        return "key-of-the-moment"

    stack = Stack.standard().replace(Auth, Auth(key))
    client = _client(colour, "engine", server.url, application, stack=stack)
    _get(colour, client, "/v1/models")
    scopes = [span.instrumentation_scope.name for span in application.sends]
    assert scopes == ["opentelemetry.instrumentation.httpx", "penstock"]


def test_without_our_layer_theirs_tells(
    colour: Any, server: DemoServer, application: Application
) -> None:
    """A stack without `AttemptTracing` leaves a send to whoever instruments the engine."""
    stack = Stack.standard().without(AttemptTracing)
    _get(colour, _client(colour, "engine", server.url, application, stack=stack), "/v1/models")
    scopes = [span.instrumentation_scope.name for span in application.sends]
    assert scopes == ["opentelemetry.instrumentation.httpx"]
