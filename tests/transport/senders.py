"""An engine in a colour: what the laws of the engines are written in."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import penstock
from penstock.transport.capabilities import ENGINES, TABLE

from .colours import step

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


LIMIT = 0.15
SOON = 2.0


@dataclass(frozen=True)
class Sender:
    """An engine in a colour: what a scenario is written in."""

    engine: str
    colour: str

    @property
    def is_async(self) -> bool:
        return self.colour != "sync"

    def can(self, name: str) -> bool:
        return TABLE[name].by(self.engine, is_async=self.is_async)

    def client(self, url: str, **options: Any) -> Any:
        kind = penstock.AsyncClient if self.is_async else penstock.Client
        quiet = {"trust_env": False, "max_retries": 0, "timeout": 10.0, "engine": self.engine}
        return kind(url, **{**quiet, **options})

    async def get(self, client: Any, path: str = "/", method: str = "GET", **call: Any) -> Any:
        answer = client.request(method, path, **call)
        return await answer if self.is_async else answer

    async def send(self, client: Any, request: Any) -> Any:
        answer = client.send(request)
        return await answer if self.is_async else answer

    @asynccontextmanager
    async def stream(self, client: Any, path: str) -> AsyncIterator[Any]:
        """Hold a response with its body still to be read."""
        if self.is_async:
            async with client.stream("GET", path) as response:
                yield response
        else:
            with client.stream("GET", path) as response:
                yield response

    async def read(self, response: Any, take: Callable[[bytes], None]) -> None:
        """Hand the chunks of an open body to *take*, as they come."""
        if self.is_async:
            async for chunk in response.aiter_raw():
                take(chunk)
        else:
            for chunk in response.iter_raw():
                take(chunk)

    async def close(self, closeable: Any) -> None:
        if self.is_async:
            await closeable.aclose()
        else:
            closeable.close()

    async def first_chunk(self, client: Any, **call: Any) -> bytes:
        """Return the first chunk of a stream, which is then left."""
        if not self.is_async:
            with client.stream("GET", "/", **call) as response:
                return next(response.iter_raw())  # type: ignore[no-any-return]
        async with client.stream("GET", "/", **call) as response:
            chunks = response.aiter_raw()
            chunk: bytes = await anext(chunks)
            await chunks.aclose()
            return chunk

    def run(self, scenario: Callable[..., Any], url: str, **options: Any) -> Any:
        """Run *scenario* with a client, which is closed at the end, and return its result."""

        async def whole() -> Any:
            client = self.client(url, **options)
            try:
                return await scenario(client)
            finally:
                await self.close(client)

        if self.is_async:
            return anyio.run(whole, backend=self.colour)
        return step(whole())


SENDERS = [
    Sender(engine, colour)
    for engine in ENGINES
    for colour in ("sync", "asyncio", "trio")
    if TABLE[colour].by(engine, is_async=colour != "sync")
]
ASYNCIO = [sender for sender in SENDERS if sender.colour == "asyncio"]
ASYNC = [sender for sender in SENDERS if sender.is_async]


def named(value: object) -> str | None:
    return f"{value.engine}-{value.colour}" if isinstance(value, Sender) else None


def over(senders: list[Sender]) -> Any:
    return pytest.mark.parametrize("sender", senders, ids=named)


def able(*names: str) -> list[Sender]:
    return [sender for sender in SENDERS if all(sender.can(name) for name in names)]
