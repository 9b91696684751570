"""The laws of one client in many hands, over sockets."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import httpx

if TYPE_CHECKING:
    from .echo import Echo

THREADS, CALLS, TASKS = 32, 640, 1000


def test_each_gets_its_own_answer(colour: Any, server: Echo) -> None:
    """32 threads, or 1,000 tasks, get each its own answer over ten connections, and lose none."""
    client = colour.client(
        server.url, trust_env=False, limits=httpx.Limits(max_connections=10), timeout=60.0
    )
    answers: dict[int, bytes] = {}

    async def ask(number: int) -> None:
        answers[number] = (await client.get(f"/{number}")).content

    async def many() -> None:
        async with client, anyio.create_task_group() as group:
            for number in range(TASKS):
                group.start_soon(ask, number)
        assert client._wire.transport.pool_status() == (0, 0, 0)

    if colour.is_async:
        colour.run(many)
    else:
        with client, ThreadPoolExecutor(THREADS) as threads:
            asked = threads.map(lambda number: client.get(f"/{number}").content, range(CALLS))
            answers = dict(enumerate(asked))
            assert client._wire.transport.pool_status().active == 0
    assert answers == {number: b"/%d" % number for number in answers}
    assert len(answers) == server.heard == (TASKS if colour.is_async else CALLS)
    assert server.connections <= 10
