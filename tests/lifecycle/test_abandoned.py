"""The laws of what is dropped open: its slot comes back, and a warning says where it was made."""

from __future__ import annotations

import gc
import inspect
import threading
import warnings
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from penstock import AsyncClient, Client

if TYPE_CHECKING:
    from .echo import Echo

ONE = httpx.Limits(max_connections=1)


def here() -> str:
    """Return the file and line of the caller."""
    frame: Any = inspect.currentframe()
    return f"{frame.f_back.f_code.co_filename}:{frame.f_back.f_lineno}"


async def opened(client: Any) -> tuple[Any, str]:
    """Open a response that nobody will close, and return it with where that was."""
    if isinstance(client, Client):
        return client.stream("GET", "/it").__enter__(), here()
    return await client.stream("GET", "/it").__aenter__(), here()


def test_a_dropped_response_gives_its_slot_back(colour: Any, server: Echo) -> None:
    """At once, without a collector; and a warning names the line that opened it."""

    async def scenario() -> None:
        client = colour.client(server.url, trust_env=False, limits=ONE, timeout=2.0)
        for _ in range(5):
            response, where = await opened(client)
            with pytest.warns(ResourceWarning, match="a response was dropped open") as told:
                del response
            assert [where in str(warning.message) for warning in told] == [True]
            assert client._wire.transport.pool_status().active == 0
        if colour.is_async:
            assert (await client.get("/it")).content == b"/it"
            await client.aclose()
        else:
            assert client.get("/it").content == b"/it"
            client.close()

    run(colour, scenario)


def test_who_waits_for_a_slot_gets_a_dropped_one(colour: Any, server: Echo) -> None:
    """A thread or task that waits for a connection is woken when another's response is dropped."""
    got: list[bytes] = []

    async def scenario() -> None:
        client = colour.client(server.url, trust_env=False, limits=ONE, timeout=5.0)
        held = [(await opened(client))[0]]

        async def ask() -> None:
            got.append((await client.get("/it")).content)

        def ask_now() -> None:
            got.append(client.get("/it").content)

        if colour.is_async:
            async with client, anyio.create_task_group() as group:
                group.start_soon(ask)
                await anyio.wait_all_tasks_blocked()
                drop(held)
        else:
            thread = threading.Thread(target=ask_now)
            thread.start()
            until_waiting(client)
            drop(held)
            thread.join(5)
            client.close()

    run(colour, scenario)
    assert got == [b"/it"]


@pytest.mark.parametrize("colour", ["asyncio", "trio"], indirect=True)
def test_a_response_that_another_thread_collects(colour: Any, server: Echo) -> None:
    """Its slot comes back to the event loop it is of, whose task is woken there."""

    async def scenario() -> None:
        async with AsyncClient(server.url, trust_env=False, limits=ONE, timeout=5.0) as client:
            held = [(await opened(client))[0]]

            async def ask() -> None:
                assert (await client.get("/it")).content == b"/it"

            async with anyio.create_task_group() as group:
                group.start_soon(ask)
                await anyio.wait_all_tasks_blocked()
                thread = threading.Thread(target=held.clear)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ResourceWarning)
                    thread.start()
                    thread.join(5)
        assert server.heard == 2

    colour.run(scenario)


def test_a_dropped_client_warns(colour: Any, server: Echo) -> None:
    """One that has connections names the line that made it; a sync one closes them."""

    async def scenario() -> None:
        kind = AsyncClient if colour.is_async else Client
        client, where = kind(server.url, trust_env=False), here()
        if colour.is_async:
            await client.get("/it")
        else:
            client.get("/it")
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            del client
            gc.collect()
        ours = [str(warning.message) for warning in told if "dropped open" in str(warning.message)]
        assert len(ours) == 1
        assert where in ours[0]
        assert colour.is_async or len(told) == 1

    run(colour, scenario)


def test_a_client_that_holds_nothing_warns_of_nothing(colour: Any, server: Echo) -> None:
    """Nor does one that was closed, nor a view, however it is dropped."""

    async def scenario() -> None:
        unused, used = (colour.client(server.url, trust_env=False) for _ in range(2))
        if colour.is_async:
            await used.get("/it")
            view = used.with_options(timeout=1.0)
            del view
            await used.aclose()
        else:
            used.get("/it")
            view = used.with_options(timeout=1.0)
            del view
            used.close()
        del unused, used
        gc.collect()

    run(colour, scenario)


def run(colour: Any, scenario: Any) -> None:
    """Run a scenario; a sync one never suspends."""
    if colour.is_async:
        colour.run(scenario)
        return
    with pytest.raises(StopIteration):
        scenario().send(None)


def drop(held: list[Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        held.clear()


def until_waiting(client: Client) -> None:
    """Return when a thread is in the queue for a connection."""
    (pool,) = client._wire.transport._pools.values()
    while not pool._leases._queue._lines:
        threading.Event().wait(0.001)
