"""A stack beneath a client, on real sockets: limits hold there, and nothing stays open."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import penstock
from penstock import ConnectionFailed, DeadlineExceeded, RetryScheduled, Stack, TimedOut
from penstock.demo import DemoServer
from penstock.middleware import Retry

from .above import beneath, client_above, play

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from .colours import Colour

CHAT = {"model": "m", "messages": [{"role": "user", "content": "one two three"}], "stream": True}
_KEYS = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with DemoServer() as server:
        yield server


class Wired:
    """A client of the family above a transport of ours, to the demo server."""

    def __init__(self, colour: Colour, server: DemoServer, **options: Any) -> None:
        self.colour = colour
        self.facts: list[Any] = []
        self.key = next(_KEYS)
        stack = Stack.transport().replace(Retry, Retry(base_delay=0.01))
        self.transport = beneath(colour, Stack([self._watch, *stack]), environ={}, **options)
        self.client = client_above(colour, self.transport, base_url=server.url, timeout=5)

    async def _watch(self, request: Any, call_next: Any) -> Any:
        penstock.Call.of(request).subscribe(lambda _, fact: self.facts.append(fact))
        return await call_next(request)

    @property
    def active(self) -> int:
        """How many connections carry a request or a body."""
        return int(self.transport._wire.transport.pool_status().active)

    def play(self, scenario: Callable[[], Awaitable[Any]]) -> Any:
        """Run *scenario* and close the client."""

        async def whole() -> Any:
            try:
                return await scenario()
            finally:
                await self.colour.close(self.client)

        return play(self.colour, whole)

    async def get(self, path: str, fault: str = "", **call: Any) -> Any:
        headers = {"X-Demo-Fault": fault, "X-Demo-Key": f"{self.key}"} if fault else {}
        result = self.client.get(path, headers=headers, **call)
        return await result if self.colour.is_async else result


@pytest.mark.parametrize("fault", ["503;times=2", "drop;times=2", "reset;times=1", "html;times=1"])
def test_a_failure_is_cured(fault: str, colour: Colour, server: DemoServer) -> None:
    """What fails at first is sent again below the client, which sees the answer alone."""
    wired = Wired(colour, server)
    response = wired.play(lambda: wired.get("/v1/models", fault))
    assert response.status_code == 200
    assert response.json()["object"] == "list"
    repeats = [fact for fact in wired.facts if isinstance(fact, RetryScheduled)]
    assert len(repeats) == int(fault[-1])


FAILURES = [
    ("hang", {"timeout": 0.1}, {}, "ReadTimeout", TimedOut),
    ("hang", {}, {"deadline": 0.5}, "ReadTimeout", DeadlineExceeded),
    ("drip-head=0.01", {}, {"timeout": 0.1}, "ReadTimeout", TimedOut),
    ("drip-head=0.01", {}, {"deadline": 0.5}, "ReadTimeout", DeadlineExceeded),
    ("drip=0.01", {}, {"deadline": 0.5}, "ReadTimeout", DeadlineExceeded),
    ("drop", {}, {}, "RemoteProtocolError", ConnectionFailed),
    ("reset", {}, {}, "ReadError", ConnectionFailed),
    ("cut=4", {}, {}, "RemoteProtocolError", ConnectionFailed),
]


@pytest.mark.parametrize(("fault", "call", "options", "name", "ours"), FAILURES)
def test_a_failure_is_the_familys(
    fault: str,
    call: dict[str, Any],
    options: dict[str, Any],
    name: str,
    ours: type,
    colour: Colour,
    server: DemoServer,
) -> None:
    """What is not cured in time is the family's error, in time, and holds no connection."""
    wired = Wired(colour, server, **{"max_retries": 0, **options})

    async def scenario() -> int:
        with pytest.raises(colour.error(name)) as caught:
            await wired.get("/v1/models", fault, **call)
        assert type(caught.value.__cause__) is ours
        assert caught.value.request.url == f"{server.url}/v1/models"
        return wired.active

    began = time.monotonic()
    assert wired.play(scenario) == 0
    assert time.monotonic() - began < 2


def test_nobody_listens(colour: Colour, server: DemoServer) -> None:
    """A refused connection is tried again, and then is the family's `ConnectError`."""
    wired = Wired(colour, server)

    async def scenario() -> None:
        with pytest.raises(colour.error("ConnectError")) as caught:
            await wired.get("http://127.0.0.1:1/")
        cause: Any = caught.value.__cause__
        assert (len(cause.attempts), cause.phase) == (3, "connect")

    wired.play(scenario)


def test_events_come_as_they_are_sent(colour: Colour, server: DemoServer) -> None:
    """A stream of events is read event by event, and gives its connection back at its end."""
    wired = Wired(colour, server)

    async def scenario() -> tuple[list[str], int]:
        lines: list[str] = []
        opening = wired.client.stream("POST", "/v1/chat/completions", json=CHAT)
        if colour.is_async:
            async with opening as response:
                lines.extend([line async for line in response.aiter_lines() if line])
        else:
            with opening as response:
                lines.extend(line for line in response.iter_lines() if line)
        return lines, wired.active

    lines, active = wired.play(scenario)
    assert lines[-1] == "data: [DONE]"
    assert len(lines) > 3
    assert active == 0


def test_a_stream_that_is_left_gives_its_connection_back(
    colour: Colour, server: DemoServer
) -> None:
    """Leaving the client's own block in the middle of a stream releases the connection."""
    wired = Wired(colour, server)
    headers = {"X-Demo-Fault": "drip=0.01"}

    async def scenario() -> tuple[int, int]:
        opening = wired.client.stream("POST", "/v1/chat/completions", json=CHAT, headers=headers)
        if colour.is_async:
            async with opening as response:
                assert response.status_code == 200
                during = wired.active
        else:
            with opening as response:
                assert response.status_code == 200
                during = wired.active
        return during, wired.active

    assert wired.play(scenario) == (1, 0)


def test_a_cancelled_request_holds_nothing(colour: Colour, server: DemoServer) -> None:
    """A request that is given up from outside leaves no connection in use."""
    wired = Wired(colour, server)

    async def scenario() -> int:
        with anyio.move_on_after(0.1):
            await wired.get("/v1/models", "hang")
        return wired.active

    async def sync_scenario() -> int:
        with pytest.raises(colour.error("ReadTimeout")):  # a thread is given up by its timeout
            await wired.get("/v1/models", "hang", timeout=0.05)
        return wired.active

    assert wired.play(scenario if colour.is_async else sync_scenario) == 0


def test_many_at_once(colour: Colour, server: DemoServer) -> None:
    """One transport serves many requests at a time, each with retries of its own."""
    wired = Wired(colour, server)

    def begin(number: int) -> Any:
        headers = {"X-Demo-Fault": "503;times=1", "X-Demo-Key": f"{wired.key}-{number}"}
        return wired.client.get("/status/204", headers=headers)

    async def scenario() -> list[int]:
        if not colour.is_async:
            with ThreadPoolExecutor(20) as threads:
                return [response.status_code for response in threads.map(begin, range(20))]
        statuses: list[int] = []

        async def one(number: int) -> None:
            statuses.append((await begin(number)).status_code)

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(one, number)
        return statuses

    assert wired.play(scenario) == [204] * 20
    assert len([fact for fact in wired.facts if isinstance(fact, RetryScheduled)]) == 20
