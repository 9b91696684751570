"""What a backend gets: real calls, exported as protobuf over HTTP, decoded on the other side."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

import penstock
from penstock import REMOVE, Stack, telemetry
from penstock.middleware import Auth, Retry

from .receiver import tree_of

if TYPE_CHECKING:
    from penstock.demo import DemoServer

    from .receiver import Receiver, Span

SCHEMA = "https://opentelemetry.io/schemas/1.44.0"


class Exported:
    """Runs calls of one colour against the demo server, and gives what a backend got of them."""

    def __init__(self, colour: Any, server: DemoServer, receiver: Receiver) -> None:
        self._colour = colour
        self._server = server
        self._receiver = receiver

    def spans(self, path: str, *, stream: bool = False, fault: str = "", **call: Any) -> list[Span]:
        """Send a GET, read it whole, and return the spans that arrived, in the order they began."""
        call["headers"] = {"X-Demo-Fault": fault, "X-Demo-Key": path} if fault else {}
        with telemetry.configure(
            "the-shop",
            endpoint=self._receiver.url,
            resource={"deployment.environment.name": "test"},
            set_global=False,
        ) as exporting:
            client = self._colour.client(
                self._server.url,
                stack=Stack.standard().replace(Retry, Retry(base_delay=0.001)),
                name="shop",
                trust_env=False,
                tracer_provider=exporting.tracer_provider,
                meter_provider=exporting.meter_provider,
            )
            with contextlib.suppress(penstock.StatusError):
                use = _read if stream else _get
                self._colour.run(lambda: use(client, path, call))
            assert exporting.flush()
        return self._receiver.spans


def _get(client: Any, path: str, call: dict[str, Any]) -> Any:
    if isinstance(client, penstock.Client):
        with client:
            return client.get(path, **call)

    async def get() -> None:
        async with client:
            await client.get(path, **call)

    return get()


def _read(client: Any, path: str, call: dict[str, Any]) -> Any:
    if isinstance(client, penstock.Client):
        with client, client.stream_events("GET", path, format="ndjson", **call) as events:
            return list(events)

    async def read() -> None:
        async with client, client.stream_events("GET", path, format="ndjson", **call) as events:
            async for _ in events:
                pass

    return read()


@pytest.fixture
def exported(colour: Any, server: DemoServer, receiver: Receiver) -> Exported:
    return Exported(colour, server, receiver)


def test_a_retried_call(exported: Exported) -> None:
    """One trace: the call, under it each send, told apart, the failed one Error, the call Unset."""
    spans = exported.spans("/v1/models", fault="503;times=1", operation="models.list")
    call, first, second = spans
    assert tree_of(spans) == [["penstock.call models.list", ["GET"], ["GET"]]]
    assert len({span.trace_id for span in spans}) == 1
    assert [span.kind for span in spans] == ["INTERNAL", "CLIENT", "CLIENT"]
    assert [span.status for span in spans] == ["UNSET", "ERROR", "UNSET"]
    assert call.attributes["penstock.attempts"] == 2
    assert first.attributes["http.response.status_code"] == 503
    assert first.attributes["error.type"] == "503"
    assert "http.request.resend_count" not in first.attributes
    assert second.attributes["http.request.resend_count"] == 1
    assert second.attributes["penstock.retry.reason"] == "503"


def test_resource_and_scope(exported: Exported) -> None:
    """Every span says which service it is of, who made it, and by which conventions."""
    for span in exported.spans("/v1/models"):
        assert span.resource["service.name"] == "the-shop"
        assert span.resource["deployment.environment.name"] == "test"
        assert span.resource["telemetry.sdk.language"] == "python"
        assert span.scope == ("penstock", penstock.__version__, SCHEMA)


def test_redirects(exported: Exported) -> None:
    """Every hop is a send below the same call, and none of them an error."""
    spans = exported.spans("/redirect/2")
    statuses = [span.attributes.get("http.response.status_code") for span in spans]
    resends = [span.attributes.get("http.request.resend_count") for span in spans]
    assert tree_of(spans) == [["penstock.call", ["GET"], ["GET"], ["GET"]]]
    assert (statuses, resends) == ([None, 302, 302, 200], [None, None, 1, 2])
    assert {span.status for span in spans} == {"UNSET"}


def test_a_stream(exported: Exported) -> None:
    """Its spans last until its body has ended, and say how it did."""
    spans = exported.spans("/ndjson", stream=True, fault="drip=0.001")
    assert tree_of(spans) == [["penstock.call", ["GET"]]]
    assert {span.attributes["penstock.stream.outcome"] for span in spans} == {"completed"}
    assert all(span.end - span.start > 50_000_000 for span in spans)  # 0.001 s a byte, 60 bytes


def test_a_failed_call(exported: Exported) -> None:
    """Call and send are Error, and say what it was."""
    spans = exported.spans("/status/404?token=hush-hush")
    assert [span.status for span in spans] == ["ERROR", "ERROR"]
    assert [span.attributes["error.type"] for span in spans] == ["404", "404"]


def test_times_are_those_of_the_calls(exported: Exported) -> None:
    """A send lies within its call, begins before it ends, and sends do not overlap."""
    call, first, second = exported.spans("/v1/models", fault="503;delay=0.01;times=1")
    moments = [call.start, first.start, first.end, second.start, second.end, call.end]
    assert moments == sorted(moments)
    assert first.end - first.start >= 10_000_000


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_nothing_secret_is_in_the_bytes(
    compression: str,
    server: DemoServer,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No byte that leaves has a key, a query value, a header or a body, however a call ends."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", compression)
    stack = Stack.standard().replace(Auth, Auth(auth_origins=[server.url]))
    with (
        telemetry.configure("s", endpoint=receiver.url, set_global=False) as exporting,
        penstock.Client(
            api_key="key-canary",
            tracer_provider=exporting.tracer_provider,
            meter_provider=exporting.meter_provider,
            trust_env=False,
            stack=stack,
        ) as client,
    ):
        for path, fault in (
            ("/echo?token=query-canary#fragment-canary", ""),
            ("/redirect-to?status=307&url=/echo%3Ftoken%3Dtarget-canary", ""),
            ("/v1/nothing-there?token=query-canary", ""),
            ("/echo?token=query-canary", "drop"),
            ("/echo?token=query-canary", "cut=3"),
        ):
            with contextlib.suppress(penstock.PenstockError):
                client.post(
                    f"{server.url}{path}",
                    headers={"Cookie": "cookie-canary", "X-Demo-Fault": fault or REMOVE},
                    json={"prompt": "body-canary"},
                )
    outcomes = [span.attributes.get("error.type", "") for span in receiver.spans]
    assert {"404", "penstock.errors.ConnectionFailed", ""} <= set(outcomes)
    for delivery in receiver.deliveries:
        assert delivery.headers.get("content-encoding", "none") == compression
    shown = repr((receiver.spans, receiver.points))
    assert "canary" not in shown
