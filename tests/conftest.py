"""The three colours: a sync client, an async one on asyncio, and an async one on trio."""

from __future__ import annotations

import gc
import inspect
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import penstock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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


@pytest.fixture(params=["sync", "asyncio", "trio"])
def colour(request: pytest.FixtureRequest) -> Colour:
    return Colour(request.param)


@pytest.fixture(autouse=True)
def _collected(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have what a test drops open, and says so, collected while it passes over the warning."""
    yield
    marks = request.node.iter_markers("filterwarnings")
    if any("dropped open" in mark.args[0] for mark in marks):
        gc.collect()
