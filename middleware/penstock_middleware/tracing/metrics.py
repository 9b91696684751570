"""The instruments of one client (semantic conventions 1.44, "HTTP metrics", and Penstock's own)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

from opentelemetry.metrics import Observation

from penstock import RetryScheduled, SendEnded
from penstock_middleware.tracing import conventions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from opentelemetry.context import Context
    from opentelemetry.metrics import Meter

    from penstock import Call, Request, Scope
    from penstock_middleware.tracing.live_span import Measure
    from penstock_middleware.tracing.targets import Target

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""Bucket boundaries of `http.client.request.duration` by the conventions."""

_CALL_SECONDS = (*_SECONDS, 30, 60, 120)
"""A call has its waits besides, and may have a model think."""

_OPERATIONS_KEPT = 1024


class Metrics:
    """Records what calls and sends took.

    Args:
        meter: The client's.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._send_duration = meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._call_duration = meter.create_histogram(
            "penstock.client.call.duration",
            unit="s",
            description="Duration of whole calls, retries and waits included.",
            explicit_bucket_boundaries_advisory=_CALL_SECONDS,
        )
        self._retries = meter.create_counter(
            "penstock.client.retries", unit="{retry}", description="Attempts that were repeated."
        )
        self._active = meter.create_up_down_counter(
            conventions.ACTIVE_REQUESTS,
            unit="{request}",
            description="Number of active HTTP requests.",
        )
        self._sizes = {
            name: meter.create_histogram(name, unit="By", description=f"Size of {what} bodies.")
            for name, what in (
                (conventions.REQUEST_SIZE, "request"),
                (conventions.RESPONSE_SIZE, "response"),
            )
        }
        self._waits = meter.create_histogram(
            conventions.POOL_WAIT,
            unit="s",
            description="Time until a connection was free.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._counts_connections = False
        self._calls: dict[tuple[str | None, ...], dict[str, Any]] = {}

    def count_connections(self, scope: Scope) -> None:
        """Tell from now on how many connections are open, where the transport says it.

        Args:
            scope: The client's. It is not kept: a meter outlives its clients.
        """
        if scope.connections is None or self._counts_connections:
            return
        self._counts_connections = True
        self._meter.create_observable_up_down_counter(
            conventions.OPEN_CONNECTIONS,
            [partial(_connections, WeakMethod(scope.connections))],
            unit="{connection}",
            description="Number of open connections, active or idle.",
        )

    def start_send(
        self, target: Target, request: Request, call: Call, optional: Collection[str]
    ) -> Measure:
        """Begin measuring one send; call what is returned at its end.

        Args:
            target: Where it goes.
            request: What is sent.
            call: Its call.
            optional: Which of `OPTIONAL_METRICS` to record.
        """
        if not optional:
            return partial(self._send_ended, target)
        if conventions.ACTIVE_REQUESTS in optional:
            self._active.add(1, target.measured)
        number = call.sends

        def ended(
            seconds: float, attributes: dict[str, Any], size: int | None, context: Context
        ) -> None:
            self._send_ended(target, seconds, attributes, size, context)
            if conventions.ACTIVE_REQUESTS in optional:
                self._active.add(-1, target.measured)
            if conventions.POOL_WAIT in optional:
                for fact in call.facts:
                    if type(fact) is SendEnded and fact.number == number:
                        self._waits.record(fact.waited, target.measured, context)
            sizes = {
                conventions.REQUEST_SIZE: request.headers.get("content-length"),
                conventions.RESPONSE_SIZE: size,
            }
            for name, known in sizes.items():
                if name in optional and known is not None:
                    self._sizes[name].record(int(known), target.ended(attributes), context)

        return ended

    def _send_ended(
        self,
        target: Target,
        seconds: float,
        attributes: dict[str, Any],
        size: int | None,  # noqa: ARG002 - as every Measure
        context: Context,
    ) -> None:
        self._send_duration.record(seconds, target.ended(attributes), context)

    def call_ended(
        self,
        call: Call,
        seconds: float,
        attributes: dict[str, Any],
        size: int | None,  # noqa: ARG002 - as every Measure
        context: Context,
    ) -> None:
        """Record how long a whole call took, and what was repeated in it."""
        key = call.client_name, call.operation, attributes.get("error.type")
        told = self._calls.get(key)
        if told is None:
            told = {name: value for name, value in zip(conventions.CALL, key, strict=True) if value}
            if len(self._calls) < _OPERATIONS_KEPT:
                self._calls[key] = told
        # The SDK takes an empty dict apart as it does a full one; of None it makes none.
        self._call_duration.record(seconds, told or None, context)
        if call.attempt_count > 1:
            self._count_retries(call, context)

    def _count_retries(self, call: Call, context: Context) -> None:
        server = {} if call.origin is None else conventions.server_attributes(call.origin)
        for fact in call.facts:
            if type(fact) is RetryScheduled:
                self._retries.add(1, {**server, "penstock.retry.reason": fact.reason}, context)


def _connections(told: WeakMethod[Any], _options: Any) -> Iterator[Observation]:
    connections = told()
    for origin in connections() if connections is not None else ():
        server = {"server.address": origin.host, "server.port": origin.port}
        for state, count in (("active", origin.open - origin.idle), ("idle", origin.idle)):
            yield Observation(count, {**server, "http.connection.state": state})
