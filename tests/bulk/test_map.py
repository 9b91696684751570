"""`client.map`: many requests, a few at a time, each with a result of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

import penstock
from penstock import BulkRequest, BulkResult, Stack
from penstock.demo import DemoServer
from penstock.testing import Reply, Script, VirtualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.conftest import Colour

BASE = "https://api.example.com"


def number_of(request: httpx.Request) -> dict[str, Any]:
    """Answer with the number the path ends in."""
    return {"n": int(request.url.path.rpartition("/")[2])}


def run(colour: Colour, script: Any, requests: Any, **options: Any) -> list[BulkResult]:
    """Map over *requests* with a client of *script*, to the end."""
    client = colour.client(BASE, transport=script, clock=VirtualClock())
    return colour.events(client.map(requests, **options))


def gathered(results: list[BulkResult]) -> list[Any]:
    return [result.get().json()["n"] for result in results]


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("concurrency", [1, 3, 50])
def test_every_request_has_its_result(colour: Colour, ordered: bool, concurrency: int) -> None:
    """Each request is sent once, and each result is that of its request."""
    script = Script([number_of], forever=True)
    urls = [f"/{number}" for number in range(20)]
    results = run(colour, script, urls, ordered=ordered, concurrency=concurrency)
    assert sorted(gathered(results)) == list(range(20))
    assert [gathered([result])[0] for result in results] == [result.index for result in results]
    assert len(script.requests) == 20
    if ordered or concurrency == 1:
        assert gathered(results) == list(range(20))


def test_what_may_be_sent(colour: Colour) -> None:
    """A URL is a GET; a `BulkRequest` is any call; a request that was built is sent as it is."""
    script = Script([200], forever=True)
    built = httpx.Request("PUT", f"{BASE}/c", content=b"x")
    requests = ["/a", BulkRequest("POST", "/b", json={"q": 1}, headers={"X-A": "1"}, id="b"), built]
    results = run(colour, script, requests, concurrency=1, headers={"X-All": "2"})
    assert [result.request for result in results] == requests
    assert [result.id for result in results] == ["0", "b", "2"]
    sent = [(it.method, it.url.path, it.headers.get("x-all")) for it in script.requests]
    assert sent == [("GET", "/a", "2"), ("POST", "/b", "2"), ("PUT", "/c", "2")]
    assert (script.bodies, script.requests[1].headers["x-a"]) == ([b"", b'{"q":1}', b"x"], "1")


def test_one_failure_does_not_end_the_rest(colour: Colour) -> None:
    """A request that fails, or cannot even be sent, has an error for a result, and only it."""

    def answer(request: httpx.Request) -> Any:
        if request.url.path == "/refused":
            return httpx.ConnectError("refused")
        return Reply(404 if request.url.path == "/missing" else 200)

    urls = ["/1", "/missing", "/refused", BulkRequest("BAD METHOD", "/x"), 7, "/2"]
    results = run(colour, Script([answer], forever=True), urls)
    assert [type(result.error) for result in results] == [
        type(None),
        penstock.NotFound,
        penstock.ConnectionFailed,
        penstock.InvalidOption,
        penstock.InvalidOption,
        type(None),
    ]
    assert [result.attempts for result in results] == [1, 1, 3, 0, 0, 1]
    with pytest.raises(penstock.NotFound):
        results[1].get()


@pytest.mark.parametrize("ordered", [True, False])
def test_never_far_ahead(colour: Colour, ordered: bool) -> None:
    """At most twice the concurrency is taken from the requests before it was handed over."""
    taken = handed = 0
    furthest = 0

    def endless() -> Iterator[str]:
        nonlocal taken, furthest
        while True:
            taken += 1
            furthest = max(furthest, taken - handed)
            yield f"/{taken}"

    script = Script([number_of], forever=True)
    client = colour.client(BASE, transport=script)

    def read() -> None:
        nonlocal handed
        for _ in client.map(endless(), concurrency=3, ordered=ordered):
            handed += 1
            if handed == 100:
                break

    async def read_async() -> None:
        nonlocal handed
        async with client.map(endless(), concurrency=3, ordered=ordered) as results:
            async for _ in results:
                handed += 1
                if handed == 100:
                    break

    colour.run(read_async if colour.is_async else read)
    assert 1 <= furthest <= 2 * 3 + 1  # one is taken while it waits for room


@pytest.mark.parametrize("ordered", [True, False])
def test_as_many_at_once_as_asked_for(colour: Colour, ordered: bool) -> None:
    """So many are under way as `concurrency` says, and never more."""
    at_once = 4
    meter = Meter(at_once)
    urls = [f"/{number}" for number in range(3 * at_once)]
    client = colour.client(BASE, transport=Script([200], forever=True), stack=Stack([meter]))
    results = colour.events(client.map(urls, concurrency=at_once, ordered=ordered))
    assert len(results) == 3 * at_once
    assert meter.most == at_once


def test_a_slow_one_holds_up_only_the_order(colour: Colour) -> None:
    """Unordered results overtake a slow one; ordered ones wait for it."""
    with DemoServer() as server:
        urls = ["/status/200?fault=delay%3D0.2", "/status/200", "/status/201"]
        for ordered, expected in ((True, [0, 1, 2]), (False, [1, 2, 0])):
            client = colour.client(server.url)
            results = colour.run(_closing(client, lambda c=client, o=ordered: _all(c, urls, o)))
            assert sorted(expected) == sorted(result.index for result in results)
            assert results[-1].index == expected[-1]


def test_requests_that_fail_end_it(colour: Colour) -> None:
    """An error of the requests themselves is raised, when what came before is handed over."""

    def broken() -> Iterator[str]:
        yield "/1"
        msg = "no more"
        raise LookupError(msg)

    with pytest.raises(LookupError, match="no more"):
        run(colour, Script([number_of], forever=True), broken())


@pytest.mark.parametrize("concurrency", [0, -1, 1.5, True, None])
def test_a_wrong_concurrency(colour: Colour, concurrency: Any) -> None:
    """What is no number of requests is refused at once."""
    with pytest.raises(penstock.InvalidOption, match="concurrency"):
        colour.client(BASE).map([], concurrency=concurrency)


@pytest.mark.parametrize(
    "requests",
    ["/v1/models", b"/v1", None, 7, BulkRequest("GET", "/"), httpx.Request("GET", f"{BASE}/")],
    ids=lambda given: type(given).__name__,
)
def test_one_request_is_not_many(colour: Colour, requests: Any) -> None:
    """What is no iterable of requests is refused at once: a URL is not one for each letter."""
    with pytest.raises(penstock.InvalidOption, match="an iterable of requests"):
        colour.client(BASE).map(requests)


@pytest.mark.parametrize("item", [7, {"url": "/"}, ("GET", "/")])
def test_what_is_no_request(colour: Colour, item: Any) -> None:
    """The error of what cannot be sent says what can be, and is its result alone."""
    script = Script([number_of], forever=True)
    results = run(colour, script, [item, "/1"])
    assert "must be a BulkRequest, a URL" in str(results[0].error)
    assert gathered(results[1:]) == [1]


def test_a_body_is_no_option(colour: Colour) -> None:
    """A body for all is refused, and said to belong to a request of its own."""
    with pytest.raises(penstock.InvalidOption, match=r"'json'.* belongs to one call"):
        colour.client(BASE).map(["/1"], json={})  # type: ignore[call-arg]  # as tested


def test_nothing_to_send(colour: Colour) -> None:
    """No requests have no results."""
    assert run(colour, Script([]), []) == []


def test_progress_is_told(colour: Colour) -> None:
    """A function hears how many results there are, and of how many if that is known."""
    told: list[tuple[int, int | None]] = []
    script = Script([number_of], forever=True)
    run(colour, script, ["/1", "/2"], progress=lambda *at: told.append(at))
    run(colour, script, iter(["/1"]), progress=lambda *at: told.append(at))
    assert told == [(1, 2), (2, 2), (1, None)]


def test_a_wrong_progress(colour: Colour) -> None:
    """What is neither a function nor yes or no is refused, and nothing is sent."""
    script = Script([])
    with pytest.raises(penstock.InvalidOption, match="progress"):
        run(colour, script, ["/1"], progress="bar")


def test_a_function_that_fails_ends_it(colour: Colour) -> None:
    """An error of the function that is told of progress is the reader's."""

    def fail(_done: int, _total: int | None) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        run(colour, Script([number_of], forever=True), ["/1", "/2"], progress=fail)


def test_an_option_that_is_none(colour: Colour) -> None:
    """An option that does not exist is refused at once."""
    with pytest.raises(penstock.InvalidOption, match="max_retries"):
        colour.client(BASE).map([], max_retry=3)


def test_an_id_is_text(colour: Colour) -> None:
    """What is no text is refused as an id, and no key shows in a repr."""
    with pytest.raises(penstock.InvalidOption, match="id"):
        BulkRequest("GET", "/", id=7)  # type: ignore[arg-type]  # as tested
    shown = repr(BulkRequest("GET", "/?token=s3cret", api_key="s3cret", id="a"))
    assert shown == "BulkRequest('GET', '/?token=REDACTED', id='a')"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_requests_may_come_asynchronously(backend: str) -> None:
    """An async client takes an async iterable too, and closes what it does not read to the end."""
    closed = False

    async def urls() -> AsyncIterator[str]:
        nonlocal closed
        try:
            for number in range(100):
                await anyio.lowlevel.checkpoint()
                yield f"/{number}"
        finally:
            closed = True

    async def main() -> list[Any]:
        script = Script([number_of], forever=True)
        client = penstock.AsyncClient(BASE, transport=script)
        found = []
        async with client.map(urls(), concurrency=2) as results:
            async for result in results:
                found += gathered([result])
                if len(found) == 5:
                    break
        return found

    assert anyio.run(main, backend=backend) == [0, 1, 2, 3, 4]
    assert closed


def _all(client: Any, urls: Any, ordered: bool) -> Any:
    results = client.map(urls, ordered=ordered)
    if isinstance(client, penstock.Client):
        return list(results)

    async def read() -> list[BulkResult]:
        return [result async for result in results]

    return read()


def _closing(client: Any, call: Callable[[], Any]) -> Callable[[], Any]:
    """Return *call* followed by the close of its client, in one event loop."""
    if isinstance(client, penstock.Client):

        def now() -> Any:
            with client:
                return call()

        return now

    async def later() -> Any:
        async with client:
            return await call()

    return later


class Meter:
    """A middleware that lets requests on only when so many have come, and counts them."""

    def __init__(self, at_once: int) -> None:
        self.most = 0
        self._at_once = at_once
        self._now = self._come = 0
        self._gate: Any = None
        self._lock = threading.Lock()

    async def __call__(self, request: Any, call_next: Any) -> Any:
        gate = self._enter(penstock.Call.of(request).runtime)
        await gate.wait()
        try:
            return await call_next(request)
        finally:
            with self._lock:
                self._now -= 1

    def _enter(self, runtime: Any) -> Any:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            gate = self._gate = self._gate or runtime.event()
            self._come += 1
            if self._come == self._at_once:
                gate.set()
                self._gate, self._come = None, 0
            return gate
