"""Views of a client: what they share, and what closing one of them closes."""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from penstock import REMOVE, ClientClosed, InvalidOption
from penstock.testing import Script

from .support import KEY, done, play

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Rig


def test_a_view_shares_what_it_is_a_view_of(rig: Callable[..., Rig]) -> None:
    """Views send over their parent's connections, and views can be made of views."""
    server = rig([200] * 3, headers={"X-A": "a"})
    one = server.client.with_options(headers={"X-B": "b"})
    two = one.with_options(headers={"X-A": REMOVE, "X-C": "c"}, timeout=1.0)
    for client in (server.client, one, two):
        server.colour.run(lambda client=client: client.get("/it"))
    names = ("x-a", "x-b", "x-c")
    assert [[name for name in names if name in request.headers] for request in server.requests] == [
        ["x-a"],
        ["x-a", "x-b"],
        ["x-b", "x-c"],
    ]


@pytest.mark.parametrize("closed", ["view", "view of a view", "parent", "parent by with"])
def test_closing(closed: str, rig: Callable[..., Rig]) -> None:
    """Closing a view ends that view; closing its parent ends them all, and the connections."""
    server = rig([200] * 3)
    transport = Closable([200] * 3)
    server = rig(transport=transport)
    client = server.client
    view = client.with_options(timeout=1.0)
    second = view.with_options(timeout=2.0)
    target = {"view": view, "view of a view": second}.get(closed, client)

    async def scenario() -> None:
        if closed == "parent by with":
            if server.colour.is_async:
                async with target:
                    pass
            else:
                with target:
                    pass
        else:
            await done(target.aclose() if server.colour.is_async else target.close())
            await done(target.aclose() if server.colour.is_async else target.close())
        with pytest.raises(ClientClosed):
            await done(target.get("/it"))

    play(server.colour, scenario)
    assert transport.closed == (1 if target is client else 0)
    assert [each.is_closed for each in (client, view, second)] == {
        "view": [False, True, True],
        "view of a view": [False, False, True],
    }.get(closed, [True, True, True])
    assert repr(client).endswith("closed>") == (target is client)


class Closable(Script):
    """A script that counts how often it is closed."""

    closed = 0

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


def test_dropping_a_view_closes_nothing(rig: Callable[..., Rig]) -> None:
    """A view that is collected leaves its parent open."""
    transport = Closable([200])
    server = rig(transport=transport)
    server.client.with_options(timeout=1.0)
    gc.collect()
    assert server.status() == 200
    assert transport.closed == 0


def test_views_and_overrides_leave_nothing_behind(rig: Callable[..., Rig]) -> None:
    """A thousand views, each with a call's worth of options, cost no memory in the end."""
    server = rig(headers={"X-A": "a"}, api_key=KEY)
    client = server.client

    def use() -> None:
        for n in range(200):
            client.with_options(timeout=float(n + 1), headers={f"X-{n % 3}": "1"}, api_key=KEY)

    use()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        use()
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 20_000


def test_a_body_is_no_option(rig: Callable[..., Rig]) -> None:
    """A view has no body and no options inside its options."""
    server = rig()
    for wrong in ({"json": {}}, {"content": b""}, {"options": {}}):
        with pytest.raises(InvalidOption, match=next(iter(wrong))):
            server.client.with_options(**wrong)
