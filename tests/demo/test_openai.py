"""The OpenAI-shaped routes and `/infer`: the shape of each."""

from __future__ import annotations

import base64
import json
import math
import struct
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.demo.faults import Fault
from penstock.demo.requests import Headers
from penstock.demo.routes import ROUTES
from penstock.demo.site import Site
from penstock.demo.wire import Head

if TYPE_CHECKING:
    import httpx

CHAT = "/v1/chat/completions"
USAGE = {"prompt_tokens": 2, "completion_tokens": 4, "total_tokens": 6}
TOOLS = [
    {"type": "function", "function": {"name": "get_weather", "parameters": {}}},
    {"type": "function", "function": {"name": "get_alerts", "parameters": {}}},
]


def _chat(content: object = "hello there", **more: object) -> dict[str, Any]:
    return {"model": "demo-chat", "messages": [{"role": "user", "content": content}], **more}


def _events(response: httpx.Response) -> list[Any]:
    """Give the JSON of each event, having checked that the stream is framed and ended rightly."""
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    *events, terminal, rest = response.text.split("\n\n")
    assert (terminal, rest) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


def test_a_chat_completion_has_openais_shape(client: httpx.Client) -> None:
    """A chat answer is one chat.completion with its id, message, finish reason and usage."""
    assert client.post(CHAT, json=_chat()).json() == {
        "id": "chatcmpl-demo-1",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": "demo-chat",
        "system_fingerprint": "fp_demo",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "You said: hello there",
                    "refusal": None,
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    }


def test_ids_count(client: httpx.Client) -> None:
    """Two completions of one server have different ids, and two servers give the same ones."""
    ids = [client.post(CHAT, json=_chat()).json()["id"] for _ in range(2)]
    assert ids == ["chatcmpl-demo-1", "chatcmpl-demo-2"]


def test_content_may_come_in_parts(client: httpx.Client) -> None:
    """The text parts of a message are its text; images are passed over."""
    parts = [
        {"type": "text", "text": "what is"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "text", "text": "this?"},
    ]
    choice = client.post(CHAT, json=_chat(parts)).json()["choices"][0]
    assert choice["message"]["content"] == "You said: what is this?"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize(("limit", "reason"), [(3, "length"), (4, "stop")])
def test_an_answer_cut_by_its_limit_says_so(
    client: httpx.Client, name: str, limit: int, reason: str
) -> None:
    """An answer of more words than allowed ends with `length`."""
    reply = client.post(CHAT, json=_chat(**{name: limit})).json()
    assert reply["choices"][0]["finish_reason"] == reason
    assert reply["usage"]["completion_tokens"] == limit


def test_a_chat_stream_adds_up_to_the_answer(client: httpx.Client) -> None:
    """The chunks share one id, begin with the role, add up to the text, and end with a reason."""
    chunks = _events(client.post(CHAT, json=_chat("naïve 猫", stream=True)))
    choices = [chunk["choices"][0] for chunk in chunks]
    assert {chunk["id"] for chunk in chunks} == {"chatcmpl-demo-1"}
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert choices[0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    text = "".join(choice["delta"].get("content", "") for choice in choices)
    assert text == "You said: naïve 猫"
    assert [choice["finish_reason"] for choice in choices] == [None] * 5 + ["stop"]
    assert choices[-1]["delta"] == {}
    assert "usage" not in chunks[0]


@pytest.mark.parametrize(
    ("path", "body", "total"),
    [(CHAT, _chat(), USAGE), ("/v1/completions", {"model": "m", "prompt": "hello there"}, USAGE)],
)
def test_usage_in_a_stream_comes_last_when_asked_for(
    client: httpx.Client, path: str, body: dict[str, Any], total: dict[str, int]
) -> None:
    """With `include_usage` a last chunk without choices has the usage; the others have null."""
    asked = {**body, "stream": True, "stream_options": {"include_usage": True}}
    *chunks, last = _events(client.post(path, json=asked))
    assert [chunk["usage"] for chunk in chunks] == [None] * len(chunks)
    assert (last["choices"], last["usage"]) == ([], total)


def test_tools_are_called_about_the_weather(client: httpx.Client) -> None:
    """Each tool offered is called once, with arguments that are JSON, and nothing is said."""
    body = _chat("How is the Weather?", tools=TOOLS)
    choice = client.post(CHAT, json=body).json()["choices"][0]
    calls = choice["message"]["tool_calls"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", None)
    assert [call["function"]["name"] for call in calls] == ["get_weather", "get_alerts"]
    assert [call["id"] for call in calls] == ["call_demo_1_0", "call_demo_1_1"]
    assert {call["type"] for call in calls} == {"function"}
    arguments = {call["function"]["arguments"] for call in calls}
    assert [json.loads(text) for text in arguments] == [{"city": "Lisbon", "unit": "celsius"}]


@pytest.mark.parametrize(
    "body", [_chat("hello", tools=TOOLS), _chat("weather"), _chat("weather", tools=[])]
)
def test_tools_are_called_only_about_the_weather(
    client: httpx.Client, body: dict[str, Any]
) -> None:
    """Without tools, or without the word, the answer is text."""
    choice = client.post(CHAT, json=body).json()["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert "tool_calls" not in choice["message"]


def test_streamed_tool_calls_add_up_by_index(client: httpx.Client) -> None:
    """A call's first delta has its id and name; its arguments come in several, by its index."""
    chunks = _events(client.post(CHAT, json=_chat("weather", tools=TOOLS, stream=True)))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    pieces = [piece for delta in deltas for piece in delta.get("tool_calls", [])]
    for index, name in enumerate(["get_weather", "get_alerts"]):
        opening, *rest = [piece for piece in pieces if piece["index"] == index]
        assert opening["id"] == f"call_demo_1_{index}"
        assert opening["function"] == {"name": name, "arguments": ""}
        assert len(rest) > 2
        arguments = "".join(piece["function"]["arguments"] for piece in rest)
        assert json.loads(arguments) == {"city": "Lisbon", "unit": "celsius"}
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_completion_has_openais_shape(client: httpx.Client) -> None:
    """A completion is one text_completion with a choice for each prompt."""
    reply = client.post("/v1/completions", json={"model": "m", "prompt": ["a", "b c"]}).json()
    assert (reply["id"], reply["object"], reply["model"]) == ("cmpl-demo-1", "text_completion", "m")
    assert reply["choices"] == [
        {"text": "You said: a", "index": 0, "logprobs": None, "finish_reason": "stop"},
        {"text": "You said: b c", "index": 1, "logprobs": None, "finish_reason": "stop"},
    ]
    assert reply["usage"] == {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10}


def test_a_completion_stream_adds_up_to_the_text(client: httpx.Client) -> None:
    """The pieces of a streamed completion are its text, and the last one has the reason."""
    body = {"model": "m", "prompt": "hello there", "stream": True, "max_tokens": 3}
    choices = [chunk["choices"][0] for chunk in _events(client.post("/v1/completions", json=body))]
    assert "".join(choice["text"] for choice in choices) == "You said: hello"
    assert [choice["finish_reason"] for choice in choices] == [None, None, None, "length"]


@pytest.mark.parametrize(("given_input", "count"), [("a b", 1), (["a", "b"], 2)])
def test_embeddings_are_a_list_of_unit_vectors(
    client: httpx.Client, given_input: str | list[str], count: int
) -> None:
    """There is one unit vector a text, numbered in order, and the tokens are counted."""
    reply = client.post("/v1/embeddings", json={"model": "m", "input": given_input}).json()
    assert [item["index"] for item in reply["data"]] == list(range(count))
    for item in reply["data"]:
        assert item["object"] == "embedding"
        assert math.hypot(*item["embedding"]) == pytest.approx(1.0, abs=1e-6)
    assert (reply["object"], reply["model"]) == ("list", "m")
    assert reply["usage"] == {"prompt_tokens": 2, "total_tokens": 2}


@pytest.mark.parametrize("dimensions", [None, 1, 7])
def test_base64_holds_the_same_floats(client: httpx.Client, dimensions: int | None) -> None:
    """`encoding_format` changes how a vector is written, not a bit of it; `dimensions` its size."""
    body = {"model": "m", "input": "text", "dimensions": dimensions}
    in_floats, in_base64 = (
        client.post("/v1/embeddings", json={**body, "encoding_format": encoding}).json()
        for encoding in ("float", "base64")
    )
    raw = base64.b64decode(in_base64["data"][0]["embedding"])
    numbers = in_floats["data"][0]["embedding"]
    assert list(struct.unpack(f"<{len(numbers)}f", raw)) == numbers
    assert len(numbers) == (dimensions or 16)


def test_rerank_puts_the_best_first(client: httpx.Client) -> None:
    """Results are sorted by score, keep the document's index, and are at most `top_n`."""
    body = {
        "model": "m",
        "query": "blue water",
        "documents": ["dry sand", "deep water", "deep Blue water"],
        "top_n": 2,
    }
    reply = client.post("/v1/rerank", json=body).json()
    assert reply["id"] == "rerank-demo-1"
    assert reply["results"] == [
        {"index": 2, "relevance_score": 1.0},
        {"index": 1, "relevance_score": 0.5},
    ]
    assert reply["usage"] == {"total_tokens": 9}


def test_rerank_returns_documents_when_asked(client: httpx.Client) -> None:
    """With `return_documents` each result has its text."""
    body = {"model": "m", "query": "a", "documents": ["b"], "return_documents": True}
    results = client.post("/v1/rerank", json=body).json()["results"]
    assert results == [{"index": 0, "relevance_score": 0.0, "document": {"text": "b"}}]


def test_models_are_listed_and_found(client: httpx.Client) -> None:
    """Every listed model can be asked for by its id."""
    listing = client.get("/v1/models").json()
    assert listing["object"] == "list"
    for model in listing["data"]:
        assert set(model) == {"id", "object", "created", "owned_by"}
        assert client.get(f"/v1/models/{model['id']}").json() == model


def test_an_unknown_model_is_a_404_in_openais_shape(client: httpx.Client) -> None:
    """An id that is not listed, slashes and all, is named in the error."""
    response = client.get("/v1/models/meta%2Fnone")
    assert response.status_code == 404
    assert response.json()["error"] == {
        "message": "The model 'meta/none' does not exist",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }


def test_infer_is_text_in_text_out(client: httpx.Client) -> None:
    """`/infer` answers a prompt with its output and usage."""
    reply = client.post("/infer", json={"model": "m", "prompt": "hello there"}).json()
    assert reply == {"output": "You said: hello there", "usage": USAGE}


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        (CHAT, {"model": "m", "messages": []}, "messages"),
        (CHAT, {"model": "m", "messages": "hello"}, "messages"),
        (CHAT, {"messages": [{"role": "user", "content": "a"}]}, "model"),
        (CHAT, _chat("a", stream="yes"), "stream"),
        (CHAT, _chat("a", stream=True, stream_options=1), "stream_options"),
        (CHAT, _chat("weather", tools=[{"function": None}]), "name"),
        (CHAT, _chat("a", max_tokens=True), "max_tokens"),
        ("/v1/completions", {"model": "m", "prompt": 5}, "prompt"),
        ("/v1/embeddings", {"model": "m", "input": []}, "input"),
        (
            "/v1/embeddings",
            {"model": "m", "input": "a", "encoding_format": "hex"},
            "encoding_format",
        ),
        ("/v1/embeddings", {"model": "m", "input": "a", "dimensions": 0}, "dimensions"),
        ("/v1/rerank", {"model": "m", "query": "", "documents": ["a"]}, "query"),
        ("/v1/rerank", {"model": "m", "query": "a", "documents": [1]}, "documents"),
        ("/infer", {"prompt": ""}, "prompt"),
    ],
)
def test_a_wrong_field_is_a_400_that_names_it(
    client: httpx.Client, path: str, body: dict[str, Any], param: str
) -> None:
    """A missing field, or one of the wrong kind, is named in an error of OpenAI's shape."""
    response = client.post(path, json=body)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"
    assert response.json()["error"]["param"] == param


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 200_000])
def test_a_body_that_is_no_json_object_is_a_400(client: httpx.Client, body: bytes) -> None:
    """Broken, nested too deep or simply no object: the request is turned down."""
    assert client.post(CHAT, content=body).status_code == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("weather"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "text", "function", "name", "include_usage"]), inner
        )
    ),
    max_leaves=8,
)
FIELDS = [
    "model", "messages", "prompt", "input", "query", "documents", "tools", "stream",
    "stream_options", "max_tokens", "dimensions", "encoding_format", "top_n",
]  # fmt: skip


@given(
    st.sampled_from([route.path for route in ROUTES if route.methods == "POST"]),
    st.dictionaries(st.sampled_from(FIELDS), JSON),
)
@settings(max_examples=150)
def test_any_json_is_answered_or_turned_down(path: str, body: dict[str, Any]) -> None:
    """No field of any kind makes a route fail: the answer is a 200 or a 400."""
    site = Site(api_key=None)
    head = Head("POST", path, path, [], "HTTP/1.1", Headers())
    request = site.receive(1, head, json.dumps(body).encode())
    assert site.respond(request, Fault()).status in {200, 400}
