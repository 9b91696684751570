"""What needs an event loop, inside a sync client: refused by the name of who awaits it."""

from __future__ import annotations

import asyncio
import functools
import re
import threading
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import trio

from penstock import AsyncOnlyError, InvalidOption, Stack
from penstock.middleware import Retry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .support import Rig


class Tag:
    """A middleware that puts its name on the request."""

    def __init__(self, name: str = "tag") -> None:
        self.name = name

    async def __call__(self, request: Any, call_next: Any) -> Any:
        request.headers["X-Tag"] = request.headers.get("X-Tag", "") + self.name
        return await call_next(request)

    def __repr__(self) -> str:
        return f"Tag({self.name!r})"


STANDARD = Stack.standard()


class Waits:
    """A middleware that awaits what only an event loop can give."""

    def __init__(self, wait: Callable[[], Awaitable[Any]]) -> None:
        self._wait = wait

    async def __call__(self, request: Any, call_next: Any) -> Any:
        await self._wait()
        return await call_next(request)


LINE = Waits.__call__.__code__.co_firstlineno + 1


class Hands:
    """An awaitable that hands something to the event loop."""

    def __await__(self) -> Any:
        yield "something"


async def future() -> None:
    await asyncio.get_running_loop().create_future()


async def a_thread() -> None:
    await asyncio.to_thread(threading.get_ident)


WAITS: dict[str, Callable[[], Awaitable[Any]]] = {
    "asyncio.sleep": lambda: asyncio.sleep(0.001),
    "anyio.sleep": lambda: anyio.sleep(0.001),
    "trio.sleep": functools.partial(trio.sleep, 0.001),
    "anyio.Event": lambda: anyio.Event().wait(),
    "asyncio.Event": lambda: asyncio.Event().wait(),
    "anyio.to_thread": lambda: anyio.to_thread.run_sync(threading.get_ident),
    "hands over": Hands,
}


@pytest.mark.parametrize("colour", ["sync"], indirect=True)
@pytest.mark.parametrize("zone", ["call", "attempt"])
@pytest.mark.parametrize("loop", ["none", "asyncio", "trio"])
@pytest.mark.parametrize("name", WAITS)
def test_what_needs_an_event_loop_is_named(
    name: str, loop: str, zone: str, rig: Callable[..., Rig]
) -> None:
    """In a sync client it is an error with the middleware's class, file and line; nothing is sent.

    So it is inside an event loop, where the awaitable suspends, and outside, where it raises.
    """
    waits = Waits(WAITS[name])
    stack = STANDARD.before(Retry, waits) if zone == "call" else STANDARD.after(Retry, waits)
    server = rig([200], stack=stack)

    async def inside() -> None:
        server.send()

    with pytest.raises(AsyncOnlyError) as caught:
        server.send() if loop == "none" else anyio.run(inside, backend=loop)
    where = re.escape(f"Waits.__call__ ({__file__}:{LINE})")
    assert re.search(where, str(caught.value))
    assert "AsyncClient" in str(caught.value)
    assert server.sent == 0


@pytest.mark.parametrize("colour", ["sync"], indirect=True)
@pytest.mark.parametrize("wait", [future, a_thread])
def test_a_helper_of_the_middlewares_is_named_too(wait: Any, rig: Callable[..., Rig]) -> None:
    """When a function of the user's own awaits it, that function, its file and line are named."""
    server = rig([200], stack=STANDARD.append(Waits(wait)))

    async def inside() -> None:
        server.send()

    line = wait.__code__.co_firstlineno + 1
    with pytest.raises(AsyncOnlyError, match=re.escape(f"{wait.__name__} ({__file__}:{line})")):
        asyncio.run(inside())


@pytest.mark.parametrize("colour", ["sync"], indirect=True)
def test_async_only_is_refused_at_construction(rig: Callable[..., Rig]) -> None:
    """A middleware that says it needs an event loop is refused by client, view and call."""

    class NeedsLoop(Tag):
        async_only = True

    add = NeedsLoop("x")
    server = rig([200])
    for make in (
        lambda: rig(stack=Stack([add])),
        lambda: server.client.with_options(stack=lambda stack: stack.append(add)),
        lambda: server.send(stack=lambda stack: stack.append(add)),
    ):
        with pytest.raises(InvalidOption, match=r"Tag.*AsyncClient"):
            make()
    assert server.sent == 0


@pytest.mark.parametrize("colour", ["sync"], indirect=True)
def test_a_users_own_runtime_error_is_left_alone(rig: Callable[..., Rig]) -> None:
    """Any other `RuntimeError` of a middleware comes up as it is."""

    async def fails() -> None:
        raise RuntimeError("no running shoes")

    with pytest.raises(RuntimeError, match="shoes"):
        rig([200], stack=STANDARD.append(Waits(fails))).send()


@pytest.mark.parametrize("colour", ["asyncio"], indirect=True)
def test_an_async_client_may_await_anything(rig: Callable[..., Rig]) -> None:
    """What a sync client refuses is an async one's everyday business."""
    for wait in (WAITS["asyncio.sleep"], WAITS["anyio.sleep"], WAITS["anyio.to_thread"]):
        assert rig([200], stack=STANDARD.append(Waits(wait))).status() == 200
