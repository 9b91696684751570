"""The laws of event loops that come and go under one client."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import anyio
import pytest

from penstock import AsyncClient

if TYPE_CHECKING:
    from .echo import Echo


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # what a loop that is gone left open
@pytest.mark.parametrize(
    "loops",
    [("asyncio",) * 3, ("trio",) * 3, ("asyncio", "trio", "asyncio"), ("trio", "asyncio", "trio")],
    ids="-".join,
)
def test_a_client_outlives_its_event_loops(loops: tuple[str, ...], server: Echo) -> None:
    """Each run has its own connections, and each call its own answer, on whatever loop."""
    client = AsyncClient(server.url, trust_env=False)

    async def ask(name: str) -> None:
        assert (await client.get(name)).content == name.encode()

    async def run(number: int) -> None:
        async with anyio.create_task_group() as group:
            for call in range(5):
                group.start_soon(ask, f"/{number}-{call}")
        assert client._wire.transport.pool_status().active == 0
        if number == len(loops) - 1:
            await client.aclose()

    for number, loop in enumerate(loops):
        anyio.run(run, number, backend=loop)
    gc.collect()
    assert server.heard == 5 * len(loops)
