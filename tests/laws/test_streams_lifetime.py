"""The laws of leaving a stream: its body is closed then and there, without any collector."""

from __future__ import annotations

import contextlib
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import pytest

from penstock import Stack, observe_body
from penstock.demo import DemoServer

from .leaving import EVENTS_LEFT, HANGING, RESPONSES_LEFT, Left, afinish, finish
from .support import EVENTS, Trial, done, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COLOURS = ["sync", "asyncio", "trio"]
WAYS_OUT_OF_EVENTS = [
    (colour, leave) for colour in COLOURS for leave in EVENTS_LEFT[colour != "sync"]
]
WAYS_OUT_OF_A_RESPONSE = [
    (colour, leave) for colour in COLOURS for leave in RESPONSES_LEFT[colour != "sync"]
]


pytestmark = pytest.mark.usefixtures("collector_off")


async def leave_with(colour: Any, leave: Callable[[Any], Any], open: Callable[[], Any]) -> None:
    """Leave a stream, and check that nobody is warned who did it as the documentation says."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with contextlib.suppress(Left):
            await done(leave(open))
        if colour.is_async:
            await settled()
    hangs = [(ResourceWarning, True)] if colour.name == "trio" and leave in HANGING else []
    assert [(w.category, "AsyncEventStream" in str(w.message)) for w in told] == hangs


async def settled() -> None:
    """Wait until the event loop has closed what was dropped."""
    for _ in range(3):
        await anyio.lowlevel.checkpoint()
    await anyio.wait_all_tasks_blocked()


@pytest.mark.parametrize(("colour", "leave"), WAYS_OUT_OF_EVENTS, indirect=["colour"])
def test_leaving_events(colour: Any, leave: Callable[[Any], Any]) -> None:
    """However a stream of events is left, its body is closed, and observers hear of it once."""
    ends: list[str] = []

    async def observe(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        observe_body(response, lambda end: ends.append(end.outcome))
        return response

    trial = Trial(colour, Stack([observe]), [EVENTS])
    open_events = partial(trial.client.stream_events, "GET", "/it")
    run(colour, partial(leave_with, colour, leave, open_events))
    assert trial.script.open == 0
    assert ends == ["completed" if leave in {finish, afinish} else "closed"]


@pytest.mark.parametrize(("colour", "leave"), WAYS_OUT_OF_A_RESPONSE, indirect=["colour"])
def test_leaving_a_response(colour: Any, leave: Callable[[Any], Any]) -> None:
    """However an open response is left, its body is closed."""
    trial = Trial(colour, Stack.bare(), [EVENTS])
    run(colour, partial(leave_with, colour, leave, partial(trial.client.stream, "GET", "/it")))
    assert trial.script.open == 0


CHAT = {"model": "m", "messages": [{"role": "user", "content": "a " * 5_000}], "stream": True}


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with DemoServer() as running:
        yield running


@pytest.mark.parametrize(("colour", "leave"), WAYS_OUT_OF_EVENTS, indirect=["colour"])
def test_leaving_events_of_a_server(
    colour: Any, leave: Callable[[Any], Any], server: DemoServer
) -> None:
    """Over a real connection too: none is leased afterwards, and the client works on."""
    holds_none(colour, leave, server, "stream_events")


@pytest.mark.parametrize(("colour", "leave"), WAYS_OUT_OF_A_RESPONSE, indirect=["colour"])
def test_leaving_a_response_of_a_server(
    colour: Any, leave: Callable[[Any], Any], server: DemoServer
) -> None:
    """The same for an open response."""
    holds_none(colour, leave, server, "stream")


def holds_none(colour: Any, leave: Callable[[Any], Any], server: DemoServer, verb: str) -> None:
    async def scenario() -> None:
        client = colour.client(server.url, trust_env=False)
        open_stream = partial(getattr(client, verb), "POST", "/v1/chat/completions", json=CHAT)
        await leave_with(colour, leave, open_stream)
        assert client._wire.transport.pool_status().active == 0
        assert (await done(client.get("/v1/models"))).status_code == 200
        await done(client.aclose() if colour.is_async else client.close())

    run(colour, scenario)


@pytest.mark.parametrize("colour", ["asyncio", "trio"], indirect=True)
def test_an_event_loop_ends_with_a_stream_open(
    colour: Any, server: DemoServer, caplog: pytest.LogCaptureFixture
) -> None:
    """An event loop that ends while somebody still holds a half-read stream ends in silence."""
    kept: list[Any] = []

    async def scenario() -> None:
        client = colour.client(server.url, trust_env=False)
        kept.append(client.stream_events("POST", "/v1/chat/completions", json=CHAT))
        await anext(kept[-1])

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(10):  # its generators are closed in an order of chance
            colour.run(scenario)
    assert (told, caplog.record_tuples) == ([], [])
