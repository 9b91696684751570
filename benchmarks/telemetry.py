"""What telemetry costs: shares of a bare `httpx.Client.post`, interleaved in one run, in memory.

    python benchmarks/telemetry.py            print the table
    python benchmarks/telemetry.py --check    and exit 1 if a budget is exceeded

"added" is what a call costs beyond the same stack without Tracing, AttemptTracing and Logging, as a
share of a bare call. "Everything" is two recording spans behind a batch processor, the duration
metric (`http.client.request.duration`) and one line of JSON; "assembled" is one span, that metric
and a line from httpx, httpx-retries, its OpenTelemetry instrumentation and a log hook
(`assembled.py`). Penstock records the duration of whole calls too, unless nobody wants it: a row of
its own.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
from assembled import assembled
from floor import least_telemetry
from harness import (
    added,
    holding_durations,
    holding_meters,
    interleave,
    json_logger,
    of_async,
    of_sync,
    options_of,
    ratio,
    recording_tracers,
    report,
    save,
    telemetry,
)
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from stub import BODY, KEY, PATH, SIGNED, VALUES, Stub

import penstock
from penstock.middleware import AttemptTracing, Logging, Tracing

if TYPE_CHECKING:
    from harness import Subject

BUDGETS = {
    "quiet telemetry, added": 0.06,
    "everything on, added": 0.65,
    "everything on over assembled": 0.50,
}
"""Upper bounds, for each colour."""


def budgeted() -> dict[str, Any]:
    """Return what makes a client tell what is budgeted, and no more."""
    return {**telemetry(), "meter_provider": holding_durations()}


def silent_stack() -> penstock.Stack:
    """Return the standard stack without telemetry."""
    return penstock.Stack.standard().without(Tracing).without(AttemptTracing).without(Logging)


def floor_stack() -> penstock.Stack:
    """Return the stack without telemetry below the least that telemetry can be."""
    return penstock.Stack([least_telemetry(**budgeted()), *silent_stack()])


def sync_subjects() -> list[Subject]:
    ours = {"api_key": KEY, "transport": Stub(), **VALUES}
    clients: dict[str, Any] = {
        "bare": httpx.Client(transport=Stub(), **VALUES),
        "silent": penstock.Client(stack=silent_stack(), **ours),
        "quiet": penstock.Client(**ours),
        "spans": penstock.Client(tracer_provider=recording_tracers(), **ours),
        "metric": penstock.Client(meter_provider=holding_durations(), **ours),
        "log": penstock.Client(logger=json_logger(), **ours),
        "everything": penstock.Client(**budgeted(), **ours),
        "and calls": penstock.Client(**telemetry(), meter_provider=holding_meters(), **ours),
        "floor": penstock.Client(stack=floor_stack(), **ours),
        "assembled": assembled(httpx.Client, Stub(), **budgeted(), **VALUES),
    }
    return [of_sync(name, _sync_call(name, client)) for name, client in clients.items()]


def async_subjects(loop: asyncio.AbstractEventLoop) -> list[Subject]:
    ours = {"api_key": KEY, "transport": Stub(), **VALUES}
    clients: dict[str, Any] = {
        "bare": httpx.AsyncClient(transport=Stub(), **VALUES),
        "silent": penstock.AsyncClient(stack=silent_stack(), **ours),
        "quiet": penstock.AsyncClient(**ours),
        "spans": penstock.AsyncClient(tracer_provider=recording_tracers(), **ours),
        "metric": penstock.AsyncClient(meter_provider=holding_durations(), **ours),
        "log": penstock.AsyncClient(logger=json_logger(), **ours),
        "everything": penstock.AsyncClient(**budgeted(), **ours),
        "and calls": penstock.AsyncClient(**telemetry(), meter_provider=holding_meters(), **ours),
        "floor": penstock.AsyncClient(stack=floor_stack(), **ours),
        "assembled": assembled(httpx.AsyncClient, Stub(), **budgeted(), **VALUES),
    }
    return [of_async(name, _async_call(name, client), loop) for name, client in clients.items()]


def _post(name: str, client: Any) -> Any:
    signed = {"headers": SIGNED} if name in {"bare", "assembled"} else {}
    return partial(client.post, PATH, json=BODY, **signed)


def _sync_call(name: str, client: Any) -> Any:
    post = _post(name, client)
    return lambda: post().json()


def _async_call(name: str, client: Any) -> Any:
    post = _post(name, client)

    async def call() -> Any:
        return (await post()).json()

    return call


def figures_of(subjects: list[Subject]) -> dict[str, float]:
    """Return the figures of one colour; those without a budget tell where the cost is."""
    of = {subject.name: subject for subject in subjects}
    bare, silent = of["bare"], of["silent"]
    return {
        "quiet telemetry, added": added(of["quiet"], silent, bare),
        "everything on, added": added(of["everything"], silent, bare),
        "everything on over assembled": ratio(of["everything"], of["assembled"]),
        "  the least it can be, added": added(of["floor"], silent, bare),
        "  two spans, added": added(of["spans"], silent, bare),
        "  the metric, added": added(of["metric"], silent, bare),
        "  one JSON line, added": added(of["log"], silent, bare),
        "  everything and the calls' duration, added": added(of["and calls"], silent, bare),
        "  that over assembled": ratio(of["and calls"], of["assembled"]),
        "  without telemetry over bare": ratio(silent, bare),
        "  quiet over bare": ratio(of["quiet"], bare),
        "  everything on over bare": ratio(of["everything"], bare),
        "  assembled over bare": ratio(of["assembled"], bare),
    }


def metrics_recorded(make: Any) -> str:
    """Return the metrics one call of a client records that *make* makes, so that none is missed."""
    given = budgeted()
    reader = InMemoryMetricReader()
    given["meter_provider"] = holding_durations(reader)
    make(**given, **VALUES).post(PATH, json=BODY)
    data: Any = reader.get_metrics_data()  # None if there is nothing
    resources = data.resource_metrics if data else []
    scopes = [scope for resource in resources for scope in resource.scope_metrics]
    return ", ".join(sorted(metric.name for scope in scopes for metric in scope.metrics))


def main() -> int:
    options = options_of(__doc__, rounds=41)
    loop = asyncio.new_event_loop()
    colours = {"sync": sync_subjects(), "async": async_subjects(loop)}
    interleave([*colours["sync"], *colours["async"]], options.rounds, 120)
    loop.close()
    figures = {
        f"{name}, {colour}": figure
        for colour, subjects in colours.items()
        for name, figure in figures_of(subjects).items()
    }
    budgets = {f"{name}, {colour}": BUDGETS[name] for name in BUDGETS for colour in colours}
    print("ours records", metrics_recorded(partial(penstock.Client, transport=Stub())) or "nothing")
    print("assembled records", metrics_recorded(partial(assembled, httpx.Client, Stub())))
    save(options, {"figures": figures})
    met = report(figures, at_most=budgets)
    return 1 if options.check and not met else 0


if __name__ == "__main__":
    sys.exit(main())
