"""`POST /v1/embeddings` and `POST /v1/rerank`: texts measured by simple, repeatable means.

Embeddings have the shape of OpenAI's API reference; rerank has the one that Jina, Cohere and
vLLM share.
"""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from typing import TYPE_CHECKING, Any

from penstock.demo.language import count_tokens
from penstock.demo.responses import DemoResponse, json_response

if TYPE_CHECKING:
    from penstock.demo.requests import DemoRequest

DIMENSIONS = 16
MAX_DIMENSIONS = 4096


def embed(request: DemoRequest) -> DemoResponse:
    """Embed each text of `input` as a unit vector that follows from the text alone."""
    fields = request.fields()
    texts = fields.texts("input")
    dimensions = fields.count("dimensions", high=MAX_DIMENSIONS) or DIMENSIONS
    in_base64 = fields.choice("encoding_format", "float", "base64") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _encode(vector, in_base64=in_base64)}
        for index, vector in enumerate(_vector(text, dimensions) for text in texts)
    ]
    tokens = sum(map(count_tokens, texts))
    return json_response(
        {
            "object": "list",
            "data": data,
            "model": fields.text("model"),
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def _vector(text: str, dimensions: int) -> bytes:
    """Hash a text into a unit vector of little-endian 32-bit floats."""
    digest = hashlib.shake_256(text.encode("utf-8", "replace")).digest(2 * dimensions)
    numbers = struct.unpack(f"<{dimensions}h", digest)
    length = math.hypot(*numbers) or 1.0
    return struct.pack(f"<{dimensions}f", *(number / length for number in numbers))


def _encode(vector: bytes, *, in_base64: bool) -> str | list[float]:
    if in_base64:
        return base64.b64encode(vector).decode("ascii")
    return list(struct.unpack(f"<{len(vector) // 4}f", vector))


def rerank(request: DemoRequest) -> DemoResponse:
    """Rank documents by the share of the query's words they hold, best first."""
    fields = request.fields()
    query = fields.text("query")
    documents = fields.texts("documents")
    with_text = fields.flag("return_documents")
    results: list[dict[str, Any]] = [
        {
            "index": index,
            "relevance_score": _share(query, document),
            **({"document": {"text": document}} if with_text else {}),
        }
        for index, document in enumerate(documents)
    ]
    results.sort(key=lambda result: -result["relevance_score"])
    tokens = sum(map(count_tokens, [query, *documents]))
    return json_response(
        {
            "id": f"rerank-demo-{request.number}",
            "model": fields.text("model"),
            "results": results[: fields.count("top_n")],
            "usage": {"total_tokens": tokens},
        }
    )


def _share(query: str, document: str) -> float:
    wanted = set(query.lower().split())
    return len(wanted & set(document.lower().split())) / max(len(wanted), 1)
