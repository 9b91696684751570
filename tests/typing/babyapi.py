"""What type checkers must make of BabyAPI's client. Never executed; see `api.py`."""

from __future__ import annotations

from typing import Any, assert_type

from penstock import AsyncItemStream, ItemStream
from penstock.clients.babyapi import AsyncBabyAPI, BabyAPI, RequestOptions, SSEEvent

MESSAGES = [{"role": "user", "content": "Hello."}]


def in_a_sync_client(client: BabyAPI) -> None:
    assert_type(client.baby.infer("p", max_tokens=5, topP=0.5), dict[str, Any])
    assert_type(client.infer({"prompt": "p"}), dict[str, Any])
    assert_type(client.chat.completions.create(model="m", messages=MESSAGES), dict[str, Any])
    assert_type(client.completions.stream(model="m", prompt="p"), ItemStream[SSEEvent])
    assert_type(client.with_options(timeout_s=5, deadline=9), BabyAPI)
    for event in client.chat.completions.stream(model="m", messages=MESSAGES):
        assert_type(event, SSEEvent)
    with client as entered:
        assert_type(entered, BabyAPI)


async def in_an_async_client(client: AsyncBabyAPI) -> None:
    assert_type(await client.baby.infer({"prompt": "p"}), dict[str, Any])
    assert_type(await client.embeddings.create(model="m", input=["a"]), dict[str, Any])
    assert_type(
        client.chat.completions.stream(model="m", messages=MESSAGES), AsyncItemStream[SSEEvent]
    )
    async for event in client.completions.stream(model="m", prompt="p"):
        assert_type(event.raw, str)


def options(client: BabyAPI) -> None:
    client.rerank.create(model="m", query="q", documents=["d"], request_options={"timeout_s": 5})
    client.rerank.create(
        model="m", query="q", documents=["d"], request_options=RequestOptions(max_retries=0)
    )


def mistakes(client: BabyAPI) -> None:
    client.chat.completions.create(messages=MESSAGES)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.embeddings.create(model="m", input=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
