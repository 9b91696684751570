"""The laws of a fork: no child hears what was said to another, and the parent goes on."""

from __future__ import annotations

import gc
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from penstock import AsyncClient, Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from .echo import Echo

CHILDREN, CALLS = 4, 25


def ask(client: Client, name: str) -> None:
    for number in range(CALLS):
        path = f"/{name}-{number}"
        assert client.get(path).content == path.encode()


def ask_async(client: AsyncClient, name: str) -> None:
    async def scenario() -> None:
        for number in range(CALLS):
            path = f"/{name}-{number}"
            assert (await client.get(path)).content == path.encode()

    anyio.run(scenario)


def forked(work: Callable[[], None]) -> int:
    """Do *work* in a child, and return its process id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # of the loop before, by its end
@pytest.mark.parametrize(("kind", "use"), [(Client, ask), (AsyncClient, ask_async)])
def test_children_use_what_the_parent_used(
    kind: Any, use: Callable[[Any, str], None], server: Echo
) -> None:
    """Four children and the parent, all at once, get each its own answers alone."""
    client = kind(server.url, trust_env=False)
    use(client, "before")
    children = [forked(partial(use, client, f"child{number}")) for number in range(CHILDREN)]
    use(client, "meanwhile")
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * CHILDREN
    use(client, "after")
    assert server.heard == CALLS * (CHILDREN + 3)
    if kind is Client:
        client.close()
    else:
        anyio.run(client.aclose)
        gc.collect()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_while_threads_are_in_calls(server: Echo) -> None:
    """A child that is made while others of the parent's threads are in calls works all the same.

    But for the first call of a process: what that imports is locked by the interpreter meanwhile.
    """
    with Client(server.url, trust_env=False) as client, ThreadPoolExecutor(4) as threads:
        ask(client, "before")
        asking = [threads.submit(ask, client, f"thread{number}") for number in range(4)]
        children = [forked(partial(ask, client, f"child{number}")) for number in range(CHILDREN)]
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * CHILDREN
        assert [asked.result() for asked in asking] == [None] * 4


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_stream_that_is_open_at_a_fork_is_the_parents(server: Echo) -> None:
    """A child that closes it, and the client, takes nothing from the parent, which reads on."""
    with Client(server.url, trust_env=False) as client:
        with client.stream("GET", "/half-way") as response:
            assert server.held.wait(5)

            def leave() -> None:
                response.close()
                client.close()

            assert os.waitpid(forked(leave), 0)[1] == 0
            server.go.set()
            assert response.read() == b"/half-way"
        ask(client, "after")
    assert server.connections == 1
