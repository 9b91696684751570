"""The laws of the engines `httpx` and `httpx2`: whoever is stopped at a way out, others take it."""

from __future__ import annotations

import gc
import itertools
import os
import threading
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from penstock import AsyncClient, Client

from .echo import Echo
from .lines import Interruption, from_another_thread
from .test_cancelled import _awaits, _cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Colour

PATIENCE = 5.0
THREADS = 16

pytestmark = pytest.mark.parametrize("engine", ["httpx", "httpx2"])


def ask(client: Client) -> bytes:
    return client.get("/it").content


ELSEWHERE = [pytest.param(ask, b"/it", id="call"), pytest.param(Client.close, None, id="close")]
"""What another thread, or a child, does meanwhile, and what that returns."""


def outcome(work: Callable[[Client], Any], client: Client) -> Any:
    """Return whether *work* came back on another thread, and with what."""
    return from_another_thread(lambda: ("came back", work(client)), PATIENCE)


def opened_by(
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    first: Callable[[], object],
    *,
    is_async: bool = False,
) -> list[Any]:
    """Have *first* called whenever a transport of the library's is made; return those made."""
    http = import_module(engine)
    name = "AsyncHTTPTransport" if is_async else "HTTPTransport"
    usual, made = getattr(http, name), []

    def make(**options: Any) -> Any:
        made.append(options)
        first()
        return usual(**options)

    monkeypatch.setattr(http, name, make)
    return made


# What nobody closes any more, the collector does.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize(("work", "result"), ELSEWHERE)
def test_an_opening_interrupted_at_any_line(
    work: Callable[[Client], Any], result: Any, engine: str
) -> None:
    """After KeyboardInterrupt at any line that opens a way, others go out by it, or close."""
    http = import_module(engine)
    with Echo() as server:
        with Client(server.url, engine=engine, trust_env=False) as first:
            ask(first)  # what is made once for the process is no line of those that follow
        for at in itertools.count():
            client = Client(server.url, engine=engine, trust_env=False)
            request = http.Request("GET", f"{server.url}/it")
            interruption = Interruption(at)
            interruption.strike(partial(client._wire.transport.handle_request, request))
            assert outcome(work, client) == ("came back", result), interruption.where
            if interruption.where is None:
                break
    del client
    gc.collect()
    assert at > 20


# What nobody closes any more, the collector does.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_close_interrupted_at_any_line(engine: str) -> None:
    """After KeyboardInterrupt at any line of close, calls and another close come back."""
    with Echo() as server:
        for at in itertools.count():
            client = Client(server.url, engine=engine, trust_env=False)
            assert ask(client) == b"/it"
            interruption = Interruption(at)
            interruption.strike(client.close)
            assert outcome(ask, client) is not None, interruption.where
            assert outcome(Client.close, client) == ("came back", None), interruption.where
            if interruption.where is None:
                break
    del client
    gc.collect()
    assert at > 5


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_opening_that_fails(
    error: type[BaseException], engine: str, colour: Colour, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What opening a way raises comes out as it is, and the next call opens it."""
    errors = iter([error("while it opens")])

    def fail_once() -> None:
        for one in errors:
            raise one

    async def scenario() -> Any:
        async with AsyncClient(server.url, engine=engine, trust_env=False) as client:
            with pytest.raises(error, match="while it opens"):
                await client.get("/it")
            return (await client.get("/it")).content

    def sync_scenario() -> Any:
        with Client(server.url, engine=engine, trust_env=False) as client:
            with pytest.raises(error, match="while it opens"):
                client.get("/it")
            return ask(client)

    made = opened_by(monkeypatch, engine, fail_once, is_async=colour.is_async)
    with Echo() as server:
        run = partial(colour.run, scenario if colour.is_async else sync_scenario)
        assert from_another_thread(run, PATIENCE) == b"/it"
    assert len(made) == 2


def test_threads_that_open_one_way(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many threads make the first call at once, they share one transport."""
    together = threading.Barrier(THREADS)
    answers: list[bytes] = []

    def first_call(client: Client) -> None:
        together.wait(PATIENCE)
        answers.append(ask(client))

    made = opened_by(monkeypatch, engine, lambda: None)
    with Echo() as server, Client(server.url, engine=engine, trust_env=False) as client:
        threads = [threading.Thread(target=first_call, args=(client,)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [b"/it"] * THREADS
    assert len(made) == 1


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize(("work", "result"), ELSEWHERE)
def test_a_fork_while_another_thread_opens_a_way(
    work: Callable[[Client], Any], result: Any, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child whose parent was opening a way in another thread opens its own, or closes at once."""
    parent, opening, go_on = os.getpid(), threading.Event(), threading.Event()

    def hold() -> None:
        if os.getpid() == parent:
            opening.set()
            go_on.wait(PATIENCE)

    opened_by(monkeypatch, engine, hold)
    with Echo() as server, Client(server.url, engine=engine, trust_env=False) as client:
        thread = threading.Thread(target=ask, args=(client,))
        thread.start()
        assert opening.wait(PATIENCE)
        child = os.fork()
        if not child:
            os._exit(0 if outcome(work, client) == ("came back", result) else 1)
        try:
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        finally:
            go_on.set()
            thread.join()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_first_call_or_a_close_cancelled_at_any_await(engine: str, backend: str) -> None:
    """Wherever it waits: the way is open to others, and closing leaves no connection behind."""

    async def cancel(number: int, *, at_close: bool) -> bool:
        with Echo() as server:
            client = AsyncClient(server.url, engine=engine, trust_env=False)
            if at_close:
                assert (await client.get("/it")).content == b"/it"
                struck = await _cancelled(number, client.aclose())
            else:
                struck = await _cancelled(number, client.get("/it"))
                assert (await client.get("/it")).content == b"/it"
            await client.aclose()
            for thread in server._threads[1:]:
                thread.join(PATIENCE)  # it ends with its connection
                assert not thread.is_alive()
        return struck

    for at_close in (False, True):
        cancelled = partial(cancel, at_close=at_close)
        assert anyio.run(_awaits, cancelled, backend=backend) > 0
