"""The laws of a stream of an API's own items."""

from __future__ import annotations

import contextlib
import gc
import inspect
import weakref
from contextlib import aclosing
from typing import Any

import anyio.lowlevel
import pytest

from penstock import (
    API,
    Async,
    AsyncAPI,
    AsyncItemStream,
    BaseAPI,
    Colour,
    ConnectionFailed,
    DecodeError,
    Event,
    Items,
    ItemStream,
    NotAnEventStream,
    NotFound,
    PenstockError,
    StreamError,
    StreamEventError,
    StreamInterrupted,
    StreamTruncated,
    Sync,
    operation,
    streamed,
    streaming_as,
)
from penstock.testing import Reply, Script, VirtualClock


class AcmeError(PenstockError):
    """Acme's own."""


def own(error: PenstockError) -> Exception:
    return error if isinstance(error, AcmeError) else AcmeError(f"acme: {error.message}")


def level(event: Event) -> int | None:
    """Return the level an event tells; None for the last."""
    return None if event.done else event.json()["level"]


class Levels(ItemStream[int]):
    """A stream class of the API's own."""


class AsyncLevels(AsyncItemStream[int]):
    """Its async twin."""


class _Acme(BaseAPI[Colour]):
    def __init__(self, **options: Any) -> None:
        super().__init__(self._make_client("https://api.acme.example", **options), own)

    @streamed
    def levels(self, **call: Any) -> Items[int]:
        """Follow the levels."""
        return self._stream("GET", "/levels", level, operation="levels", **call)

    @streaming_as(Levels, AsyncLevels)
    def own_levels(self) -> Any:
        """Follow the levels, in a class of the API's own."""
        kind = AsyncLevels if self.is_async else Levels
        return kind(self._events("GET", "/levels"), level, own)

    @operation
    async def opened(self) -> Any:
        """Follow the levels from now on."""
        return await self._open(self._stream("GET", "/levels", level))


class Acme(_Acme[Sync], API):
    """The client."""


class AsyncAcme(_Acme[Async], AsyncAPI):
    """Its async twin."""


def events(*chunks: bytes | Exception) -> Reply:
    return Reply(
        headers={"Content-Type": "text/event-stream", "X-Request-Id": "req_1"}, chunks=list(chunks)
    )


def told(*levels: int) -> list[bytes]:
    return [b'data: {"level": %d}\n\n' % level for level in levels]


DONE = b"data: [DONE]\n\n"


class Rig:
    """A client of one colour over a script, in virtual time."""

    def __init__(self, colour: Any, *replies: Any, **options: Any) -> None:
        self.colour = colour
        self.clock = VirtualClock()
        self.script = Script(replies, clock=self.clock)
        kind = AsyncAcme if colour.is_async else Acme
        self.acme: Any = kind(transport=self.script, clock=self.clock, **options)

    def read(self, stream: Any) -> list[int]:
        read: list[int] = self.colour.events(stream)
        return read

    def within(self, scenario: Any) -> Any:
        """Run an async *scenario*; in the sync colour nothing in it suspends."""
        if self.colour.is_async:
            return self.colour.run(scenario)
        coroutine = scenario()
        with pytest.raises(StopIteration) as stop:
            coroutine.send(None)
        return stop.value.value


async def done(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


async def one(stream: Any) -> Any:
    return await anext(stream) if hasattr(stream, "__anext__") else next(stream)


async def read_into(seen: list[Any], stream: Any) -> None:
    if hasattr(stream, "__aiter__"):
        async for item in stream:
            seen.append(item)  # noqa: PERF401 - what came before an error counts
    else:
        seen.extend(stream)


async def rest(stream: Any) -> list[Any]:
    seen: list[Any] = []
    await read_into(seen, stream)
    return seen


def test_a_stream_gives_items(colour: Any) -> None:
    """What the events were made into comes out in order; what was made into nothing is skipped."""
    rig = Rig(colour, events(*told(1, 2, 3), DONE))
    stream = rig.acme.levels()
    assert rig.script.requests == []
    assert rig.read(stream) == [1, 2, 3]
    assert (stream.completed, rig.script.open) == (True, 0)


def test_a_stream_knows_its_response(colour: Any) -> None:
    """Once opened, a stream has its response and what was tried for it; before, neither."""
    rig = Rig(colour, 503, events(DONE))
    stream = rig.acme.levels()
    assert (stream.response, stream.attempts, stream.completed) == (None, (), False)
    rig.read(stream)
    assert stream.response.headers["x-request-id"] == "req_1"
    assert [attempt.status for attempt in stream.attempts] == [503, 200]
    assert repr(stream).endswith("completed, 1 events>>")


def test_items_one_by_one(colour: Any) -> None:
    """`next` and `anext` give item after item, and a loop goes on where they left off."""
    rig = Rig(colour, events(*told(1, 2, 3), DONE))
    stream = rig.acme.levels()

    async def scenario() -> list[int]:
        return [await one(stream), *await rest(stream)]

    assert rig.within(scenario) == [1, 2, 3]
    assert rig.script.open == 0


class Boom(Exception):
    """A reader's own error."""


def boom(*_: Any) -> Any:
    raise Boom


LEFT_IN_A_LOOP: dict[str, Any] = {"a break": lambda: None, "an error": boom}
LEFT_IN_A_BLOCK: dict[str, Any] = {
    "the end of the block": lambda _: None,
    "an error in the block": boom,
    "close": lambda stream: stream.aclose() if hasattr(stream, "aclose") else stream.close(),
}


@pytest.mark.parametrize("way", [*LEFT_IN_A_LOOP, *LEFT_IN_A_BLOCK])
def test_a_stream_that_is_left_gives_its_connection_back(way: str, colour: Any) -> None:
    """However a reader walks away, nothing stays open, and the collector has nothing to do."""
    rig = Rig(colour, events(*told(1, 2, 3), DONE))

    def walk() -> None:
        held = rig.acme.levels()
        if way in LEFT_IN_A_LOOP:
            for _ in held:
                LEFT_IN_A_LOOP[way]()
                break
        else:
            with held:
                next(held)
                LEFT_IN_A_BLOCK[way](held)

    async def awalk() -> None:
        held = rig.acme.levels()
        if way in LEFT_IN_A_LOOP:
            async with aclosing(aiter(held)) as items:
                async for _ in items:
                    LEFT_IN_A_LOOP[way]()
                    break
        else:
            async with held:
                await anext(held)
                await done(LEFT_IN_A_BLOCK[way](held))

    gc.collect()
    gc.disable()
    with contextlib.suppress(Boom):
        colour.run(awalk if colour.is_async else walk)
    gc.enable()
    assert rig.script.open == 0


def test_inside_with_a_stream_goes_on_after_a_break(colour: Any) -> None:
    """Inside its block a stream may be left and taken up again; the end of the block closes it."""
    rig = Rig(colour, events(*told(1, 2, 3), DONE))

    def walk() -> list[int]:
        with rig.acme.levels() as stream:
            first = next(item for item in stream)
            return [first, next(stream), rig.script.open]

    async def awalk() -> list[int]:
        async with rig.acme.levels() as stream:
            async for item in stream:
                first = item
                break
            return [first, await anext(stream), rig.script.open]

    assert colour.run(awalk if colour.is_async else walk) == [1, 2, 1]
    assert rig.script.open == 0


BEGUN: dict[str, tuple[Any, int]] = {
    "open": (lambda acme: acme.opened(), 0),
    "read from": (lambda acme: acme.levels(), 1),
    "open and read from": (lambda acme: acme.opened(), 1),
}


@pytest.mark.parametrize("how", BEGUN)
def test_a_block_takes_up_a_stream_that_was_begun(how: str, colour: Any) -> None:
    """`with` over a stream that is open already loses none of its items, and closes it."""
    begin, read = BEGUN[how]
    rig = Rig(colour, events(*told(1, 2, 3), DONE))

    async def scenario() -> list[int]:
        stream = await done(begin(rig.acme))
        before = [await one(stream) for _ in range(read)]
        if not colour.is_async:
            with stream, stream:
                return [*before, *stream]
        async with stream, stream:
            return before + await rest(stream)

    assert rig.within(scenario) == [1, 2, 3]
    assert (len(rig.script.requests), rig.script.open) == (1, 0)


def test_a_stream_leaves_nothing_for_the_collector(colour: Any) -> None:
    """A stream that fails, and the error it raises, are gone as soon as nobody holds them."""
    rig = Rig(colour, events(*told(1)), events(*told(1)))

    async def fail() -> list[Any]:
        stream = rig.acme.levels()
        try:
            await rest(stream)
        except AcmeError as error:
            return [weakref.ref(error), weakref.ref(stream)]
        return []

    rig.within(fail)  # what is made once is made now
    gc.collect()
    gc.disable()
    try:
        gone = [ref() for ref in rig.within(fail)]
    finally:
        gc.enable()
    assert gone == [None, None]


BROKEN: dict[str, tuple[Reply, type[Exception], str]] = {
    "it breaks off": (events(*told(1), ConnectionFailed("reset")), StreamInterrupted, "broke off"),
    "it ends too soon": (events(*told(1)), StreamTruncated, "without its terminal event"),
    "the server says error": (
        events(*told(1), b'data: {"error": {"message": "too wet"}}\n\n'),
        StreamEventError,
        "too wet",
    ),
    "an event is no JSON": (events(*told(1), b"data: oops\n\n"), DecodeError, "is not JSON"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_error_while_reading_is_the_apis_own(what: str, colour: Any) -> None:
    """An error in the middle comes after the items before it, as the API's own, about the call."""
    reply, cause, said = BROKEN[what]
    rig = Rig(colour, reply)
    stream = rig.acme.levels()
    seen: list[int] = []
    with pytest.raises(AcmeError, match=f"acme: .*{said}") as caught:
        rig.within(lambda: read_into(seen, stream))
    error = caught.value
    assert seen == [1]
    assert (error.method, error.url, error.operation) == (
        "GET",
        "https://api.acme.example/levels",
        "levels",
    )
    assert len(error.attempts) == 1
    assert isinstance(error.__cause__, cause)
    assert (rig.script.open, stream.completed) == (0, False)


REFUSED: dict[str, tuple[Reply, type[Exception]]] = {
    "a status": (Reply(404, json={"error": "no such level"}), NotFound),
    "not a stream": (Reply(json={"level": 1}), NotAnEventStream),
}


@pytest.mark.parametrize("enter", [True, False])
@pytest.mark.parametrize("what", REFUSED)
def test_an_error_at_the_start_is_the_apis_own(what: str, enter: bool, colour: Any) -> None:
    """A stream that never begins is the API's own error, entered or iterated."""
    reply, cause = REFUSED[what]
    rig = Rig(colour, reply)

    async def entered() -> None:
        async with rig.acme.levels():
            pass

    def sync_entered() -> None:
        with rig.acme.levels():
            pass

    begin = (entered if colour.is_async else sync_entered) if enter else None
    with pytest.raises(AcmeError) as caught:
        colour.run(begin) if begin else rig.read(rig.acme.levels())
    assert isinstance(caught.value.__cause__, cause)
    assert rig.script.open == 0


def test_an_operation_may_give_an_open_stream(colour: Any) -> None:
    """An operation that opens its stream has sent the request when it returns."""
    rig = Rig(colour, events(*told(1), DONE), events(*told(2), DONE), 404)

    async def scenario() -> list[Any]:
        stream = await done(rig.acme.opened())
        sent = len(rig.script.requests)
        raw = await done(rig.acme.with_raw_response.opened())
        items = [await rest(stream), await rest(raw.parsed)]
        return [sent, raw.status_code, raw.headers["x-request-id"], *items]

    assert rig.within(scenario) == [1, 200, "req_1", [1], [2]]
    with pytest.raises(AcmeError):
        colour.run(rig.acme.opened)
    assert rig.script.open == 0


@pytest.mark.parametrize("colour", ["sync", "asyncio"], indirect=True)  # trio warns of a drop
@pytest.mark.parametrize("read", [0, 1])
def test_an_open_stream_that_is_dropped_gives_its_connection_back(read: int, colour: Any) -> None:
    """An open stream that nobody holds any more is closed, read or not, without the collector."""
    rig = Rig(colour, events(*told(1, 2), DONE))

    async def scenario() -> int:
        stream = await done(rig.acme.opened())
        for _ in range(read):
            await one(stream)
        del stream
        for _ in range(5 if colour.is_async else 0):
            await anyio.lowlevel.checkpoint()  # the event loop closes it
        return rig.script.open

    gc.collect()
    gc.disable()
    try:
        still_open = rig.within(scenario)
    finally:
        gc.enable()
    assert still_open == 0


def test_a_stream_class_of_the_apis_own(colour: Any) -> None:
    """`streaming_as` gives the class it names, in either colour."""
    rig = Rig(colour, events(*told(1), DONE))
    stream = rig.acme.own_levels()
    assert type(stream) is (AsyncLevels if colour.is_async else Levels)
    assert rig.read(stream) == [1]
    assert _Acme.levels.__doc__ == "Follow the levels."


def test_without_a_table_errors_stay_penstocks(colour: Any) -> None:
    """A stream without an error table raises Penstock's own error, with no cause put before it."""
    rig = Rig(colour, events(*told(1)))
    client = rig.acme._client
    kind = AsyncItemStream if colour.is_async else ItemStream
    with pytest.raises(StreamError) as caught:
        rig.read(kind(client.stream_events("GET", "/levels"), level))
    assert type(caught.value) is StreamTruncated
    assert caught.value.__cause__ is None


def test_the_callers_options_hold_for_a_stream(colour: Any) -> None:
    """`request_options=` reaches the request of a stream."""
    rig = Rig(colour, events(DONE))
    rig.read(rig.acme.levels(request_options={"headers": {"X-A": "call"}}))
    assert rig.script.requests[0].headers["x-a"] == "call"
    assert rig.script.requests[0].headers["accept"] == "text/event-stream"
