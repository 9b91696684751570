"""What is held in memory: by a client, by a request under way, by a body, after 100,000 requests.

    python benchmarks/memory.py                       print the table
    python benchmarks/memory.py --check               and exit 1 if a budget is exceeded
    python benchmarks/memory.py --requests 1000       fewer of them

Bytes are those that `tracemalloc` counts; the blocks left after many requests are the interpreter's
own count. Everything is in memory, so that the sockets' buffers, which are the kernel's, are not in
it.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import tracemalloc
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from harness import everything, of_async, of_sync, parser_of, report, save
from stub import BODY, HEAD, KEY, PATH, SIGNED, VALUES, Stub

import penstock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLIENTS = 20
PARKED = 1000
CHUNK = b"x" * (64 * 1024)
CHUNKS = 256  # 16 MiB

BUDGETS = {
    "KiB a further client": 20,
    "objects in cycles a request, sync": 0,
    "objects in cycles a request, async": 0,
    "blocks left a request, of many": 0.01,
    "peak of a body held, over the body": 1.1,
    "peak of a body streamed, KiB": 512,
}
"""Upper bounds, for ours."""


class Parked(Stub):
    """Answers nobody until it is told to."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self.gate.wait()
        return self.handle_request(request)


class Body(httpx.SyncByteStream):
    """A long body in chunks, each of its own: as a socket gives them."""

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(CHUNKS):
            yield bytes(bytearray(CHUNK))


class Long(httpx.BaseTransport):
    """Answers with a long body."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - httpx's
        length = (b"Content-Length", b"%d" % (CHUNKS * len(CHUNK)))
        return httpx.Response(200, headers=[HEAD[0], length], stream=Body())


def allocated(do: Callable[[], Any]) -> tuple[int, int]:
    """Return the bytes that *do* leaves allocated, its result included, and the peak meanwhile."""
    gc.collect()
    tracemalloc.start()
    kept = do()
    gc.collect()
    left, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return left, peak


def resident() -> float:
    """Return the KiB of this process that are in memory, what OpenSSL holds included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024


def further_clients() -> dict[str, float]:
    """Return what a client takes in a process that has one: of Python's memory, and of all."""
    url = "https://api.example.com"
    makers: dict[str, Callable[[], Any]] = {
        "": partial(penstock.Client, url, api_key=KEY),
        ", httpx": partial(httpx.Client, base_url=url),
    }
    if find_spec("openai"):
        import openai

        makers[", openai"] = partial(openai.OpenAI, api_key=KEY, base_url=url)
    kept = {name: [make()] for name, make in makers.items()}
    figures = {}
    for name, make in makers.items():
        before = resident()
        kept[name] += _several(make)  # what was given back would be there for the next
        figures[f"KiB of the process a further client{name}"] = (resident() - before) / CLIENTS
    for name, make in makers.items():
        left, _ = allocated(partial(_several, make))
        figures[f"KiB a further client{name}"] = left / CLIENTS / 1024
    return figures


def _several(make: Callable[[], Any]) -> list[Any]:
    return [make() for _ in range(CLIENTS)]


async def under_way() -> dict[str, float]:
    """Return what a request that waits for its answer takes, its task included."""
    figures = {}
    for name, kind, more in (
        ("", penstock.AsyncClient, {"api_key": KEY}),
        (", everything on", penstock.AsyncClient, {"api_key": KEY, **everything()}),
        (", httpx", httpx.AsyncClient, {}),
    ):
        transport = Parked()
        client: Any = kind(transport=transport, **VALUES, **more)
        headers = SIGNED if kind is httpx.AsyncClient else {}
        transport.gate.set()
        await client.post(PATH, json=BODY, headers=headers)
        transport.gate.clear()
        gc.collect()
        tracemalloc.start()
        tasks = [
            asyncio.ensure_future(client.post(PATH, json=BODY, headers=headers))
            for _ in range(PARKED)
        ]
        for _ in range(20):
            await asyncio.sleep(0)
        left, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        figures[f"KiB a request under way{name}"] = left / PARKED / 1024
        transport.gate.set()
        await asyncio.gather(*tasks)
    return figures


def garbage(loop: asyncio.AbstractEventLoop) -> dict[str, float]:
    """Return how many objects a call leaves in reference cycles; ours has everything on."""
    client = penstock.Client(api_key=KEY, transport=Stub(), **VALUES, **everything())
    aclient = penstock.AsyncClient(api_key=KEY, transport=Stub(), **VALUES, **everything())
    bare = httpx.Client(transport=Stub(), **VALUES)
    subjects = [
        of_sync("sync", partial(client.post, PATH, json=BODY)),
        of_async("async", partial(aclient.post, PATH, json=BODY), loop),
        of_sync("httpx", partial(bare.post, PATH, json=BODY)),
    ]
    figures = {}
    for subject in subjects:
        subject.round(1)
        gc.collect()
        gc.disable()
        subject.round(100)
        figures[f"objects in cycles a request, {subject.name}"] = gc.collect() / 100
        gc.enable()
    return figures


def many(requests: int) -> dict[str, float]:
    """Return what many requests with everything on leave behind, once a tenth have been made."""
    given = everything()
    client = penstock.Client(api_key=KEY, transport=Stub(), **VALUES, **given)

    def blocks_after(count: int) -> int:
        for _ in range(count):
            client.post(PATH, json=BODY).json()
        given["tracer_provider"].force_flush()
        gc.collect()
        return sys.getallocatedblocks()

    early = blocks_after(requests // 10)
    late = blocks_after(requests - requests // 10)
    return {"blocks left a request, of many": max(0, late - early) / requests}


def bodies() -> dict[str, float]:
    """Return the peak while a long body is read: whole, and in chunks."""
    client = penstock.Client("https://api.example.com", transport=Long())
    bare = httpx.Client(base_url="https://api.example.com", transport=Long())

    def whole(client: Any) -> int:
        return len(client.get("/").content)

    def stream(client: Any) -> int:
        with client.stream("GET", "/") as response:
            return sum(len(chunk) for chunk in response.iter_bytes())

    size = CHUNKS * len(CHUNK)
    figures = {}
    for name, whose in (("", client), (", httpx", bare)):
        _, held = allocated(partial(whole, whose))
        _, streamed = allocated(partial(stream, whose))
        figures[f"peak of a body held, over the body{name}"] = held / size
        figures[f"peak of a body streamed, KiB{name}"] = streamed / 1024
    return figures


def main() -> int:
    parser = parser_of(__doc__, rounds=1)
    parser.add_argument("--requests", type=int, default=100_000, help="how many `many` makes")
    options = parser.parse_args()
    loop = asyncio.new_event_loop()
    figures = further_clients() | loop.run_until_complete(under_way()) | garbage(loop)
    loop.close()
    figures |= bodies() | many(options.requests)
    save(options, {"figures": figures})
    met = report(figures, at_most=BUDGETS)
    return 1 if options.check and not met else 0


if __name__ == "__main__":
    sys.exit(main())
