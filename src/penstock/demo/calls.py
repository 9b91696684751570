"""The dozen calls of the demo: every kind of answer, and everything that usually goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHAT = {"model": "demo-chat", "messages": [{"role": "user", "content": "where does water go?"}]}


@dataclass(frozen=True, slots=True)
class DemoCall:
    """One call of the demo.

    Attributes:
        name: Names it in JSON and in spans.
        title: What it shows, in a few words.
        method: The request's method.
        path: The path below the demo server.
        fault: What the server is asked to do wrong (`penstock.demo.faults` has the grammar).
        options: Keywords of the verb: a body, and options of the call.
        stream: `sse` or `ndjson` where the response is a stream of events.
    """

    name: str
    title: str
    method: str
    path: str
    fault: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    stream: str = ""


CALLS = (
    DemoCall("plain", "a plain answer", "GET", "/v1/models"),
    DemoCall("flaky", "503 twice, then 200", "GET", "/v1/models", "503;times=2"),
    DemoCall(
        "rate-limited",
        "429: wait as told, then send the body again",
        "POST",
        "/v1/rerank",
        "429;retry-after=1;times=1",
        {"json": {"model": "demo-reranker", "query": "rain", "documents": ["rain", "sun"]}},
    ),
    DemoCall("slow", "the server thinks", "GET", "/v1/models/demo-chat", "delay=0.15"),
    DemoCall("dropped", "the body breaks off, then it holds", "GET", "/v1/models", "cut;times=1"),
    DemoCall("redirected", "three redirects", "GET", "/redirect/3"),
    DemoCall(
        "wrong-key",
        "a wrong key is not tried again",
        "GET",
        "/v1/models",
        options={"api_key": "not-the-key"},
    ),
    DemoCall("chat", "a chat completion", "POST", "/v1/chat/completions", options={"json": _CHAT}),
    DemoCall(
        "chat-stream",
        "the same, streamed (SSE)",
        "POST",
        "/v1/chat/completions",
        "delay=0.05;drip=0.00001",
        {"json": {**_CHAT, "stream": True}},
        "sse",
    ),
    DemoCall(
        "lines",
        "a stream of JSON lines",
        "GET",
        "/ndjson",
        "delay=0.03;drip=0.001",
        stream="ndjson",
    ),
    DemoCall(
        "embeddings",
        "503, then vectors",
        "POST",
        "/v1/embeddings",
        "503;delay=0.05;times=1",
        {"json": {"model": "demo-embedding", "input": ["a penstock carries water to a turbine"]}},
    ),
    DemoCall(
        "deadline",
        "a dripping body; deadline=0.4 s",
        "GET",
        "/v1/models",
        "drip=0.02",
        {"deadline": 0.4},
    ),
)
