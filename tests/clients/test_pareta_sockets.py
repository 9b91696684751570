"""Pareta's client over real sockets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from penstock.clients.pareta import APIConnectionError, APITimeoutError, RateLimitError
from penstock.clients.pareta.eval_sets import INLINE_BELOW
from penstock.demo import DemoServer
from penstock.stepping import run_now

from .pareta_support import KEY, client_class

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 0.2
SOON = 3.0
MESSAGES = [{"role": "user", "content": "Say hello."}]


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with DemoServer() as server:
        yield server


def call(colour: Any, server: DemoServer, fault: str = "", **options: Any) -> Any:
    """Return what a chat completion ends with."""
    headers = {"X-Demo-Fault": fault} if fault else {}

    def create(client: Any) -> Any:
        return client.chat.completions.create(model="demo", messages=MESSAGES)

    async def use_async() -> Any:
        async with client_class(colour)(**given) as client:
            return await create(client)

    given = {"api_key": KEY, "base_url": server.url, "headers": headers, **options}
    if colour.is_async:
        return colour.run(use_async)
    with client_class(colour)(**given) as client:
        return create(client)


def test_a_call_comes_back(colour: Any, server: DemoServer) -> None:
    """A completion goes over a socket and comes back."""
    completion = call(colour, server)
    assert completion.choices[0].message.content
    assert completion.usage.total_tokens > 0


def stream_of(colour: Any, server: DemoServer, **options: Any) -> list[Any]:
    """Return the chunks of a streamed chat completion."""
    given = {"api_key": KEY, "base_url": server.url, **options}

    def create(client: Any) -> Any:
        return client.chat.completions.create(model="demo", messages=MESSAGES, stream=True)

    async def use_async() -> list[Any]:
        async with client_class(colour)(**given) as client:
            return [chunk async for chunk in await create(client)]

    if colour.is_async:
        return colour.run(use_async)  # type: ignore[no-any-return]
    with client_class(colour)(**given) as client:
        return list(create(client))


def test_a_stream_comes_back(colour: Any, server: DemoServer) -> None:
    """A streamed answer goes over a socket, chunk by chunk."""
    chunks = stream_of(colour, server)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == call(colour, server).choices[0].message.content


@pytest.mark.parametrize("fault", ["drip=0.05", "drip-head=0.05", "hang"])
@pytest.mark.parametrize("timeout", [LIMIT, httpx.Timeout(LIMIT, connect=LIMIT / 2)], ids=str)
def test_a_server_that_drips_is_left_in_time(
    fault: str, timeout: Any, colour: Any, server: DemoServer
) -> None:
    """Whatever a server drips, an attempt ends when its timeout does, by wall clock."""
    started = time.monotonic()
    with pytest.raises(APITimeoutError):
        call(colour, server, fault, timeout=timeout, max_retries=0)
    assert LIMIT * 0.9 <= time.monotonic() - started < SOON


def test_a_stream_outlives_the_attempt(colour: Any, server: DemoServer) -> None:
    """Once its head has come, a stream is bounded by the time between two reads alone."""
    # A byte every 0.3 ms: longer in all than an attempt may take.
    given = {"timeout": httpx.Timeout(LIMIT), "headers": {"X-Demo-Fault": "drip=0.0003"}}
    started = time.monotonic()
    assert stream_of(colour, server, **given)
    assert time.monotonic() - started > LIMIT


def test_a_refused_connection_is_pareta_s(colour: Any) -> None:
    """A port nobody listens on is an `APIConnectionError`."""
    with DemoServer() as gone:
        pass
    with pytest.raises(APIConnectionError):
        call(colour, gone, max_retries=0)


def test_a_status_is_an_error(colour: Any, server: DemoServer) -> None:
    """A status the server answers with is an error of its class."""
    with pytest.raises(RateLimitError):
        call(colour, server, "429", max_retries=0)


def test_a_model_is_found_deployed_called_and_evaluated(colour: Any, server: DemoServer) -> None:
    """From what is meant to a result: every part of the control plane over sockets."""
    large = b"x" * INLINE_BELOW
    statuses = []

    async def work(wait: Any, client: Any) -> None:
        match = await wait(client.tasks.match("extract the parties from a contract"))
        task = match.chosen.task_id
        endpoint = await wait(client.endpoints.deploy(task=task, wait=True))
        assert endpoint.is_live
        assert endpoint.model == await wait(client.tasks.recommended(task))
        rows = [{"text": "Acme hires Bolt."}]
        made = await wait(client.evals.sets.create(task=task, items=rows))
        await wait(client.evals.sets.upload_document(made.id, large, idx=0, field_name="doc"))
        run = await wait(
            client.evals.runs.create(
                eval_set=made.id,
                models=[endpoint.model],
                frontier="all",
                wait=True,
                poll_interval=0.01,
                on_progress=lambda run: statuses.append(run.status),
            )
        )
        frontier = await wait(client.evals.frontier_models(task))
        assert [r.model_id for r in run.results] == [endpoint.model, *(m.id for m in frontier)]
        assert statuses[-1] == run.status == "completed"
        await wait(client.endpoints.delete(endpoint.id))
        assert endpoint.id not in [e.id for e in await wait(client.endpoints.list())]

    async def awaited(value: Any) -> Any:
        return await value

    async def given(value: Any) -> Any:
        return value

    async def use_async() -> None:
        async with client_class(colour)(api_key=KEY, base_url=server.url) as client:
            await work(awaited, client)

    if colour.is_async:
        colour.run(use_async)
    else:
        with client_class(colour)(api_key=KEY, base_url=server.url) as client:
            run_now(work(given, client))
