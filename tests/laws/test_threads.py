"""The laws of a shared client: no call sees another, and what is done for all is done once."""

from __future__ import annotations

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from penstock import Call, Key, Stack
from penstock.middleware import Auth, Retry

from .support import BASE_URL
from .telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

THREADS = 32
TASKS = 200


class Echo(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers each request with its own body and header; turns every third away at first."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        time.sleep(0)
        return self._answer(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(number_of(request) % 5 + 1):
            await anyio.lowlevel.checkpoint()
        return self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        number = number_of(request)
        if number % 3 == 0 and number not in self._seen:
            self._seen.add(number)
            return httpx.Response(503)
        return httpx.Response(
            200, json={"sent": json.loads(request.content), "header": request.headers["X-Number"]}
        )


def number_of(request: Any) -> int:
    return int(request.url.path.removeprefix("/"))


class Witness:
    """Keeps the facts of each call under the number of the request it belongs to."""

    def __init__(self) -> None:
        self.facts: dict[int, list[str]] = {}

    async def __call__(self, request: Any, call_next: Any) -> Any:
        facts = self.facts[number_of(request)] = []
        Call.of(request).subscribe(lambda call, fact: facts.append(type(fact).__name__))
        return await call_next(request)


@pytest.fixture
def many_switches() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("many_switches")
def test_no_call_sees_another(colour: Any) -> None:
    """With 32 threads, or 200 tasks, each call gets its own answer, facts, log lines and spans."""
    count = TASKS if colour.is_async else THREADS * 10
    witness, telemetry = Witness(), Telemetry()
    stack = Stack.standard().replace(Retry, Retry(base_delay=0.0))
    client = colour.client(
        BASE_URL,
        api_key="sk-law",
        stack=Stack([witness, *stack]),
        transport=Echo(),
        **telemetry.options,
    )

    def call(number: int) -> Any:
        return client.post(
            f"/{number}",
            json={"number": number},
            headers={"X-Number": str(number)},
            operation=f"law.{number}",
            log_fields={"number": number},
        )

    answers = {number: response.json() for number, response in every(colour, count, call).items()}
    assert answers == {
        number: {"sent": {"number": number}, "header": str(number)} for number in range(count)
    }
    sends = telemetry.children()
    for number in range(count):
        turned_away = number % 3 == 0
        attempt = ["AttemptStarted", "SendEnded", "AttemptEnded"]
        retry = [*attempt, "RetryScheduled"] if turned_away else []
        assert witness.facts[number] == [*retry, *attempt]
        told = [event for _, event, fields in telemetry.lines if fields["number"] == number]
        assert told.count("http.call.completed") == 1
        assert told.count("http.retry.scheduled") == turned_away
        assert sends[f"penstock.call law.{number}"] == ["POST"] * (1 + turned_away)


def every(colour: Any, count: int, call: Callable[[int], Any]) -> dict[int, Any]:
    """Run the calls of all numbers at once, and return their responses."""
    if not colour.is_async:
        with ThreadPoolExecutor(THREADS) as threads:
            return dict(enumerate(threads.map(call, range(count))))
    responses: dict[int, Any] = {}

    async def keep(number: int) -> None:
        responses[number] = await call(number)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for number in range(count):
                group.start_soon(keep, number)

    colour.run(main)
    return responses


class Gate(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Turns *parties* requests with an old key away, all together; lets the new key in."""

    def __init__(self, parties: int) -> None:
        self._parties = parties
        self._barrier = threading.Barrier(parties, timeout=10)
        self._waiting = 0
        self.keys: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._is_old(request):
            self._barrier.wait()
            return httpx.Response(401)
        return httpx.Response(200)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._is_old(request):
            self._waiting += 1
            while self._waiting < self._parties:
                await anyio.lowlevel.checkpoint()
            return httpx.Response(401)
        return httpx.Response(200)

    def _is_old(self, request: httpx.Request) -> bool:
        self.keys.append(request.headers["Authorization"])
        return self.keys[-1] == "Bearer sk-old"


def test_many_refused_together_renew_once(colour: Any) -> None:
    """Eight calls whose key is refused at once ask for one new key, and all go on with it."""
    renewed: list[str] = []

    def supply() -> str:
        return "sk-old"

    def renew() -> str:
        renewed.append("sk-new")
        time.sleep(0.01)
        return renewed[-1]

    async def supply_async() -> str:
        await anyio.lowlevel.checkpoint()
        return supply()

    async def renew_async() -> str:
        await anyio.sleep(0.01)
        return renew()

    transport = Gate(8)
    auth = Auth(refresh=renew_async if colour.is_async else renew)
    client = colour.client(
        BASE_URL,
        api_key=supply_async if colour.is_async else supply,
        stack=Stack.standard().replace(Auth, auth),
        transport=transport,
    )
    responses = every(colour, 8, lambda number: client.get(f"/{number}"))
    assert [responses[number].status_code for number in range(8)] == [200] * 8
    assert renewed == ["sk-new"]
    assert sorted(transport.keys) == ["Bearer sk-new"] * 8 + ["Bearer sk-old"] * 8


KEY = Key[None]("made once")


def test_a_client_is_made_ready_once(colour: Any) -> None:
    """What a middleware makes once a client is made once, however many calls are the first."""
    made: list[object] = []

    def make(scope: object) -> None:
        time.sleep(0.01)
        made.append(scope)

    async def make_ready(request: Any, call_next: Any) -> Any:
        Call.of(request).once(KEY, make)
        return await call_next(request)

    client = colour.client(BASE_URL, stack=Stack([make_ready]), transport=Echo())
    headers = {"X-Number": "any"}
    every(colour, 32, lambda number: client.post(f"/{number}", json=number, headers=headers))
    assert len(made) == 1
