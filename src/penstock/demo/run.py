"""Running the demo's calls through the full standard stack, one after another and all at once."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from penstock.client import AsyncClient, Client
from penstock.demo.calls import CALLS, DemoCall
from penstock.demo.recording import Recorder, recording, recording_logger
from penstock.demo.server import DemoServer
from penstock.demo.watch import Watch
from penstock.errors import PenstockError
from penstock.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from penstock.demo.recording import Recording
    from penstock.demo.watch import Watched

API_KEY = "the-key-of-the-demo"

# Seconds. The default of 0.5 would show the same and take longer.
BASE_DELAY = 0.12

# Sent first and not shown, so that no bar shows the loading of a module.
_WARM_UP = DemoCall("warm-up", "", "GET", "/v1/models", "503;times=1")


@dataclass(frozen=True, slots=True)
class Played:
    """One call of the demo as it went.

    Attributes:
        call: What was asked for.
        watched: What came of it.
        recording: Its spans and log events.
    """

    call: DemoCall
    watched: Watched
    recording: Recording


def play_sync(calls: Sequence[DemoCall] = CALLS) -> list[Played]:
    """Send the calls one after another with a `Client`.

    Args:
        calls: What to send.

    Returns:
        How each went, in order.
    """
    with DemoServer(api_key=API_KEY) as server, Client(**_arguments(server)) as client:
        _play(client, _WARM_UP)
        return [_play(client, call) for call in calls]


def play_async(calls: Sequence[DemoCall] = CALLS) -> list[Played]:
    """Send the calls all at once with an `AsyncClient`.

    Args:
        calls: What to send.

    Returns:
        How each went, in the order they were given.
    """
    return anyio.run(_play_all, calls)


async def _play_all(calls: Sequence[DemoCall]) -> list[Played]:
    played: dict[str, Played] = {}
    with DemoServer(api_key=API_KEY) as server:
        async with AsyncClient(**_arguments(server)) as client:

            async def play(call: DemoCall) -> None:
                played[call.name] = await _aplay(client, call)

            await _aplay(client, _WARM_UP)
            async with anyio.create_task_group() as group:
                for call in calls:
                    group.start_soon(play, call)
    return [played[call.name] for call in calls]


def _arguments(server: DemoServer) -> dict[str, Any]:
    from penstock.middleware import Retry

    return {
        "base_url": server.url,
        "api_key": API_KEY,
        "stack": Stack.standard().replace(Retry, Retry(base_delay=BASE_DELAY, jitter="equal")),
        "trust_env": False,
        "tracer_provider": Recorder(),
        "logger": recording_logger(),
        "name": "demo",
    }


def _play(client: Client, call: DemoCall) -> Played:
    with _told(client, call) as (watched, recorded, send):
        response = send()
        if call.stream:
            for _ in response:
                pass
    return Played(call, watched[0], recorded)


async def _aplay(client: AsyncClient, call: DemoCall) -> Played:
    with _told(client, call) as (watched, recorded, send):
        response = send()
        if call.stream:
            async for _ in response:
                pass
        else:
            await response
    return Played(call, watched[0], recorded)


@contextmanager
def _told(client: Any, call: DemoCall) -> Iterator[tuple[list[Watched], Recording, Any]]:
    """Give where a call will be kept, and what sends it; that it fails is part of the show."""
    watched: list[Watched] = []
    fault = {"X-Demo-Fault": call.fault, "X-Demo-Key": call.name} if call.fault else {}
    keywords = {
        "headers": fault,
        "operation": f"demo.{call.name}",
        "stack": lambda stack: Stack([Watch(watched.append), *stack]),
        **call.options,
    }
    if call.stream:
        send = partial(client.stream_events, call.method, call.path, format=call.stream, **keywords)
    else:
        send = partial(client.request, call.method, call.path, **keywords)
    with recording() as recorded:
        try:
            yield watched, recorded, send
        except PenstockError as error:
            watched[0].error = type(error).__name__
