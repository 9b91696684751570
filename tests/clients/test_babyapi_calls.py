"""BabyAPI: what the calls send, and what comes back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from penstock import Call, Stack, on_request
from penstock.clients.babyapi import AsyncBabyAPI, BabyAPI, RequestOptions, SSEEvent
from penstock.demo import DemoServer
from penstock.middleware import Retry
from penstock.testing import Reply, Script

from .babyapi_support import CHAT, KEY, VARIABLES, baby, create, sse, stream

if TYPE_CHECKING:
    from collections.abc import Callable

OPERATIONS: dict[str, tuple[Callable[[Any], Any], str, dict[str, Any]]] = {
    "chat.completions.create": (create, "/v1/chat/completions", CHAT),
    "completions.create": (
        lambda client: client.completions.create(model="m", prompt="p", max_tokens=2),
        "/v1/completions",
        {"model": "m", "prompt": "p", "max_tokens": 2},
    ),
    "embeddings.create": (
        lambda client: client.embeddings.create(model="e", input=["a", "b"], dimensions=3),
        "/v1/embeddings",
        {"model": "e", "input": ["a", "b"], "dimensions": 3},
    ),
    "rerank.create": (
        lambda client: client.rerank.create(model="r", query="q", documents=["d"], top_n=1),
        "/v1/rerank",
        {"model": "r", "query": "q", "documents": ["d"], "top_n": 1},
    ),
    "baby.infer": (
        lambda client: client.baby.infer("p", model="m"),
        "/infer",
        {"model": "m", "prompt": "p"},
    ),
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


# Requests


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation(colour: Any, name: str) -> None:
    """Each operation posts its body as JSON to its path, with the key, and returns a plain dict."""
    call, path, body = OPERATIONS[name]
    kit = baby(colour, {"answer": [1]})
    result = kit.run(call)
    request = kit.script.requests[0]
    assert (type(result), result) == (dict, {"answer": [1]})
    assert (request.method, str(request.url)) == ("POST", f"https://api.babyapi.org{path}")
    assert json.loads(kit.script.bodies[0]) == body
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_are_named(colour: Any, name: str) -> None:
    """Each call's operation, for spans and logs, is named as it is called."""
    seen: list[Any] = []
    watch = on_request(lambda request: seen.append(Call.of(request).operation))
    kit = baby(colour, {}, middleware=[watch])
    kit.run(OPERATIONS[name][0])
    assert seen == [name]


def test_a_body_goes_as_it_is(colour: Any) -> None:
    """What the body has is sent, whether the client knows its name or not, None included."""
    kit = baby(colour, {})
    kit.run(lambda client: client.completions.create(guided_regex="a+", prompt=None))
    assert json.loads(kit.script.bodies[0]) == {"guided_regex": "a+", "prompt": None}


@pytest.mark.parametrize(
    ("given", "path", "body"),
    [
        (((), {"prompt": "p"}), "/v1/completions", {"prompt": "p"}),
        ((({"prompt": "p"},), {}), "/v1/completions", {"prompt": "p"}),
        ((({"prompt": "p"},), {"prompt": "k"}), "/v1/completions", {"prompt": "k"}),
        ((({"messages": []},), {}), "/v1/chat/completions", {"messages": []}),
        (
            (({"messages": []},), {"prompt": "p"}),
            "/v1/chat/completions",
            {"messages": [], "prompt": "p"},
        ),
    ],
)
def test_infer_finds_the_endpoint(colour: Any, given: Any, path: str, body: Any) -> None:
    """`client.infer` is a chat if there are `messages`, else a completion of `prompt`."""
    args, keywords = given
    kit = baby(colour, {})
    kit.run(lambda client: client.infer(*args, **keywords))
    assert kit.script.requests[0].url.path == path
    assert json.loads(kit.script.bodies[0]) == body


@pytest.mark.parametrize("given", [(), ({"model": "m"},), ("text",), ([1],)])
def test_infer_without_either(colour: Any, given: Any) -> None:
    """`client.infer` of neither, or of no mapping, is `INVALID_INFER_INPUT`; nothing is sent."""
    kit = baby(colour)
    assert kit.error(lambda client: client.infer(*given)).code == "INVALID_INFER_INPUT"
    assert kit.script.requests == []


@pytest.mark.parametrize("flag", [True, 1, "true", " YES ", "on"])
def test_create_does_not_stream(colour: Any, flag: Any) -> None:
    """`create(stream=True)` is `STREAM_METHOD_REQUIRED`; nothing is sent."""
    kit = baby(colour)
    error = kit.error(lambda client: client.chat.completions.create(**CHAT, stream=flag))
    assert error.code == "STREAM_METHOD_REQUIRED"
    assert kit.script.requests == []


@pytest.mark.parametrize("flag", [False, None, "false", ""])
def test_stream_may_be_false(colour: Any, flag: Any) -> None:
    """A false `stream` is sent like any other field."""
    kit = baby(colour, {})
    kit.run(lambda client: client.chat.completions.create(**CHAT, stream=flag))
    assert json.loads(kit.script.bodies[0]) == {**CHAT, "stream": flag}


# Streams


def test_a_stream(colour: Any) -> None:
    """A stream gives each event with its data and text, and ends after the one that is done."""
    kit = baby(colour, sse('{"a": 1}', "plain"))
    assert kit.events(stream) == [
        SSEEvent(done=False, data={"a": 1}, raw='{"a": 1}'),
        SSEEvent(done=False, data=None, raw="plain"),
        SSEEvent(done=True, data=None, raw="[DONE]"),
    ]
    assert kit.script.open == 0


def test_what_comes_after_done(colour: Any) -> None:
    """What a server sends after `[DONE]` is not read."""
    kit = baby(colour, sse('{"a": 1}', "[DONE]", '{"b": 2}'))
    assert [event.done for event in kit.events(stream)] == [False, True]


@pytest.mark.parametrize("given", [{}, {"stream": False}])
def test_a_stream_asks_for_events(colour: Any, given: Any) -> None:
    """A stream sends `"stream": true`, whatever it was given, and asks for an event stream."""
    kit = baby(colour, sse())
    kit.events(lambda client: client.completions.stream(model="m", prompt="p", **given))
    request = kit.script.requests[0]
    assert request.url.path == "/v1/completions"
    assert json.loads(kit.script.bodies[0]) == {"model": "m", "prompt": "p", "stream": True}
    assert request.headers["Accept"] == "text/event-stream"
    assert request.headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("view", "options", "limit"),
    [
        ({}, None, None),
        ({}, {"timeout_s": 3}, 3.0),
        ({}, RequestOptions(timeout_s=4.0), 4.0),
        ({"timeout_s": 5}, None, 5.0),
        ({"timeout_s": 5}, {"timeout_s": 3}, 3.0),
    ],
)
def test_a_stream_has_no_time_limit(colour: Any, view: Any, options: Any, limit: Any) -> None:
    """A stream has no time limit unless its call or its view was given one."""
    seen: list[Any] = []
    watch = on_request(lambda request: seen.append(Call.of(request).options.timeout))
    kit = baby(colour, sse(), middleware=[watch])
    kit.events(
        lambda client: client.with_options(**view).chat.completions.stream(
            **CHAT, request_options=options
        )
    )
    assert seen == [limit]


@pytest.mark.parametrize("options", [None, {"max_retries": 5}])
def test_streams_are_not_retried(colour: Any, options: Any) -> None:
    """A stream is sent once, whatever `max_retries` says."""
    kit = baby(colour, 503, sse())
    error = kit.stream_error(
        lambda client: client.chat.completions.stream(**CHAT, request_options=options)
    )
    assert (error.status, len(kit.script.requests)) == (503, 1)


def test_leaving_a_stream(colour: Any) -> None:
    """Leaving the block of a stream, or its loop at the last event, gives the connection back."""
    kit = baby(colour, sse('{"a": 1}', '{"b": 2}'), sse('{"a": 1}'))

    async def aleave(client: Any) -> None:
        async with stream(client) as events:
            async for _ in events:
                break
        async for event in stream(client):
            if event.done:
                break

    def leave(client: Any) -> None:
        with stream(client) as events:
            for _ in events:
                break
        for event in stream(client):
            if event.done:
                break

    kit.run(aleave if colour.is_async else leave)
    assert (kit.script.open, len(kit.script.requests)) == (0, 2)


# Options


def test_request_options(colour: Any) -> None:
    """`RequestOptions`, and a dict of its fields, override key, time limit, repeats and headers."""
    seen: list[Any] = []
    watch = on_request(lambda request: seen.append(Call.of(request).options))
    headers = {"X-App": "call", "X-Count": 5, "X-None": None}
    given = {"api_key": "other-key-1", "timeout_s": 7, "max_retries": 0, "headers": headers}
    kit = baby(colour, {}, {}, middleware=[watch], default_headers={"x-app": "client", "x-b": "b"})
    kit.run(lambda client: client.embeddings.create(request_options=given))
    kit.run(lambda client: client.embeddings.create(request_options=RequestOptions(**given)))
    for request, resolved in zip(kit.script.requests, seen, strict=True):
        assert request.headers["Authorization"] == "Bearer other-key-1"
        assert request.headers["X-App"] == "call"
        assert (request.headers["X-Count"], request.headers["x-b"]) == ("5", "b")
        assert "X-None" not in request.headers
        assert (resolved.timeout, resolved.max_retries) == (7.0, 0)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"timeout_s": 0}, "INVALID_TIMEOUT"),
        ({"timeout_s": -1.5}, "INVALID_TIMEOUT"),
        ({"timeout_s": "ten"}, "INVALID_TIMEOUT"),
        ({"timeout_s": float("nan")}, "INVALID_TIMEOUT"),
        ({"timeout_s": float("inf")}, "INVALID_TIMEOUT"),
        ({"timeout_s": True}, "INVALID_TIMEOUT"),
        ({"max_retries": -1}, "INVALID_MAX_RETRIES"),
        ({"max_retries": 1.5}, "INVALID_MAX_RETRIES"),
        ({"max_retries": "2"}, "INVALID_MAX_RETRIES"),
        ({"max_retries": False}, "INVALID_MAX_RETRIES"),
        ({"headers": "x: y"}, "INVALID_REQUEST_OPTIONS"),
        ({"headers": {"X-A": "line\nend"}}, "INVALID_REQUEST_OPTIONS"),
        ({"headers": {"not a name": "x"}}, "INVALID_REQUEST_OPTIONS"),
        ({"api_key": 5}, "INVALID_REQUEST_OPTIONS"),
        ({"api_key": f"{KEY}\n"}, "INVALID_REQUEST_OPTIONS"),
        ({"time_out": 5}, "INVALID_REQUEST_OPTIONS"),
    ],
)
@pytest.mark.parametrize("method", ["create", "stream", "with_options"])
def test_wrong_options(colour: Any, given: Any, code: str, method: str) -> None:
    """Options that cannot work are refused with their code before anything is sent."""
    kit = baby(colour)

    def call(client: Any) -> Any:
        if method == "with_options":
            return client.with_options(**given)
        return getattr(client.chat.completions, method)(**CHAT, request_options=given)

    error = kit.error(call)
    assert (error.code, error.status) == (code, None)
    assert KEY not in f"{error} {error!r}"
    assert kit.script.requests == []


@pytest.mark.parametrize("given", [5, "timeout_s=5", [("timeout_s", 5)]])
def test_options_of_a_wrong_kind(colour: Any, given: Any) -> None:
    """Options that are neither object nor dict are `INVALID_REQUEST_OPTIONS`."""
    kit = baby(colour)
    error = kit.error(lambda client: client.baby.infer("p", model="m", request_options=given))
    assert error.code == "INVALID_REQUEST_OPTIONS"


def test_a_wrong_object(colour: Any) -> None:
    """A `RequestOptions` is checked by the call, as a dict is."""
    kit = baby(colour)
    options = RequestOptions(timeout_s=0)
    error = kit.error(lambda client: client.rerank.create(request_options=options))
    assert error.code == "INVALID_TIMEOUT"


def test_options_show_no_secret() -> None:
    """The repr of `RequestOptions` shows neither key nor headers."""
    options = RequestOptions(api_key=KEY, headers={"x-token": KEY}, timeout_s=1.0)
    assert KEY not in repr(options)


def test_views(colour: Any) -> None:
    """`with_options` gives a view with other options, Penstock's among them; the client stays."""
    kit = baby(colour, {}, {})
    view = kit.client.with_options(api_key="other-key-1", headers={"x-a": 1}, idempotency_key="i")
    colour.run(lambda: create(view))
    kit.run(create)
    first, second = kit.script.requests
    assert first.headers["Authorization"] == "Bearer other-key-1"
    assert (first.headers["X-A"], first.headers["Idempotency-Key"]) == ("1", "i")
    assert second.headers["Authorization"] == f"Bearer {KEY}"
    assert "X-A" not in second.headers


def test_headers(colour: Any) -> None:
    """Default headers are sent as text; `Authorization` is the key's alone."""
    given = {"x-n": 5, "x-none": None, "authorization": "Basic eA=="}
    kit = baby(colour, {}, default_headers=given)
    kit.run(create)
    headers = kit.script.requests[0].headers
    assert headers["x-n"] == "5"
    assert "x-none" not in headers
    assert headers.get_list("authorization") == [f"Bearer {KEY}"]


def test_raw_responses(colour: Any) -> None:
    """`with_raw_response` gives status, headers and attempts around each result."""
    kit = baby(colour, 503, Reply(json={"a": 1}, headers={"x-b": "c"}), {"d": 2})
    raw = kit.run(lambda client: client.with_raw_response.chat.completions.create(**CHAT))
    assert (raw.status_code, raw.headers["x-b"], raw.parsed) == (200, "c", {"a": 1})
    assert [attempt.status for attempt in raw.attempts] == [503, 200]
    raw = kit.run(lambda client: client.with_raw_response.infer(prompt="p"))
    assert raw.parsed == {"d": 2}


# The user's own


def test_middleware_of_the_users(colour: Any) -> None:
    """`middleware=` sees each call once; one of zone `attempt` sees each attempt."""
    calls: list[Any] = []
    sends: list[Any] = []
    outer, inner = on_request(calls.append), on_request(sends.append)
    inner.zone = "attempt"  # type: ignore[attr-defined]
    kit = baby(colour, 503, {}, middleware=[outer, inner])
    kit.run(create)
    assert (len(calls), len(sends)) == (1, 2)


def test_a_stack_of_the_users(colour: Any) -> None:
    """`stack=` replaces the client's; key and base URL stay its values, and errors its own."""
    stack = Stack.standard().without(Retry)
    kit = baby(
        colour, Reply(503, json={"error": {"message": "later", "code": "busy"}}), stack=stack
    )
    error = kit.error(create)
    assert (error.status, error.code, error.message) == (503, "busy", "later")
    assert kit.script.requests[0].headers["Authorization"] == f"Bearer {KEY}"


def test_a_client_of_the_users(colour: Any) -> None:
    """`http_client=` is sent with, keeps its headers and its time limit, and is not closed."""
    script = Script([{"a": 1}])
    kind = httpx.AsyncClient if colour.is_async else httpx.Client
    own = kind(
        base_url="https://baby.example.com", transport=script, headers={"x-own": "1"}, timeout=9
    )
    client: Any = (AsyncBabyAPI if colour.is_async else BabyAPI)(KEY, http_client=own)

    async def acall() -> None:
        async with client:
            await create(client)

    def call() -> None:
        with client:
            create(client)

    colour.run(acall if colour.is_async else call)
    request = script.requests[0]
    assert str(request.url) == "https://baby.example.com/v1/chat/completions"
    assert (request.headers["x-own"], request.extensions["timeout"]["read"]) == ("1", 9)
    assert (client.is_closed, own.is_closed) == (True, False)


@pytest.mark.parametrize("name", ["infer", "stream"])
def test_over_real_sockets(colour: Any, name: str) -> None:
    """A call and a stream work against a server."""
    with DemoServer(api_key=KEY) as server:
        kind: Any = AsyncBabyAPI if colour.is_async else BabyAPI

        def call(client: Any) -> Any:
            return client.baby.infer("Hi.", model="m") if name == "infer" else stream(client)

        async def arun() -> Any:
            async with kind(KEY, server.url) as client:
                called = call(client)
                return await called if name == "infer" else [event async for event in called]

        def run() -> Any:
            with kind(KEY, server.url) as client:
                called = call(client)
                return called if name == "infer" else list(called)

        result = anyio.run(arun, backend=colour.name) if colour.is_async else run()
    if name == "infer":
        assert result["output"] == "You said: Hi."
    else:
        said = "".join(
            event.data["choices"][0]["delta"].get("content") or "" for event in result[:-1]
        )
        assert (said, result[-1].done) == ("You said: Hello.", True)
