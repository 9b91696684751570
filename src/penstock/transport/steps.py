"""What a request's `trace` extension and the engine's debug log are told of each step."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager, AbstractContextManager


class Steps:
    """The steps of one request, under the names that the engine gives them.

    Args:
        logger: The engine's, whose last name comes before each step's.
        trace: What is told the name and the facts of each event; in an async client, awaited.
    """

    def __init__(self, logger: logging.Logger, trace: Callable[[str, Any], Any] | None) -> None:
        self._logger = logger
        self._trace = trace
        self._prefix = logger.name.rpartition(".")[2]

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """Take a step inside, and tell of its start and its end, with what is put into the dict."""
        facts: dict[str, Any] = {}
        self._tell(f"{name}.started", facts)
        try:
            yield facts
        except BaseException as error:
            self._tell(f"{name}.failed", {"exception": error})
            raise
        self._tell(f"{name}.complete", facts)

    @asynccontextmanager
    async def astep(self, name: str) -> AsyncIterator[dict[str, Any]]:
        """Do what `step` does, on an event loop."""
        facts: dict[str, Any] = {}
        await self._atell(f"{name}.started", facts)
        try:
            yield facts
        except BaseException as error:
            await self._atell(f"{name}.failed", {"exception": error})
            raise
        await self._atell(f"{name}.complete", facts)

    def _tell(self, event: str, facts: dict[str, Any]) -> Any:
        shown = "".join(f" {name}={value!r}" for name, value in facts.items())
        self._logger.debug("%s%s", event, shown)
        return self._trace and self._trace(f"{self._prefix}.{event}", facts)

    async def _atell(self, event: str, facts: dict[str, Any]) -> None:
        told = self._tell(event, facts)
        if told is not None:
            await told


def steps_of(logger: logging.Logger, request: Any) -> Steps | None:
    """Return what is to be told of the steps of *request*, or None where nobody listens.

    Args:
        logger: The engine's.
        request: The request.
    """
    trace = request.extensions.get("trace")
    if trace is None and not logger.isEnabledFor(logging.DEBUG):
        return None
    return Steps(logger, trace)


_UNTOLD: nullcontext[Any] = nullcontext()


def step(steps: Steps | None, name: str) -> AbstractContextManager[Any]:
    """Return `Steps.step`, or a block that tells nothing where nobody listens."""
    return _UNTOLD if steps is None else steps.step(name)


def astep(steps: Steps | None, name: str) -> AbstractAsyncContextManager[Any]:
    """Return `Steps.astep`, or a block that tells nothing where nobody listens."""
    return _UNTOLD if steps is None else steps.astep(name)
