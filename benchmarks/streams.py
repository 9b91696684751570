"""What an event of a stream costs: decoding it in memory, and end to end over the loopback.

    python benchmarks/streams.py            print the table
    python benchmarks/streams.py --check    and exit 1 if a budget is missed

A figure is how many times cheaper ours is, in CPU time. Decoding takes the bytes of an
`httpx.Response` to events whose data is text. End to end is a POST to a server in another process
and the JSON of each event; from the openai package, and from our client of the same API, each event
is an object with attributes.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import httpx_sse
import openai
from event_server import event_server
from harness import Subject, interleave, options_of, ratio, report, save
from stub import KEY, SIGNED

import penstock
from penstock.clients.openai_compatible import AsyncOpenAICompatible, OpenAICompatible
from penstock.streaming import SSEDecoder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator

DECODED = 20_000
SENT = 2_000
"""Events in a stream."""

PATH = "/v1/chat/completions"
CHAT: dict[str, Any] = {"model": "demo", "messages": [{"role": "user", "content": "Go on."}]}

BUDGETS = {
    "decoding, 64 KiB chunks, over httpx-sse": 3.0,
    "sync, an event a chunk, over httpx-sse": 1.3,
    "sync, an event a chunk, over openai": 8.0,
    "async, an event a chunk, over httpx-sse": 1.3,
    "async, an event a chunk, over openai": 8.0,
}
"""How many times cheaper ours must be."""


def events_of(count: int) -> list[bytes]:
    """Return a stream of chat completion chunks, as an OpenAI-compatible server sends them."""
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_760_000_000,
        "model": "demo",
        "choices": [{"index": 0, "delta": {"content": " word"}, "finish_reason": None}],
    }
    event = b"data: " + json.dumps(chunk).encode() + b"\n\n"
    return [event] * count + [b"data: [DONE]\n\n"]


class _Body(httpx.SyncByteStream):
    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._chunks)


def decoding(rounds: int) -> dict[str, float]:
    """Compare the decoders on chunks of several lengths."""
    events = events_of(DECODED)
    whole = b"".join(events)
    cuts = {
        f"{length // 1024} KiB chunks": [
            whole[at : at + length] for at in range(0, len(whole), length)
        ]
        for length in (64 * 1024, 4 * 1024)
    }
    pairs = {
        title: (_decoder(chunks, _our_events), _decoder(chunks, _their_events))
        for title, chunks in {**cuts, "an event a chunk": events}.items()
    }
    interleave([subject for pair in pairs.values() for subject in pair], rounds, 1)
    return {
        f"decoding, {title}, over httpx-sse": ratio(theirs, ours)
        for title, (ours, theirs) in pairs.items()
    }


def _decoder(chunks: list[bytes], events: Callable[[httpx.Response], Iterable[str]]) -> Subject:
    def run(times: int) -> None:
        for _ in range(times):
            response = httpx.Response(
                200, headers={"Content-Type": "text/event-stream"}, stream=_Body(chunks)
            )
            assert sum(1 for _ in events(response)) == DECODED + 1

    return Subject("", run)


def _our_events(response: httpx.Response) -> Iterator[str]:
    decoder = SSEDecoder()
    for chunk in response.iter_bytes():
        for event in decoder.feed(chunk):
            yield event.raw


def _their_events(response: httpx.Response) -> Iterator[str]:
    for event in httpx_sse.EventSource(response).iter_sse():
        yield event.data


def sync_readers(url: str) -> dict[str, Callable[[], int]]:
    """Return what posts and reads a whole stream, each with a client of its own."""
    bare = httpx.Client(base_url=url, headers=SIGNED)
    bare2 = httpx2.Client(base_url=url, headers=SIGNED)
    ours = penstock.Client(url, api_key=KEY)
    client = OpenAICompatible(f"{url}/v1", api_key=KEY)
    package = openai.OpenAI(api_key=KEY, base_url=f"{url}/v1")

    def penstock_events() -> int:
        with ours.stream_events("POST", PATH, json=CHAT) as events:
            return sum(len(event.data["choices"]) for event in events if not event.done)

    def httpx_sse_events() -> int:
        with httpx_sse.connect_sse(bare, "POST", PATH, json=CHAT) as source:
            datas = (event for event in source.iter_sse() if event.data != "[DONE]")
            return sum(len(event.json()["choices"]) for event in datas)

    def httpx2_events() -> int:
        with bare2.sse(PATH, method="POST", json=CHAT) as source:
            datas: Iterator[Any] = (event for event in source if event.data != "[DONE]")
            return sum(len(event.json()["choices"]) for event in datas)

    def chunks_of(client: Any) -> int:
        chunks = client.chat.completions.create(**CHAT, stream=True)
        return sum(len(chunk.choices) for chunk in chunks)

    return {
        "ours": penstock_events,
        "ours, openai_compatible": lambda: chunks_of(client),
        "httpx-sse": httpx_sse_events,
        "httpx2": httpx2_events,
        "openai": lambda: chunks_of(package),
    }


def async_readers(url: str) -> dict[str, Callable[[], Awaitable[int]]]:
    """Return the async twins of `sync_readers`."""
    bare = httpx.AsyncClient(base_url=url, headers=SIGNED)
    ours = penstock.AsyncClient(url, api_key=KEY)
    client = AsyncOpenAICompatible(f"{url}/v1", api_key=KEY)
    package = openai.AsyncOpenAI(api_key=KEY, base_url=f"{url}/v1")

    async def penstock_events() -> int:
        async with ours.stream_events("POST", PATH, json=CHAT) as events:
            return sum([len(event.data["choices"]) async for event in events if not event.done])

    async def httpx_sse_events() -> int:
        async with httpx_sse.aconnect_sse(bare, "POST", PATH, json=CHAT) as source:
            return sum(
                [
                    len(event.json()["choices"])
                    async for event in source.aiter_sse()
                    if event.data != "[DONE]"
                ]
            )

    async def chunks_of(client: Any) -> int:
        chunks: AsyncIterator[Any] = await client.chat.completions.create(**CHAT, stream=True)
        return sum([len(chunk.choices) async for chunk in chunks])

    return {
        "ours": penstock_events,
        "ours, openai_compatible": lambda: chunks_of(client),
        "httpx-sse": httpx_sse_events,
        "openai": lambda: chunks_of(package),
    }


def end_to_end(
    each: int, rounds: int, loop: asyncio.AbstractEventLoop
) -> dict[str, dict[str, Subject]]:
    """Time whole streams over the loopback, *each* events to a chunk; return the subjects."""

    def of_sync(name: str, read: Callable[[], int]) -> Subject:
        def run(times: int) -> None:
            for _ in range(times):
                assert read() == SENT

        return Subject(name, run)

    def of_async(name: str, read: Callable[[], Awaitable[int]]) -> Subject:
        async def once() -> int:
            return await read()

        return of_sync(name, lambda: loop.run_until_complete(once()))

    with event_server(events_of(SENT), each) as url:
        of = {
            "sync": {name: of_sync(name, read) for name, read in sync_readers(url).items()},
            "async": {name: of_async(name, read) for name, read in async_readers(url).items()},
        }
        interleave([subject for colour in of.values() for subject in colour.values()], rounds, 1)
    return of


def main() -> int:
    options = options_of(__doc__, rounds=15)
    figures = decoding(options.rounds)
    loop = asyncio.new_event_loop()
    microseconds: dict[str, dict[str, float]] = {}
    for each, title in ((1, "an event a chunk"), (16, "16 events a chunk")):
        for colour, of in end_to_end(each, options.rounds, loop).items():
            microseconds[f"{colour}, {title}"] = {
                name: statistics.median(subject.costs) / SENT * 1e6 for name, subject in of.items()
            }
            figures |= {
                f"{colour}, {title}, over {name}": ratio(subject, of["ours"])
                for name, subject in of.items()
                if name != "ours"
            }
    for title, row in microseconds.items():
        shown = "  ".join(f"{name} {value:.1f}" for name, value in row.items())
        print(f"µs an event, {title}: {shown}")
    save(options, {"microseconds": microseconds, "figures": figures})
    met = report(figures, at_least=BUDGETS)
    return 1 if options.check and not met else 0


if __name__ == "__main__":
    sys.exit(main())
