"""The laws of each operation: what goes out, what comes back."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

from penstock import UNSET, InvalidOption, RawResponse, RequestOptions
from penstock.clients.openai_compatible import (
    APIResponseValidationError,
    ChatCompletion,
    ModelInfo,
)
from penstock.testing import Reply

from .openai_support import ANSWER, CHAT, KEY, Rig

COMPLETION = {
    "id": "cmpl-1",
    "object": "text_completion",
    "choices": [{"index": 0, "text": "Tall."}],
}
MODEL = {"id": "demo", "object": "model", "created": 1, "owned_by": "penstock"}
VECTORS = {
    "object": "list",
    "model": "e",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -1.0]}],
}
RANKING = {"id": "r", "results": [{"index": 1, "relevance_score": 0.9, "document": {"text": "b"}}]}

OPERATIONS: dict[str, tuple[Any, str, str, Any, Any]] = {
    "chat.completions.create": (
        lambda client: client.chat.completions.create(**CHAT, temperature=0.2, stop=None),
        "POST",
        "/v1/chat/completions",
        {**CHAT, "temperature": 0.2, "stop": None},
        ANSWER,
    ),
    "completions.create": (
        lambda client: client.completions.create(model="m", prompt=["a", "b"], max_tokens=3),
        "POST",
        "/v1/completions",
        {"model": "m", "prompt": ["a", "b"], "max_tokens": 3},
        COMPLETION,
    ),
    "embeddings.create": (
        lambda client: client.embeddings.create(model="e", input="text", dimensions=2),
        "POST",
        "/v1/embeddings",
        {"model": "e", "input": "text", "dimensions": 2},
        VECTORS,
    ),
    "rerank.create": (
        lambda client: client.rerank.create(
            model="r", query="q", documents=("a", "b"), top_n=1, return_documents=True
        ),
        "POST",
        "/v1/rerank",
        {"model": "r", "query": "q", "documents": ["a", "b"], "top_n": 1, "return_documents": True},
        RANKING,
    ),
    "models.list": (
        lambda client: client.models.list(),
        "GET",
        "/v1/models",
        None,
        {"data": [MODEL]},
    ),
    "models.retrieve": (
        lambda client: client.models.retrieve("demo"),
        "GET",
        "/v1/models/demo",
        None,
        MODEL,
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_sends_and_returns(name: str, colour: Any) -> None:
    """Each operation sends its method, path, key and body, and returns the object that came."""
    call, method, path, body, reply = OPERATIONS[name]
    rig = Rig(colour, reply)
    result = rig.run(call)
    assert (rig.sent.method, rig.sent.url.path) == (method, path)
    assert rig.sent.headers["authorization"] == f"Bearer {KEY}"
    assert rig.sent.headers["accept"] == "application/json"
    assert (rig.body if rig.script.bodies[-1] else None) == body
    assert result == reply


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_takes_what_a_call_may_add(name: str, colour: Any) -> None:
    """Extra headers, query, timeout and `request_options` go with any operation; the last wins."""
    path = name.split(".")
    given: dict[str, Any] = {
        "chat.completions.create": CHAT,
        "completions.create": {"model": "m", "prompt": "p"},
        "embeddings.create": {"model": "e", "input": "i"},
        "rerank.create": {"model": "r", "query": "q", "documents": []},
        "models.list": {},
        "models.retrieve": {"model": "demo"},
    }[name]

    def call(client: Any) -> Any:
        target = client
        for step in path:
            target = getattr(target, step)
        return target(
            **given,
            extra_headers={"X-A": "extra", "X-B": "extra"},
            extra_query={"q": "1"},
            timeout=7,
            request_options={"headers": {"X-B": "options"}},
        )

    rig = Rig(colour, OPERATIONS[name][4], params={"tenant": "acme"})
    rig.run(call)
    assert (rig.sent.headers["x-a"], rig.sent.headers["x-b"]) == ("extra", "options")
    assert dict(rig.sent.url.params) == {"tenant": "acme", "q": "1"}
    assert 0 < rig.sent.extensions["timeout"]["read"] <= 7


def test_extra_body_wins(colour: Any) -> None:
    """What one server takes beside the known parameters goes into the body, over them."""
    rig = Rig(colour, ANSWER)
    extra = {"top_k": 3, "temperature": 1}
    rig.run(lambda client: client.chat.completions.create(**CHAT, temperature=0, extra_body=extra))
    assert rig.body == {**CHAT, "top_k": 3, "temperature": 1}


@pytest.mark.parametrize("options", [RequestOptions(max_retries=0), {"max_retries": 0}])
def test_request_options_are_an_object_or_a_dict(options: Any, colour: Any) -> None:
    """`request_options=` takes both."""
    rig = Rig(colour, 503)
    rig.error(lambda client: client.models.list(request_options=options))
    assert len(rig.script.requests) == 1


def test_what_is_not_given_is_not_sent(colour: Any) -> None:
    """UNSET stands for not given; extras of None add nothing."""
    rig = Rig(colour, ANSWER)
    nothing = dict.fromkeys(("extra_headers", "extra_query", "extra_body", "request_options"))
    rig.run(lambda client: client.chat.completions.create(**CHAT, temperature=UNSET, **nothing))
    assert rig.body == CHAT


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.chat.completions.create(**CHAT, temprature=1),
        lambda client: client.chat.completions.stream(**CHAT, temprature=1),
        lambda client: client.models.list(limit=3),
        lambda client: client.models.retrieve(""),
    ],
)
def test_a_wrong_argument_is_refused(call: Any, colour: Any) -> None:
    """An unknown parameter, or an empty name, is an error that helps; nothing is sent."""
    rig = Rig(colour)
    with pytest.raises(InvalidOption, match=r"extra_body=|models\.list\(\)"):
        rig.run(call)
    assert rig.script.requests == []


def test_a_misspelt_parameter_is_told_its_name(colour: Any) -> None:
    """Who errs by a letter learns which parameter was meant, and nothing is sent."""
    rig = Rig(colour)
    with pytest.raises(InvalidOption, match="create takes no 'temprature': did you mean 'temp"):
        rig.run(lambda client: client.chat.completions.create(**CHAT, temprature=1))
    assert rig.script.requests == []


@pytest.mark.parametrize("how", ["create", "streamed", "stream"])
@pytest.mark.parametrize("messages", ["Hi.", b"Hi.", {"role": "user", "content": "Hi."}])
def test_one_message_is_no_conversation(messages: Any, how: str, colour: Any) -> None:
    """A text or a message where messages are meant is refused with what to write; nothing is sent.

    It would be sent as its letters, or its keys.
    """
    rig = Rig(colour)

    def ask(client: Any) -> Any:
        completions = client.chat.completions
        if how == "stream":
            return completions.stream(model="m", messages=messages)
        return completions.create(model="m", messages=messages, stream=how == "streamed")

    kind = type(messages).__name__
    told = rf"^messages must be a list, not {kind}: write messages=\[\{{.role.: .user., "
    with pytest.raises(InvalidOption, match=told):
        rig.run(ask)
    assert rig.script.requests == []


def test_one_document_is_no_list(colour: Any) -> None:
    """A text where documents are meant would be ranked letter by letter: it is refused."""
    rig = Rig(colour)
    with pytest.raises(InvalidOption, match=r"not str: write documents=\["):
        rig.run(lambda client: client.rerank.create(model="r", query="q", documents="a text"))
    assert rig.script.requests == []


def test_a_message_that_was_received_can_be_sent(colour: Any) -> None:
    """Messages and tool calls of an answer go back into a conversation as they came."""
    tool_call = {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    said = {"role": "assistant", "content": None, "tool_calls": [tool_call]}
    rig = Rig(colour, {**ANSWER, "choices": [{"index": 0, "message": said}]}, ANSWER)
    message = rig.run(lambda client: client.chat.completions.create(**CHAT)).choices[0].message
    again = (
        {"role": "user", "content": "?"},
        message,
        {"role": "assistant", "tool_calls": message.tool_calls},
    )
    rig.run(lambda client: client.chat.completions.create(model="demo", messages=iter(again)))
    assert rig.body["messages"] == [
        again[0],
        said,
        {"role": "assistant", "tool_calls": [tool_call]},
    ]


def test_an_answer_has_attributes_and_items(colour: Any) -> None:
    """An answer is had by attribute and item; it keeps what is unknown, and None is missing."""
    rig = Rig(colour, {**ANSWER, "reasoning": {"kept": True}})
    answer: ChatCompletion = rig.run(lambda client: client.chat.completions.create(**CHAT))
    assert (
        answer.choices[0].message.content == answer["choices"][0]["message"]["content"] == "Tall."
    )
    assert answer.usage is not None
    assert (answer.usage.total_tokens, answer.choices[0].message.tool_calls) == (6, None)
    assert (answer.reasoning, answer.service_tier) == ({"kept": True}, None)
    assert answer.to_dict() == {**ANSWER, "reasoning": {"kept": True}}


def test_a_list_is_iterable_and_sized(colour: Any) -> None:
    """Models and embeddings are iterable and sized like their `data`."""
    rig = Rig(colour, {"object": "list", "data": [MODEL, {**MODEL, "id": "two"}]}, VECTORS)
    models = rig.run(lambda client: client.models.list())
    assert ([model.id for model in models], len(models), models.data[0]) == (
        ["demo", "two"],
        2,
        ModelInfo(MODEL),
    )
    vectors = rig.run(lambda client: client.embeddings.create(model="e", input=["a"]))
    assert [vector.embedding for vector in vectors] == [[0.5, -1.0]]


def test_a_slash_is_part_of_a_models_name(colour: Any) -> None:
    """`models.retrieve` quotes the name."""
    rig = Rig(colour, MODEL)
    rig.run(lambda client: client.models.retrieve("org/model?"))
    assert rig.sent.url.raw_path == b"/v1/models/org%2Fmodel%3F"


def packed(*floats: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(floats)}f", *floats)).decode()


@pytest.mark.parametrize("embedding", [packed(0.5, -1.0), [0.5, -1.0]])
def test_base64_comes_out_as_floats(embedding: Any, colour: Any) -> None:
    """Vectors asked for in base64 are floats, also from a server that does not know it."""
    rig = Rig(colour, {"data": [{"index": 0, "embedding": embedding}]})
    made = rig.run(
        lambda client: client.embeddings.create(model="e", input="a", encoding_format="base64")
    )
    assert rig.body["encoding_format"] == "base64"
    assert (made.data[0].embedding, made["data"][0]["embedding"]) == ([0.5, -1.0], [0.5, -1.0])


@pytest.mark.parametrize("data", [[{"embedding": "!"}], [{"embedding": "AAA="}], [{}], ["odd"], 3])
def test_a_broken_vector_is_an_error(data: Any, colour: Any) -> None:
    """A vector that is not what was asked for is an `APIResponseValidationError` about the call."""
    rig = Rig(colour, Reply(json={"data": data}, headers={"X-Request-Id": "req_1"}))
    error = rig.error(
        lambda client: client.embeddings.create(model="e", input="a", encoding_format="base64")
    )
    assert type(error) is APIResponseValidationError
    assert (error.request_id, error.operation) == ("req_1", "embeddings.create")


def test_a_raw_response(colour: Any) -> None:
    """`with_raw_response`, wherever it stands, has status, headers, attempts and the result."""
    replies = [503, Reply(json=ANSWER, headers={"X-RateLimit-Remaining": "7"})] * 2
    rig = Rig(colour, *replies)
    calls = (
        lambda client: client.with_raw_response.chat.completions.create(**CHAT),
        lambda client: client.chat.completions.with_raw_response.create(**CHAT),
    )
    for call in calls:
        raw: RawResponse[ChatCompletion] = rig.run(call)
        assert (raw.status_code, raw.headers["x-ratelimit-remaining"]) == (200, "7")
        assert [attempt.status for attempt in raw.attempts] == [503, 200]
        assert raw.parsed == ANSWER


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_says_what_it_does(name: str, colour: Any) -> None:
    """An operation has the docstring it was written with, in either colour."""
    target: Any = Rig(colour).client
    for step in name.split("."):
        target = getattr(target, step)
    assert "Returns:" in target.__doc__ or "Return one model." in target.__doc__
    assert "Raises:" in target.__doc__
