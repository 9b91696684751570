"""`POST /v1/chat/completions`, plain and streamed, with tool calls.

The shapes are those of OpenAI's API reference: the chat completion object, and the chat
completion chunk object.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.demo.language import CREATED, Answer, count_tokens, say, usage
from penstock.demo.responses import APIError, DemoResponse, event_stream, json_response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.demo.fields import Fields
    from penstock.demo.requests import DemoRequest

_ARGUMENTS = json.dumps({"city": "Lisbon", "unit": "celsius"})
_ARGUMENT_PIECE = 8


def create(request: DemoRequest) -> DemoResponse:
    """Complete a chat: say back the last user message, or call the tools about the weather."""
    fields = request.fields()
    messages = fields.objects("messages")
    if not messages:
        raise APIError(400, "'messages' must hold at least one message", param="messages")
    texts = [_text(message) for message in messages]
    told = _last_from_user(messages, texts)
    completion = Completion(
        envelope={
            "id": f"chatcmpl-demo-{request.number}",
            "created": CREATED,
            "model": fields.text("model"),
            "system_fingerprint": "fp_demo",
        },
        tool_calls=_tool_calls(fields, request.number) if "weather" in told.lower() else [],
        answer=say(told, fields.count("max_completion_tokens") or fields.count("max_tokens")),
        prompt_tokens=sum(map(count_tokens, texts)),
    )
    if not fields.flag("stream"):
        return json_response(completion.whole())
    with_usage = fields.section("stream_options").flag("include_usage")
    return event_stream(completion.chunks(with_usage=with_usage))


@dataclass(frozen=True, slots=True)
class Completion:
    """One chat completion, to be sent whole or in chunks.

    Attributes:
        envelope: The fields that the whole and every chunk share.
        tool_calls: The tools it calls; when there are any, it says nothing.
        answer: What it says otherwise.
        prompt_tokens: How many tokens it was told.
    """

    envelope: dict[str, Any]
    tool_calls: list[dict[str, Any]]
    answer: Answer
    prompt_tokens: int

    def whole(self) -> dict[str, Any]:
        """Give the chat completion object."""
        message = {
            "role": "assistant",
            "content": None if self.tool_calls else self.answer.text,
            "refusal": None,
            **({"tool_calls": self.tool_calls} if self.tool_calls else {}),
        }
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": self._finish_reason(),
        }
        return {
            **self.envelope,
            "object": "chat.completion",
            "choices": [choice],
            "usage": self._usage(),
        }

    def chunks(self, *, with_usage: bool) -> Iterator[dict[str, Any]]:
        """Give the chunk objects in order.

        Args:
            with_usage: Whether a last chunk without choices carries the usage, and every other
                one a null usage (`stream_options.include_usage`).

        Yields:
            Each chunk.
        """
        envelope = {**self.envelope, "object": "chat.completion.chunk"}
        nothing = {"usage": None} if with_usage else {}
        finish_reason = self._finish_reason()
        for delta in self._deltas():
            done = None if delta else finish_reason
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": done}
            yield {**envelope, "choices": [choice], **nothing}
        if with_usage:
            yield {**envelope, "choices": [], "usage": self._usage()}

    def _deltas(self) -> Iterator[dict[str, Any]]:
        yield {"role": "assistant", "content": None if self.tool_calls else "", "refusal": None}
        if self.tool_calls:
            for index, call in enumerate(self.tool_calls):
                yield from _call_deltas(index, call)
        else:
            for token in self.answer.tokens:
                yield {"content": token}
        yield {}

    def _finish_reason(self) -> str:
        return "tool_calls" if self.tool_calls else self.answer.finish_reason

    def _usage(self) -> dict[str, int]:
        arguments = [call["function"]["arguments"] for call in self.tool_calls]
        said = " ".join(arguments) if arguments else self.answer.text
        return usage(self.prompt_tokens, count_tokens(said))


def _call_deltas(index: int, call: dict[str, Any]) -> Iterator[dict[str, Any]]:
    arguments = call["function"]["arguments"]
    opening = {**call, "index": index, "function": {**call["function"], "arguments": ""}}
    yield {"tool_calls": [opening]}
    for start in range(0, len(arguments), _ARGUMENT_PIECE):
        piece = {"arguments": arguments[start : start + _ARGUMENT_PIECE]}
        yield {"tool_calls": [{"index": index, "function": piece}]}


def _tool_calls(fields: Fields, number: int) -> list[dict[str, Any]]:
    names = [tool.section("function").text("name") for tool in fields.objects("tools")]
    return [
        {
            "id": f"call_demo_{number}_{index}",
            "type": "function",
            "function": {"name": name, "arguments": _ARGUMENTS},
        }
        for index, name in enumerate(names)
    ]


def _text(message: Fields) -> str:
    """Read a message's content: a text, or a list of parts of which some have one."""
    content = message.values.get("content")
    if isinstance(content, str):
        return content
    parts = message.objects("content")
    return " ".join(part.text("text") for part in parts if "text" in part.values)


def _last_from_user(messages: list[Fields], texts: list[str]) -> str:
    pairs = zip(reversed(messages), reversed(texts), strict=True)
    return next((text for message, text in pairs if message.values.get("role") == "user"), "")
