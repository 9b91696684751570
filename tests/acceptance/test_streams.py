"""Streams of events: how they end, what goes wrong in them, and what they leave behind."""

from __future__ import annotations

import contextlib
import gc
import gzip
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from penstock import ClientClosed, DecodeError, InvalidOption, Stack, observe_body
from penstock.testing import Reply

from .reading import DONE, NDJSON, NUMBERS, SSE, Reading, event, sse
from .support import done, play

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Rig


@pytest.mark.parametrize(
    ("reply", "call", "events", "completed"),
    [
        (sse(event(1), event(2), DONE), {}, [*NUMBERS, None], True),
        (sse(event(1) + event(2) + DONE + event(3)), {}, [*NUMBERS, None], True),
        (sse(event(1), event(2)), {"terminal": None}, NUMBERS, True),
        (sse(event(1), b"data: bye\n\n", event(2)), {"terminal": "bye"}, [{"n": 1}, None], True),
        (
            sse(event(1), event(2), event(3)),
            {"terminal": lambda each: each.data["n"] == 2},
            NUMBERS,
            True,
        ),
        (sse(), {"terminal": None}, [], True),
        (sse(*(bytes([byte]) for byte in event(1) + event(2) + DONE)), {}, [*NUMBERS, None], True),
        (sse(event(1), event(2), b"data: [DONE]"), {}, [*NUMBERS, None], True),
        (
            Reply(headers=NDJSON, chunks=[b'{"n": 1}\n{"n"', b": 2}\n"]),
            {"format": "ndjson"},
            NUMBERS,
            True,
        ),
        (
            Reply(headers=NDJSON, chunks=[b'{"n": 1}\n{"n": 2}']),
            {"format": "ndjson"},
            NUMBERS,
            True,
        ),
        (Reply(204), {}, [], True),
        (
            Reply(
                headers={**SSE, "Content-Encoding": "gzip"},
                content=gzip.compress(event(1) + event(2)),
            ),
            {"terminal": None},
            NUMBERS,
            True,
        ),
    ],
    ids=[
        "done",
        "past done",
        "no terminal",
        "a word",
        "a function",
        "nothing",
        "byte by byte",
        "an unterminated terminal",
        "ndjson",
        "ndjson without the last newline",
        "204",
        "gzip",
    ],
)
def test_a_stream_that_ends_well(
    reply: Reply, call: Any, events: list[Any], completed: bool, rig: Callable[..., Rig]
) -> None:
    """The events up to the terminal one are given, and the stream knows that it is complete."""
    server = rig([reply])
    reading = Reading(server, **call)
    assert reading.error is None
    assert reading.events == events
    assert (reading.stream.completed, reading.stream.events) == (completed, len(events))
    assert server.script.open == 0


def test_what_is_asked_for(rig: Callable[..., Rig]) -> None:
    """The request names the format, and asks for no compression and no cache; a call may differ."""
    server = rig([sse(DONE), Reply(headers=NDJSON), sse(DONE)])
    Reading(server)
    Reading(server, format="ndjson")
    Reading(server, headers={"ACCEPT": "text/event-stream, */*", "X-A": "1"})
    first, second, third = (request.headers for request in server.requests)
    assert first["accept"] == "text/event-stream"
    assert first["accept-encoding"] == "identity"
    assert first["cache-control"] == "no-store"
    assert "application/x-ndjson" in second["accept"]
    assert third.get_list("accept") == ["text/event-stream, */*"]
    assert third["x-a"] == "1"


def test_broken_json_in_one_event(rig: Callable[..., Rig]) -> None:
    """An event that is no JSON has its text and no data, and the stream goes on."""
    server = rig([sse(event(1), b"data: {oops\n\n", event(2), DONE)])
    events: list[Any] = []

    async def read() -> None:
        stream = server.client.stream_events("GET", "/it")
        if server.colour.is_async:
            events.extend([each async for each in stream])
        else:
            events.extend(stream)

    play(server.colour, read)
    assert [each.data for each in events] == [{"n": 1}, None, {"n": 2}, None]
    assert (events[1].raw, events[-1].done) == ("{oops", True)
    with pytest.raises(DecodeError):
        events[1].json()


# trio warns of an async generator that was dropped, and then closes it.
@pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")
@pytest.mark.parametrize("how", ["break", "break in a block", "an error", "dropped", "closed"])
def test_leaving_early_closes(how: str, rig: Callable[..., Rig]) -> None:
    """`break`, an error, a dropped handle and `close` free the connection without the collector."""
    server = rig([sse(event(1), event(2), 1e6, DONE)])

    async def leave() -> None:
        gc.disable()
        try:
            await _leave(server, how)
            if server.colour.is_async:
                for _ in range(5):
                    await anyio.lowlevel.checkpoint()
            assert server.script.open == 0
        finally:
            gc.enable()

    play(server.colour, leave)


async def _leave(server: Rig, how: str) -> None:
    stream = server.client.stream_events("GET", "/it")
    if how in {"dropped", "closed"}:
        first = await anext(stream) if server.colour.is_async else next(stream)
        assert first.data == {"n": 1}
        assert server.script.open == 1
        for _ in range(2 if how == "closed" else 0):
            await done(stream.aclose() if server.colour.is_async else stream.close())
        return
    leave = _leave_async if server.colour.is_async else _leave_sync
    with contextlib.suppress(ZeroDivisionError):
        await done(leave(stream, how))


def _leave_sync(stream: Any, how: str) -> None:
    with stream if how == "break in a block" else contextlib.nullcontext():
        for _ in stream:
            if how == "an error":
                raise ZeroDivisionError
            break


async def _leave_async(stream: Any, how: str) -> None:
    async with stream if how == "break in a block" else contextlib.nullcontext():
        async for _ in stream:
            if how == "an error":
                raise ZeroDivisionError
            break


def test_a_readers_own_error_is_its_own(rig: Callable[..., Rig]) -> None:
    """What is raised in the loop comes out as it is, the stream closed."""
    server = rig([sse(event(1), event(2), DONE)])

    async def read() -> None:
        stream = server.client.stream_events("GET", "/it")
        if server.colour.is_async:
            async with stream:
                async for each in stream:
                    each.data["missing"]
        else:
            with stream:
                for each in stream:
                    each.data["missing"]

    with pytest.raises(KeyError):
        play(server.colour, read)
    assert server.script.open == 0


def test_a_block_without_reading(rig: Callable[..., Rig]) -> None:
    """The call happens on entry; what is not read is closed on exit."""
    server = rig([sse(event(1), DONE)])

    async def enter() -> None:
        stream = server.client.stream_events("GET", "/it")
        assert server.sent == 0
        if server.colour.is_async:
            async with stream:
                assert (server.sent, stream.response.status_code) == (1, 200)
        else:
            with stream:
                assert (server.sent, stream.response.status_code) == (1, 200)

    play(server.colour, enter)
    assert server.script.open == 0


@pytest.mark.parametrize(
    ("leave_after", "outcome"), [(None, "completed"), (3, "completed"), (1, "closed")]
)
def test_a_body_is_complete_with_its_terminal_event(
    leave_after: int | None, outcome: str, rig: Callable[..., Rig]
) -> None:
    """A body closed after the terminal event is told as completed, one left before it as closed."""
    ends = []

    class Watch:
        async def __call__(self, request: Any, call_next: Any) -> Any:
            response = await call_next(request)
            observe_body(response, lambda end: ends.append(end.outcome))
            return response

    server = rig(
        [sse(event(1), event(2), DONE, b": the server holds on\n\n")], stack=Stack([Watch()])
    )
    Reading(server, leave_after)
    gc.collect()
    assert ends == [outcome]
    assert server.script.open == 0


def test_a_block_around_a_stream_that_was_begun(rig: Callable[..., Rig]) -> None:
    """`with` over a stream that was read from goes on with the next event, and closes it."""
    server = rig([sse(event(1), event(2), DONE)])
    seen = []

    async def read() -> None:
        stream = server.client.stream_events("GET", "/it")
        if server.colour.is_async:
            seen.append((await anext(stream)).data)
            async with stream, stream:
                async for each in stream:
                    seen.append(each.data)  # noqa: PERF401 - what came before an error counts
        else:
            seen.append(next(stream).data)
            with stream, stream:
                seen.extend(each.data for each in stream)

    play(server.colour, read)
    assert seen == [*NUMBERS, None]
    assert (server.sent, server.script.open) == (1, 0)


@pytest.mark.parametrize("colour", ["asyncio", "trio"], indirect=True)
def test_cancelled_in_the_middle(rig: Callable[..., Rig]) -> None:
    """A cancelled reader leaves the stream closed, and the cancellation as it is."""
    server = rig([sse(event(1), event(2), DONE)])

    async def read() -> None:
        with anyio.CancelScope() as scope:
            async with server.client.stream_events("GET", "/it") as stream:
                async for _ in stream:
                    scope.cancel()
                    await anyio.lowlevel.checkpoint()
        assert scope.cancelled_caught
        assert server.script.open == 0

    play(server.colour, read)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("format", "xml"),
        ("max_event_bytes", 0),
        ("max_event_bytes", -1),
        ("max_event_bytes", "many"),
        ("event_timeout", -1),
        ("event_timeout", float("nan")),
        ("terminal", 5),
        ("headers", 5),
        ("timeout", -1),
        ("timeot", 5),
    ],
)
def test_a_stream_that_cannot_be(option: str, value: Any, rig: Callable[..., Rig]) -> None:
    """An argument that cannot work is refused by name, and nothing is sent."""
    server = rig([sse(DONE)])
    with pytest.raises(InvalidOption, match=option):
        play(server.colour, lambda: _enter(server, **{option: value}))
    assert server.sent == 0


async def _enter(server: Rig, **call: Any) -> None:
    stream = server.client.stream_events("GET", "/it", **call)
    if server.colour.is_async:
        async with stream:
            pass
    else:
        with stream:
            pass


def test_a_closed_client_streams_nothing(rig: Callable[..., Rig]) -> None:
    """A stream of a client that was closed meanwhile says so."""
    server = rig([sse(DONE)])

    async def close_and_read() -> None:
        await done(server.client.aclose() if server.colour.is_async else server.client.close())
        await _enter(server)

    with pytest.raises(ClientClosed):
        play(server.colour, close_and_read)


def test_a_stream_over_a_made_up_response(rig: Callable[..., Rig]) -> None:
    """A middleware may answer a stream itself, from a cache or for a test."""

    async def replay(request: Any, call_next: Any) -> Any:
        return httpx.Response(200, headers=SSE, content=event(1) + DONE)

    server = rig([], stack=Stack([replay]))
    reading = Reading(server)
    assert reading.error is None
    assert reading.events == [{"n": 1}, None]
