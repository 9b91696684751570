"""What type checkers know of Pareta's client; checked, never run."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, assert_type

from penstock import AsyncItemStream, ItemStream
from penstock.clients.pareta import (
    APIStatusError,
    AsyncPareta,
    ChatCompletion,
    ChatCompletionChunk,
    DeployEvent,
    Endpoint,
    EvalRun,
    ModelList,
    Pareta,
    Task,
)

MESSAGES = [{"role": "user", "content": "Hello."}]


def sync(pa: Pareta, stream: bool) -> None:
    answer = pa.chat.completions.create(model="m", messages=MESSAGES, temperature=0)
    assert_type(answer, ChatCompletion)
    assert_type(answer.choices[0].message.content, str | None)
    chunks = pa.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    assert_type(chunks, ItemStream[ChatCompletionChunk])
    either = pa.chat.completions.create(model="m", messages=MESSAGES, stream=stream)
    assert_type(either, ChatCompletion | ItemStream[ChatCompletionChunk])
    assert_type(pa.models.list(), ModelList)
    assert_type([model.id for model in pa.models.list()], list[str | None])
    assert_type(pa.endpoints.list(), list[Endpoint])
    assert_type(pa.endpoints.deploy(task="t"), ItemStream[DeployEvent])
    assert_type(pa.endpoints.deploy(task="t", wait=True), Endpoint)
    assert_type(pa.tasks.recommended("t"), str | None)
    run = pa.evals.runs.create(eval_set="e", models=["m"], frontier="all")
    assert_type(run, EvalRun)
    assert_type(run.cost, Decimal)
    pa.endpoints.retrieve(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def of_async(pa: AsyncPareta) -> None:
    answer = await pa.chat.completions.create(model="m", messages=MESSAGES)
    assert_type(answer, ChatCompletion)
    chunks = await pa.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    assert_type(chunks, AsyncItemStream[ChatCompletionChunk])
    assert_type(await pa.endpoints.deploy(task="t", wait=True), Endpoint)
    assert_type(await pa.tasks.list(), list[Task])
    assert_type(await pa.endpoints.metrics("e").cost(), Any)
    async with pa as same:
        assert_type(same, AsyncPareta)


def errors(error: APIStatusError) -> None:
    assert_type(error.status_code, int)
    assert_type(error.request_id, str | None)
