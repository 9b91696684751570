"""Ours does what the published babyapi package does, or the difference is listed in the docs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.clients.babyapi import RequestOptions
from penstock.testing import Reply

from .babyapi_support import FIELDS, Case, play_ours, play_theirs

if TYPE_CHECKING:
    from collections.abc import Callable

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Grüß Gott"}], "temperature": 0.5}
HEADERS = {"x-app": "a", "X-Number": 5, "X-None": None}


def create(client: Any) -> Any:
    return client.chat.completions.create(**CHAT)


def stream(client: Any) -> Any:
    return client.chat.completions.stream(**CHAT)


def with_options(options: Any) -> Callable[[Any], Any]:
    return lambda client: client.completions.create(model="m", prompt="p", request_options=options)


def infer(*args: Any, **keywords: Any) -> Callable[[Any], Any]:
    return lambda client: client.baby.infer(*args, **keywords)


def events(text: str) -> Reply:
    return Reply(headers={"content-type": "text/event-stream"}, content=text.encode())


def failing(status: int, body: Any = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json=body, headers=named)


OK = Reply(json={"a": [1, {"b": None}]})
BUSY = failing(503, {"error": {"message": "busy", "code": "c", "type": "t"}}, x_request_id="r1")
SAID = {"error": {"message": "no", "code": "c", "type": "t"}}

CASES = [
    Case("chat", create, [OK]),
    Case("completion", lambda client: client.completions.create(model="m", prompt="p"), [OK]),
    Case("embeddings", lambda client: client.embeddings.create(model="m", input=["a"]), [OK]),
    Case("rerank", lambda client: client.rerank.create(query="q", documents=["d"]), [OK]),
    Case("nothing in the body", lambda client: client.completions.create(), [OK]),
    Case("None in the body", lambda client: client.completions.create(prompt=None, x=[]), [OK]),
    Case("a list as result", create, [Reply(json=[1])]),
    Case("created", create, [Reply(201, json={"a": 1})]),
    Case("base url", create, [OK], {"base_url": "https://b.example.com/baby/"}),
    Case("default headers", create, [OK], {"default_headers": HEADERS}),
    Case("client.infer of a chat", lambda client: client.infer(CHAT), [OK]),
    Case("client.infer of a prompt", lambda client: client.infer(prompt="p", n=1), [OK]),
    Case("client.infer of both", lambda client: client.infer({"prompt": "p"}, messages=[]), [OK]),
    # baby.infer
    Case("infer", infer(" p "), [OK], {"default_model": " m "}),
    Case("infer with options", infer({"input": "p", "model": "m", "topK": 1}, top_p=2), [OK]),
    Case(
        "infer with nested options",
        infer({"text": "p", "options": {"maxTokens": 1}}, model="m"),
        [OK],
    ),
    # Options of a call
    Case("options", with_options({"headers": HEADERS, "api_key": "k-2", "timeout_s": 3}), [OK]),
    Case(
        "options over the client's",
        with_options({"headers": {"x-app": "b"}}),
        [OK],
        {"default_headers": HEADERS},
    ),
    Case("an empty key", with_options({"api_key": ""}), [OK]),
    Case("fewer repeats", with_options({"max_retries": 0}), [BUSY]),
    Case("more repeats", with_options({"max_retries": 4}), [BUSY] * 5),
    # Repeats
    *(
        Case(f"{status} twice", create, [failing(status)] * 2 + [OK])
        for status in (408, 429, 500, 504)
    ),
    *(
        Case(f"{status}", create, [failing(status, SAID)])
        for status in (400, 401, 403, 404, 409, 422)
    ),
    Case("in the end 503", create, [failing(500), failing(502), BUSY]),
    Case("wire, then fine", create, [httpx.ConnectError("x"), httpx.ReadTimeout("y"), OK]),
    Case("delays, low", create, [BUSY] * 5 + [OK], {"max_retries": 5}, draw=0.0),
    Case("delays, high", create, [BUSY] * 5 + [OK], {"max_retries": 5}, draw=0.75),
    Case("delays of its own", create, [BUSY, OK], {"retry_base_delay_s": 2}),
    Case("no delay", create, [BUSY, OK], {"retry_base_delay_s": -1}),
    Case("no repeats", create, [BUSY], {"max_retries": -1}),
    Case("the server's delay", create, [failing(429, retry_after="3"), OK], draw=0.25),
    Case("half a second", create, [failing(503, retry_after="0.5"), OK]),
    Case("a delay in words", create, [failing(503, retry_after="soon"), OK]),
    Case("the application's yes", create, [failing(400), OK], {"should_retry": lambda *_: True}),
    Case("the application's no", create, [BUSY], {"should_retry": lambda *_: False}),
    Case("the application's mistake", create, [BUSY, OK], {"should_retry": lambda: True}),
    Case(
        "by the body",
        create,
        [BUSY, OK],
        {"should_retry": lambda s, e, b: b["error"]["code"] == "c"},
    ),
    # Errors
    Case("error as text", create, [Reply(404, text="no")]),
    Case("error without a body", create, [Reply(404)]),
    Case("error as a list", create, [failing(404, ["no"])]),
    Case(
        "error without a message", create, [failing(404, {"error": {"message": None, "code": 5}})]
    ),
    Case("error as a string", create, [failing(404, {"error": "no"})]),
    Case("the first id", create, [failing(404, x_request_id="a", x_babyapi_request_id="b")]),
    Case("the second id", create, [failing(404, x_babyapi_request_id="b")]),
    Case("not JSON", create, [Reply(200, text="<html>")]),
    Case("nothing", create, [Reply(204)]),
    # Streams
    Case(
        "stream",
        stream,
        [events('data: {"a": 1}\n\n: c\n\nid: 5\n\ndata: x\n\ndata: [DONE]\n\ndata: y\n\n')],
    ),
    Case(
        "stream, CRLF",
        stream,
        [events('data: {"a": 1}\r\n\r\ndata: 1\r\ndata: 2\r\n\r\ndata:[DONE]\r\n\r\n')],
    ),
    Case(
        "completion stream",
        lambda client: client.completions.stream(prompt="p", stream=False),
        [events("data: [DONE]\n\n")],
    ),
    Case(
        "stream with options",
        lambda client: client.completions.stream(request_options=RequestOptions(headers=HEADERS)),
        [events("data: [DONE]\n\n")],
    ),
    Case("stream without its last line end", stream, [events("data: 1\n\ndata: [DONE]")]),
    Case("stream, 503", stream, [BUSY]),
    Case("stream, 400", stream, [failing(400, SAID)]),
]

MISTAKES = [
    Case("no key", create, given={"api_key": None}),
    Case("no key, stream", stream, given={"api_key": None}),
    Case("no prompt", infer("  ")),
    Case("no model", infer("p")),
    Case("a number", infer(5)),
    Case("options that are none", infer({"prompt": "p", "model": "m", "options": [1]})),
    Case("neither", lambda client: client.infer(model="m")),
    Case("no mapping", lambda client: client.infer("p")),
    Case("stream=True", lambda client: client.completions.create(stream=True)),
    Case("stream='yes'", lambda client: client.infer(prompt="p", stream="yes")),
    Case("no options", with_options(5)),
    *(Case(f"timeout_s {value}", with_options({"timeout_s": value})) for value in (0, -1, "x", [])),
    *(
        Case(f"max_retries {value}", with_options({"max_retries": value}))
        for value in (-1, "x", [])
    ),
]
"""Refused before anything is sent; the words of the message are each client's own."""


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BABYAPI_API_KEY", "BABY_API_KEY", "BABYAPI_BASE_URL", "BABYAPI_DEFAULT_MODEL"):
        monkeypatch.delenv(name, raising=False)


def options_of_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let their client take our `RequestOptions`."""
    monkeypatch.setattr("babyapi.client.RequestOptions", RequestOptions)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_same_in_everything(case: Case, colour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests, delays, result and error are those of the published client."""
    options_of_theirs(monkeypatch)
    ours, theirs = play_ours(case, colour), play_theirs(case, monkeypatch)
    assert ours.sent == theirs.sent
    assert ours.waited == pytest.approx(theirs.waited)
    assert (ours.result, ours.error) == (theirs.result, theirs.error)


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: case.name)
def test_the_same_codes(case: Case, colour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused has the code of the published client, and is not sent."""
    ours, theirs = play_ours(case, colour), play_theirs(case, monkeypatch)
    assert (ours.sent, theirs.sent) == ([], [])
    assert ours.error is not None
    assert theirs.error is not None
    assert ours.error["code"] is not None
    assert {**ours.error, "message": ""} == {**theirs.error, "message": ""}


@pytest.mark.parametrize("failure", [httpx.ReadTimeout("x"), httpx.ConnectError("x")])
@pytest.mark.parametrize("call", [create, stream])
def test_failures_of_the_wire(
    failure: Any, call: Any, colour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure of the wire has the fields of the published client's, its words aside."""
    case = Case("wire", call, [failure] * 3)
    ours, theirs = play_ours(case, colour), play_theirs(case, monkeypatch)
    assert ours.sent == theirs.sent
    assert ours.error is not None
    assert theirs.error is not None
    assert {**ours.error, "message": ""} == {**theirs.error, "message": ""}


OPTION_NAMES = ["maxTokens", "max_tokens", "topP", "top_p", "stop", "seed", "presencePenalty"]
VALUES = st.sampled_from([None, 0, 1, "x"])
TEXTS = st.sampled_from([None, "", " p ", "q", 5])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    prompts=st.dictionaries(st.sampled_from(["prompt", "input", "text", "model"]), TEXTS),
    options=st.dictionaries(st.sampled_from(OPTION_NAMES), VALUES),
    nested=st.dictionaries(st.sampled_from(OPTION_NAMES), VALUES),
    keywords=st.dictionaries(st.sampled_from([*OPTION_NAMES, "prompt", "model"]), VALUES),
)
def test_any_inference(
    monkeypatch: pytest.MonkeyPatch, prompts: Any, options: Any, nested: Any, keywords: Any
) -> None:
    """Whatever `baby.infer` is given, it sends the published client's body, or is refused alike."""
    case = Case("infer", infer({**prompts, **options, "options": nested}, **keywords), [OK])
    ours, theirs = play_ours(case, SYNC), play_theirs(case, monkeypatch)
    assert [json.loads(body) for _, _, body, _ in ours.sent] == [
        json.loads(body) for _, _, body, _ in theirs.sent
    ]
    assert (ours.error or {}).get("code") == (theirs.error or {}).get("code")


class _Sync:
    is_async = False

    @staticmethod
    def run(call: Any) -> Any:
        return call()


SYNC = _Sync()
JSON = st.recursive(
    st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "error"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["error", "code", "type", "detail"]), inner)
    ),
    max_leaves=4,
)
"""Bodies of errors; `null` and a message that is no text are listed differences."""


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=JSON,
    status=st.sampled_from([400, 401, 409, 422, 451]),
    message=st.none() | st.text(max_size=3),
)
def test_any_error(monkeypatch: pytest.MonkeyPatch, body: Any, status: int, message: Any) -> None:
    """Whatever JSON comes with an error, its fields are those of the published client's."""
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        body = {**body, "error": {**body["error"], "message": message}}
    case = Case("error", create, [failing(status, body)])
    ours, theirs = play_ours(case, SYNC), play_theirs(case, monkeypatch)
    assert ours.error == theirs.error
    assert ours.error is not None
    assert ours.error.keys() == set(FIELDS)
