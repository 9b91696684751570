"""What the pool tells, where it is asked to."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import anyio

from penstock import AsyncClient, Limits, Stack
from penstock.middleware import AttemptTracing

if TYPE_CHECKING:
    from penstock.demo import DemoServer

OPEN = "http.client.open_connections"
WAIT = "penstock.client.pool.wait"
STACK = Stack.standard().replace(AttemptTracing, AttemptTracing(metrics=[OPEN, WAIT]))


def _connections(meter: Any) -> dict[str, int]:
    """Return how many connections are in which state."""
    return {point.attributes["http.connection.state"]: point.value for point in meter.points(OPEN)}


def _client(colour: Any, server: DemoServer, meter: Any, **options: Any) -> Any:
    return colour.client(
        server.url, meter_provider=meter.provider, stack=STACK, trust_env=False, **options
    )


def test_open_connections_are_counted(colour: Any, server: DemoServer, meter: Any) -> None:
    """A connection is active while a body is read and idle after it, and gone with its client."""
    seen: list[dict[str, int]] = []

    def stream() -> None:
        with _client(colour, server, meter) as client:
            with client.stream("GET", "/v1/models") as response:
                seen.append(_connections(meter))
                response.read()
            seen.append(_connections(meter))

    async def astream() -> None:
        async with _client(colour, server, meter) as client:
            async with client.stream("GET", "/v1/models") as response:
                seen.append(_connections(meter))
                await response.aread()
            seen.append(_connections(meter))

    colour.run(astream if colour.is_async else stream)
    gc.collect()
    assert seen == [{"active": 1, "idle": 0}, {"active": 0, "idle": 1}]
    assert _connections(meter) in ({}, {"active": 0, "idle": 0})


def test_waits_for_a_connection_are_measured(server: DemoServer, meter: Any) -> None:
    """Every send tells how long it waited for a connection, and not at all is a time as well."""

    async def four() -> None:
        limits = Limits(max_connections=1, max_keepalive_connections=1)
        async with (
            AsyncClient(
                server.url,
                meter_provider=meter.provider,
                stack=STACK,
                trust_env=False,
                limits=limits,
            ) as client,
            anyio.create_task_group() as group,
        ):
            for _ in range(4):
                group.start_soon(client.get, "/v1/models")

    anyio.run(four)
    (point,) = meter.points(WAIT)
    assert point.count == 4
    assert point.min == 0
    assert point.max > 0
