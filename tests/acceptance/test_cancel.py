"""What a cancelled call leaves behind: nothing."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from penstock import AttemptEnded, RetryScheduled
from penstock.testing import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Rig

pytestmark = pytest.mark.parametrize("colour", ["asyncio", "trio"], indirect=True)


def test_a_cancelled_wait_ends_at_once(rig: Callable[..., Rig]) -> None:
    """Cancelled during the backoff, a call tries no more; its response was closed before."""
    server = rig([Reply(503, chunks=[b"x" * 100_000] * 3), 200])
    asleep = anyio.Event()

    async def wait(seconds: float) -> None:
        assert server.script.open == 0
        asleep.set()
        await anyio.sleep_forever()

    server.client._scope.runtime.clock = SimpleNamespace(asleep=wait)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(server.client.get, "/it")
            await asleep.wait()
            group.cancel_scope.cancel()

    anyio.run(main, backend=server.colour.name)
    assert server.sent == 1
    assert len(server.kinds(RetryScheduled)) == 1


def test_a_cancelled_attempt_is_no_failure(rig: Callable[..., Rig]) -> None:
    """Cancelled on the wire, a call ends its attempt with the cancellation and repeats nothing."""
    server = rig([200])
    on_the_wire = anyio.Event()

    async def hang(request: Any, call_next: Any) -> Any:
        on_the_wire.set()
        await anyio.sleep_forever()

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(
                lambda: server.client.get("/it", stack=lambda stack: stack.append(hang))
            )
            await on_the_wire.wait()
            group.cancel_scope.cancel()

    anyio.run(main, backend=server.colour.name)
    assert server.sent == 0
    assert [fact.error for fact in server.kinds(AttemptEnded)] == [
        "CancelledError" if server.colour.name == "asyncio" else "Cancelled"
    ]
    assert server.kinds(RetryScheduled) == []


def test_a_timeout_around_a_call_is_the_callers(rig: Callable[..., Rig]) -> None:
    """`anyio.fail_after` around a call raises its own `TimeoutError`, not one of Penstock's."""
    server = rig([200])

    async def hang(request: Any, call_next: Any) -> Any:
        await anyio.sleep_forever()

    async def main() -> None:
        with pytest.raises(TimeoutError) as caught, anyio.fail_after(0.01):
            await server.client.get("/it", stack=lambda stack: stack.append(hang))
        assert type(caught.value) is TimeoutError

    anyio.run(main, backend=server.colour.name)


def test_a_client_outlives_its_cancelled_calls(rig: Callable[..., Rig]) -> None:
    """After a cancelled call the same client serves the next, in another event loop too."""
    server = rig([200, 200])

    async def cancelled() -> None:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await server.client.get("/it")

    anyio.run(cancelled, backend=server.colour.name)
    assert server.status() == 200
    assert asyncio.run(_get(server)) == 200


async def _get(server: Rig) -> int:
    status: int = (await server.client.get("/it")).status_code
    return status
