"""The laws of who watches a stream of events: told what the reader gets, and once of its end."""

from __future__ import annotations

import gc
import inspect
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from penstock import PenstockError, Stack, observe_events
from penstock.stepping import run_now
from penstock.testing import Reply, Script, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock import BodyEnd, Event

SSE = {"Content-Type": "text/event-stream"}
ONE, TWO, DONE = b"data: 1\n\n", b"data: 2\n\n", b"data: [DONE]\n\n"
WRONG = b'data: {"error": "no"}\n\n'


class Watch:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.ends: list[BodyEnd] = []

    def event(self, event: Event) -> None:
        self.events.append(event)

    def end(self, end: BodyEnd) -> None:
        self.ends.append(end)

    @property
    def told(self) -> tuple[list[str], list[tuple[str, str | None]]]:
        ends = [(end.outcome, end.error and type(end.error).__name__) for end in self.ends]
        return [event.raw for event in self.events], ends


class Rig:
    """A client of one colour whose open responses are watched."""

    def __init__(self, colour: Any, *chunks: Any, headers: dict[str, str] = SSE) -> None:
        self._colour = colour
        self.watches: list[Watch] = []
        self.responses: list[Any] = []
        clock = VirtualClock()
        script = Script([Reply(headers=headers, chunks=chunks)], clock=clock)
        stack = Stack([self._observe])
        self.client = colour.client(
            "https://api.example.com", transport=script, clock=clock, stack=stack
        )

    async def _observe(self, request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        for _ in range(2):
            self.watches.append(Watch())
            observe_events(response, self.watches[-1])
        self.responses.append(response)
        return response

    def play(self, scenario: Callable[[Any], Any], **options: Any) -> Any:
        """Run *scenario* on a stream of events; in the sync colour nothing in it suspends."""

        async def run() -> Any:
            try:
                return await scenario(self.client.stream_events("GET", "/it", **options))
            except PenstockError as error:
                return type(error).__name__

        if self._colour.is_async:
            return anyio.run(run, backend=self._colour.name)
        return run_now(run())

    @property
    def told(self) -> Any:
        first, second = (watch.told for watch in self.watches)
        assert first == second
        return first


async def done(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


async def read(stream: Any) -> list[Any]:
    """Read it to its end."""
    found = [event async for event in stream] if hasattr(stream, "__aiter__") else list(stream)
    return [event.raw for event in found]


async def leave(stream: Any) -> None:
    """Read one event in a block, and leave it."""
    if hasattr(stream, "__aenter__"):
        async with stream:
            await anext(aiter(stream))
    else:
        with stream:
            next(iter(stream))


async def close_unread(stream: Any) -> None:
    """Open it and close it."""
    if hasattr(stream, "__aenter__"):
        async with stream:
            pass
    else:
        with stream:
            pass


async def close_the_response(stream: Any) -> None:
    """Open it and close it by way of its response."""
    if hasattr(stream, "__aenter__"):
        await stream.__aenter__()
        await stream.response.aclose()
    else:
        stream.__enter__()
        stream.response.close()


CASES: dict[str, tuple[list[Any], Any, list[str], tuple[str, str | None]]] = {
    "to the end": ([ONE + TWO, DONE], read, ["1", "2", "[DONE]"], ("completed", None)),
    "left": ([ONE + TWO, DONE], leave, ["1"], ("closed", None)),
    "closed unread": ([ONE, DONE], close_unread, [], ("closed", None)),
    "closed from below": ([ONE, DONE], close_the_response, [], ("closed", None)),
    "cut short": ([ONE], read, ["1"], ("error", "StreamTruncated")),
    "an error in it": ([ONE, WRONG, DONE], read, ["1"], ("error", "StreamEventError")),
    "broken": ([ONE, httpx.ReadError("x")], read, ["1"], ("error", "ConnectionFailed")),
}


@pytest.mark.parametrize("case", CASES)
def test_an_observer_is_told_what_the_reader_gets(case: str, colour: Any) -> None:
    """Observers hear of each event its reader gets, and once of the end, as its reader sees it."""
    chunks, act, events, end = CASES[case]
    rig = Rig(colour, *chunks)
    rig.play(act)
    rig.responses.clear()
    gc.collect()
    assert rig.told == (events, [end])


def test_a_stream_without_a_terminal_event_ends_with_its_body(colour: Any) -> None:
    """Where streams just end, the end of the body is the proper end of the events."""
    rig = Rig(colour, ONE, TWO)
    assert rig.play(read, terminal=None) == ["1", "2"]
    assert rig.told == (["1", "2"], [("completed", None)])


def test_what_is_no_stream_ends_in_its_refusal(colour: Any) -> None:
    """A response that is no stream of events ends with the error its reader sees."""
    rig = Rig(colour, b"<html>", headers={"Content-Type": "text/html"})
    assert rig.play(read) == "NotAnEventStream"
    assert rig.told == ([], [("error", "NotAnEventStream")])


def test_the_events_are_the_readers_own() -> None:
    """Observer and reader get the same object: its data is parsed once, whoever looks first."""
    from penstock import Client

    watch = Watch()

    async def observe(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        observe_events(response, watch)
        return response

    script = Script([Reply(headers=SSE, chunks=[b'data: {"a": 1}\n\n', DONE])])
    client = Client("https://api.example.com", transport=script, stack=Stack([observe]))
    read = list(client.stream_events("GET", "/it"))
    assert [ours is theirs for ours, theirs in zip(watch.events, read, strict=True)] == [True] * 2
    assert watch.events[0].data is read[0].data


def test_bytes_have_an_end_too(colour: Any) -> None:
    """Where nobody reads events, the end is that of the body; a latecomer is told at once."""
    rig = Rig(colour, ONE, DONE)

    def look() -> None:
        with rig.client.stream("GET", "/it") as response:
            response.read()

    async def alook() -> None:
        async with rig.client.stream("GET", "/it") as response:
            await response.aread()

    colour.run(alook if colour.is_async else look)
    assert rig.told == ([], [("completed", None)])
    late = Watch()
    observe_events(rig.responses[0], late)
    assert late.told == ([], [("completed", None)])
