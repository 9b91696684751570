"""The client against the demo server, over real sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from penstock.clients.openai_compatible import (
    APIConnectionError,
    APITimeoutError,
    AsyncOpenAICompatible,
    AuthenticationError,
    InternalServerError,
    NotFoundError,
    OpenAICompatible,
    RateLimitError,
)
from penstock.demo import DemoServer

from .openai_support import KEY, done, items

if TYPE_CHECKING:
    from collections.abc import Iterator

WEATHER = [{"type": "function", "function": {"name": name}} for name in ("now", "later")]


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with DemoServer(api_key=KEY) as server:
        yield server


class Live:
    """Runs async scenarios with a client of one colour on the server."""

    def __init__(self, colour: Any, server: DemoServer) -> None:
        self._colour = colour
        self._server = server

    def play(self, scenario: Any, **options: Any) -> Any:
        given = {"base_url": self._server.url, "api_key": KEY, **options}

        async def in_async() -> Any:
            async with AsyncOpenAICompatible(**given) as client:
                return await scenario(client)

        if self._colour.is_async:
            return self._colour.run(in_async)
        with OpenAICompatible(**given) as client:
            coroutine = scenario(client)
            try:
                coroutine.send(None)
            except StopIteration as stop:
                return stop.value
            raise AssertionError("a sync scenario suspended")


@pytest.fixture
def live(colour: Any, server: DemoServer) -> Live:
    server.requests.clear()
    return Live(colour, server)


def chat(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "demo-chat", "messages": [{"role": "user", "content": text}], **more}


def fault(text: str, **more: Any) -> dict[str, Any]:
    return chat("good morning", extra_headers={"X-Demo-Fault": text}, **more)


def but_for_the_id(answer: Any) -> dict[str, Any]:
    """Return an answer without what differs from call to call."""
    told = {name: value for name, value in answer.to_dict().items() if name != "id"}
    for choice in told["choices"]:
        for call in choice.get("message", {}).get("tool_calls") or ():
            call.pop("id")
    return told


@pytest.mark.parametrize(
    "given", [chat("good morning"), chat("weather", tools=WEATHER), chat("a b c", max_tokens=3)]
)
def test_the_streamed_answer_is_the_answer(given: dict[str, Any], live: Live) -> None:
    """What the chunks of a chat add up to is what the same chat gives at once."""

    async def scenario(client: Any) -> tuple[Any, Any]:
        whole = await done(client.chat.completions.create(**given))
        opened = await done(
            client.chat.completions.create(
                **given, stream=True, stream_options={"include_usage": True}
            )
        )
        return but_for_the_id(whole), but_for_the_id(await done(opened.final()))

    whole, streamed = live.play(scenario)
    assert streamed == whole


def test_every_operation_works(live: Live) -> None:
    """Each operation gets an answer of its kind from a real server."""

    async def scenario(client: Any) -> list[Any]:
        answer = await done(client.chat.completions.create(**chat("good morning")))
        text = await done(client.completions.create(model="demo-chat", prompt="x"))
        plain = await done(
            client.embeddings.create(model="demo-embedding", input=["a", "b"], dimensions=8)
        )
        packed = await done(
            client.embeddings.create(
                model="demo-embedding", input=["a", "b"], dimensions=8, encoding_format="base64"
            )
        )
        ranked = await done(
            client.rerank.create(
                model="demo-reranker",
                query="b",
                documents=["a", "b"],
                top_n=1,
                return_documents=True,
            )
        )
        models = await done(client.models.list())
        return [
            answer.choices[0].message.content,
            text.choices[0].text,
            plain == packed,
            [len(vector.embedding) for vector in packed],
            [(result.index, result.document.text) for result in ranked.results],
            [model.id for model in models]
            == [(await done(client.models.retrieve(model.id))).id for model in models],
        ]

    assert live.play(scenario) == [
        "You said: good morning",
        "You said: x",
        True,
        [8, 8],
        [(1, "b")],
        True,
    ]


def test_chunks_come_as_they_are_sent(live: Live) -> None:
    """The words of a stream come one by one, and the connection serves the next call."""

    async def scenario(client: Any) -> list[Any]:
        chunks = await items(client.chat.completions.stream(**chat("good morning")))
        await done(client.models.list())
        return [chunk.choices[0].delta.content for chunk in chunks]

    before = live._server.connections
    assert live.play(scenario) == ["", "You", " said:", " good", " morning", None]
    assert live._server.connections - before <= 2


FAULTS: dict[str, tuple[dict[str, Any], Any]] = {
    "a status": (fault("500"), InternalServerError),
    "an HTML page": (fault("html"), InternalServerError),
    "too many": (fault("429"), RateLimitError),
    "a dropped connection": (fault("drop"), APIConnectionError),
    "a reset connection": (fault("reset"), APIConnectionError),
    "silence": (fault("hang", timeout=0.05), APITimeoutError),
    "a slow body": (fault("drip=0.5", timeout=0.2), APITimeoutError),
}


@pytest.mark.parametrize("what", FAULTS)
def test_faults_have_their_class(what: str, live: Live) -> None:
    """What goes wrong on a real wire is the error it should be."""
    given, kind = FAULTS[what]

    async def scenario(client: Any) -> None:
        await done(client.chat.completions.create(**given))

    with pytest.raises(kind) as caught:
        live.play(scenario, max_retries=0)
    assert type(caught.value) is kind
    assert caught.value.operation == "chat.completions.create"


@pytest.mark.parametrize("stream", [False, True])
def test_what_passes_is_repeated(stream: bool, live: Live) -> None:
    """A fault that goes away is not seen, of a stream neither."""
    given = fault("503;retry-after-ms=1;times=2")
    given["extra_headers"]["X-Demo-Key"] = f"{live._colour} {stream}"

    async def scenario(client: Any) -> Any:
        answer = await done(client.chat.completions.create(**given, stream=stream))
        return (await done(answer.final()) if stream else answer).choices[0].message.content

    assert live.play(scenario) == "You said: good morning"
    assert len(live._server.requests) == 3


def test_a_stream_that_is_cut_is_an_error(live: Live) -> None:
    """A stream that breaks off gives the chunks it had, and then its error."""
    seen: list[Any] = []

    async def scenario(client: Any) -> None:
        opened = await done(client.chat.completions.create(**fault("cut=3"), stream=True))
        seen.append(opened)
        await items(opened)

    with pytest.raises(APIConnectionError):
        live.play(scenario)
    assert seen[0].snapshot.choices[0].message.content == "You said:"
    assert len(live._server.requests) == 1


def test_the_server_says_why(live: Live) -> None:
    """A wrong key and an unknown model are typed errors with the server's words and request id."""

    async def wrong_key(client: Any) -> None:
        await done(client.models.list())

    async def unknown(client: Any) -> None:
        await done(client.models.retrieve("org/none"))

    with pytest.raises(AuthenticationError, match="Incorrect API key provided") as refused:
        live.play(wrong_key, api_key="sk-wrong-0123456789")
    with pytest.raises(NotFoundError, match="'org/none' does not exist") as missing:
        live.play(unknown)
    assert refused.value.code == "invalid_api_key"
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    assert str(missing.value.request_id).startswith("demo-")
