"""A backend on loopback: takes OTLP over HTTP and decodes it, as a Collector does."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

CONTENT_TYPE = "application/x-protobuf"


class Delivery(NamedTuple):
    """One export as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


class Span(NamedTuple):
    """A span with what stands above it in the export."""

    resource: dict[str, Any]
    scope: tuple[str, str, str]  # name, version, schema URL
    name: str
    kind: str
    status: str
    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    attributes: dict[str, Any]


class Point(NamedTuple):
    """One data point of a metric, with what stands above it in the export."""

    resource: dict[str, Any]
    scope: tuple[str, str, str]
    name: str
    unit: str
    kind: str  # such as `histogram`
    temporality: str
    attributes: dict[str, Any]
    data: Any


class Receiver:
    """Listens on a free loopback port.

    Args:
        status: What every export is answered with.
    """

    def __init__(self, status: int = 200) -> None:
        self.deliveries: list[Delivery] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.deliveries.append(Delivery(self.path, headers, body))
                traces = self.path.endswith("/v1/traces")
                answer: Any = ExportTraceServiceResponse if traces else ExportMetricsServiceResponse
                content = answer().SerializeToString()
                self.send_response(status)
                self.send_header("Content-Type", CONTENT_TYPE)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False  # closing the server waits for them
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def spans(self) -> list[Span]:
        """Every span, in the order they began."""
        found = [
            Span(
                _plain(of_resource.resource.attributes),
                (of_scope.scope.name, of_scope.scope.version, of_scope.schema_url),
                span.name,
                _word(span, "kind", span.kind, "SPAN_KIND_"),
                _word(span.status, "code", span.status.code, "STATUS_CODE_"),
                span.trace_id.hex(),
                span.span_id.hex(),
                span.parent_span_id.hex(),
                span.start_time_unix_nano,
                span.end_time_unix_nano,
                _plain(span.attributes),
            )
            for request in self._decoded("/v1/traces", ExportTraceServiceRequest)
            for of_resource in request.resource_spans
            for of_scope in of_resource.scope_spans
            for span in of_scope.spans
        ]
        return sorted(found, key=lambda span: span.start)

    @property
    def points(self) -> list[Point]:
        """Every data point, in the order they came."""
        return [
            Point(
                _plain(of_resource.resource.attributes),
                (of_scope.scope.name, of_scope.scope.version, of_scope.schema_url),
                metric.name,
                metric.unit,
                kind,
                _temporality(getattr(metric, kind)),
                _plain(point.attributes),
                point,
            )
            for request in self._decoded("/v1/metrics", ExportMetricsServiceRequest)
            for of_resource in request.resource_metrics
            for of_scope in of_resource.scope_metrics
            for metric in of_scope.metrics
            for kind in [metric.WhichOneof("data")]
            for point in getattr(metric, kind).data_points
        ]

    def _decoded(self, path: str, kind: Any) -> Iterable[Any]:
        for delivery in self.deliveries:
            if delivery.path.endswith(path):
                assert delivery.headers["content-type"] == CONTENT_TYPE
                zipped = delivery.headers.get("content-encoding") == "gzip"
                yield kind.FromString(gzip.decompress(delivery.body) if zipped else delivery.body)


def tree_of(spans: Iterable[Span], parent: str = "") -> list[Any]:
    """Return the names of spans as nested lists, `[name, [child, …], …]`, as they began."""
    spans = list(spans)
    return [
        [span.name, *tree_of(spans, span.span_id)] for span in spans if span.parent_id == parent
    ]


def _plain(attributes: Iterable[Any]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in attributes}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return getattr(value, kind)


def _word(message: Any, field: str, number: int, prefix: str) -> str:
    words = message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number
    word: str = words[number].name
    return word.removeprefix(prefix)


def _temporality(data: Any) -> str:
    if "aggregation_temporality" not in data.DESCRIPTOR.fields_by_name:
        return ""
    number = data.aggregation_temporality
    return _word(data, "aggregation_temporality", number, "AGGREGATION_TEMPORALITY_")
