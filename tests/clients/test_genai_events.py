"""The laws of the event of a call of a model: who asks for it gets it, and nobody else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from opentelemetry import _logs
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from penstock import InvalidOption, Stack
from penstock.middleware import GenAI, Tracing
from penstock.testing import Reply

from .genai_support import Ears, ask, attributes, cancel, leave, read
from .openai_support import ANSWER, CHAT, DONE, KEY, Rig, chunk, events, spoken

VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
NAME = "gen_ai.client.inference.operation.details"
CONTENT = {"gen_ai.input.messages", "gen_ai.output.messages"}


def rig(colour: Any, ears: Ears, *replies: Any, **options: Any) -> Rig:
    """Return a client that tells *ears* events, too."""
    genai = GenAI(logger_provider=ears.loggers, **options)
    return Rig(colour, *replies, stack=lambda stack: stack.replace(GenAI, genai), **ears.options)


def told(ears: Ears) -> dict[str, Any]:
    """Return the attributes of the one event there is."""
    (record,) = ears.records
    return {name: plain(value) for name, value in record.log_record.attributes.items()}


def plain(value: Any) -> Any:
    """Return a value as it was before the SDK froze it."""
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, tuple) else value


def test_an_event_says_it_all(colour: Any) -> None:
    """An event has what the span has of the model, and what was said in structured form."""
    ears = Ears()
    ask(rig(colour, ears, Reply(json=ANSWER), capture_content="event_only"))
    (record,), (span,) = ears.records, ears.models
    log = record.log_record
    assert (log.event_name, log.severity_number) == (NAME, _logs.SeverityNumber.INFO)
    assert record.instrumentation_scope.name == "penstock.genai"
    assert record.instrumentation_scope.schema_url == "https://opentelemetry.io/schemas/1.41.0"
    assert span.context is not None
    assert (log.trace_id, log.span_id) == (span.context.trace_id, span.context.span_id)
    assert log.timestamp == span.end_time
    ours = {name for name in attributes(span) if name.startswith("penstock.")}
    said = told(ears)
    assert said["gen_ai.input.messages"][0]["role"] == "user"
    assert said["gen_ai.output.messages"] == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "Tall."}],
            "finish_reason": "stop",
        }
    ]
    assert said.keys() == (attributes(span).keys() - ours) | CONTENT
    rest = {name: value for name, value in said.items() if name not in CONTENT}
    assert rest == {name: plain(attributes(span)[name]) for name in rest}


@pytest.mark.parametrize(
    ("value", "on_span", "in_event"),
    [
        (None, False, False),
        ("NO_CONTENT", False, False),
        ("SPAN_ONLY", True, False),
        ("true", True, False),
        ("EVENT_ONLY", False, True),
        ("event_only", False, True),
        ("SPAN_AND_EVENT", True, True),
    ],
)
def test_where_the_environment_wants_it(
    value: str | None,
    on_span: bool,
    in_event: bool,
    monkeypatch: pytest.MonkeyPatch,
    colour: Any,
) -> None:
    """The environment says where what was said is told: on the span, in an event, in both."""
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    ears = Ears()
    ask(rig(colour, ears, Reply(json=ANSWER)))
    assert (attributes(ears.models[0]).keys() >= CONTENT) is on_span
    assert len(ears.records) == in_event


@pytest.mark.parametrize(
    ("argument", "on_span", "in_event"),
    [
        (True, True, False),
        ("span_only", True, False),
        ("event_only", False, True),
        ("span_and_event", True, True),
        (False, False, False),
        ("no_content", False, False),
    ],
)
def test_where_an_argument_wants_it(
    argument: Any, on_span: bool, in_event: bool, monkeypatch: pytest.MonkeyPatch, colour: Any
) -> None:
    """What `capture_content` says holds, whatever the environment says."""
    monkeypatch.setenv(VARIABLE, "NO_CONTENT" if on_span or in_event else "SPAN_AND_EVENT")
    ears = Ears()
    ask(rig(colour, ears, Reply(json=ANSWER), capture_content=argument))
    assert (attributes(ears.models[0]).keys() >= CONTENT) is on_span
    assert len(ears.records) == in_event


@pytest.mark.parametrize("argument", ["events", "", 1, ["span_only"]])
def test_a_place_there_is_not(argument: Any) -> None:
    """Anything else is refused, and so is what is no logger provider."""
    with pytest.raises(InvalidOption, match="capture_content must be a bool or one of no_content"):
        GenAI(capture_content=argument)
    with pytest.raises(InvalidOption, match=r"must have \.get_logger, which int has not"):
        GenAI(logger_provider=1)


def test_a_stream_is_told_at_its_end(colour: Any) -> None:
    """A streamed answer has one event, with all of it and the time to its first chunk."""
    ears = Ears()
    stream = events(2.0, *spoken("It ", "is."), 3.0, DONE)
    assert read(rig(colour, ears, stream, capture_content="event_only")) is None
    said = told(ears)
    assert said["gen_ai.output.messages"][0]["parts"] == [{"type": "text", "content": "It is."}]
    assert said["gen_ai.response.time_to_first_chunk"] == 2.0


def test_what_was_said_until_a_reader_left(colour: Any) -> None:
    """A stream that its reader leaves is told as far as it was read."""
    ears = Ears()
    steps = [chunk({"content": "a"}), chunk({"content": "b"}), DONE]
    leave(rig(colour, ears, events(*steps), capture_content="event_only"))
    assert told(ears)["gen_ai.output.messages"][0]["parts"] == [{"type": "text", "content": "a"}]


@pytest.mark.parametrize(
    ("reply", "error"),
    [(400, "400"), (httpx.ConnectError("no route"), "penstock.errors.ConnectionFailed")],
)
def test_a_call_that_fails(reply: Any, error: str, colour: Any) -> None:
    """A call without an answer tells what was asked, and its error."""
    ears = Ears()
    client = rig(colour, ears, *[reply] * 3, capture_content="event_only")
    ask(client)
    said = told(ears)
    assert said["error.type"] == error
    assert "gen_ai.input.messages" in said
    assert "gen_ai.output.messages" not in said


def interrupt(request: Any) -> None:
    raise KeyboardInterrupt


def test_a_cancelled_call(colour: Any) -> None:
    """A call that is cancelled is told without an error."""
    ears = Ears()
    cancel(rig(colour, ears, interrupt, capture_content="event_only"))
    assert "error.type" not in told(ears)


def test_retries_are_one_event(colour: Any) -> None:
    """However many attempts there are, a call is told once."""
    ears = Ears()
    ask(rig(colour, ears, 503, Reply(json=ANSWER), capture_content="event_only"))
    assert len(ears.records) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.embeddings.create(model="m", input="a"),
        lambda client: client.rerank.create(model="m", query="?", documents=["a"]),
    ],
    ids=["embeddings", "rerank"],
)
def test_what_generates_nothing(call: Any, colour: Any) -> None:
    """There is no event of an operation that is no inference."""
    ears = Ears()
    client = rig(colour, ears, Reply(json={"data": []}), capture_content="span_and_event")
    client.run(call)
    assert (len(ears.models), ears.records) == (1, [])


def test_events_without_spans(colour: Any) -> None:
    """Events are told where nothing is traced, and where the trace is not sampled."""
    unsampled = Ears(ALWAYS_OFF)
    ask(rig(colour, unsampled, Reply(json=ANSWER), capture_content="event_only"))
    assert (len(unsampled.records), unsampled.spans) == (1, [])
    alone = Ears()
    alone.options = {}
    ask(rig(colour, alone, Reply(json=ANSWER), capture_content="event_only"))
    said = told(alone)
    assert said["gen_ai.response.id"] == ANSWER["id"]
    assert "gen_ai.output.messages" in said


def test_the_global_provider(monkeypatch: pytest.MonkeyPatch, colour: Any) -> None:
    """Events go to the application's own provider, also to one it sets after the first call."""
    ears = Ears()
    client = Rig(
        colour,
        Reply(json=ANSWER),
        Reply(json=ANSWER),
        stack=Stack.standard().replace(Tracing, GenAI(capture_content="event_only")),
    )
    ask(client)
    monkeypatch.setattr(_logs._internal, "_LOGGER_PROVIDER", ears.loggers)
    ask(client)
    assert len(ears.records) == 1


def test_who_does_not_listen(monkeypatch: pytest.MonkeyPatch, colour: Any) -> None:
    """A provider that is switched off, or an API that has no events, changes nothing else."""
    ears = Ears()
    stack = Stack.standard().replace(
        Tracing, GenAI(capture_content="event_only", logger_provider=_logs.NoOpLoggerProvider())
    )
    assert ask(Rig(colour, Reply(json=ANSWER), stack=stack, **ears.options)).id == ANSWER["id"]
    monkeypatch.setattr(_logs.Logger, "emit", lambda self, record: None)
    ask(rig(colour, ears, Reply(json=ANSWER), capture_content="event_only"))
    assert (len(ears.models), ears.records) == (2, [])


def test_no_credential_is_told(colour: Any) -> None:
    """A credential in a message, however deep, is taken out, and the structure stays."""
    ears = Ears()
    tool = {"type": "function", "function": {"name": KEY, "strict": True, "parameters": {KEY: 1}}}
    said = {**CHAT, "messages": [{"role": "user", "content": f"My key is {KEY}."}], "tools": [tool]}
    answer = {**ANSWER, "choices": [{"message": {"content": f"It is {KEY}."}}]}
    client = rig(colour, ears, Reply(json=answer), capture_content="event_only")
    client.run(lambda one: one.chat.completions.create(**said))
    shown = told(ears)
    assert KEY not in repr(shown)
    text = {"type": "text", "content": "My key is REDACTED."}
    assert shown["gen_ai.input.messages"] == [{"role": "user", "parts": [text]}]
    clean = {"name": "REDACTED", "strict": True, "parameters": {"REDACTED": 1}}
    assert shown["gen_ai.tool.definitions"] == [{"type": "function", "function": clean}]


def test_what_is_nested_deep(colour: Any) -> None:
    """However deep a tool's definition is it breaks no call: its depths are told as JSON."""
    ears = Ears()
    deep: Any = {KEY: "bottom"}
    for _ in range(200):
        deep = {"in": deep}
    client = rig(colour, ears, Reply(json=ANSWER), capture_content="span_and_event")
    client.run(lambda one: one.chat.completions.create(**CHAT, tools=[deep]))
    (inner,) = told(ears)["gen_ai.tool.definitions"]
    while isinstance(inner, dict):
        inner = inner["in"]
    assert json.loads(inner)
    assert "bottom" in inner
    assert KEY not in inner


def test_the_call_s_own_attributes(colour: Any) -> None:
    """What the caller knows, such as the conversation, is told with the rest."""
    ears = Ears()
    client = rig(colour, ears, Reply(json=ANSWER), capture_content="event_only")
    own = {"attributes": {"gen_ai.conversation.id": "conv-1"}}
    client.run(lambda one: one.chat.completions.create(**CHAT, request_options=own))
    assert told(ears)["gen_ai.conversation.id"] == "conv-1"


def test_a_tool_s_call_in_a_stream(colour: Any) -> None:
    """The pieces of a tool's call come together in an event as they do on a span."""
    ears = Ears()
    call = {"index": 0, "id": "c1", "function": {"name": "look", "arguments": '{"at'}}
    more = {"index": 0, "function": {"arguments": '": 1}'}}
    steps = [chunk({"tool_calls": [call]}), chunk({"tool_calls": [more]}, "tool_calls"), DONE]
    read(rig(colour, ears, events(*steps), capture_content="event_only"))
    assert told(ears)["gen_ai.output.messages"][0]["parts"] == [
        {"type": "tool_call", "name": "look", "arguments": '{"at": 1}', "id": "c1"}
    ]
