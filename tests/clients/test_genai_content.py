"""The laws of what was said: on no span unless asked for, and never a credential."""

from __future__ import annotations

import contextlib
import json
import logging
from typing import Any

import httpx
import pytest

from penstock import Stack
from penstock.clients.openai_compatible import (
    APIError,
    AsyncOpenAICompatible,
    OpenAICompatible,
)
from penstock.middleware import GenAI, Tracing
from penstock.testing import Reply, Script

from .genai_support import Ears, attributes, read
from .openai_support import ANSWER, BASE_URL, DONE, KEY, Rig, chunk, events

VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
CONTENT = {"gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.tool.definitions"}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {}}}
TALK: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Look."}, {"type": "image_url"}]},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "function": {"name": "look", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "a dam"},
]
CHAT: dict[str, Any] = {"model": "demo", "messages": TALK, "tools": [TOOL]}


def said(span: Any, name: str) -> Any:
    """Return what an attribute has, parsed."""
    return json.loads(attributes(span)[name])


@pytest.mark.parametrize("value", [None, "", "NO_CONTENT", "EVENT_ONLY", "false"])
def test_nothing_is_said_by_default(
    value: str | None, monkeypatch: pytest.MonkeyPatch, colour: Any
) -> None:
    """Without an opt-in that concerns spans, no message is on one."""
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    ears = Ears()
    Rig(colour, Reply(json=ANSWER), **ears.options).run(
        lambda client: client.chat.completions.create(**CHAT)
    )
    assert not attributes(ears.models[0]).keys() & CONTENT


@pytest.mark.parametrize("value", ["SPAN_ONLY", "SPAN_AND_EVENT", "span_only", "true"])
def test_the_environment_may_ask(value: str, monkeypatch: pytest.MonkeyPatch, colour: Any) -> None:
    """Where the environment asks for it, what was said is on the span in the conventions' form."""
    monkeypatch.setenv(VARIABLE, value)
    ears = Ears()
    Rig(colour, Reply(json=ANSWER), **ears.options).run(
        lambda client: client.chat.completions.create(**CHAT)
    )
    (span,) = ears.models
    assert said(span, "gen_ai.input.messages") == [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {"role": "user", "parts": [{"type": "text", "content": "Look."}, {"type": "image_url"}]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "name": "look", "arguments": "{}", "id": "c1"}],
        },
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": "c1", "response": "a dam"}],
        },
    ]
    assert said(span, "gen_ai.output.messages") == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "Tall."}],
            "finish_reason": "stop",
        }
    ]
    assert said(span, "gen_ai.tool.definitions") == [TOOL]


@pytest.mark.parametrize("wanted", [True, False])
def test_an_argument_wins(wanted: bool, monkeypatch: pytest.MonkeyPatch, colour: Any) -> None:
    """What `capture_content` says holds, whatever the environment says."""
    monkeypatch.setenv(VARIABLE, "NO_CONTENT" if wanted else "SPAN_ONLY")
    ears = Ears()
    stack = Stack.standard().replace(Tracing, GenAI(capture_content=wanted))
    Rig(colour, Reply(json=ANSWER), stack=stack, **ears.options).run(
        lambda client: client.chat.completions.create(**CHAT)
    )
    assert (attributes(ears.models[0]).keys() >= CONTENT) is wanted


def test_a_stream_is_said_whole(monkeypatch: pytest.MonkeyPatch, colour: Any) -> None:
    """The pieces of a streamed answer come together, those of its tool calls too."""
    monkeypatch.setenv(VARIABLE, "SPAN_ONLY")
    ears = Ears()
    call = {"index": 0, "id": "c1", "function": {"name": "look", "arguments": '{"at'}}
    more = {"index": 0, "function": {"arguments": '": 1}'}}
    steps = [
        chunk({"role": "assistant", "content": "It "}),
        chunk({"content": "is."}),
        chunk({"tool_calls": [call]}),
        chunk({"tool_calls": [more]}, "tool_calls"),
        DONE,
    ]
    assert read(Rig(colour, events(*steps), **ears.options)) is None
    assert said(ears.models[0], "gen_ai.output.messages") == [
        {
            "role": "assistant",
            "parts": [
                {"type": "text", "content": "It is."},
                {"type": "tool_call", "name": "look", "arguments": '{"at": 1}', "id": "c1"},
            ],
            "finish_reason": "tool_calls",
        }
    ]


def test_a_prompt_is_said(monkeypatch: pytest.MonkeyPatch, colour: Any) -> None:
    """A completion's prompt and text are messages like any other."""
    monkeypatch.setenv(VARIABLE, "SPAN_ONLY")
    ears = Ears()
    answer = {"model": "demo", "choices": [{"text": " upon a time", "finish_reason": "length"}]}
    Rig(colour, Reply(json=answer), **ears.options).run(
        lambda client: client.completions.create(model="demo", prompt=["Once"])
    )
    (span,) = ears.models
    assert said(span, "gen_ai.input.messages") == [
        {"role": "user", "parts": [{"type": "text", "content": "Once"}]}
    ]
    assert said(span, "gen_ai.output.messages")[0]["parts"] == [
        {"type": "text", "content": " upon a time"}
    ]


def test_no_credential_is_said(monkeypatch: pytest.MonkeyPatch, colour: Any) -> None:
    """A credential in a message, a model's name or an answer is taken out."""
    monkeypatch.setenv(VARIABLE, "SPAN_ONLY")
    ears = Ears()
    answer = {**ANSWER, "choices": [{"message": {"content": f"It is {KEY}."}}]}
    messages = [{"role": "user", "content": f"My key is {KEY}."}]
    Rig(colour, Reply(json=answer), **ears.options).run(
        lambda client: client.chat.completions.create(
            model=f"demo-{KEY}", messages=messages, stop=[KEY]
        )
    )
    (span,) = ears.models
    assert KEY not in repr((span.name, attributes(span)))
    assert KEY not in repr(ears.points())
    assert "My key is REDACTED." in attributes(span)["gen_ai.input.messages"]


CANARY = "canary-7f3a"


@pytest.mark.parametrize(
    "reply",
    [
        lambda: Reply(json={**ANSWER, "choices": [{"message": {"content": f"{CANARY}-answer"}}]}),
        lambda: Reply(400, json={"error": {"message": f"{CANARY}-error"}}),
        lambda: events(chunk({"content": f"{CANARY}-chunk"}), DONE),
        lambda: events(chunk({"content": f"{CANARY}-chunk"})),
        lambda: httpx.ReadError("cut"),
    ],
    ids=["answered", "refused", "streamed", "cut", "broken"],
)
def test_canaries_are_in_no_signal(
    reply: Any, colour: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """No prompt, tool, document, answer or key is in a span, a point or a log line."""
    caplog.set_level(logging.DEBUG)
    ears = Ears()
    made = reply()
    kind: Any = AsyncOpenAICompatible if colour.is_async else OpenAICompatible
    key = f"sk-{CANARY}-key-0123456789"
    script = Script([made] * 3)
    client = kind(
        BASE_URL,
        api_key=key,
        transport=script,
        params={"q": f"{CANARY}-query"},
        headers={"X-Tenant": f"{CANARY}-header"},
        max_retries=0,
        **ears.options,
    )
    rig = Rig(colour)
    rig.client = client
    streams = isinstance(made, Reply) and made.headers.get("content-type") == "text/event-stream"

    async def scenario(client: Any) -> None:
        asked: dict[str, Any] = {
            "model": "demo",
            "messages": [{"role": "user", "content": f"{CANARY}-prompt"}],
            "tools": [{"type": "function", "function": {"name": f"{CANARY}-tool"}}],
            "user": f"{CANARY}-user",
            "metadata": {"who": f"{CANARY}-metadata"},
        }
        if streams:
            stream = client.chat.completions.stream(**asked)
            if hasattr(stream, "__aiter__"):
                async for _ in stream:
                    pass
            else:
                list(stream)
        else:
            result = client.chat.completions.create(**asked)
            if client.is_async:
                await result

    with contextlib.suppress(APIError):
        rig.play(scenario)
    assert len(ears.models) == 1
    shown = [(span.name, attributes(span), span.status.description) for span in ears.spans]
    assert CANARY not in repr((shown, ears.points()))
    assert CANARY not in caplog.text
