"""Names are resolved within a limit, and what cannot be stopped does not pile up."""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import httpcore
import pytest

from penstock.transport import Until
from penstock.transport.backend import LimitedBackend
from penstock.transport.resolving import LOOKUPS, Lookups

from .colours import by
from .server import Server, polite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .colours import Colour

LIMIT = 0.15
SOON = 2.0
KIND = socket.SOCK_STREAM


class Hung:
    """A resolver that hangs until it is let go, but for names that begin with `quick`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go = threading.Event()

    def __call__(self, host: Any, *args: Any, **options: Any) -> list[Any]:
        name = host if isinstance(host, str) else host.decode()
        if args and args[-1] & socket.AI_NUMERICHOST:  # trio asks that of itself, at once
            raise socket.gaierror(socket.EAI_NONAME, "it is a name")
        self.asked.append(name)
        assert name.startswith("quick") or self.go.wait(SOON)
        return [(2, 1, 6, "", ("127.0.0.1", 80))]


@pytest.fixture
def hung() -> Iterator[Hung]:
    resolver = Hung()
    yield resolver
    resolver.go.set()
    for thread in threading.enumerate():
        if thread.name == "penstock-lookup":
            thread.join(SOON)


def soon(seconds: float = LIMIT) -> Until:
    return Until(None, time.monotonic() + seconds, time.monotonic)


def test_no_lookup_outlives_the_moment(
    colour: Colour, hung: Hung, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that the operating system does not resolve is given up when the moment comes."""
    monkeypatch.setattr(socket, "getaddrinfo", hung)

    async def scenario(transport: Any) -> float:
        started = time.monotonic()
        with pytest.raises(colour.error("ConnectTimeout")):
            await colour.fetch(transport, colour.request("http://slow.test", timeout=by(LIMIT)))
        passed = time.monotonic() - started
        hung.go.set()  # an event loop waits for its threads when it ends
        return passed

    assert LIMIT * 0.9 <= colour.run(scenario) < SOON
    assert hung.asked == ["slow.test"]


def test_one_lookup_of_a_name_is_enough(hung: Hung) -> None:
    """Whoever asks for a name that is being resolved waits for that, however often it is asked."""
    lookups = Lookups()
    for _ in range(5):
        with pytest.raises(TimeoutError, match=r"slow\.test"):
            lookups.find(hung, "slow.test", 80, KIND, soon(0.01))
    last = soon(SOON)

    def joined() -> float:  # asked how long to wait for the lookup it has found
        hung.go.set()
        return time.monotonic()

    last.now = joined
    assert lookups.find(hung, "slow.test", 80, KIND, last)[0][4] == ("127.0.0.1", 80)
    assert hung.asked == ["slow.test"]
    lookups.find(hung, "slow.test", 80, KIND, soon())
    assert hung.asked == ["slow.test"] * 2


def test_lookups_that_hang_are_counted(hung: Hung) -> None:
    """With 32 of them under way another name waits for a place, until its moment comes."""
    lookups = Lookups()
    before = threading.active_count()
    for number in range(40):
        with pytest.raises(TimeoutError):
            lookups.find(hung, f"slow-{number}.test", 80, KIND, soon(0.002))
    assert len(hung.asked) == 32
    assert threading.active_count() - before == 32
    with pytest.raises(TimeoutError, match="32 other names"):
        lookups.find(hung, "quick.test", 80, KIND, soon(0.002))
    hung.go.set()
    assert lookups.find(hung, "quick.test", 80, KIND, soon(SOON))


@pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), UnicodeError("label too long")])
def test_what_is_not_found_is_a_failure_to_connect(error: Exception) -> None:
    """It is the engine's error, and leaves neither a thread nor a cycle."""

    def fail(*args: Any, **options: Any) -> Any:
        raise error

    before = threading.active_count()
    gc.collect()
    gc.disable()
    try:
        for until in (soon(SOON), None):
            with pytest.raises(httpcore.ConnectError, match=str(error.args[-1])):
                LimitedBackend(httpcore, None, fail).connect_tcp("none.test", 80, until)
        assert gc.collect() == 0
    finally:
        gc.enable()
    assert threading.active_count() == before


def test_an_address_is_not_looked_up_elsewhere() -> None:
    """It is read where it is, as is a name that nobody waits for with a limit."""
    threads: list[str] = []

    def note(host: str, *args: Any, **options: Any) -> Any:
        threads.append(threading.current_thread().name)
        return socket.getaddrinfo(host, *args, **options)

    here = threading.current_thread().name
    with Server(polite) as server:
        backend = LimitedBackend(httpcore, None, note)
        backend.connect_tcp("127.0.0.1", server.port, soon(SOON)).close()
        backend.connect_tcp("localhost", server.port, None).close()
        backend.connect_tcp("localhost", server.port, soon(SOON)).close()
    assert threads == [here, here, "penstock-lookup"]


def test_no_thread_can_be_had(monkeypatch: pytest.MonkeyPatch, hung: Hung) -> None:
    """Where the process may start no more threads, that is a failure to connect."""

    def refuse(thread: Any) -> None:
        msg = "can't start new thread"
        raise RuntimeError(msg)

    backend = LimitedBackend(httpcore, None, hung)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(httpcore.ConnectError, match="thread"):
            backend.connect_tcp("quick.test", 80, soon())
    assert LOOKUPS.find(hung, "quick.test", 80, KIND, soon(SOON))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_looks_up_anew(hung: Hung) -> None:
    """The child of a fork does not wait for a thread that only its parent has."""
    with pytest.raises(TimeoutError):
        LOOKUPS.find(hung, "slow.test", 80, KIND, soon(0.01))
    child = os.fork()
    if child == 0:
        hung.go.set()
        try:
            LOOKUPS.find(hung, "slow.test", 80, KIND, soon(SOON))
        finally:
            os._exit(len(hung.asked) - 2)
    assert os.waitpid(child, 0)[1] == 0
