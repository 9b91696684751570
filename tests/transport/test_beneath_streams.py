"""An open body in the hands of a client above: read as it comes, and released when it is left."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING, Any

import pytest

from penstock.testing import Reply

from .above import URL, Rig, play
from .colours import Colour

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from penstock.transport import Family

CHUNKS = [b"data: 1\n\n", b"data: 2\n\n", b"data: 3\n\n"]


def streaming() -> Reply:
    return Reply(headers={"Content-Type": "text/event-stream"}, chunks=list(CHUNKS))


@contextlib.asynccontextmanager
async def opened(rig: Rig) -> AsyncIterator[Any]:
    """Open a stream through the client, in either colour."""
    opening = rig.client.stream("GET", URL)
    response = await opening.__aenter__() if rig.colour.is_async else opening.__enter__()
    try:
        yield response
    finally:
        if rig.colour.is_async:
            await opening.__aexit__(None, None, None)
        else:
            opening.__exit__(None, None, None)


async def chunks_of(rig: Rig, response: Any) -> list[bytes]:
    if rig.colour.is_async:
        return [chunk async for chunk in response.aiter_raw()]
    return list(response.iter_raw())


def outcomes(rig: Rig) -> list[str]:
    return [end.outcome for end in rig.ends]


def test_a_stream_stays_a_stream(colour: Colour) -> None:
    """The head is handed over before the body is read, and each chunk as it came."""
    rig = Rig(colour, [503, streaming()])

    async def scenario() -> list[bytes]:
        async with opened(rig) as response:
            assert (outcomes(rig), rig.script.open) == ([], 1)
            return await chunks_of(rig, response)

    assert play(colour, scenario) == CHUNKS
    assert outcomes(rig) == ["completed"]
    assert (rig.ends[0].chunks, rig.ends[0].size) == (3, 27)


def test_a_stream_left_unread(colour: Colour) -> None:
    """A stream that nobody reads is closed when it is left."""
    rig = Rig(colour, [streaming()])

    async def scenario() -> None:
        async with opened(rig):
            pass

    play(colour, scenario)
    assert (outcomes(rig), rig.script.open) == (["closed"], 0)


def test_a_stream_left_in_the_middle(colour: Colour) -> None:
    """A stream that is left half-read is closed then, and its observers hear of it once."""
    rig = Rig(colour, [streaming()])

    async def scenario() -> None:
        async with opened(rig) as response:
            chunks = colour.chunks(response)
            assert await colour.next(chunks) == CHUNKS[0]
            await colour.close(chunks)  # the family's own generator, which trio wants closed

    play(colour, scenario)
    assert (outcomes(rig), rig.script.open) == (["closed"], 0)


@pytest.fixture
def collector_off() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("collector_off")
def test_a_sync_loop_that_is_left_releases_the_stream(family: Family) -> None:
    """In a sync client `break` releases the connection at once: nobody can read on."""
    rig = Rig(Colour("sync", family), [streaming()])
    response = rig.client.send(rig.client.build_request("GET", URL), stream=True)
    for _ in response.iter_raw():
        break
    assert (outcomes(rig), rig.script.open) == (["closed"], 0)


@pytest.mark.filterwarnings("ignore:a response was dropped open:ResourceWarning")
def test_a_dropped_stream_is_abandoned(colour: Colour) -> None:
    """A response that is dropped unread ends too: its observers are told when it is collected."""
    rig = Rig(colour, [streaming()])

    async def scenario() -> None:
        await colour.send(rig.transport, colour.family.http.Request("GET", URL))

    play(colour, scenario)
    assert outcomes(rig) == ["abandoned"]


def test_closing_twice(colour: Colour) -> None:
    """A response may be closed again, and read to its end it is closed already."""
    rig = Rig(colour, [streaming()])

    async def scenario() -> None:
        async with opened(rig) as response:
            await chunks_of(rig, response)
            await colour.close(response)
            await colour.close(response.stream)

    play(colour, scenario)
    assert (outcomes(rig), rig.script.open) == (["completed"], 0)
