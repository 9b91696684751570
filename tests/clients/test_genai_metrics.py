"""The laws of what calls of models are measured by, in both versions of the names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from penstock import Stack
from penstock.middleware import GenAI, Tracing
from penstock.testing import Reply

from .genai_support import Ears, ask, attributes, leave, read
from .openai_support import ANSWER, CHAT, DONE, Rig, chunk, events, spoken

if TYPE_CHECKING:
    from collections.abc import Iterator

OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"
SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
ASKED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "demo",
    "server.address": "llm.example.com",
    "server.port": 443,
}
ANSWERED = {**ASKED, "gen_ai.response.model": "demo"}
DURATION = "gen_ai.client.operation.duration"
USAGE = "gen_ai.client.token.usage"
FIRST = "gen_ai.client.operation.time_to_first_chunk"


@pytest.fixture
def latest(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(OPT_IN, "http, gen_ai_latest_experimental")
    return


def test_an_answer_is_measured(colour: Any) -> None:
    """An answer has one duration, waits included, and its tokens by type, in the right buckets."""
    ears = Ears()
    rig = Rig(colour, 503, Reply(json=ANSWER, delay=1.5), **ears.options)
    ask(rig)
    points = ears.points()
    ((duration, unit, scope),) = points[DURATION]
    assert (dict(duration.attributes), unit) == (ANSWERED, "s")
    assert (scope.name, scope.schema_url) == (
        "penstock.genai",
        "https://opentelemetry.io/schemas/1.41.0",
    )
    assert duration.explicit_bounds == SECONDS
    assert duration.sum == pytest.approx(1.5 + sum(rig.clock.sleeps))
    told = {point.attributes["gen_ai.token.type"]: point for point, _, _ in points[USAGE]}
    assert {kind: point.sum for kind, point in told.items()} == {"input": 5, "output": 1}
    for kind, point in told.items():
        assert dict(point.attributes) == {**ANSWERED, "gen_ai.token.type": kind}
        assert point.explicit_bounds == TOKENS
    assert {unit for _, unit, _ in points[USAGE]} == {"{token}"}
    assert FIRST not in points


def test_durations_agree_with_their_spans(colour: Any) -> None:
    """The duration is the span's, and its exemplar points there."""
    ears = Ears()
    ask(Rig(colour, Reply(json=ANSWER, delay=0.75), **ears.options))
    ((duration, _, _),) = ears.points()[DURATION]
    (span,) = ears.models
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.context is not None
    assert duration.sum == pytest.approx((span.end_time - span.start_time) / 1e9)
    assert [one.span_id for one in duration.exemplars] == [span.context.span_id]


def test_a_stream_has_a_first_chunk(colour: Any) -> None:
    """The first chunk of a stream is measured from the call's beginning; no tokens are made up."""
    ears = Ears()
    stream = events(2.0, *spoken("a"), 3.0, DONE)
    read(Rig(colour, stream, **ears.options))
    points = ears.points()
    assert [(point.sum, dict(point.attributes)) for point, _, _ in points[FIRST]] == [
        (2.0, ANSWERED)
    ]
    assert [point.sum for point, _, _ in points[DURATION]] == [5.0]
    assert points[FIRST][0][0].explicit_bounds == SECONDS
    assert USAGE not in points


EACH = "gen_ai.client.operation.time_per_output_chunk"


def timing(colour: Any, ears: Ears, *steps: Any, **options: Any) -> Rig:
    """Return a client that measures the time between the chunks of a stream."""
    genai = GenAI(chunk_times=True)
    change: Any = lambda stack: stack.replace(GenAI, genai)  # noqa: E731 - its type is of no use
    return Rig(colour, events(*steps), stack=change, **{**ears.options, **options})


def test_each_chunk_is_measured_where_that_is_asked_for(colour: Any) -> None:
    """Each chunk after the first has the time since the one before it; the end is no chunk."""
    ears = Ears()
    first, second, third, last = spoken("a", "b")
    steps = [2.0, first, 0.5, second, 0.25, third, 1.0, last, 3.0, DONE]
    read(timing(colour, ears, *steps))
    ((point, unit, _),) = ears.points()[EACH]
    assert (point.count, point.sum, point.min, point.max) == (3, 1.75, 0.25, 1.0)
    assert (dict(point.attributes), unit) == (ANSWERED, "s")
    assert point.explicit_bounds == SECONDS
    assert ears.told(FIRST) == [ANSWERED]


def test_chunks_are_not_measured_unasked(colour: Any) -> None:
    """Without being asked for, and for what is no stream, there is no time of a chunk."""
    ears = Ears()
    read(Rig(colour, events(*spoken("a"), DONE), **ears.options))
    assert EACH not in ears.points()
    genai = GenAI(chunk_times=True)
    stack = Stack.standard().replace(Tracing, genai)
    ask(Rig(colour, Reply(json=ANSWER), stack=stack, **ears.options))
    assert EACH not in ears.points()
    assert repr(genai) == "GenAI(chunk_times=True)"


def test_the_chunks_of_a_stream_that_breaks(colour: Any) -> None:
    """A stream that broke off or was left is measured as far as it came."""
    ears = Ears()
    broken = [1.0, *spoken("a")[:2], 2.0, httpx.ReadError("cut")]
    read(timing(colour, ears, *broken))
    ((point, _, _),) = ears.points()[EACH]
    assert (point.count, point.sum) == (1, 0.0)
    left = Ears()
    leave(timing(colour, left, *spoken("a"), DONE))
    assert EACH not in left.points()


def test_chunks_where_nobody_measures(colour: Any) -> None:
    """Where there are spans and no metrics, chunks are not timed, and the stream is as ever."""
    ears = Ears()
    assert read(timing(colour, ears, *spoken("a"), DONE, meter_provider=None)) is None
    assert len(ears.models) == 1
    assert ears.points() == {}


@pytest.mark.usefixtures("latest")
def test_each_chunk_in_the_latest_names(colour: Any) -> None:
    """In development the metric has the name of the inference it is of."""
    ears = Ears()
    read(timing(colour, ears, *spoken("a"), DONE))
    assert ears.points()["gen_ai.client.inference.time_per_output_chunk"][0][0].count == 2
    assert EACH not in ears.points()


def test_what_failed_is_measured(colour: Any) -> None:
    """A failure has a duration with its `error.type`, and neither tokens nor a first chunk."""
    ears = Ears()
    ask(Rig(colour, 400, **ears.options))
    assert ears.told(DURATION) == [{**ASKED, "error.type": "400"}]
    assert not ears.points().keys() & {USAGE, FIRST}


def test_who_leaves_early_has_a_first_chunk(colour: Any) -> None:
    """A stream that its reader leaves is measured as far as it came, without an error."""
    ears = Ears()
    leave(Rig(colour, events(1.0, *spoken("a"), DONE), **ears.options))
    assert ears.told(DURATION) == [ANSWERED]
    assert ears.told(FIRST) == [ANSWERED]


def test_calls_are_measured_beside(colour: Any) -> None:
    """What `Tracing` measures of any call, it measures of these too."""
    ears = Ears()
    ask(Rig(colour, 503, Reply(json=ANSWER), name="app", **ears.options))
    assert ears.told("penstock.client.call.duration") == [
        {"penstock.client.name": "app", "penstock.operation.name": "chat.completions.create"}
    ]
    assert len(ears.told("penstock.client.retries")) == 1


def test_cardinality_is_bounded(colour: Any) -> None:
    """Answers' ids and prompts make no series of their own."""
    ears = Ears()
    replies = [Reply(json={**ANSWER, "id": f"chatcmpl-{n}"}) for n in range(20)]
    rig = Rig(colour, *replies, **ears.options)

    async def scenario(client: Any) -> None:
        for n in range(20):
            said = [{"role": "user", "content": str(n)}]
            result = client.chat.completions.create(model="demo", messages=said)
            if client.is_async:
                await result

    rig.play(scenario)
    assert len(ears.told(DURATION)) == 1


@pytest.mark.usefixtures("latest")
def test_the_latest_names(colour: Any) -> None:
    """By `gen_ai_latest_experimental` the names are those of the conventions in development."""
    ears = Ears()
    usage = {"prompt_tokens": 5, "completion_tokens": 1, "cache_creation_input_tokens": 2}
    rig = Rig(colour, Reply(json={**ANSWER, "usage": usage}), **ears.options)
    rig.run(lambda c: c.chat.completions.create(**CHAT, reasoning_effort="low"))
    (span,) = ears.models
    assert attributes(span)["gen_ai.usage.cache_write.input_tokens"] == 2
    assert attributes(span)["gen_ai.request.reasoning.level"] == "low"
    points = ears.points()
    sums = {
        name: [getattr(point, "value", None) or point.sum for point, _, _ in found]
        for name, found in points.items()
        if name.startswith("gen_ai.client.inference") and "duration" not in name
    }
    assert sums == {
        "gen_ai.client.inference.usage.input_tokens": [5],
        "gen_ai.client.inference.usage.output_tokens": [1],
        "gen_ai.client.inference.usage.cache_write.input_tokens": [2],
        "gen_ai.client.inference.operation.input_tokens": [5],
        "gen_ai.client.inference.operation.output_tokens": [1],
    }
    assert ears.told("gen_ai.client.inference.duration") == [ANSWERED]
    assert ears.told("gen_ai.client.inference.usage.input_tokens") == [
        {**ANSWERED, "gen_ai.token.modality": "unknown"}
    ]
    assert not points.keys() & {DURATION, USAGE, FIRST}
    ((_, _, scope),) = points["gen_ai.client.inference.duration"]
    assert scope.schema_url == "https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev"


@pytest.mark.usefixtures("latest")
def test_the_latest_names_of_a_failure(colour: Any) -> None:
    """There a failure counts no tokens, and a choice whose stream broke has a reason: `error`."""
    ears = Ears()
    read(Rig(colour, events(chunk({"content": "a"})), **ears.options))
    (span,) = ears.models
    assert attributes(span)["gen_ai.response.finish_reasons"] == ("error",)
    error = {"error.type": "penstock.errors.StreamTruncated"}
    (spent, _, _), *_ = ears.points()["gen_ai.client.inference.usage.input_tokens"]
    assert spent.value == 0
    assert ears.told("gen_ai.client.inference.operation.input_tokens") == [{**ANSWERED, **error}]
    assert ears.told("gen_ai.client.inference.time_to_first_chunk") == [ANSWERED]


@pytest.mark.usefixtures("latest")
@pytest.mark.parametrize(
    ("call", "duration"),
    [
        (
            lambda client: client.embeddings.create(model="demo", input="a"),
            "gen_ai.client.embeddings.duration",
        ),
        (
            lambda client: client.rerank.create(model="demo", query="q", documents=["a"]),
            DURATION,
        ),
    ],
    ids=["embeddings", "rerank"],
)
def test_the_latest_names_of_other_operations(call: Any, duration: str, colour: Any) -> None:
    """There embeddings have metrics of their own, and what has no name keeps the general ones."""
    ears = Ears()
    answer = {"model": "demo", "data": [], "usage": {"prompt_tokens": 4}}
    Rig(colour, Reply(json=answer), **ears.options).run(call)
    own = {name for name in ears.points() if name.startswith("gen_ai")}
    tokens = {"gen_ai.client.embeddings.operation.input_tokens"} if "embed" in duration else set()
    assert own == {duration, *tokens}
