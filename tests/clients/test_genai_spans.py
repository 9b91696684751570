"""The laws of a model's spans: every scenario against the conventions' table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler, SamplingResult

from penstock import InvalidOption, Stack
from penstock.middleware import AttemptTracing, GenAI, Tracing
from penstock.testing import Reply

from .genai_support import (
    CREATION,
    Ears,
    Told,
    ask,
    attributes,
    cancel,
    check,
    leave,
    never_read,
    read,
    scope_of,
)
from .openai_support import ANSWER, BASE_URL, CHAT, DONE, Rig, chunk, events, spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

USAGE = b'data: {"id": "chatcmpl-1", "model": "demo", "choices": [], "usage": '
USAGE += b'{"prompt_tokens": 5, "completion_tokens": 2}}\n\n'
CUT = httpx.ReadError("cut")


def interrupt(_: Any) -> None:
    raise KeyboardInterrupt


class Scenario(NamedTuple):
    """What a server does, what a caller does, and what is to be told of it."""

    replies: Sequence[Any]
    told: Told
    act: Callable[[Rig], Any] = ask


NO_ANSWER = Told(answer=False, reasons=())
STREAM = Told(streams=True, stream="completed", first_chunk=2.0)
SCENARIOS = {
    "plain": Scenario([Reply(json=ANSWER)], Told(tokens=(5, 1))),
    "no usage told": Scenario([Reply(json={**ANSWER, "usage": None})], Told()),
    "retry": Scenario([503, 503, Reply(json=ANSWER)], Told(3, tokens=(5, 1))),
    "4xx": Scenario([Reply(400, json=ANSWER)], NO_ANSWER._replace(error="400", outcome="error")),
    "5xx": Scenario([500] * 3, NO_ANSWER._replace(sends=3, error="500", outcome="error")),
    "connect error": Scenario(
        [httpx.ConnectError("x")] * 3,
        NO_ANSWER._replace(sends=3, error="penstock.errors.ConnectionFailed", outcome="error"),
    ),
    "not JSON": Scenario([Reply(text="<html>")], NO_ANSWER),
    "stream to its end": Scenario([events(2.0, *spoken("a", "b"), DONE)], STREAM, read),
    "stream with usage": Scenario(
        [events(2.0, *spoken("a"), USAGE, DONE)], STREAM._replace(tokens=(5, 2)), read
    ),
    "stream, retried": Scenario(
        [503, events(1.75, *spoken("a"), DONE)], STREAM._replace(sends=2), read
    ),
    "stream cut on the wire": Scenario(
        [events(2.0, *spoken("a")[:2], CUT)],
        STREAM._replace(
            reasons=(),
            stream="error",
            outcome="error",
            error="penstock.errors.ConnectionFailed",
        ),
        read,
    ),
    "stream ended too early": Scenario(
        [events(2.0, *spoken("a")[:2])],
        STREAM._replace(
            reasons=(), stream="error", outcome="error", error="penstock.errors.StreamTruncated"
        ),
        read,
    ),
    "error in the stream": Scenario(
        [events(2.0, *spoken("a")[:2], b'data: {"error": {"message": "overloaded"}}\n\n')],
        STREAM._replace(
            reasons=(), stream="error", outcome="error", error="penstock.errors.StreamEventError"
        ),
        read,
    ),
    "no stream at all": Scenario(
        [Reply(json=ANSWER)],
        NO_ANSWER._replace(
            streams=True,
            stream="error",
            outcome="error",
            error="penstock.errors.NotAnEventStream",
        ),
        read,
    ),
    "stream left early": Scenario(
        [events(2.0, *spoken("a", "b"), DONE)],
        STREAM._replace(reasons=(), stream="closed"),
        leave,
    ),
    "stream never read": Scenario(
        [events(2.0, *spoken("a"), DONE)],
        NO_ANSWER._replace(streams=True, stream="closed"),
        never_read,
    ),
    "stream refused": Scenario(
        [Reply(404, chunks=[b'{"error": {}}'])],
        NO_ANSWER._replace(streams=True, stream="completed", error="404", outcome="error"),
        read,
    ),
}


@pytest.fixture(params=SCENARIOS, ids=str)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return SCENARIOS[request.param]


def test_spans_follow_the_conventions(colour: Any, scenario: Scenario) -> None:
    """Tree, names, kinds, attributes, types and status are as the table says, in every scenario."""
    ears = Ears()
    scenario.act(Rig(colour, *scenario.replies, **ears.options))
    check(ears, scenario.told)


def test_a_cancelled_call_is_no_error(colour: Any) -> None:
    """Who cancels has not failed: status Unset, no `error.type`, and it is said who ended it."""
    ears = Ears()
    rig = Rig(colour, *([] if colour.is_async else [interrupt]), **ears.options)
    cancel(rig)
    sends = len(ears.spans) - 1
    check(ears, NO_ANSWER._replace(sends=sends, outcome="cancelled"))


class Spy(Sampler):
    """Samples everything, and remembers what it was shown of calls of models."""

    def __init__(self) -> None:
        self.seen: list[set[str]] = []

    def should_sample(
        self,
        parent_context: Any,
        trace_id: int,
        name: str,
        kind: Any = None,
        attributes: Any = None,
        links: Any = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        if "gen_ai.operation.name" in (attributes or {}):
            self.seen.append(set(attributes))
        return ALWAYS_ON.should_sample(parent_context, trace_id, name, kind, attributes, links)

    def get_description(self) -> str:
        return "Spy"


def test_samplers_see_what_they_need(colour: Any, scenario: Scenario) -> None:
    """What a sampler decides by is there when the span starts."""
    spy = Spy()
    scenario.act(Rig(colour, *scenario.replies, **Ears(spy).options))
    assert [seen >= CREATION for seen in spy.seen] == [True]


def test_sampled_out(colour: Any, scenario: Scenario) -> None:
    """An unsampled trace records no span, travels with its decision, and is measured."""
    ears = Ears(ALWAYS_OFF)
    rig = Rig(colour, *scenario.replies, **ears.options)
    scenario.act(rig)
    assert ears.spans == []
    flags = [int(sent.headers["traceparent"][-2:], 16) & 1 for sent in rig.script.requests]
    assert flags == [0] * scenario.told.sends
    assert len(ears.told("gen_ai.client.operation.duration")) == 1


def test_without_an_sdk_outcomes_are_the_same(colour: Any, scenario: Scenario) -> None:
    """What a caller gets does not depend on who listens."""
    silent = Rig(colour, *scenario.replies)
    heard = Rig(colour, *scenario.replies, **Ears().options)
    assert repr(scenario.act(silent)) == repr(scenario.act(heard))
    assert silent.script.bodies == heard.script.bodies


def test_nested_in_a_users_span(colour: Any) -> None:
    """The span is a child of the span that is current, which stays current afterwards."""
    ears = Ears()
    rig = Rig(colour, events(*spoken("a"), DONE), **ears.options)
    tracer = ears.options["tracer_provider"].get_tracer("application")
    with tracer.start_as_current_span("work") as work:
        read(rig)
        assert trace.get_current_span() is work
    (span,) = ears.models
    assert span.parent is not None
    assert span.parent.span_id == work.get_span_context().span_id


def test_request_attributes(colour: Any) -> None:
    """What was asked for is told by the conventions' names and types, and no prompt with it."""
    ears = Ears()
    rig = Rig(colour, Reply(json=ANSWER), **ears.options)
    rig.run(
        lambda client: client.chat.completions.create(
            **CHAT,
            frequency_penalty=1,
            max_completion_tokens=64,
            n=2,
            presence_penalty=0.5,
            response_format={"type": "json_object"},
            seed=7,
            service_tier="flex",
            stop="END",
            temperature=0,
            top_p=1,
            user="somebody",
        )
    )
    (span,) = ears.models
    told = {name: value for name, value in attributes(span).items() if "request" in name}
    assert told == {
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.frequency_penalty": 1.0,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.model": "demo",
        "gen_ai.request.presence_penalty": 0.5,
        "gen_ai.request.seed": 7,
        "gen_ai.request.stop_sequences": ("END",),
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.top_p": 1.0,
        "openai.request.service_tier": "flex",
    }
    assert attributes(span)["gen_ai.output.type"] == "json"
    assert type(attributes(span)["gen_ai.request.temperature"]) is float


def test_values_of_the_wrong_kind_are_not_told(colour: Any) -> None:
    """What does not fit the conventions' types is left out, and sent all the same."""
    ears = Ears()
    odd = {"max_tokens": "many", "n": 1, "seed": 1.5, "stop": [1], "service_tier": "auto"}
    strange = {"id": 7, "model": "demo", "choices": ["x", {"finish_reason": 3}], "usage": [1]}
    rig = Rig(colour, Reply(json=strange), **ears.options)
    rig.run(lambda client: client.chat.completions.create(**CHAT, extra_body=odd))
    (span,) = ears.models
    gen_ai = {name for name in attributes(span) if name.startswith("gen_ai")}
    assert gen_ai == {
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "gen_ai.request.model",
        "gen_ai.response.model",
    }
    assert {name: rig.body[name] for name in odd} == odd


def test_details_of_an_answer(colour: Any) -> None:
    """Cached and reasoning tokens, tier, fingerprint and each choice's reason are told."""
    ears = Ears()
    usage = {
        "prompt_tokens": 50,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 40},
        "completion_tokens_details": {"reasoning_tokens": 12},
        "cache_creation_input_tokens": 3,
    }
    choices = [{"index": 1, "finish_reason": "length"}, {"index": 0, "finish_reason": "stop"}]
    more = {"usage": usage, "choices": choices, "service_tier": "flex", "system_fingerprint": "f1"}
    ask(Rig(colour, Reply(json={**ANSWER, **more}), **ears.options))
    (span,) = ears.models
    told = attributes(span)
    assert told["gen_ai.response.finish_reasons"] == ("stop", "length")
    assert {name: told[name] for name in told if "usage" in name} == {
        "gen_ai.usage.input_tokens": 50,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 40,
        "gen_ai.usage.cache_creation.input_tokens": 3,
        "gen_ai.usage.reasoning.output_tokens": 12,
    }
    assert told["openai.response.service_tier"] == "flex"
    assert told["openai.response.system_fingerprint"] == "f1"


OPERATIONS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "text_completion demo": (
        lambda client: client.completions.create(model="demo", prompt="Once"),
        {"id": "c1", "model": "demo", "choices": [{"index": 0, "finish_reason": "stop"}]},
        {"gen_ai.response.finish_reasons": ("stop",)},
    ),
    "embeddings demo": (
        lambda client: client.embeddings.create(
            model="demo", input="text", dimensions=3, encoding_format="float"
        ),
        {
            "data": [],
            "model": "demo",
            "usage": {"prompt_tokens": 2, "completion_tokens": 0, "total_tokens": 2},
        },
        {
            "gen_ai.embeddings.dimension.count": 3,
            "gen_ai.request.encoding_formats": ("float",),
            "gen_ai.usage.input_tokens": 2,
        },
    ),
    "rerank demo": (
        lambda client: client.rerank.create(model="demo", query="q", documents=["a"]),
        {"id": "r1", "model": "demo", "results": [], "usage": {"total_tokens": 9}},
        {"gen_ai.response.id": "r1"},
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_has_its_name(name: str, colour: Any) -> None:
    """Completions, embeddings and rankings are calls of models, each under its own name."""
    call, answer, told = OPERATIONS[name]
    ears = Ears()
    Rig(colour, Reply(json=answer), **ears.options).run(call)
    (span,) = ears.models
    found = attributes(span)
    assert (span.name, found["gen_ai.operation.name"]) == (name, name.partition(" ")[0])
    assert {attribute: found.get(attribute) for attribute in told} == told
    assert ("gen_ai.usage.output_tokens" in found) is False


def test_what_calls_no_model_is_an_ordinary_call(colour: Any) -> None:
    """A call that is none of a model has the span it has under `Tracing`."""
    ears = Ears()
    Rig(colour, Reply(json={"data": []}), **ears.options).run(lambda client: client.models.list())
    assert [span.name for span in ears.spans] == ["GET", "penstock.call models.list"]
    assert {scope_of(span).name for span in ears.spans} == {"penstock"}


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("http://localhost:8000", "openai"),
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://us.openai.azure.com/openai/v1", "azure.ai.openai"),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "gcp.gemini"),
    ],
)
def test_the_provider_goes_by_the_host(url: str, provider: str, colour: Any) -> None:
    """A provider the conventions know is known by its host; only OpenAI's own has `openai.…`."""
    ears = Ears()
    ask(Rig(colour, Reply(json=ANSWER), base_url=url, **ears.options))
    (span,) = ears.models
    assert attributes(span)["gen_ai.provider.name"] == provider
    assert ("openai.api.type" in attributes(span)) is (provider == "openai")


def test_a_callers_attributes_stand_beside(colour: Any) -> None:
    """The call's own attributes are on the span, and win: only a caller knows a conversation."""
    ears = Ears()
    rig = Rig(colour, Reply(json=ANSWER), **ears.options)
    given = {"attributes": {"gen_ai.conversation.id": "conv-1"}}
    rig.run(lambda client: client.chat.completions.create(**CHAT, request_options=given))
    assert attributes(ears.models[0])["gen_ai.conversation.id"] == "conv-1"


def test_a_streams_span_may_end_with_its_headers(colour: Any) -> None:
    """By the policy of the `Tracing` it replaced, the span of a stream ends at its head."""
    ears = Ears()
    traced = Stack.standard().replace(Tracing, Tracing("headers"))
    stack = GenAI.instead_of_tracing(traced.replace(AttemptTracing, AttemptTracing("headers")))
    rig = Rig(colour, events(*spoken("a"), DONE), stack=stack, **ears.options)
    read(rig)
    (span,) = ears.models
    assert "gen_ai.response.id" not in attributes(span)
    assert attributes(span)["gen_ai.request.stream"] is True


def test_any_client_can_have_it(colour: Any) -> None:
    """A plain client with `GenAI` in its stack traces its calls of models, parsed or raw."""
    ears = Ears()
    script = Rig(colour, Reply(json=ANSWER), events(chunk({"content": "a"}), DONE)).script
    stack = Stack.standard().replace(Tracing, GenAI("acme", operations={"/ask": "chat"}))
    client = colour.client(BASE_URL, transport=script, stack=stack, **ears.options)
    colour.run(lambda: client.post("/ask", json={"model": "m"}))
    colour.events(client.stream_events("POST", "/chat/completions", json={"model": "m"}))
    assert [span.name for span in ears.models] == ["chat m", "chat m"]
    assert [attributes(span)["gen_ai.provider.name"] for span in ears.models] == ["acme"] * 2
    assert [attributes(span)["gen_ai.response.id"] for span in ears.models] == ["chatcmpl-1"] * 2


def test_its_place_and_its_repr() -> None:
    """It takes the place of `Tracing` where there is one, and says what it was given."""
    untraced = Stack.standard().without(AttemptTracing).without(Tracing)
    assert GenAI.instead_of_tracing(untraced, "acme") == untraced
    assert "    GenAI('acme'),\n" in repr(GenAI.instead_of_tracing(Stack.standard(), "acme"))
    shown = "GenAI(operations={'/ask': 'chat'}, capture_content=False, stream_span_end='headers')"
    made = GenAI(operations={"/ask": "chat"}, capture_content=False, stream_span_end="headers")
    assert repr(made) == shown


@pytest.mark.parametrize(
    "wrong", [{"provider": ""}, {"capture_content": "yes"}, {"stream_span_end": "never"}]
)
def test_wrong_arguments_are_refused(wrong: dict[str, Any]) -> None:
    """A value that cannot work is refused at once."""
    with pytest.raises(InvalidOption):
        GenAI(**wrong)
