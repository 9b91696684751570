"""The ways to leave a stream, in both colours.

Each is handed a function that opens a stream, so that nobody but the way itself holds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel

if TYPE_CHECKING:
    from collections.abc import Callable

    Open = Callable[[], Any]


class Left(Exception):
    """The caller's own error, raised in the middle of a loop."""


# A stream of events, sync


def break_(open: Open) -> None:
    for _ in open():
        break


def raise_(open: Open) -> None:
    for _ in open():
        raise Left


def drop(open: Open) -> None:
    next(open())


def close(open: Open) -> None:
    events = open()
    next(events)
    events.close()


def finish(open: Open) -> None:
    for _ in open():
        pass


def leave_unread(open: Open) -> None:
    with open():
        pass


def break_inside(open: Open) -> None:
    with open() as events:
        for _ in events:
            break


def raise_inside(open: Open) -> None:
    with open() as events:
        for _ in events:
            raise Left


# A stream of events, async


async def abreak(open: Open) -> None:
    async for _ in open():
        break


async def araise(open: Open) -> None:
    async for _ in open():
        raise Left


async def adrop(open: Open) -> None:
    await anext(open())


async def aclose(open: Open) -> None:
    events = open()
    await anext(events)
    await events.aclose()


async def afinish(open: Open) -> None:
    async for _ in open():
        pass


async def aleave_unread(open: Open) -> None:
    async with open():
        pass


async def abreak_inside(open: Open) -> None:
    async with open() as events:
        async for _ in events:
            break


async def araise_inside(open: Open) -> None:
    async with open() as events:
        async for _ in events:
            raise Left


async def acancel(open: Open) -> None:
    with anyio.CancelScope() as scope:
        async for _ in open():
            scope.cancel()
            await anyio.lowlevel.checkpoint()


async def acancel_inside(open: Open) -> None:
    with anyio.CancelScope() as scope:
        async with open() as events:
            async for _ in events:
                scope.cancel()
                await anyio.lowlevel.checkpoint()


# An open response


def leave_response(open: Open) -> None:
    with open():
        pass


def break_response(open: Open) -> None:
    with open() as response:
        for _ in response.iter_bytes(16):
            break


def raise_response(open: Open) -> None:
    with open() as response:
        for _ in response.iter_bytes(16):
            raise Left


def finish_response(open: Open) -> None:
    with open() as response:
        response.read()


async def aleave_response(open: Open) -> None:
    async with open():
        pass


async def araise_response(open: Open) -> None:
    async with open():
        raise Left


async def afinish_response(open: Open) -> None:
    async with open() as response:
        await response.aread()


async def acancel_response(open: Open) -> None:
    with anyio.CancelScope() as scope:
        async with open():
            scope.cancel()
            await anyio.lowlevel.checkpoint()


EVENTS_LEFT = {
    False: [break_, raise_, drop, close, finish, leave_unread, break_inside, raise_inside],
    True: [
        *(abreak, araise, adrop, aclose, afinish, aleave_unread, abreak_inside, araise_inside),
        *(acancel, acancel_inside),
    ],
}
RESPONSES_LEFT = {
    False: [leave_response, break_response, raise_response, finish_response],
    True: [aleave_response, araise_response, afinish_response, acancel_response],
}

HANGING = {abreak, araise, adrop, acancel}
"""Ways that leave a generator to the event loop; trio warns of that and says what to write."""
