"""`GET /v1/models` and `GET /v1/models/{id}`, in the shapes of OpenAI's API reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.demo.language import CREATED
from penstock.demo.responses import APIError, DemoResponse, json_response

if TYPE_CHECKING:
    from penstock.demo.requests import DemoRequest

MODELS = ("demo-chat", "demo-embedding", "demo-reranker")


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "penstock"}


def every(_request: DemoRequest) -> DemoResponse:
    """List the models; the other routes take any name, these or not."""
    return json_response({"object": "list", "data": [_model(name) for name in MODELS]})


def one(_request: DemoRequest, name: str) -> DemoResponse:
    """Give one model, or 404 for a name that is not listed."""
    if name not in MODELS:
        message = f"The model '{name}' does not exist"
        raise APIError(404, message, param="model", code="model_not_found")
    return json_response(_model(name))
