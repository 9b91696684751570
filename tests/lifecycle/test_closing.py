"""The laws of the end of a client: who calls it then, or is in a call, hears so at once."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest

from penstock import ClientClosed, PenstockError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .echo import Echo

SOON = 5.0


async def plain(client: Any, path: str) -> Any:
    return await client.get(path)


async def stream(client: Any, path: str) -> Any:
    async with client.stream("GET", path) as response:
        return await response.aread()


async def events(client: Any, path: str) -> Any:
    async with client.stream_events("GET", path) as received:
        return [event async for event in received]


def plain_now(client: Any, path: str) -> Any:
    return client.get(path)


def stream_now(client: Any, path: str) -> Any:
    with client.stream("GET", path) as response:
        return response.read()


def events_now(client: Any, path: str) -> Any:
    with client.stream_events("GET", path) as received:
        return list(received)


CALLS = {"plain": (plain_now, plain), "stream": (stream_now, stream)}
CALLS["events"] = (events_now, events)


@pytest.mark.parametrize(
    ("call", "path"),
    [
        ("plain", "/hold"),
        ("plain", "/half-way"),
        ("stream", "/hold"),
        ("stream", "/half-way"),
        ("events", "/events"),
    ],
)
def test_a_client_is_closed_in_the_midst_of_a_call(
    call: str, path: str, colour: Any, server: Echo
) -> None:
    """Whoever is in a call gets a typed error soon, and nothing is sent again."""
    client = colour.client(server.url, trust_env=False)
    ask: Callable[..., Any] = partial(CALLS[call][colour.is_async], client, path)
    caught: list[Exception] = []

    def run() -> None:
        with pytest.raises(ClientClosed, match="closed while this call was under way") as closed:
            ask()
        caught.append(closed.value)

    async def run_async() -> None:
        with pytest.raises(ClientClosed, match="closed while this call was under way") as closed:
            await ask()
        caught.append(closed.value)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(run_async)
            await anyio.to_thread.run_sync(server.held.wait, SOON)
            await client.aclose()

    started = time.monotonic()
    if colour.is_async:
        colour.run(main)
    else:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        assert server.held.wait(SOON)
        client.close()
        thread.join(SOON)
    assert len(caught) == server.heard == 1
    assert time.monotonic() - started < SOON
    assert client._wire.transport.pool_status() == (0, 0, 0)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("of_a_view", [True, False])
def test_a_client_that_is_closed_is_not_used(
    call: str, of_a_view: bool, colour: Any, server: Echo
) -> None:
    """Any call after the end is a typed error, of a view too, and nothing is sent."""
    client = colour.client(server.url, trust_env=False)
    used = client.with_options(timeout=1.0) if of_a_view else client

    async def scenario() -> None:
        assert (await client.get("/it")).content == b"/it"
        await client.aclose()
        await client.aclose()
        with pytest.raises(ClientClosed):
            await CALLS[call][True](used, "/events")

    if colour.is_async:
        colour.run(scenario)
    else:
        assert client.get("/it").content == b"/it"
        client.close()
        client.close()
        with pytest.raises(ClientClosed):
            CALLS[call][False](used, "/events")
    assert issubclass(ClientClosed, PenstockError)
    assert server.heard == 1
