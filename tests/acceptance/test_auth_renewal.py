"""Keys that are supplied: who is asked, how often, and by whom of many at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import penstock
from penstock import (
    AuthRefreshed,
    RetryScheduled,
    SendEnded,
    Stack,
    Unauthorized,
)
from penstock.middleware import Auth
from penstock.testing import Script, VirtualClock

from .support import BASE_URL, KEY, auth, in_colour, keys, numbered

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Rig


AT_ONCE = 8


def test_a_supplier_is_asked_for_each_attempt(rig: Callable[..., Rig]) -> None:
    """Its first key goes with the first attempt, its second with the second."""
    server = rig([503, 200, 200])
    supplier = numbered(server.colour)
    assert server.status(api_key=supplier) == 200
    assert server.status(api_key=KEY) == 200
    assert keys(server) == ["Bearer key-1", "Bearer key-2", f"Bearer {KEY}"]


def test_a_suppliers_error_is_the_callers(rig: Callable[..., Rig]) -> None:
    """What a supplier raises comes up as it is, and nothing is sent or repeated."""

    def fail() -> str:
        raise ZeroDivisionError("no key")

    server = rig([200])
    with pytest.raises(ZeroDivisionError, match="no key"):
        server.send(api_key=in_colour(server.colour, fail))
    assert server.sent == 0
    assert server.kinds(RetryScheduled) == []


def test_a_refused_key_is_renewed_once(rig: Callable[..., Rig]) -> None:
    """A 401 asks the supplier once more and sends again: a send, not an attempt."""
    server = rig([401, 200])
    assert server.status("POST", json={"a": 1}, api_key=numbered(server.colour)) == 200
    assert keys(server) == ["Bearer key-1", "Bearer key-2"]
    assert server.script.bodies == [b'{"a":1}'] * 2
    assert len(server.kinds(AuthRefreshed)) == 1
    assert [fact.attempt for fact in server.kinds(SendEnded)] == [0, 0]
    assert server.sleeps == []


def test_a_key_refused_twice_is_refused(rig: Callable[..., Rig]) -> None:
    """A renewed key that is refused as well is not renewed again."""
    server = rig([401], forever=True)
    with pytest.raises(Unauthorized):
        server.send(api_key=numbered(server.colour))
    assert server.sent == 2


def test_refresh_is_asked_instead(rig: Callable[..., Rig]) -> None:
    """`refresh` supplies the new key; the next call asks the usual supplier again."""
    server = rig([])
    colour = server.colour
    stack = auth(key=in_colour(colour, "usual-1"), refresh=in_colour(colour, "fresh-1"))
    server = rig([401, 200, 200], stack=stack)
    assert server.status() == 200
    assert server.status() == 200
    assert keys(server) == ["Bearer usual-1", "Bearer fresh-1", "Bearer usual-1"]


@pytest.mark.parametrize(
    ("status", "key", "sends"),
    [(401, "static", 1), (403, "supplied", 1), (401, "the same again", 1), (401, "none", 1)],
)
def test_what_is_not_renewed(status: int, key: str, sends: int, rig: Callable[..., Rig]) -> None:
    """A static key, a 403, and a supplier with nothing newer end with the server's answer."""
    server = rig([status, 200])
    supplier = {
        "supplied": numbered(server.colour),
        "the same again": in_colour(server.colour, KEY),
    }
    given = supplier.get(key, KEY if key == "static" else None)
    assert server.status(api_key=given) == status
    assert server.sent == sends


def test_a_one_shot_body_is_not_sent_to_a_renewed_key(rig: Callable[..., Rig]) -> None:
    """With a body that can be read only once, the 401 is what the caller gets."""

    def once() -> Any:
        yield b"once"

    async def aonce() -> Any:
        yield b"once"

    server = rig([401, 200])
    body = aonce() if server.colour.is_async else once()
    assert server.status("POST", content=body, api_key=numbered(server.colour)) == 401
    assert server.script.bodies == [b"once"]


class Gate:
    """A supplier of keys that counts how often it renews, in both colours."""

    def __init__(self) -> None:
        self.renewals = 0

    def key(self) -> str:
        return f"key-{self.renewals}"

    def renew(self) -> str:
        self.renewals += 1
        return self.key()


def refuse_the_first(request: Any) -> int:
    return 401 if request.headers["authorization"] == "Bearer key-0" else 200


def test_threads_renew_once() -> None:
    """Eight threads refused together renew the key once, and all go on with the new one."""
    gate, refused = Gate(), threading.Barrier(AT_ONCE, timeout=20)

    async def together(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        if response.status_code == 401:
            refused.wait()
        return response

    client = penstock.Client(
        BASE_URL,
        transport=Script([refuse_the_first], forever=True),
        stack=auth(key=gate.key, refresh=gate.renew).after(Auth, together),
    )
    with ThreadPoolExecutor(AT_ONCE) as pool:
        responses = list(pool.map(client.get, ["/it"] * AT_ONCE))
    assert [response.status_code for response in responses] == [200] * AT_ONCE
    assert gate.renewals == 1


@pytest.mark.parametrize("colour", ["asyncio", "trio"], indirect=True)
def test_tasks_renew_once(colour: Any) -> None:
    """Eight tasks refused together renew the key once, and all go on with the new one."""
    gate, statuses = Gate(), []

    async def renew() -> str:
        await anyio.lowlevel.checkpoint()
        return gate.renew()

    async def main() -> None:
        waiting, all_refused = 0, anyio.Event()

        async def together(request: Any, call_next: Any) -> Any:
            nonlocal waiting
            response = await call_next(request)
            if response.status_code == 401:
                waiting += 1
                if waiting == AT_ONCE:
                    all_refused.set()
                await all_refused.wait()
            return response

        client = penstock.AsyncClient(
            BASE_URL,
            transport=Script([refuse_the_first], forever=True),
            stack=auth(key=in_colour(colour, gate.key), refresh=renew).after(Auth, together),
        )

        async def call() -> None:
            statuses.append((await client.get("/it")).status_code)

        async with anyio.create_task_group() as group:
            for _ in range(AT_ONCE):
                group.start_soon(call)

    anyio.run(main, backend=colour.name)
    assert statuses == [200] * AT_ONCE
    assert gate.renewals == 1


@pytest.mark.parametrize("colour", ["asyncio", "trio"], indirect=True)
def test_renewal_mixes_no_suppliers(colour: Any) -> None:
    """Calls that bring suppliers of their own, refused together, each get their own's new key."""
    script = Script(
        [lambda r: 401 if r.headers["authorization"].endswith("-1") else 200], forever=True
    )
    client = penstock.AsyncClient(BASE_URL, transport=script, clock=VirtualClock())

    async def main() -> None:
        refused, both = 0, anyio.Event()

        async def together(request: Any, call_next: Any) -> Any:
            nonlocal refused
            response = await call_next(request)
            if response.status_code == 401:
                refused += 1
                if refused == 2:
                    both.set()
                await both.wait()
            return response

        def add(stack: Stack) -> Stack:
            return stack.after(Auth, together)

        async def call(tenant: str) -> None:
            await client.get(f"/{tenant}", api_key=numbered(colour, tenant), stack=add)

        async with anyio.create_task_group() as group:
            group.start_soon(call, "ann")
            group.start_soon(call, "bob")

    anyio.run(main, backend=colour.name)
    assert sorted((r.url.path, r.headers["authorization"]) for r in script.requests) == [
        ("/v1/ann", "Bearer ann-1"),
        ("/v1/ann", "Bearer ann-2"),
        ("/v1/bob", "Bearer bob-1"),
        ("/v1/bob", "Bearer bob-2"),
    ]


class Supplier:
    """An object that supplies a key asynchronously."""

    async def __call__(self) -> str:
        return KEY


async def supply() -> str:
    return KEY


@pytest.mark.parametrize("supplier", [supply, Supplier()], ids=["function", "object"])
@pytest.mark.parametrize("where", ["client", "view", "Auth", "refresh", "call"])
@pytest.mark.parametrize("colour", ["sync"], indirect=True)
def test_a_sync_client_takes_no_async_supplier(
    supplier: Any, where: str, rig: Callable[..., Rig]
) -> None:
    """It is refused as a `TypeError` where it is given, at construction if it is given there."""
    server = rig()

    def act() -> Any:
        if where == "client":
            return rig(api_key=supplier)
        if where == "view":
            return server.client.with_options(api_key=supplier)
        if where == "Auth":
            return rig(stack=auth(key=supplier))
        if where == "refresh":
            return rig(stack=auth(key=lambda: KEY, refresh=supplier))
        return server.client.get("/it", api_key=supplier)

    with pytest.raises(TypeError, match=r"async|event loop"):
        act()
    assert server.sent == 0


def test_an_async_client_takes_a_plain_supplier(rig: Callable[..., Rig]) -> None:
    """A supplier that needs no event loop serves both colours."""
    server = rig([200])
    assert server.status(api_key=lambda: KEY) == 200
    assert keys(server) == [f"Bearer {KEY}"]
