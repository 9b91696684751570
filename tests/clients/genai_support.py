"""OpenTelemetry's GenAI conventions (1.41) as a table, a checker, and what listens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import anyio
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind, StatusCode
from tests.events import Records

from .openai_support import CHAT, Rig, done, items

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.sampling import Sampler

CREATION = {
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "server.address",
    "server.port",
}
"""What samplers must see."""


class Told(NamedTuple):
    """What is expected of the span of a call of a model.

    Attributes:
        sends: How many sends are below it.
        error: `error.type`, or None for a span that is no error.
        outcome: `penstock.outcome`.
        answer: Whether anything of an answer came.
        reasons: The finish reasons that came.
        tokens: Input and output tokens, or None if nobody told.
        stream: `penstock.stream.outcome`, or None for what is no stream, or never opened.
        streams: Whether a stream was asked for.
        first_chunk: Seconds until the first chunk, or None if none came.
    """

    sends: int = 1
    error: str | None = None
    outcome: str = "ok"
    answer: bool = True
    reasons: tuple[str, ...] = ("stop",)
    tokens: tuple[int, int] | None = None
    stream: str | None = None
    streams: bool = False
    first_chunk: float | None = None


class Rule(NamedTuple):
    """One attribute: its type, and when it must be there; it must not be otherwise."""

    type: type
    due: Callable[[Told], bool | None]


SPAN = {
    **dict.fromkeys(CREATION, Rule(str, lambda _: True)),
    "server.port": Rule(int, lambda _: True),
    "openai.api.type": Rule(str, lambda _: True),
    "penstock.operation.name": Rule(str, lambda _: True),
    "penstock.attempts": Rule(int, lambda _: True),
    "penstock.outcome": Rule(str, lambda _: True),
    "penstock.retry.stopped": Rule(str, lambda _: None),  # either is right
    "penstock.stream.outcome": Rule(str, lambda told: told.stream is not None),
    "error.type": Rule(str, lambda told: told.error is not None),
    "gen_ai.request.stream": Rule(bool, lambda told: told.streams),
    "gen_ai.response.id": Rule(str, lambda told: told.answer),
    "gen_ai.response.model": Rule(str, lambda told: told.answer),
    "gen_ai.response.finish_reasons": Rule(tuple, lambda told: bool(told.reasons)),
    "gen_ai.usage.input_tokens": Rule(int, lambda told: told.tokens is not None),
    "gen_ai.usage.output_tokens": Rule(int, lambda told: told.tokens is not None),
    "gen_ai.response.time_to_first_chunk": Rule(float, lambda told: told.first_chunk is not None),
}


class Ears:
    """An SDK that keeps spans, points, and for who is given `loggers`, events."""

    def __init__(self, sampler: Sampler = ALWAYS_ON) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        tracers = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self._records = Records()
        self.loggers = LoggerProvider(shutdown_on_exit=False)
        self.loggers.add_log_record_processor(SimpleLogRecordProcessor(self._records))
        self.options: dict[str, Any] = {"tracer_provider": tracers, "meter_provider": meters}

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    @property
    def records(self) -> list[Any]:
        return list(self._records.get_finished_logs())

    @property
    def models(self) -> list[ReadableSpan]:
        return [span for span in self.spans if scope_of(span).name == "penstock.genai"]

    def points(self) -> dict[str, list[Any]]:
        """Return the points of every metric, with its unit and scope, by its name."""
        data = self._reader.get_metrics_data()
        return {
            metric.name: [(point, metric.unit, scope.scope) for point in metric.data.data_points]
            for of_resource in (data.resource_metrics if data else ())
            for scope in of_resource.scope_metrics
            for metric in scope.metrics
        }

    def told(self, name: str) -> list[dict[str, Any]]:
        """Return the attributes of a metric's points."""
        return [dict(point.attributes) for point, _, _ in self.points().get(name, [])]


def scope_of(span: ReadableSpan) -> Any:
    """Return the instrumentation scope of a span."""
    return span.instrumentation_scope


def attributes(span: ReadableSpan) -> dict[str, Any]:
    """Return a span's attributes."""
    return dict(span.attributes or {})


def check(ears: Ears, told: Told) -> None:
    """Check the spans of one chat against the conventions."""
    (span,) = ears.models
    sends = [one for one in ears.spans if one is not span]
    assert len(sends) == told.sends
    assert span.context is not None
    for send in sends:
        assert (send.kind, send.parent and send.parent.span_id) == (
            SpanKind.CLIENT,
            span.context.span_id,
        )
    assert (span.name, span.kind) == ("chat demo", SpanKind.CLIENT)
    assert scope_of(span).schema_url == "https://opentelemetry.io/schemas/1.41.0"
    found = attributes(span)
    due = {name: rule.due(told) for name, rule in SPAN.items()}
    assert {name for name, must in due.items() if must} <= found.keys()
    assert found.keys() <= {name for name, must in due.items() if must is not False}
    assert {n: type(value) for n, value in found.items()} == {n: SPAN[n].type for n in found}
    assert found.get("error.type") == told.error
    assert found["penstock.outcome"] == told.outcome
    assert found.get("penstock.stream.outcome") == told.stream
    assert found.get("gen_ai.response.finish_reasons", ()) == told.reasons
    assert found.get("gen_ai.response.time_to_first_chunk") == told.first_chunk
    if told.tokens is not None:
        counted = found["gen_ai.usage.input_tokens"], found["gen_ai.usage.output_tokens"]
        assert counted == told.tokens
    status = StatusCode.UNSET if told.error is None else StatusCode.ERROR
    assert (span.status.status_code, list(span.events)) == (status, [])


# What a caller may do


def ask(rig: Rig) -> Any:
    """Ask for a whole answer; return it, or the error."""
    try:
        return rig.run(lambda client: client.chat.completions.create(**CHAT))
    except Exception as error:  # noqa: BLE001 - outcomes are compared
        return error


def read(rig: Rig, **more: Any) -> Any:
    """Read a streamed answer to its end; return the error that ended it."""

    async def scenario(client: Any) -> None:
        await items(client.chat.completions.stream(**CHAT, **more))

    try:
        rig.play(scenario)
    except Exception as error:  # noqa: BLE001 - as above
        return error
    return None


def leave(rig: Rig) -> None:
    """Read the first chunk of a streamed answer and leave."""

    async def scenario(client: Any) -> None:
        stream = client.chat.completions.stream(**CHAT)
        if hasattr(stream, "__aenter__"):
            async with stream:
                await anext(aiter(stream))
        else:
            with stream:
                next(iter(stream))

    rig.play(scenario)


def never_read(rig: Rig) -> None:
    """Open a streamed answer and read nothing of it."""

    async def scenario(client: Any) -> None:
        stream = await done(client.chat.completions.create(**CHAT, stream=True))
        await done(stream.aclose() if hasattr(stream, "aclose") else stream.close())

    rig.play(scenario)


def cancel(rig: Rig) -> None:
    """Ask for an answer and be cancelled on the way."""

    async def scenario(client: Any) -> None:
        if client.is_async:
            with anyio.CancelScope() as scope:
                scope.cancel()
                await client.chat.completions.create(**CHAT)
        else:
            client.chat.completions.create(**CHAT)

    try:
        rig.play(scenario)
    except KeyboardInterrupt:
        return
    assert rig.client.is_async
