"""Run in a process of its own: `memory_probe.py COLOUR URL` prints each peak of memory."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import penstock
from penstock.stepping import run_now

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

SIZE = 32 * 1024 * 1024
CHUNK = 64 * 1024


async def _peaks(client: Any) -> dict[str, int]:
    is_async = isinstance(client, penstock.AsyncClient)

    async def value(made: Any) -> Any:
        return await made if is_async else made

    async def read() -> None:
        if not is_async:
            with client.stream("GET", "/") as response:
                for _ in response.iter_bytes():
                    pass
            return
        async with client.stream("GET", "/") as response:
            async for _ in response.aiter_bytes():
                pass

    async def download() -> None:
        with tempfile.TemporaryDirectory() as directory:
            await value(client.download("/", Path(directory, "file")))

    async def send_file() -> None:
        with tempfile.TemporaryFile() as file:
            file.truncate(SIZE)
            # An async client takes no blocking file as `content=`, but does in a form.
            await value(
                client.post("/", **({"files": {"f": file}} if is_async else {"content": file}))
            )

    kinds: dict[str, Callable[[], Awaitable[Any]]] = {
        "held": lambda: value(client.get("/")),
        "read": read,
        "downloaded": download,
        "bytes sent": lambda: value(client.post("/", content=body)),
        "chunks sent": lambda: value(
            client.post("/", content=_chunks_async() if is_async else _chunks())
        ),
        "file sent": send_file,
    }
    body = bytes(SIZE)
    await value(client.post("/", content=b""))
    return {name: await _peak(call) for name, call in kinds.items()}


async def _peak(call: Callable[[], Awaitable[Any]]) -> int:
    tracemalloc.start()
    await call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def _chunks() -> Iterator[bytes]:
    return (bytes(CHUNK) for _ in range(SIZE // CHUNK))


async def _chunks_async() -> AsyncIterator[bytes]:
    for chunk in _chunks():
        yield chunk


async def _main(url: str) -> dict[str, int]:
    async with penstock.AsyncClient(url) as client:
        return await _peaks(client)


def run(colour: str, url: str) -> dict[str, int]:
    if colour == "sync":
        with penstock.Client(url) as client:
            return run_now(_peaks(client))
    if colour == "asyncio":
        return asyncio.run(_main(url))
    import trio

    return trio.run(_main, url)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(*sys.argv[1:])))
