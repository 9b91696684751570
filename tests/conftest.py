"""The three colours: a sync client, an async one on asyncio, and an async one on trio."""

from __future__ import annotations

import gc
import inspect
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from hypothesis import HealthCheck, settings
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import penstock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A busy machine is slow in the midst of an example: that is nothing an example is about.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


class Colour:
    """One way to run a client: `client(...)` makes it, `run(call)` runs a call of it to its end."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_async = name != "sync"

    def client(self, *args: Any, **options: Any) -> Any:
        return (penstock.AsyncClient if self.is_async else penstock.Client)(*args, **options)

    def run(self, call: Callable[[], Any]) -> Any:
        """Run *call*, awaiting what it returns if that is awaitable."""
        if not self.is_async:
            return call()

        async def main() -> Any:
            result = call()
            return await result if inspect.isawaitable(result) else result

        return anyio.run(main, backend=self.name)

    def events(self, stream: Any) -> list[Any]:
        """Read a stream of events, or anything iterable in this colour, to its end."""
        if not self.is_async:
            return list(stream)

        async def read() -> list[Any]:
            return [event async for event in stream]

        return anyio.run(read, backend=self.name)

    def __repr__(self) -> str:
        return self.name


class Meter:
    """A meter provider whose points can be read."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader], shutdown_on_exit=False)

    def metrics(self) -> dict[str, Any]:
        """Return the scope of each metric, and the metric, by its name."""
        data = self._reader.get_metrics_data()
        return {
            metric.name: (scope.scope, metric)
            for resource in (data.resource_metrics if data else [])
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def points(self, name: str) -> list[Any]:
        """Return the points of a metric."""
        found = self.metrics().get(name)
        return list(found[1].data.data_points) if found else []

    def told(self, name: str) -> list[dict[str, Any]]:
        """Return the attributes of a metric's points."""
        return [dict(point.attributes) for point in self.points(name)]


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture(params=["sync", "asyncio", "trio"])
def colour(request: pytest.FixtureRequest) -> Colour:
    return Colour(request.param)


def pytest_collection_finish() -> None:
    """Keep the collector from looking at the tests themselves each time that one calls it."""

    gc.collect()
    gc.freeze()


@pytest.fixture
def collector_off() -> Iterator[None]:
    """Let a test count what only the cycle collector would free, of what the test made."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(autouse=True)
def _collected(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have what a test drops open, and says so, collected while it passes over the warning."""
    yield
    marks = request.node.iter_markers("filterwarnings")
    if any("dropped open" in mark.args[0] for mark in marks):
        gc.collect()
