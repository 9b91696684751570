"""Everything a call can go through, told to one backend in memory: what there is to emit."""

from __future__ import annotations

import contextlib
import functools
from functools import partialmethod
from typing import TYPE_CHECKING, Any

import anyio
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.events import Records

import penstock
from penstock import PenstockError, Stack
from penstock.demo import DemoServer
from penstock.middleware import AttemptTracing, Auth, GenAI, Retry, Tracing
from penstock.testing import Reply, Script, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

ORIGIN = "https://api.example.com"
OPT_IN = [
    "http.client.active_requests",
    "http.client.open_connections",
    "http.client.request.body.size",
    "http.client.response.body.size",
    "penstock.client.pool.wait",
]


class Told:
    """A backend for all three signals, and the clients that tell it.

    Attributes:
        lines: Events as `(event, level, fields)`.
        loggers: A logger provider, for the events of models.
    """

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self._tracers = TracerProvider(shutdown_on_exit=False)
        self._tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self._meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self._records = Records()
        self.loggers = LoggerProvider(shutdown_on_exit=False)
        self.loggers.add_log_record_processor(SimpleLogRecordProcessor(self._records))
        self.lines: list[tuple[str, str, Mapping[str, Any]]] = []

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self._spans.get_finished_spans()

    @property
    def records(self) -> Sequence[Any]:
        return self._records.get_finished_logs()

    @functools.cached_property
    def metrics(self) -> dict[str, tuple[str, set[str]]]:
        """Each metric's unit, and the attributes its points have."""
        data = self._reader.get_metrics_data()
        return {
            metric.name: (
                metric.unit or "",
                {name for point in metric.data.data_points for name in point.attributes or {}},
            )
            for of_resource in (data.resource_metrics if data else ())
            for of_scope in of_resource.scope_metrics
            for metric in of_scope.metrics
        }

    def client(
        self, *replies: Any, is_async: bool = False, forever: bool = False, **options: Any
    ) -> Any:
        """Return a client over scripted replies, in virtual time."""
        clock = VirtualClock()
        return self._made(
            penstock.AsyncClient if is_async else penstock.Client,
            ORIGIN,
            transport=Script(replies, clock=clock, forever=forever),
            clock=clock,
            **options,
        )

    def live(self, server: DemoServer, **options: Any) -> Any:
        """Return a client over a real socket."""
        return self._made(penstock.Client, server.url, trust_env=False, **options)

    def _made(self, kind: Callable[..., Any], url: str, **options: Any) -> Any:
        return kind(
            url,
            name="shop",
            logger=self,
            tracer_provider=self._tracers,
            meter_provider=self._meters,
            **options,
        )

    def _tell(self, level: str, event: str, **fields: Any) -> None:
        self.lines.append((event, level, fields))

    debug = partialmethod(_tell, "debug")
    info = partialmethod(_tell, "info")
    warning = partialmethod(_tell, "warning")
    error = partialmethod(_tell, "error")


def play(told: Told) -> None:
    """Make every kind of call there is."""
    request_id = {"X-Request-Id": "req-1"}
    named: dict[str, Any] = {"operation": "models.list"}
    template = {"url.template": "/v1/{what}"}
    told.client(503, Reply(headers=request_id)).get("/v1/models", attributes=template, **named)
    told.client(Reply(429, headers={"Retry-After": "1"}), 200).get("/v1/models", **named)
    moved = Reply(302, headers={"Location": "/there"})
    told.client(moved, 200).get("/here", **named)
    told.client(200).request("BREW", "/pot")
    for reply, options in (
        (404, {}),
        (503, {}),
        (503, {"deadline": 1.0}),
        (Reply(delay=9.0), {"timeout": 1.0}),
        (503, {"stack": Stack.production()}),
    ):
        client = told.client(reply, forever=True, **options)
        for _ in range(6):
            with contextlib.suppress(PenstockError):
                client.get("/v1/models", **named)
    keys = iter(["old", "new", "newer"])
    auth = Stack.standard().replace(Auth, Auth(lambda: next(keys)))
    told.client(401, 200, stack=auth).get("/v1/models", **named)
    _streams(told)
    _models(told)
    anyio.run(_cancelled, told)
    with DemoServer() as server:
        stack = Stack.standard().replace(Retry, Retry(base_delay=0.001))
        everything = AttemptTracing(metrics=OPT_IN)
        stack = stack.replace(AttemptTracing, everything)
        with told.live(server, stack=stack, max_retries=1) as client:
            client.post("/echo", json={}, **named)
            client.get("/v1/models", **named)
            with contextlib.suppress(PenstockError):
                client.get("/v1/models", headers={"X-Demo-Fault": "drop"}, **named)
            client.get("/v1/models", **named)
            assert told.metrics  # read while a connection is open


def _streams(told: Told) -> None:
    chunks = [b'{"n": 1}\n', b'{"n": 2}\n']
    asked = {"method": "GET", "url": "/v1/export", "format": "ndjson"}
    list(told.client(Reply(chunks=chunks)).stream_events(**asked))
    with told.client(Reply(chunks=chunks)).stream_events(**asked) as left:
        next(iter(left))
    broken = told.client(Reply(chunks=[*chunks, penstock.ConnectionFailed("cut")]))
    with contextlib.suppress(PenstockError):
        list(broken.stream_events(**asked))


def _models(told: Told) -> None:
    genai = GenAI(chunk_times=True, logger_provider=told.loggers)
    stack = Stack.standard().replace(Tracing, genai)
    body: dict[str, Any] = {
        "model": "m",
        "messages": [{"role": "user", "content": "Hello."}],
        "tools": [{"type": "function", "function": {"name": "look"}}],
        "max_tokens": 5,
        "n": 2,
        "response_format": {"type": "text"},
        "seed": 1,
        "service_tier": "flex",
        "stop": ["END"],
        **dict.fromkeys(("frequency_penalty", "presence_penalty", "temperature"), 1),
        **dict.fromkeys(("top_k", "top_p"), 1),
    }
    usage = {
        "prompt_tokens": 5,
        "completion_tokens": 1,
        "prompt_tokens_details": {"cached_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": 1},
        "cache_creation_input_tokens": 1,
    }
    answer = {
        "id": "c",
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "Hi."}}],
        "service_tier": "flex",
        "system_fingerprint": "f",
        "usage": usage,
    }
    vector = {"model": "m", "usage": {"prompt_tokens": 2}}
    chat, asked = "/v1/chat/completions", {"operation": "chat.completions.create"}
    client = told.client(Reply(json=answer), Reply(json=vector), forever=True, stack=stack)
    client.post(chat, json=body, **asked)
    wanted = {"model": "m", "input": "a", "dimensions": 3, "encoding_format": "float"}
    for path in ("/v1/embeddings", "/v1/completions", "/v1/rerank"):
        client.post(path, json=wanted, **asked)
    client = told.client(503, forever=True, stack=stack)
    with contextlib.suppress(PenstockError):
        client.post(chat, json=body, **asked)
    chunks = [b'data: {"id": "c"}\n\n'] * 2 + [b"data: [DONE]\n\n"]
    sse = {"Content-Type": "text/event-stream"}
    client = told.client(Reply(headers=sse, chunks=chunks), stack=stack)
    list(client.stream_events("POST", chat, json={**body, "stream": True}, **asked))


async def _cancelled(told: Told) -> None:
    """Leave a call in the middle: the first reply never comes, in real time."""

    class Stuck:
        async def __call__(self, request: Any, call_next: Any) -> Any:
            scope.cancel()
            await anyio.sleep_forever()

    client = told.client(200, is_async=True, stack=Stack.standard().append(Stuck()))
    with anyio.CancelScope() as scope:
        await client.get("/v1/models")
