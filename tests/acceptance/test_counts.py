"""How often things happen, in what order, and who counts them."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

import penstock
from penstock import (
    Attempt,
    AttemptEnded,
    AttemptStarted,
    Call,
    Key,
    Redirected,
    RetryScheduled,
    RetryStopped,
    SendEnded,
    ServiceUnavailable,
    Stack,
)
from penstock.middleware import Retry, Timeout
from penstock.testing import Reply, Script, VirtualClock

from .support import BASE_URL, with_retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Rig

AT_ONCE = 32


@pytest.mark.parametrize(("retries", "sends", "sleeps"), [(0, 1, 0), (1, 2, 1), (2, 3, 2)])
def test_repeats_are_counted(
    retries: int, sends: int, sleeps: int, rig: Callable[..., Rig]
) -> None:
    """`max_retries=2` that all fail are 3 requests, 2 waits, 3 attempts on the error."""
    server = rig([503], forever=True, max_retries=retries)
    with pytest.raises(ServiceUnavailable) as caught:
        server.send()
    assert (server.sent, len(server.sleeps)) == (sends, sleeps)
    assert len(server.kinds(RetryScheduled)) == sleeps
    assert len(server.kinds(RetryStopped)) == 1
    assert [record.number for record in caught.value.attempts] == list(range(sends))
    assert [record.status for record in caught.value.attempts] == [503] * sends


def test_what_happened_is_told_in_order(rig: Callable[..., Rig]) -> None:
    """Facts come as things happen: attempt, its sends, its end, the wait, the next attempt."""
    moved = Reply(302, headers={"Location": "/there"})
    server = rig([503, moved, 200], stack=with_retry(jitter="none"))
    assert server.status() == 200
    assert [type(fact) for fact in server.facts] == [
        AttemptStarted,
        SendEnded,
        AttemptEnded,
        RetryScheduled,
        AttemptStarted,
        SendEnded,
        Redirected,
        SendEnded,
        AttemptEnded,
    ]
    (scheduled,) = server.kinds(RetryScheduled)
    assert scheduled == (1, 1000.0, 0.5, "503", "backoff")
    assert [(fact.number, fact.attempt, fact.status) for fact in server.kinds(SendEnded)] == [
        (0, 0, 503),
        (1, 1, 302),
        (2, 1, 200),
    ]


def test_sends_count_redirects_attempts_do_not(rig: Callable[..., Rig]) -> None:
    """GET 503, GET 302, GET 200 are sends 0, 1, 2 in attempts 0, 1, 1."""
    seen: list[tuple[int, int]] = []

    async def watch(request: Any, call_next: Any) -> Any:
        attempt = Attempt.of(request)
        seen.append((attempt.number, attempt.sends))
        return await call_next(request)

    server = rig(
        [503, Reply(302, headers={"Location": "/there"}), 200],
        stack=Stack.standard().append(watch),
    )
    assert server.status() == 200
    assert seen == [(0, 0), (1, 1), (1, 2)]


@pytest.mark.parametrize("replies", [[200], [404], [httpx.ReadError("cut")]], ids=repr)
def test_a_stack_without_retry_has_one_attempt(replies: Any, rig: Callable[..., Rig]) -> None:
    """Where nothing divides, the call is its only attempt, and is recorded as one."""
    server = rig(replies, stack=Stack.standard().without(Retry))
    with contextlib.suppress(penstock.ConnectionFailed):
        server.status()
    (ended,) = server.kinds(AttemptEnded)
    failed = isinstance(replies[0], Exception)
    assert (ended.number, ended.error) == (0, "ConnectionFailed" if failed else None)


def test_the_order_is_the_stacks(rig: Callable[..., Rig]) -> None:
    """Middleware see requests outermost first and responses in reverse, below `Retry` each time."""
    trail: list[str] = []

    def layer(name: str) -> Any:
        async def middleware(request: Any, call_next: Any) -> Any:
            trail.append(name)
            try:
                response = await call_next(request)
            finally:
                trail.append(f"/{name}")
            trail.append(f"{name}:{response.status_code}")
            return response

        return middleware

    stack = Stack.standard().before(Retry, layer("a"), layer("b")).after(Retry, layer("c"))
    server = rig([500, 500, 200], stack=stack)
    assert server.status() == 200
    inside = [seen for status in (500, 500, 200) for seen in ("c", "/c", f"c:{status}")]
    assert trail == ["a", "b", *inside, "/b", "b:200", "/a", "a:200"]


def test_no_edit_outlives_its_attempt(rig: Callable[..., Rig]) -> None:
    """What a middleware below `Retry` does to a request is gone with the attempt."""
    mark = Key[int]("mark")

    async def edit(request: Any, call_next: Any) -> Any:
        call, number = Call.of(request), Attempt.of(request).number
        assert f"x-{number - 1}" not in request.headers
        assert call.get(mark, -1) == number - 1
        call.set(mark, number)
        request.headers[f"X-{number}"] = "here"
        request.extensions["mine"] = number
        return await call_next(request)

    server = rig([503, 503, 200], stack=Stack.standard().after(Retry, edit))
    assert server.status() == 200
    assert [
        [name for name in request.headers if name in {"x-0", "x-1", "x-2"}]
        for request in server.requests
    ] == [["x-0"], ["x-1"], ["x-2"]]


def test_a_short_circuit_sends_nothing(rig: Callable[..., Rig]) -> None:
    """A middleware that answers itself gives its caller that very response, and no call is made."""
    kept = httpx.Response(200, json={"from": "cache"})

    async def cache(request: Any, call_next: Any) -> Any:
        return kept

    for stack in (
        Stack([cache]),
        Stack.standard().before(Retry, cache),
        Stack.standard().append(cache),
    ):
        server = rig([], stack=stack)
        assert server.send() is kept
        assert server.sent == 0


@pytest.mark.parametrize("zone", ["call", "attempt"])
def test_a_short_circuited_error_is_raised_like_any(zone: str, rig: Callable[..., Rig]) -> None:
    """A status a middleware made up becomes the typed error, with the call's method and URL."""

    async def refuse(request: Any, call_next: Any) -> Any:
        return httpx.Response(503, json={"error": {"message": "closed"}})

    standard = Stack.standard()
    stack = standard.before(Retry, refuse) if zone == "call" else standard.append(refuse)
    server = rig([], stack=stack)
    with pytest.raises(ServiceUnavailable, match="closed") as caught:
        server.send()
    assert (caught.value.method, caught.value.url) == ("GET", f"{BASE_URL}/it")
    assert len(caught.value.attempts) == (1 if zone == "call" else 3)


def test_a_request_of_no_client_has_no_call() -> None:
    """A request that came through no client of Penstock's has neither call nor attempt."""
    for of in (Call.of, Attempt.of):
        with pytest.raises(LookupError, match="penstock client"):
            of(httpx.Request("GET", BASE_URL))


def test_a_middleware_may_send_on_its_own(rig: Callable[..., Rig]) -> None:
    """A second `call_next` is a second pass of everything below, counted as sends."""

    async def twice(request: Any, call_next: Any) -> Any:
        await call_next(request)
        return await call_next(request)

    server = rig([200, 204], stack=Stack.standard().before(Timeout, twice))
    assert server.status() == 204
    assert [fact.number for fact in server.kinds(SendEnded)] == [0, 1]
    assert len(server.kinds(AttemptStarted)) == 1


def test_threads_do_not_meet() -> None:
    """32 threads on one client, with a nested call in each, see their own attempts alone."""
    meeting = threading.Barrier(AT_ONCE, timeout=20)
    script = Script([lambda request: _busy_once(request, met)], forever=True)
    met: set[str] = set()

    async def nested(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        if response.status_code == 503 and "inner" not in request.url.path:
            meeting.wait()
            inner = client.get(f"/inner{request.url.path[-3:]}")
            assert inner.status_code == 200
        return response

    client = penstock.Client(
        BASE_URL,
        transport=script,
        clock=VirtualClock(),
        stack=Stack.standard().after(Retry, nested),
    )
    with ThreadPoolExecutor(AT_ONCE) as pool:
        numbers = list(pool.map(lambda n: _attempts(client, n), range(AT_ONCE)))
    assert numbers == [(0, 1)] * AT_ONCE
    assert len(script.requests) == 4 * AT_ONCE


@pytest.mark.parametrize("colour", ["asyncio", "trio"], indirect=True)
def test_tasks_do_not_meet(colour: Any) -> None:
    """As many tasks on one async client see their own attempts alone."""
    met: set[str] = set()
    script = Script([lambda request: _busy_once(request, met)], forever=True)
    client = penstock.AsyncClient(BASE_URL, transport=script, clock=VirtualClock())
    numbers: list[Any] = []

    async def call(n: int) -> None:
        seen: list[int] = []
        await client.get(f"/{n:03}", stack=_watching(seen))
        numbers.append(tuple(seen))

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for n in range(AT_ONCE):
                group.start_soon(call, n)

    anyio.run(main, backend=colour.name)
    assert numbers == [(0, 1)] * AT_ONCE


def _busy_once(request: Any, met: set[str]) -> int:
    if request.url.path in met:
        return 200
    met.add(request.url.path)
    return 503


def _watching(seen: list[int]) -> Any:
    async def watch(request: Any, call_next: Any) -> Any:
        seen.append(Attempt.of(request).number)
        return await call_next(request)

    return lambda stack: stack.append(watch)


def _attempts(client: penstock.Client, n: int) -> tuple[int, ...]:
    seen: list[int] = []
    assert client.get(f"/{n:03}", stack=_watching(seen)).status_code == 200
    return tuple(seen)
