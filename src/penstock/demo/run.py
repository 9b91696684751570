"""Running the demo's calls through the full standard stack, one after another and all at once.

A call is one of Penstock's own clients, or one of an SDK built on it, which brings its own stack.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from penstock.client import AsyncClient, Client
from penstock.demo.calls import CALLS, DemoCall
from penstock.demo.detail import detailed
from penstock.demo.recording import Recorder, recording, recording_logger
from penstock.demo.sdk_calls import SDK_CALLS, SdkCall
from penstock.demo.server import DemoServer
from penstock.demo.watch import Watch
from penstock.demo.waterfall import Waterfall, waterfall
from penstock.errors import PenstockError
from penstock.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from penstock.demo.recording import Recording
    from penstock.demo.watch import Watched
    from penstock.telemetry import Telemetry

API_KEY = "the-key-of-the-demo"

# Seconds. The default of 0.5 would show the same and take longer.
BASE_DELAY = 0.12

SHOW: tuple[DemoCall | SdkCall, ...] = (*CALLS, *SDK_CALLS)

# Sent first and not shown, so that no bar shows the loading of a module.
_WARM_UP = DemoCall("warm-up", "", "GET", "/v1/models", "503;times=1")


@dataclass(frozen=True, slots=True)
class Played:
    """One call of the demo as it went.

    Attributes:
        call: What was asked for.
        client: The class that sent it.
        watched: What came of it.
        recording: Its spans and log events.
    """

    call: DemoCall | SdkCall
    client: str
    watched: Watched
    recording: Recording

    @property
    def waterfall(self) -> Waterfall:
        """What it spent its time on."""
        return waterfall(self.recording.spans)


def play_sync(
    calls: Sequence[DemoCall | SdkCall] = SHOW, exporting: Telemetry | None = None
) -> list[Played]:
    """Send the calls one after another, each with a sync client.

    Args:
        calls: What to send.
        exporting: Where spans and metrics go beside being recorded, or None.

    Returns:
        How each went, in order.
    """
    with DemoServer(api_key=API_KEY) as server:
        common = _common(server, exporting)
        with Client(**_own(common)) as client:
            _play(client, _WARM_UP)
            return [
                _play(client, call) if isinstance(call, DemoCall) else _play_sdk(common, call)
                for call in calls
            ]


def play_async(
    calls: Sequence[DemoCall | SdkCall] = SHOW, exporting: Telemetry | None = None
) -> list[Played]:
    """Send the calls all at once, each with an async client.

    Args:
        calls: What to send.
        exporting: Where spans and metrics go beside being recorded, or None.

    Returns:
        How each went, in the order they were given.
    """
    return anyio.run(_play_all, calls, exporting)


async def _play_all(
    calls: Sequence[DemoCall | SdkCall], exporting: Telemetry | None
) -> list[Played]:
    played: dict[str, Played] = {}
    with DemoServer(api_key=API_KEY) as server:
        common = _common(server, exporting)
        async with AsyncClient(**_own(common)) as client:

            async def play(call: DemoCall | SdkCall) -> None:
                if isinstance(call, DemoCall):
                    played[call.name] = await _aplay(client, call)
                else:
                    played[call.name] = await _aplay_sdk(common, call)

            await _aplay(client, _WARM_UP)
            async with anyio.create_task_group() as group:
                for call in calls:
                    group.start_soon(play, call)
    return [played[call.name] for call in calls]


def _own(common: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a client of Penstock's own."""
    from penstock.middleware import Retry

    return {
        **common,
        "stack": Stack.standard().replace(Retry, Retry(base_delay=BASE_DELAY, jitter="equal")),
        "name": "demo",
    }


def _common(server: DemoServer, exporting: Telemetry | None) -> dict[str, Any]:
    """Return the arguments that every client takes, those of SDKs too."""
    return {
        "base_url": server.url,
        "api_key": API_KEY,
        "trust_env": False,
        "tracer_provider": Recorder(exporting.tracer_provider if exporting else None),
        "meter_provider": exporting.meter_provider if exporting else None,
        "logger": recording_logger(),
    }


def _play(client: Client, call: DemoCall) -> Played:
    with _told(call) as (watched, recorded, options):
        response = _sender(client, call, options)()
        if call.stream:
            for _ in response:
                pass
    return Played(call, "Client", watched[0], recorded)


async def _aplay(client: AsyncClient, call: DemoCall) -> Played:
    with _told(call) as (watched, recorded, options):
        response = _sender(client, call, options)()
        if call.stream:
            async for _ in response:
                pass
        else:
            await response
    return Played(call, "AsyncClient", watched[0], recorded)


def _play_sdk(common: dict[str, Any], call: SdkCall) -> Played:
    sdk_class = call.load(call.client)
    with (
        sdk_class(**common) as sdk,
        _told(call) as (watched, recorded, options),
    ):
        call.send(sdk.with_options(**options))
    return Played(call, call.client, watched[0], recorded)


async def _aplay_sdk(common: dict[str, Any], call: SdkCall) -> Played:
    sdk_class = call.load(call.async_client)
    async with sdk_class(**common) as sdk:
        with _told(call) as (watched, recorded, options):
            await call.send(sdk.with_options(**options))
    return Played(call, call.async_client, watched[0], recorded)


def _sender(client: Any, call: DemoCall, options: dict[str, Any]) -> Any:
    keywords = {"operation": f"demo.{call.name}", **options, **call.options}
    if call.stream:
        return partial(client.stream_events, call.method, call.path, format=call.stream, **keywords)
    return partial(client.request, call.method, call.path, **keywords)


@contextmanager
def _told(
    call: DemoCall | SdkCall,
) -> Iterator[tuple[list[Watched], Recording, dict[str, Any]]]:
    """Give where a call will be kept, and its options; that it fails is part of the show."""
    watched: list[Watched] = []
    options = {
        "headers": {"X-Demo-Fault": call.fault, "X-Demo-Key": call.name} if call.fault else {},
        "stack": lambda stack: Stack([Watch(watched.append), *detailed(stack)]),
    }
    with recording() as recorded:
        try:
            yield watched, recorded, options
        except PenstockError as error:
            watched[0].error = type(error).__name__
