"""A reader who leaves a `client.map` early: what is under way ends, and nothing is left."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import anyio
import pytest
import trio
import trustme

import penstock
from penstock import BulkRequest, Stack
from penstock.demo import DemoServer
from penstock.testing import Script
from penstock.transport.until import Sockets

if TYPE_CHECKING:
    from collections.abc import Iterator

HUNG = [f"/status/200?fault=hang&n={number}" for number in range(3)]
URLS = ["/status/200", *HUNG, "/status/200"]
SOON = 5.0  # seconds: far from the minute a hung request would take


@pytest.fixture
def server() -> Iterator[DemoServer]:
    with DemoServer() as running:
        yield running


def _threads() -> list[str]:
    return [it.name for it in threading.enumerate() if it.name.startswith("penstock-map")]


@pytest.mark.parametrize("how", ["break", "close", "with", "error"])
def test_threads_end(server: DemoServer, how: str) -> None:
    """Requests that hang are interrupted at once, and every thread ends with the reader."""
    started = time.monotonic()
    with penstock.Client(server.url) as client:
        results = client.map(URLS, concurrency=4)
        if how == "break":
            for _ in results:
                break
            del results
        elif how == "close":
            assert next(results).get().status_code == 200
            results.close()
        elif how == "with":
            with results:
                next(results)
        else:
            with pytest.raises(LookupError):
                _fail_in(results)
        assert _threads() == []
        assert client.get("/status/200").status_code == 200
    assert time.monotonic() - started < SOON


def test_a_wait_for_a_repeat_is_interrupted(server: DemoServer) -> None:
    """A request that waits for its next attempt does not make it."""
    started = time.monotonic()
    urls = ["/status/200", "/x?fault=503%3Bretry-after%3D20"]
    failed = threading.Event()
    watch = penstock.on_response(lambda response: response.is_error and failed.set())
    with penstock.Client(server.url, stack=Stack.standard().append(watch)) as client:
        results = client.map(urls, concurrency=2)
        next(results)
        assert failed.wait(SOON)
        results.close()
    assert time.monotonic() - started < SOON
    assert len(server.requests) == 2


def test_threads_end_with_the_last_result() -> None:
    """A reader who stays to the end leaves no thread either."""
    client = penstock.Client("https://x.test", transport=Script([200], forever=True))
    assert len(list(client.map(["/1", "/2"]))) == 2
    assert _threads() == []


def test_what_was_not_sent_is_not(server: DemoServer) -> None:
    """Requests that were taken ahead and not begun are never sent."""
    urls = [f"/status/200?n={number}" for number in range(100)]
    with penstock.Client(server.url) as client:
        with client.map(urls, concurrency=2) as results:
            next(results)
        client.get("/status/200")
    assert len(server.requests) <= 5 + 1


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("size", [1, 64 * 1024 * 1024])
def test_sockets_are_hung_up(tls: bool, size: int) -> None:
    """A thread that waits for an answer, or for somebody to read what it sends, is woken."""
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with Silent(authority if tls else None) as silent:
        started = time.monotonic()
        request = BulkRequest("PUT", silent.url, content=bytes(size))
        with penstock.Client(verify=context, trust_env=False) as client:
            results = client.map(_then_stop(request, silent), concurrency=2)
            with pytest.raises(LookupError):
                next(results)
        assert _threads() == []
        assert time.monotonic() - started < SOON


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("how", ["break", "close", "with", "error", "cancel"])
def test_tasks_end(server: DemoServer, backend: str, how: str) -> None:
    """Requests that hang are cancelled, no task is left, and the client works on."""

    async def leave(client: Any) -> None:
        results = client.map(URLS, concurrency=4)
        if how == "break":
            async for _ in results:
                break
        elif how == "close":
            await anext(results)
            await results.aclose()
        elif how == "with":
            async with results:
                await anext(results)
        elif how == "error":
            with pytest.raises(LookupError):
                await _fail_async_in(results)
        else:
            with anyio.move_on_after(0.05) as scope:
                async for _ in results:
                    pass
            assert scope.cancelled_caught

    async def main() -> None:
        before = _tasks(backend)
        async with penstock.AsyncClient(server.url) as client:
            await leave(client)
            gc.collect()
            with anyio.fail_after(SOON):
                while _tasks(backend) != before:
                    await anyio.lowlevel.checkpoint()
            assert (await client.get("/status/200")).status_code == 200

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_loop_may_end_in_the_middle(server: DemoServer, backend: str) -> None:
    """An event loop that ends while requests are under way ends them, and nothing complains."""
    kept: list[Any] = []

    async def main() -> None:
        client = penstock.AsyncClient(server.url)
        results = client.map(URLS, concurrency=4)
        await anext(results)
        kept.append(results)
        await client.aclose()

    anyio.run(main, backend=backend)
    kept.clear()
    gc.collect()


def test_an_interruption_is_no_failure(server: DemoServer) -> None:
    """What is interrupted is not retried, and no breaker counts it."""
    with penstock.Client(server.url, stack=Stack.production()) as client:
        for _ in range(10):
            with client.map(URLS, concurrency=4) as results:
                next(results)
        assert client.get("/status/200").status_code == 200


def test_the_readers_own_context(server: DemoServer) -> None:
    """Requests are taken in the reader's thread, and sent in a copy of its context."""
    from contextvars import ContextVar

    asked_by: ContextVar[str] = ContextVar("asked_by", default="nobody")
    seen: list[tuple[str, bool]] = []

    def urls() -> Iterator[str]:
        for number in range(3):
            assert threading.current_thread() is threading.main_thread()
            yield f"/status/200?n={number}"

    stack = Stack([penstock.on_request(lambda _: seen.append((asked_by.get(), _in_main())))])
    with penstock.Client(server.url, stack=stack) as client:
        asked_by.set("me")
        assert len(list(client.map(urls()))) == 3
    assert seen == [("me", False)] * 3


@pytest.mark.parametrize(("protocol", "heard"), [("h2", b"x"), ("http/1.1", b"")])
def test_a_connection_that_others_share_is_left_alone(protocol: str, heard: bytes) -> None:
    """A connection of HTTP/2 carries calls that nobody interrupted, and is not hung up."""
    authority = trustme.CA()
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    client_side = ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server_side)
    authority.configure_trust(client_side)
    for context in (server_side, client_side):
        context.set_alpn_protocols([protocol])
    received: list[bytes] = []

    def listen(plain: socket.socket) -> None:
        with server_side.wrap_socket(plain, server_side=True, suppress_ragged_eofs=True) as peer:
            received.append(peer.recv(1))

    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=listen, args=(theirs,))
    thread.start()
    with client_side.wrap_socket(ours, server_hostname="127.0.0.1") as connection:
        sockets = Sockets()
        with sockets.waiting(connection):
            sockets.interrupt()
        with suppress(OSError):
            connection.send(b"x")
        thread.join()
    assert received == [heard]


class Silent:
    """A server that takes one connection, reads the beginning of a request, and says nothing."""

    def __init__(self, authority: trustme.CA | None) -> None:
        self.heard = threading.Event()
        self._left = threading.Event()
        self._context: ssl.SSLContext | None = None
        if authority is not None:
            self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            authority.issue_cert("127.0.0.1").configure_cert(self._context)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = f"http{'s' if authority else ''}://127.0.0.1:{port}/"
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._thread.join()
        self._listener.close()

    def _listen(self) -> None:
        connection, _ = self._listener.accept()
        if self._context is not None:
            connection = self._context.wrap_socket(connection, server_side=True)
        with connection:
            connection.recv(1)
            self.heard.set()
            self._left.wait()


def _then_stop(request: BulkRequest, silent: Silent) -> Iterator[BulkRequest]:
    """Give a request, and fail when the server has heard of it."""
    yield request
    assert silent.heard.wait(SOON)
    raise LookupError


def _fail_in(results: Any) -> None:
    with results:
        next(results)
        raise LookupError


async def _fail_async_in(results: Any) -> None:
    async with results:
        await anext(results)
        raise LookupError


def _in_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def _tasks(backend: str) -> int:
    if backend == "asyncio":
        return len(asyncio.all_tasks())
    return trio.lowlevel.current_statistics().tasks_living
