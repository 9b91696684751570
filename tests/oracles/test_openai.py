"""The `openai` package as an oracle: pointed at the same server, it and ours agree."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import openai
import pytest

from penstock.clients import openai_compatible as ours
from penstock.demo import DemoServer
from penstock.testing import Reply, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "sk-openai-0123456789"
CHAT: dict[str, Any] = {
    "model": "demo-chat",
    "messages": [{"role": "user", "content": "good morning"}],
    "temperature": 0.5,
    "stop": None,
}
TOOLS = [{"type": "function", "function": {"name": name}} for name in ("now", "later")]
WEATHER = {**CHAT, "messages": [{"role": "user", "content": "weather"}], "tools": TOOLS}
SENT = ("accept", "authorization", "content-type", "x-custom")


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with DemoServer(api_key=KEY) as server:
        yield server


class Pair:
    """Both clients on one server: what each did is put beside the other."""

    def __init__(self, server: DemoServer, **options: Any) -> None:
        self._server = server
        given = {"base_url": f"{server.url}/v1", "api_key": KEY, "max_retries": 0, **options}
        self.clients: dict[str, Any] = {
            "theirs": openai.OpenAI(**given),
            "ours": ours.OpenAICompatible(**given),
        }

    def both(self, call: Callable[[Any], Any]) -> tuple[Any, Any]:
        """Return what *call* makes of each client, ours last."""
        theirs, mine = (call(client) for client in self.clients.values())
        return theirs, mine

    def errors(self, call: Callable[[Any], Any]) -> tuple[Any, Any]:
        """Return the error *call* ends with for each client."""
        caught = []
        for base, client in zip(
            (openai.OpenAIError, ours.OpenAIError), self.clients.values(), strict=True
        ):
            with pytest.raises(base) as error:
                call(client)
            caught.append(error.value)
        return caught[0], caught[1]

    def sent(self) -> tuple[Any, Any]:
        """Return the last request of each, as far as they must agree."""
        return tuple(map(_told, self._server.requests[-2:]))  # type: ignore[return-value]

    def close(self) -> None:
        for client in self.clients.values():
            client.close()


def _told(request: Any) -> Any:
    headers = {name: request.headers.get(name) for name in SENT}
    return request.method, request.path, request.query, headers, json.loads(request.body or b"null")


@pytest.fixture
def pair(server: DemoServer) -> Iterator[Pair]:
    server.requests.clear()
    pair = Pair(server)
    yield pair
    pair.close()


def bare(value: Any) -> Any:
    """Return a result of either as JSON, without nulls and what differs from call to call."""
    if hasattr(value, "to_dict"):
        value = value.to_dict()
    if isinstance(value, dict):
        return {
            name: bare(item)
            for name, item in value.items()
            if item is not None and not (name == "id" and "demo" in str(item))
        }
    return [bare(item) for item in value] if isinstance(value, list) else value


CALLS: dict[str, Callable[[Any], Any]] = {
    "chat": lambda client: client.chat.completions.create(**CHAT),
    "chat with tools": lambda client: client.chat.completions.create(**WEATHER),
    "chat, cut short": lambda client: client.chat.completions.create(**CHAT, max_tokens=2),
    "chat with extras": lambda client: client.chat.completions.create(
        **CHAT,
        extra_headers={"X-Custom": "1"},
        extra_query={"q": "a b", "n": 2},
        extra_body={"top_k": 3, "temperature": 1},
    ),
    "completion": lambda client: client.completions.create(
        model="demo-chat", prompt=["a", "b"], max_tokens=3
    ),
    "embeddings": lambda client: client.embeddings.create(
        model="demo-embedding", input="text", dimensions=4, encoding_format="float"
    ),
    "embeddings of several": lambda client: client.embeddings.create(
        model="demo-embedding", input=["a", "b"], encoding_format="float", user="u"
    ),
    "a model": lambda client: client.models.retrieve("demo-chat"),
}


@pytest.mark.parametrize("what", CALLS)
def test_a_call_agrees(what: str, pair: Pair) -> None:
    """Both send the same request, and give the same answer."""
    theirs, mine = pair.both(CALLS[what])
    assert bare(mine) == bare(theirs)
    sent_by_theirs, sent_by_us = pair.sent()
    assert sent_by_us == sent_by_theirs


def test_a_list_agrees(pair: Pair) -> None:
    """Both list the same models, iterated or by `data`."""
    theirs, mine = pair.both(lambda client: client.models.list())
    assert [model.id for model in mine] == [model.id for model in theirs]
    assert bare(mine["data"]) == bare(theirs.data)


def test_vectors_agree_however_they_travel(pair: Pair) -> None:
    """Their floats, which travel as base64 unless told otherwise, are ours either way."""
    given = {"model": "demo-embedding", "input": ["a", "b"], "dimensions": 8}
    theirs = pair.clients["theirs"].embeddings.create(**given)
    for way in ({}, {"encoding_format": "float"}, {"encoding_format": "base64"}):
        mine = pair.clients["ours"].embeddings.create(**given, **way)
        assert [vector.embedding for vector in mine.data] == [
            vector.embedding for vector in theirs.data
        ]


@pytest.mark.parametrize(
    "given", [CHAT, WEATHER, {**CHAT, "stream_options": {"include_usage": True}}]
)
def test_a_stream_agrees(given: dict[str, Any], pair: Pair) -> None:
    """Both give the same chunks, of `create(stream=True)` and, ours, of `stream` too."""
    theirs, mine = pair.both(lambda client: [*client.chat.completions.create(**given, stream=True)])
    assert bare(mine) == bare(theirs)
    (_, _, _, their_headers, their_body), (_, _, _, our_headers, our_body) = pair.sent()
    assert our_body == their_body
    assert our_headers["authorization"] == their_headers["authorization"]
    assert bare([*pair.clients["ours"].chat.completions.stream(**given)]) == bare(theirs)


@pytest.mark.parametrize(
    "given", [CHAT, WEATHER, {**CHAT, "stream_options": {"include_usage": True}}]
)
def test_the_final_answer_agrees(given: dict[str, Any], pair: Pair) -> None:
    """Both add the chunks of a stream up to the same message, usage and finish reason."""
    with pair.clients["theirs"].chat.completions.stream(**given) as stream:
        theirs = stream.get_final_completion()
    mine = pair.clients["ours"].chat.completions.stream(**given).get_final_completion()
    assert mine.choices[0].finish_reason == theirs.choices[0].finish_reason
    assert mine.choices[0].message.content == theirs.choices[0].message.content
    assert bare(mine.usage) == bare(theirs.usage)
    calls = [
        [
            (call.type, call.function.name, call.function.arguments)
            for call in answer.choices[0].message.tool_calls or ()
        ]
        for answer in (mine, theirs)
    ]
    assert calls[0] == calls[1]


def failing(fault: str) -> Callable[[Any], Any]:
    return lambda client: client.chat.completions.create(
        **CHAT, extra_headers={"X-Demo-Fault": fault}
    )


def status(code: int) -> Any:
    return pytest.param(failing(str(code)), id=str(code))


REFUSED = [
    *map(status, (400, 401, 402, 403, 404, 408, 409, 418, 422, 429, 500, 501, 503, 529)),
    pytest.param(failing("html"), id="html"),
    pytest.param(lambda client: client.models.retrieve("none"), id="unknown model"),
    pytest.param(lambda client: client.models.retrieve("org/none"), id="slash"),
    pytest.param(
        lambda client: client.chat.completions.create(**{**CHAT, "messages": []}), id="no messages"
    ),
    pytest.param(
        lambda client: client.with_options(api_key="sk-wrong-1").models.list(), id="wrong key"
    ),
    pytest.param(
        lambda client: client.chat.completions.create(**{**CHAT, "messages": []}, stream=True),
        id="stream",
    ),
]


@pytest.mark.parametrize("call", REFUSED)
def test_an_error_agrees(call: Callable[[Any], Any], pair: Pair) -> None:
    """Both raise the class of the same name, with the same fields."""
    theirs, mine = pair.errors(call)
    assert type(mine).__name__ == type(theirs).__name__
    for name in ("status_code", "type", "code", "param", "body"):
        assert getattr(mine, name) == getattr(theirs, name), name
    assert {str(mine.request_id).partition("-")[0], str(theirs.request_id).partition("-")[0]} == {
        "demo"
    }
    assert mine.response.status_code == theirs.response.status_code
    assert mine.response.headers["content-type"] == theirs.response.headers["content-type"]


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(failing("drop"), id="drop"),
        pytest.param(failing("reset"), id="reset"),
        pytest.param(lambda client: failing("hang")(client.with_options(timeout=0.05)), id="hang"),
        pytest.param(
            lambda client: [
                *client.chat.completions.create(
                    **CHAT, stream=True, extra_headers={"X-Demo-Fault": "cut=2"}
                )
            ],
            id="cut stream",
        ),
    ],
)
def test_a_failure_of_the_wire_agrees(call: Callable[[Any], Any], pair: Pair) -> None:
    """Both raise the class of the same name when the wire fails, a stream's too."""
    theirs, mine = pair.errors(call)
    assert type(mine).__name__ == type(theirs).__name__


@pytest.mark.parametrize(
    "replies", [[503, 200], [429, 200], [501, 529, 200], [408, 409, 200], [400], [404], [418]]
)
@pytest.mark.parametrize("says", [None, "true", "false"])
def test_what_is_tried_again_agrees(replies: list[int], says: str | None) -> None:
    """Both send as many requests, whatever the server answers and says about trying again."""
    counts = []
    headers = {"Retry-After-Ms": "1", **({"X-Should-Retry": says} if says else {})}

    def answer(code: int) -> tuple[int, dict[str, str], bytes]:
        return (
            code,
            {**(headers if code != 200 else {}), "Content-Type": "application/json"},
            b'{"data": []}',
        )

    for client, base, sent in (_their_scripted(replies, answer), _our_scripted(replies, answer)):
        with contextlib.suppress(base):
            client.models.list()
        counts.append(sent())
    assert counts[0] == counts[1]


def _their_scripted(replies: list[int], answer: Any) -> tuple[Any, Any, Any]:
    left = [*replies, 200, 200, 200]
    seen = []

    def handle(request: Any) -> Any:
        seen.append(request)
        code, headers, content = answer(left.pop(0))
        return httpx2.Response(code, headers=headers, content=content)

    http_client = httpx2.Client(transport=httpx2.MockTransport(handle))
    return (
        openai.OpenAI(api_key=KEY, http_client=http_client),
        openai.OpenAIError,
        lambda: len(seen),
    )


def _our_scripted(replies: list[int], answer: Any) -> tuple[Any, Any, Any]:
    script = Script()
    for code, headers, content in map(answer, [*replies, 200, 200, 200]):
        script.reply(Reply(code, headers=headers, content=content))
    client = ours.OpenAICompatible(api_key=KEY, transport=script)
    return client, ours.OpenAIError, lambda: len(script.requests)


def test_the_defaults_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Base URL, timeouts and repeats are theirs unless given."""
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    theirs, mine = openai.OpenAI(api_key=KEY), ours.OpenAICompatible(api_key=KEY)
    script = Script([{"data": []}])
    ours.OpenAICompatible(api_key=KEY, transport=script).models.list()
    sent = script.requests[0]
    assert str(sent.url) == f"{theirs.base_url}models"
    for phase in ("connect", "read", "write", "pool"):
        assert sent.extensions["timeout"][phase] == pytest.approx(getattr(theirs.timeout, phase))
    assert theirs.max_retries == 2
    theirs.close()
    mine.close()


def test_ours_takes_their_http_client(server: DemoServer) -> None:
    """Ours sends with an httpx client or with one of httpx2, as theirs does."""
    for http_client in (httpx.Client(), httpx2.Client()):
        with http_client:
            client = ours.OpenAICompatible(server.url, api_key=KEY, http_client=http_client)
            assert (
                client.chat.completions.create(**CHAT).choices[0].message.content
                == "You said: good morning"
            )
