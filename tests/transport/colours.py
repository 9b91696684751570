"""One scenario, three colours: a test says what happens once, and it happens on each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from penstock.transport import Family, Until, transports_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@dataclass(frozen=True)
class Colour:
    """`sync`, `asyncio` or `trio`, with a family: what a scenario is written in."""

    name: str
    family: Family

    @property
    def is_async(self) -> bool:
        return self.name != "sync"

    def transport(self, **options: Any) -> Any:
        """Return an owned transport that sees nothing of this process's environment."""
        return transports_of(self.family)[self.is_async](**{"environ": {}, **options})

    def request(self, url: str, method: str = "GET", *, timeout: Any = None, **options: Any) -> Any:
        extensions = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), 10.0)}
        extensions["timeout"].update(timeout or {})
        return self.family.http.Request(method, url, extensions=extensions, **options)

    def error(self, name: str) -> type[Exception]:
        """Return the family's error of that name."""
        error: type[Exception] = getattr(self.family.http, name)
        return error

    async def send(self, transport: Any, request: Any) -> Any:
        if self.is_async:
            return await transport.handle_async_request(request)
        return transport.handle_request(request)

    async def read(self, response: Any) -> bytes:
        data: bytes = await response.aread() if self.is_async else response.read()
        return data

    def chunks(self, response: Any) -> Any:
        """Return an iterator of the raw body, for `next`."""
        return aiter(response.stream) if self.is_async else iter(response.stream)

    async def next(self, chunks: Any) -> bytes:
        chunk: bytes = await anext(chunks) if self.is_async else next(chunks)
        return chunk

    async def close(self, closeable: Any) -> None:
        if self.is_async:
            await closeable.aclose()
        else:
            closeable.close()

    async def fetch(self, transport: Any, request: Any) -> tuple[int, bytes]:
        """Return the status and the whole body of an answer."""
        response = await self.send(transport, request)
        try:
            return response.status_code, await self.read(response)
        finally:
            await self.close(response)

    def run(self, scenario: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> Any:
        """Run *scenario* with a transport, which is closed at the end, and return its result."""

        async def whole() -> Any:
            transport = self.transport(**options)
            try:
                return await scenario(transport, *args)
            finally:
                await self.close(transport)

        if self.is_async:
            return anyio.run(whole, backend=self.name)
        return step(whole())

    def fetched(self, url: str, **options: Any) -> tuple[int, bytes]:
        """Return status and body of one GET by a transport with *options*."""
        got: tuple[int, bytes] = self.run(partial(self._get, url), **options)
        return got

    async def _get(self, url: str, transport: Any) -> tuple[int, bytes]:
        return await self.fetch(transport, self.request(url))


def step(coroutine: Any) -> Any:
    """Return the result of a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    msg = "a sync scenario suspended"
    raise AssertionError(msg)


def by(seconds: float) -> dict[str, Until]:
    """Return the timeouts of a request that may run for *seconds* from now, however it goes on."""
    at = time.monotonic() + seconds
    return {phase: Until(30.0, at, time.monotonic) for phase in ("connect", "read", "write")}
