"""The laws of ending, over every engine: limits, cancellation, close, as the table says."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import penstock
from penstock import Call, SendEnded, Stack
from penstock.middleware import Retry

from .senders import ASYNC, LIMIT, SENDERS, SOON, Sender, able, over
from .server import Server, dripping_body, dripping_head, polite, stalled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .server import Peer


async def seconds_to_a_read_timeout(sent: Awaitable[Any]) -> float:
    """Return how long it took until *sent* ended with a timeout of a read."""
    started = time.monotonic()
    with pytest.raises(penstock.TimedOut) as caught:
        await sent
    assert caught.value.phase == "read"
    return time.monotonic() - started


@over(SENDERS)
@pytest.mark.parametrize("handler", [stalled, dripping_head, dripping_body])
def test_a_timeout_ends_an_attempt(sender: Sender, handler: Callable[[Peer, Server], None]) -> None:
    """A number of seconds ends what stalls; what drips as well, if the engine holds deadlines."""
    if handler is dripping_head and not sender.can("deadline"):
        handler = stalled

    async def scenario(client: Any) -> float:
        return await seconds_to_a_read_timeout(sender.get(client, timeout=LIMIT))

    with Server(handler) as server:
        assert LIMIT * 0.9 <= sender.run(scenario, server.url) < SOON


def head_alone(peer: Peer, server: Server) -> None:
    peer.hear()
    peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    peer.stall()


@over(SENDERS)
@pytest.mark.parametrize("timeout", [LIMIT, httpx.Timeout(10.0, read=LIMIT)])
def test_a_timeout_ends_a_read_of_a_stream(sender: Sender, timeout: Any) -> None:
    """A stream whose body stalls ends with its read limit, given by itself or as a number."""

    async def scenario(client: Any) -> float:
        return await seconds_to_a_read_timeout(sender.first_chunk(client, timeout=timeout))

    with Server(head_alone) as server:
        assert LIMIT * 0.9 <= sender.run(scenario, server.url) < SOON


@over(able("deadline"))
@pytest.mark.parametrize("handler", [stalled, dripping_head, dripping_body])
def test_a_deadline_ends_a_call(sender: Sender, handler: Callable[[Peer, Server], None]) -> None:
    """Nothing a server does outlasts the deadline, where the table says so."""

    async def scenario(client: Any) -> float:
        started = time.monotonic()
        with pytest.raises(penstock.DeadlineExceeded):
            await sender.get(client)
        return time.monotonic() - started

    with Server(handler) as server:
        took = sender.run(scenario, server.url, deadline=LIMIT, max_retries=5)
    assert LIMIT * 0.9 <= took < SOON


@over([sender for sender in SENDERS if not sender.can("deadline")])
def test_a_deadline_of_a_call_is_seen_with_the_head(sender: Sender) -> None:
    """Where heads are not watched, a call's own deadline is noticed when the head is there."""

    def slow(peer: Peer, server: Server) -> None:
        peer.hear()
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx":
            time.sleep(0.01)
            peer.say(bytes([byte]))

    async def scenario(client: Any) -> None:
        with pytest.raises(penstock.DeadlineExceeded):
            await sender.get(client, deadline=LIMIT)

    with Server(slow) as server:
        sender.run(scenario, server.url)


@over(SENDERS)
def test_no_connection_in_time_is_a_pool_timeout(sender: Sender) -> None:
    """With all connections taken, a call waits as long as its `pool` timeout says."""

    async def scenario(client: Any) -> None:
        timeout = httpx.Timeout(10.0, pool=LIMIT)
        if sender.is_async:
            async with client.stream("GET", "/"):
                with pytest.raises(penstock.TimedOut) as caught:
                    await client.get("/", timeout=timeout)
        else:
            with client.stream("GET", "/"), pytest.raises(penstock.TimedOut) as caught:
                client.get("/", timeout=timeout)
        assert caught.value.phase == "pool"
        assert (await sender.get(client)).status_code == 200
        if sender.can("waited"):
            waits = [fact.waited for fact in facts if isinstance(fact, SendEnded)]
            assert waits == [0.0, waits[1], 0.0]
            assert LIMIT * 0.9 <= waits[1] < SOON

    async def watch(request: Any, call_next: Any) -> Any:
        Call.of(request).subscribe(lambda _, fact: facts.append(fact))
        return await call_next(request)

    facts: list[Any] = []
    with Server(polite) as server:
        options = {
            "limits": httpx.Limits(max_connections=1),
            "stack": Stack.standard().before(Retry, watch),
        }
        sender.run(scenario, server.url, **options)
        assert len(server.heard) == 2


@over(ASYNC)
@pytest.mark.parametrize("kind", ["scope", "native"])
def test_a_cancelled_call_costs_no_slot(sender: Sender, kind: str) -> None:
    """Cancelled while it connects, waits or reads, a call gives everything back."""
    if kind == "native" and not (sender.colour == "asyncio" and sender.can("cancellation")):
        kind = "scope"

    async def scenario(client: Any) -> None:
        for _ in range(3):
            if kind == "native":
                task = asyncio.create_task(client.get("/stall"))
                await anyio.to_thread.run_sync(partial(stalls.get, timeout=SOON))
                task.cancel()
                await asyncio.wait([task])
            else:
                async with anyio.create_task_group() as group:
                    group.start_soon(client.get, "/stall")
                    await anyio.to_thread.run_sync(partial(stalls.get, timeout=SOON))
                    group.cancel_scope.cancel()
        assert (await client.get("/")).status_code == 200

    stalls: SimpleQueue[None] = SimpleQueue()

    def handler(peer: Peer, server: Server) -> None:
        while (heard := peer.hear()) is not None:
            if heard.target == "/stall":
                stalls.put(None)
                peer.stall()
            else:
                peer.answer()

    with Server(handler) as server:
        sender.run(scenario, server.url, limits=httpx.Limits(max_connections=1))


@over(ASYNC)
def test_a_client_closed_in_the_middle_of_a_call(sender: Sender) -> None:
    """A call under way when its client is closed ends soon, in an error of ours."""

    async def scenario(client: Any) -> list[BaseException]:
        errors: list[BaseException] = []

        async def call() -> None:
            try:
                await client.get("/")
            except penstock.PenstockError as error:
                errors.append(error)

        with anyio.fail_after(SOON):
            async with anyio.create_task_group() as group:
                group.start_soon(call)
                await anyio.to_thread.run_sync(partial(stalls.get, timeout=SOON))
                await client.aclose()
        return errors

    stalls: SimpleQueue[None] = SimpleQueue()

    def handler(peer: Peer, server: Server) -> None:
        peer.hear()
        stalls.put(None)
        peer.stall()

    with Server(handler) as server:
        assert len(sender.run(scenario, server.url)) == 1


@over(SENDERS)
def test_a_closed_connection_is_traced(sender: Sender) -> None:
    """A server that closes after its answer is traced: its address may be gone, the call is not."""
    spans = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))

    def closing(peer: Peer, server: Server) -> None:
        peer.hear()
        peer.answer(headers="Connection: close\r\n")

    async def scenario(client: Any) -> int:
        return (await sender.get(client)).status_code  # type: ignore[no-any-return]  # httpx's

    with Server(closing) as server:
        assert sender.run(scenario, server.url, tracer_provider=provider) == 200
    send, call = spans.get_finished_spans()
    assert (send.attributes or {})["http.response.status_code"] == 200
    assert call.status.is_unset
