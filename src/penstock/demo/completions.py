"""`POST /v1/completions`, plain and streamed, in the shapes of OpenAI's API reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.demo.language import CREATED, Answer, count_tokens, say, usage
from penstock.demo.responses import DemoResponse, event_stream, json_response

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from penstock.demo.requests import DemoRequest


def create(request: DemoRequest) -> DemoResponse:
    """Complete each prompt: say it back."""
    fields = request.fields()
    prompts = fields.texts("prompt")
    max_tokens = fields.count("max_tokens")
    answers = [say(prompt, max_tokens) for prompt in prompts]
    envelope = {
        "id": f"cmpl-demo-{request.number}",
        "object": "text_completion",
        "created": CREATED,
        "model": fields.text("model"),
    }
    totals = usage(
        sum(map(count_tokens, prompts)), sum(count_tokens(answer.text) for answer in answers)
    )
    if not fields.flag("stream"):
        choices = [
            _choice(index, answer.text, answer.finish_reason)
            for index, answer in enumerate(answers)
        ]
        return json_response({**envelope, "choices": choices, "usage": totals})
    if not fields.section("stream_options").flag("include_usage"):
        return event_stream({**envelope, "choices": [choice]} for choice in _pieces(answers))
    chunks = [{**envelope, "choices": [choice], "usage": None} for choice in _pieces(answers)]
    return event_stream([*chunks, {**envelope, "choices": [], "usage": totals}])


def _choice(index: int, text: str, finish_reason: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish_reason}


def _pieces(answers: Sequence[Answer]) -> Iterator[dict[str, Any]]:
    for index, answer in enumerate(answers):
        for token in answer.tokens:
            yield _choice(index, token, None)
        yield _choice(index, "", answer.finish_reason)
