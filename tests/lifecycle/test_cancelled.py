"""The law of a call that is cancelled wherever it waits, on sockets."""

from __future__ import annotations

import itertools
import types
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import penstock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from .echo import Echo

AT_MOST = 200  # awaits of one call; a bound for a test that has gone wrong


@types.coroutine
def cancelled_at(
    number: int, scope: anyio.CancelScope, work: Awaitable[Any]
) -> Generator[Any, Any, bool]:
    """Await *work*, cancelling *scope* at its *number*-th wait; tell whether there was one."""
    steps = work.__await__()
    waits = itertools.count()
    wait = next(steps)
    while True:
        struck = next(waits) == number
        if struck:
            scope.cancel()
        try:
            sent = yield wait
        except BaseException as error:  # noqa: BLE001 - it is the work's
            wait = steps.throw(error)
        else:
            try:
                wait = steps.send(sent)
            except StopIteration:
                return struck


async def _cancelled(number: int, work: Awaitable[Any]) -> bool:
    """Cancel *work* at its *number*-th wait; tell whether it had as many."""
    with anyio.CancelScope() as scope:
        await cancelled_at(number, scope, work)
    return scope.cancel_called


async def _plain(client: penstock.AsyncClient) -> None:
    await client.get("/it")


async def _stream(client: penstock.AsyncClient) -> None:
    async with client.stream("GET", "/it") as response:
        async for _ in response.aiter_bytes():
            pass


async def _cold(client: penstock.AsyncClient, server: Echo) -> None:
    """Leave the pool as it is."""


async def _warm(client: penstock.AsyncClient, server: Echo) -> None:
    """Have a connection idle."""
    await client.get("/warm")


async def _stale(client: penstock.AsyncClient, server: Echo) -> None:
    """Have the idle connection be one that the server has closed."""
    await client.get("/warm")
    server.hang_up()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("before", [_cold, _warm, _stale])
@pytest.mark.parametrize("work", [_plain, _stream])
def test_a_call_cancelled_at_any_await(
    backend: str,
    before: Callable[[penstock.AsyncClient, Echo], Awaitable[None]],
    work: Callable[[penstock.AsyncClient], Awaitable[None]],
    server: Echo,
) -> None:
    """Wherever it waits, its slot comes back: afterwards the pool serves ten of ten."""

    async def cancel(number: int) -> bool:
        limits = penstock.Limits(max_connections=1, max_keepalive_connections=1)
        async with penstock.AsyncClient(server.url, limits=limits, trust_env=False) as client:
            await before(client, server)
            struck = await _cancelled(number, work(client))
            await _serves_ten(client)
        return struck

    assert anyio.run(_awaits, cancel, backend=backend) >= 1


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_call_cancelled_while_it_queues(backend: str, server: Echo) -> None:
    """One that waits for a connection, or has just got one, leaves it to the next in the queue."""

    async def cancel(number: int) -> bool:
        limits = penstock.Limits(max_connections=1, max_keepalive_connections=1)
        async with penstock.AsyncClient(server.url, limits=limits, trust_env=False) as client:
            struck = False

            async def one() -> None:
                nonlocal struck
                struck = await _cancelled(number, _plain(client))

            async with anyio.create_task_group() as group:
                for _ in range(2):
                    group.start_soon(_plain, client)
                group.start_soon(one)
                for _ in range(2):
                    group.start_soon(_plain, client)
            await _serves_ten(client)
        return struck

    assert anyio.run(_awaits, cancel, backend=backend) >= 1


async def _awaits(cancel: Callable[[int], Awaitable[bool]]) -> int:
    """Cancel a call at each of its awaits in turn; return how many it had."""
    for number in range(AT_MOST):
        if not await cancel(number):
            return number
    raise AssertionError("the call never ended")


async def _serves_ten(client: penstock.AsyncClient) -> None:
    """Check that ten calls at once succeed, and that nothing is lent afterwards."""
    answers: list[str] = []

    async def call(number: int) -> None:
        answers.append((await client.get(f"/it-{number}", timeout=5)).text)

    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(call, number)
    assert sorted(answers) == [f"/it-{number}" for number in range(10)]
    status = client.pool_status()
    assert status is not None
    assert status.active == 0
