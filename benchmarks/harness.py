"""What the benchmarks share: subjects timed in turns, telemetry, a table with its budgets.

CPU time of the process, so that a busy neighbour matters little; subjects in shuffled order in each
round, and the median of the per-round ratios, so that what drifts drifts for all. Absolute times
mean nothing on a shared machine.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import io
import json
import logging
import platform
import random
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from opentelemetry.metrics import NoOpMeter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
    from concurrent.futures import ThreadPoolExecutor

BARE_CALL = 95e-6
"""Seconds a bare `httpx.Client.post` took in memory where the budgets that are times were set."""

RESULTS = Path(__file__).parent / "results"


class Subject:
    """Something to time: `run(n)` does it n times.

    Args:
        name: What it is called.
        run: As above.
        clock: Tells the CPU seconds spent until now; those of this process unless given.

    Attributes:
        name: As above.
        costs: CPU seconds for doing it once, one for each round.
        waits: Seconds by the clock on the wall, likewise.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[int], None],
        clock: Callable[[], float] = time.process_time,
    ) -> None:
        self.name = name
        self._run = run
        self._clock = clock
        self.costs: list[float] = []
        self.waits: list[float] = []

    def round(self, times: int) -> None:
        cpu, wall = self._clock(), time.perf_counter()
        self._run(times)
        self.waits.append((time.perf_counter() - wall) / times)
        self.costs.append((self._clock() - cpu) / times)

    def forget(self) -> None:
        """Drop what was timed until now."""
        self.costs.clear()
        self.waits.clear()


def of_sync(name: str, call: Callable[[], Any]) -> Subject:
    def run(times: int) -> None:
        for _ in range(times):
            call()

    return Subject(name, run)


def of_async(
    name: str, call: Callable[[], Awaitable[Any]], loop: asyncio.AbstractEventLoop
) -> Subject:
    async def repeat(times: int) -> None:
        for _ in range(times):
            await call()

    return Subject(name, lambda times: loop.run_until_complete(repeat(times)))


def of_threads(
    name: str, call: Callable[[], Any], threads: ThreadPoolExecutor, at_once: int
) -> Subject:
    """Do it from *at_once* of *threads*, which live on between rounds; from this one if one."""
    if at_once == 1:
        return of_sync(name, call)

    def work(share: Iterator[int]) -> None:
        for _ in share:
            call()

    def run(times: int) -> None:
        share = iter(range(times))  # taking from it is atomic
        for future in [threads.submit(work, share) for _ in range(at_once)]:
            future.result()

    return Subject(name, run)


def of_tasks(
    name: str, call: Callable[[], Awaitable[Any]], loop: asyncio.AbstractEventLoop, at_once: int
) -> Subject:
    """Do it from *at_once* tasks."""

    async def work(share: Iterator[int]) -> None:
        for _ in share:
            await call()

    async def repeat(times: int) -> None:
        share = iter(range(times))
        await asyncio.gather(*(work(share) for _ in range(at_once)))

    return Subject(name, lambda times: loop.run_until_complete(repeat(times)))


def interleave(subjects: list[Subject], rounds: int, times: int) -> None:
    """Time *subjects* in turns, in another order each round, after a round that does not count.

    What all of them hold by then is not looked at by the cycle collector, which would bill a full
    collection of a dozen libraries to whoever happens to set it off.
    """
    order = random.Random(0)
    for subject in subjects:
        subject.round(times // 4 + 1)
        subject.forget()
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for subject in order.sample(subjects, len(subjects)):
            subject.round(times)
    gc.unfreeze()


class Curve:
    """The same done by several, at several sizes of something.

    Args:
        title: What the sizes are of, such as `threads that share a client`.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self._subjects: dict[tuple[str, int], Subject] = {}

    def add(self, name: str, size: int, subject: Subject) -> None:
        """Add *subject* as what *name* does at *size*."""
        self._subjects[name, size] = subject

    def run(
        self, rounds: int, times: int, *, at: int | None = None, beside: Sequence[Subject] = ()
    ) -> None:
        """Time everything, or only what is at one size, in turns, and what stands *beside* it."""
        chosen = [s for (_, size), s in self._subjects.items() if at in {None, size}]
        interleave([*chosen, *beside], rounds, times)

    def medians(self) -> dict[str, dict[int, float]]:
        """Return seconds of CPU by name and size."""
        found: dict[str, dict[int, float]] = {}
        for (name, size), subject in self._subjects.items():
            found.setdefault(name, {})[size] = statistics.median(subject.costs)
        return found

    def rise(self, name: str, high: int, low: int) -> float | None:
        """Return how many times what it costs at *low* it costs at *high*; None without *name*."""
        over, under = (self._subjects.get((name, size)) for size in (high, low))
        return ratio(over, under) if over and under else None

    def slope(self, name: str, high: int, low: int) -> float:
        """Return the seconds that one more costs, from the best of both ends."""
        over, under = self._subjects[name, high], self._subjects[name, low]
        return (min(over.costs) - min(under.costs)) / (high - low)


def ratio(over: Subject, under: Subject) -> float:
    """Return the median of the per-round ratios of two subjects that were timed together."""
    return statistics.median(a / b for a, b in zip(over.costs, under.costs, strict=True))


def added(over: Subject, under: Subject, base: Subject) -> float:
    """Return what *over* costs beyond *under*, as a share of *base*: the median of the rounds'."""
    costs = zip(over.costs, under.costs, base.costs, strict=True)
    return statistics.median((a - b) / whole for a, b, whole in costs)


def telemetry() -> dict[str, Any]:
    """Return what makes a client record: a real SDK with a batch processor, a JSON line a call."""
    return {"tracer_provider": recording_tracers(), "logger": json_logger()}


def everything() -> dict[str, Any]:
    """Return `telemetry`, and what makes a client record metrics."""
    return {**telemetry(), "meter_provider": holding_meters()}


def holding_meters(reader: InMemoryMetricReader | None = None) -> MeterProvider:
    """Return a real meter provider, whose reader holds what is recorded."""
    return MeterProvider([reader or InMemoryMetricReader()])


def holding_durations(reader: InMemoryMetricReader | None = None) -> Any:
    """Return a meter provider that holds `http.client.request.duration` and records nothing else.

    As an application does that wants no more: a view that drops a metric costs what it does.
    """
    return _OnlyDurations(holding_meters(reader))


class _OnlyDurations:
    """A provider of meters, and each of its meters."""

    def __init__(self, of: Any) -> None:
        self._of = of
        self._none = NoOpMeter("none")

    def get_meter(self, *args: Any, **named: Any) -> Any:
        return _OnlyDurations(self._of.get_meter(*args, **named))

    def create_histogram(self, name: str, *args: Any, **named: Any) -> Any:
        meter = self._of if name == "http.client.request.duration" else self._none
        return meter.create_histogram(name, *args, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._none, name)


def recording_tracers() -> TracerProvider:
    """Return a real tracer provider with a batch processor, whose exporter sends nothing."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(_NoExport(), max_queue_size=1 << 16))
    return provider


def json_logger() -> Any:
    """Return a structlog logger that renders each event as a line of JSON and writes it nowhere.

    It is set up as structlog's documentation has it for performance: orjson, and bytes.
    """
    return structlog.wrap_logger(
        structlog.BytesLogger(_Nowhere()),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
    )


class _Nowhere(io.BytesIO):
    def write(self, line: Any) -> int:
        return len(line)


class _NoExport(SpanExporter):
    def export(self, spans: Any) -> SpanExportResult:  # noqa: ARG002 - OpenTelemetry's signature
        return SpanExportResult.SUCCESS


def parser_of(description: str | None, rounds: int) -> argparse.ArgumentParser:
    """Return a parser of what every benchmark takes: `--check`, `--rounds`, `--save`."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="exit 1 when a budget is missed")
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument(
        "--save", action="store_true", help="keep the figures, which report.py draws"
    )
    return parser


def options_of(description: str | None, rounds: int) -> argparse.Namespace:
    """Return what the command line says, for a benchmark that takes nothing of its own."""
    return parser_of(description, rounds).parse_args()


def save(options: argparse.Namespace, figures: Mapping[str, Any]) -> None:
    """Write *figures* to `results/`, beside where they were read, if asked to."""
    if not options.save:
        return
    RESULTS.mkdir(exist_ok=True)
    data = {"where": f"CPython {platform.python_version()}, {platform.system()}", **figures}
    file = RESULTS / f"{Path(sys.argv[0]).stem}.json"
    file.write_text(json.dumps(data, indent=1) + "\n")
    print(f"saved: {file.name}")


def report(
    figures: Mapping[str, float],
    *,
    at_most: Mapping[str, float] | None = None,
    at_least: Mapping[str, float] | None = None,
) -> bool:
    """Print *figures* beside their budgets; tell whether all are met."""
    width = max(map(len, figures)) + 2
    met = True
    for name, figure in figures.items():
        line = f"{name:<{width}}{figure:>9.3f}"
        for word, budgets, sign in (("at most", at_most, 1), ("at least", at_least, -1)):
            budget = (budgets or {}).get(name)
            if budget is not None:
                missed = sign * figure > sign * budget
                met &= not missed
                line += f"   {word} {budget}{'  MISSED' if missed else ''}"
        print(line)
    return met
