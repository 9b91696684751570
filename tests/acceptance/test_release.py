"""Whoever discards a response gives its connection back, over real sockets with a pool of one."""

from __future__ import annotations

import contextlib
import itertools
import time
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
import tenacity

from penstock import ConnectionFailed, PenstockError, Stack, TimedOut, on_response
from penstock.demo import DemoServer
from penstock.middleware import Auth, Retry

from .support import KEY, Impatient, done, in_colour, play, with_retry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from penstock.transport import PoolStatus

_keys = itertools.count()


class Watching(Impatient):
    """A clock whose waits note how the pool stands meanwhile."""

    def __init__(self) -> None:
        self.client: Any = None
        self.during: list[PoolStatus] = []

    def sleep(self, seconds: float) -> None:
        self.during.append(pool(self.client))


def pool(client: Any) -> PoolStatus:
    status: PoolStatus = client._wire.transport.pool_status()
    return status


def fault(told: str) -> dict[str, str]:
    """Return the headers that ask the demo server for a fault, counted apart from all others."""
    return {"X-Demo-Fault": told, "X-Demo-Key": f"release {next(_keys)}"}


def pooled(colour: Any, demo: DemoServer, **options: Any) -> Any:
    """Return a client with a pool of one, whose waits are watched."""
    clock = Watching()
    clock.client = colour.client(
        demo.url,
        **{
            "limits": httpx.Limits(max_connections=1),
            "trust_env": False,
            "timeout": 5.0,
            "clock": clock,
            **options,
        },
    )
    return clock.client


async def opened(client: Any, use: Callable[[Any], Awaitable[None]], **call: Any) -> None:
    """Open a response as a stream, in the client's colour, and use it."""
    stream = client.stream(call.pop("method", "GET"), call.pop("url", "/v1/models"), **call)
    if hasattr(stream, "__aenter__"):
        async with stream as response:
            await use(response)
    else:
        with stream as response:
            await use(response)


async def nothing(response: Any) -> None:
    """Leave the body unread."""


async def burst(response: Any) -> None:
    raise ZeroDivisionError


def plain(method: str = "GET", url: str = "/v1/models", told: str = "", **call: Any) -> Any:
    async def pattern(client: Any) -> None:
        await done(client.request(method, url, headers=fault(told) if told else {}, **call))

    return pattern


def streamed(use: Any = nothing, told: str = "", **call: Any) -> Any:
    async def pattern(client: Any) -> None:
        await opened(client, use, headers=fault(told) if told else {}, **call)

    return pattern


def events(leave_after: int | None = None, told: str = "", url: str = "", **call: Any) -> Any:
    """Read events in a bare loop, the handle dropped at its end."""

    async def pattern(client: Any) -> None:
        stream = client.stream_events(
            "POST",
            url or "/v1/chat/completions",
            json={"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]},
            headers=fault(told) if told else {},
            **call,
        )
        seen = 0
        if hasattr(stream, "__aiter__"):
            async with stream:
                async for _ in stream:
                    seen += 1
                    if seen == leave_after:
                        break
        else:
            for _ in stream:
                seen += 1
                if seen == leave_after:
                    break

    return pattern


async def broken_json(client: Any) -> None:
    (await done(client.get("/v1/models", headers=fault("json-broken")))).json()


PATTERNS: dict[str, Any] = {
    "repeated statuses": plain(told="503;times=2"),
    "repeated statuses of a stream": streamed(told="503;times=2"),
    "statuses to the end": plain(told="503"),
    "statuses of a stream to the end": streamed(told="503"),
    "a status error": plain(url="/status/404"),
    "a status error of a stream": streamed(url="/status/404"),
    "a dropped connection": plain(told="drop;times=1"),
    "a reset connection": plain(told="reset"),
    "a cut body": plain(told="cut=3;times=1"),
    "a cut body to the end": plain(told="cut=3"),
    "a silent server": plain(told="hang", timeout=0.05, max_retries=1),
    "a dripping body": plain(told="drip=0.02", timeout=0.1, max_retries=1),
    "a dripping head": plain(told="drip-head=0.02", timeout=0.1, max_retries=1),
    "a deadline": plain(told="drip=0.02", deadline=0.1),
    "a body over the limit": plain(max_response_bytes=10),
    "a gateway's page": plain(told="html"),
    "redirects": plain(url="/redirect/3"),
    "redirects of a stream": streamed(url="/redirect/3"),
    "a redirect that is refused": plain(url="/redirect-to?url=ftp://else.example/"),
    "broken JSON": broken_json,
    "a stream left unread": streamed(),
    "an error in the reader's block": streamed(burst),
    "a stream over the limit": streamed(nothing, max_response_bytes=10),
    "events to the end": events(),
    "events left after one": events(leave_after=1),
    "events cut off": events(told="cut=2"),
    "events refused": events(told="503"),
    "no event stream": events(url="/echo"),
    "events too long": events(max_event_bytes=20),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_no_connection_stays_leased(name: str, colour: Any, demo: DemoServer) -> None:
    """Whatever became of a call, its one connection is free in a wait and after it."""

    async def scenario() -> None:
        client = pooled(colour, demo)
        with contextlib.suppress(PenstockError, ZeroDivisionError):
            await PATTERNS[name](client)
        after = pool(client)
        following = await done(client.get("/v1/models"))
        await done(client.close() if not colour.is_async else client.aclose())
        assert after.active == 0
        assert [status.active for status in client._scope.runtime.clock.during] == [0] * len(
            client._scope.runtime.clock.during
        )
        assert following.status_code == 200

    play(colour, scenario)


@pytest.mark.parametrize("streams", [False, True], ids=["plain", "stream"])
def test_a_provider_that_fails_leaves_nothing_open(
    streams: bool, colour: Any, demo: DemoServer
) -> None:
    """A key provider that raises when it is to renew a key leaves the refused response closed."""

    def refuse() -> Any:
        raise ZeroDivisionError

    auth = Auth(in_colour(colour, KEY), refresh=in_colour(colour, refuse))

    async def scenario() -> None:
        client = pooled(colour, demo, stack=Stack.standard().replace(Auth, auth))
        pattern = streamed if streams else plain
        with pytest.raises(ZeroDivisionError):
            await pattern(told="401")(client)
        status = pool(client)
        await done(client.close() if not colour.is_async else client.aclose())
        assert status.active == 0

    play(colour, scenario)


class Burst(httpx.Auth):
    """An auth flow that fails when it sees the response."""

    def auth_flow(self, request: httpx.Request) -> Any:
        yield request
        raise ZeroDivisionError


def burst_over(_: Any) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("where", ["on_response", "auth flow", "retry rule", "wait strategy"])
def test_a_function_that_fails_leaves_nothing_open(
    where: str, colour: Any, demo: DemoServer
) -> None:
    """A plain function of the user's that raises over an open response leaves it closed."""

    standard = Stack.standard()
    options: dict[str, Any] = {
        "on_response": {"stack": standard.after(Retry, on_response(burst_over))},
        "auth flow": {"auth": Burst()},
        "retry rule": {"stack": with_retry(retry=burst_over)},
        "wait strategy": {"stack": with_retry(wait=burst_over)},
    }[where]

    async def scenario() -> None:
        client = pooled(colour, demo, **options)
        with pytest.raises(ZeroDivisionError):
            await streamed(told="503")(client)
        status = pool(client)
        await done(client.close() if not colour.is_async else client.aclose())
        assert status.active == 0

    play(colour, scenario)


@pytest.mark.parametrize(("size", "connections"), [(20, 1), (2_000_000, 3)])
def test_a_short_body_is_drained_and_a_long_one_closed(
    size: int, connections: int, colour: Any, demo: DemoServer
) -> None:
    """A discarded body up to 64 KiB leaves its connection in use; a longer one costs a new one."""

    async def scenario() -> None:
        client = pooled(colour, demo)
        before = demo.connections
        call = {"method": "PUT", "url": "/echo", "content": b"x" * size}
        await opened(client, nothing, retry=tenacity.retry_always, **call)
        assert demo.connections - before == connections
        await done(client.close() if not colour.is_async else client.aclose())

    play(colour, scenario)


def test_a_stalled_body_nobody_wants_is_left(colour: Any, demo: DemoServer) -> None:
    """A discarded response whose body stalls holds its call up for a second at most."""

    async def scenario() -> None:
        client = pooled(colour, demo, timeout=60.0)
        started = time.monotonic()
        await streamed(told="503;drip=30;times=1")(client)
        taken = time.monotonic() - started
        status = pool(client)
        await done(client.close() if not colour.is_async else client.aclose())
        assert taken < 3
        assert status.active == 0

    play(colour, scenario)


def test_a_full_pool_is_waited_for_in_vain(colour: Any, demo: DemoServer) -> None:
    """While a stream holds the only connection, another call ends with the wait for it."""

    async def scenario() -> None:
        client = pooled(colour, demo)

        async def call_meanwhile(response: Any) -> None:
            with pytest.raises(TimedOut) as caught:
                await done(client.post("/echo", json={}, timeout=0.05))
            assert caught.value.phase == "pool"
            assert [record.error for record in caught.value.attempts] == ["TimedOut"] * 3

        await opened(client, call_meanwhile)
        status = pool(client)
        await done(client.close() if not colour.is_async else client.aclose())
        assert status.active == 0

    play(colour, scenario)


def test_nobody_there(colour: Any) -> None:
    """A refused connection is a failure to connect, repeated also for a POST."""
    with DemoServer() as server:
        pass

    async def scenario() -> None:
        client = pooled(colour, server)
        with pytest.raises(ConnectionFailed) as caught:
            await done(client.post("/echo", json={}))
        await done(client.close() if not colour.is_async else client.aclose())
        assert (caught.value.phase, len(caught.value.attempts)) == ("connect", 3)

    play(colour, scenario)


CANCELLED: dict[str, Any] = {
    "in the head": plain(told="hang"),
    "in the body": plain(told="drip=0.02"),
    "in a stream's head": streamed(told="hang"),
    "in events": events(told="drip=0.02"),
    "in the wait for the pool": None,
}


@pytest.mark.parametrize("colour", ["asyncio", "trio"], indirect=True)
@pytest.mark.parametrize("name", CANCELLED)
def test_a_cancelled_call_gives_its_connection_back(
    name: str, colour: Any, demo: DemoServer
) -> None:
    """Wherever on the wire a call is cancelled, its place in the pool is free at once."""

    async def scenario() -> None:
        client = pooled(colour, demo)
        pattern = CANCELLED[name] or plain(told="hang")
        started = time.monotonic()
        with anyio.move_on_after(0.08) as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(pattern, client)
                if CANCELLED[name] is None:
                    group.start_soon(plain(), client)
        status = pool(client)
        following = await client.get("/v1/models")
        await client.aclose()
        assert scope.cancelled_caught
        assert time.monotonic() - started < 2
        assert status.active == 0
        assert following.status_code == 200

    play(colour, scenario)
