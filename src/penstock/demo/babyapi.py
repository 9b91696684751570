"""`POST /infer`, BabyAPI's text in, text out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.demo.language import count_tokens, say, usage
from penstock.demo.responses import DemoResponse, json_response

if TYPE_CHECKING:
    from penstock.demo.requests import DemoRequest


def infer(request: DemoRequest) -> DemoResponse:
    """Answer a prompt with `output` and `usage`."""
    fields = request.fields()
    prompt = fields.text("prompt")
    answer = say(prompt, fields.count("max_tokens"))
    totals = usage(count_tokens(prompt), count_tokens(answer.text))
    return json_response({"output": answer.text, "usage": totals})
