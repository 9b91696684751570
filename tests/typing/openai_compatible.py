"""What type checkers must make of the OpenAI-compatible client, and of a client made with the kit.

Never executed: `mypy` (strict, so that an ignore nothing needs is an error) and `pyright` check it,
both as they are configured in pyproject.toml. A line that must be refused carries the code it is
refused with.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, assert_type

import httpx

from penstock import (
    API,
    AsyncItemStream,
    Colour,
    Items,
    ItemStream,
    Model,
    Resource,
    Sync,
    operation,
    streamed,
)
from penstock import Async as AsyncColour
from penstock.clients.openai_compatible import (
    AsyncChatStream,
    AsyncOpenAICompatible,
    AsyncTextStream,
    ChatCompletion,
    ChatCompletionChunk,
    ChatStream,
    Completion,
    CreateEmbeddingResponse,
    Embedding,
    ModelInfo,
    ModelList,
    OpenAICompatible,
    RerankResponse,
    TextStream,
)

MESSAGES = [{"role": "user", "content": "?"}]


def in_sync(client: OpenAICompatible, streams: bool) -> None:
    create = client.chat.completions.create
    assert_type(create(model="m", messages=MESSAGES), ChatCompletion)
    assert_type(create(model="m", messages=MESSAGES, stream=False, temperature=1), ChatCompletion)
    assert_type(create(model="m", messages=MESSAGES, stream=True), ChatStream)
    assert_type(create(model="m", messages=MESSAGES, stream=streams), ChatCompletion | ChatStream)
    create(model="m")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    create(model="m", messages=MESSAGES, temprature=1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    create(model="m", messages=MESSAGES, temperature="1")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]

    stream = client.chat.completions.stream(model="m", messages=MESSAGES, timeout=3)
    assert_type(stream, ChatStream)
    assert_type(list(stream), list[ChatCompletionChunk])
    assert_type(stream.final(), ChatCompletion)
    assert_type(stream.snapshot.choices[0].message.content, str | None)
    with stream as entered:
        assert_type(entered, ChatStream)

    assert_type(client.completions.create(model="m", prompt="p"), Completion)
    assert_type(client.completions.create(model="m", prompt="p", stream=True), TextStream)
    assert_type(client.embeddings.create(model="m", input=["a"]), CreateEmbeddingResponse)
    assert_type(list(client.embeddings.create(model="m", input="a")), list[Embedding])
    assert_type(client.rerank.create(model="m", query="q", documents=["d"]), RerankResponse)
    assert_type(client.models.list(), ModelList)
    assert_type(client.models.retrieve("m"), ModelInfo)
    assert_type(client.with_options(timeout=3), OpenAICompatible)
    client.with_options(timeout="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.completions.create(model="m", prompt="p", timeout=httpx.Timeout(3))
    client.with_options(timeot=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert_type(OpenAICompatible.from_env(), OpenAICompatible)


async def in_async(client: AsyncOpenAICompatible) -> None:
    create = client.chat.completions.create
    assert_type(await create(model="m", messages=MESSAGES), ChatCompletion)
    assert_type(await create(model="m", messages=MESSAGES, stream=True), AsyncChatStream)
    _ = create(model="m", messages=MESSAGES).choices  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    stream = client.chat.completions.stream(model="m", messages=MESSAGES)
    assert_type([chunk async for chunk in stream], list[ChatCompletionChunk])
    assert_type(await stream.final(), ChatCompletion)
    assert_type(
        await client.completions.create(model="m", prompt="p", stream=True), AsyncTextStream
    )
    assert_type(client.models.list(), Awaitable[ModelList])
    async with client as entered:
        assert_type(entered, AsyncOpenAICompatible)


# A client made with the kit


class Gate(Model):
    id: str
    open: bool


class Gates(Resource[Colour]):
    @operation
    async def retrieve(self, name: str, *, fresh: bool = False) -> Gate:
        return await self._fetch(Gate, "GET", f"/gates/{name}", operation="gates.retrieve")

    @streamed
    def levels(self, name: str) -> Items[int]:
        return self._stream("GET", f"/gates/{name}/levels", lambda event: int(event.raw))


class Acme(API):
    @property
    def gates(self) -> Gates[Sync]:
        return self._sub(Gates)


async def use(acme: Acme, gates: Gates[AsyncColour]) -> None:
    assert_type(acme.gates.retrieve("g", fresh=True), Gate)
    assert_type(acme.gates.levels("g"), ItemStream[int])
    assert_type(await gates.retrieve("g"), Gate)
    assert_type(gates.levels("g"), AsyncItemStream[int])
    assert_type(acme.gates.retrieve("g").open, bool)
    assert_type(acme.gates.retrieve("g").whatever, Any)
    acme.gates.retrieve()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    acme.gates.retrieve(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
