"""Does a client stay as small as it was? A million requests, a tenth of which meet a fault.

    python benchmarks/soak.py                          # 1,000,000 requests
    python benchmarks/soak.py --requests 100000 --check

Sixteen threads share a sync client with `Stack.production()`, then as many tasks an async one. The
server, a process of its own on loopback, answers nine requests of ten, and of the others in turn: a
reset, a body cut short, a garbage status line, a 503, a body too long for its length, bad gzip, an
idle connection closed. Printed are, ten times a run, the memory and the open files of the client's
process, and at the end how the calls ended.

`--check` exits 1 when memory grows by 1 MB or more for 100,000 requests (the slope of a straight
line through the second half of the series), when more files are open in the second half than in the
first, by more than four, or when an error came that is not Penstock's.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import socket
import struct
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio

import penstock
from penstock import middleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AT_ONCE = 16
READINGS = 10
FAULTS = 0.1
MOST_GROWTH = 1.0  # MB for 100,000 requests
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
GOOD = OK + b'Content-Length: 11\r\n\r\n{"ok":true}'
RESET = b""
FAULTY = [
    RESET,
    OK + b"Content-Length: 100\r\n\r\nshort",
    b"\x00\xff\x00 what is this\r\n\r\n",
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy",
    OK + b"Content-Length: 2\r\n\r\n{}leftover",
    OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nzzzz",
    GOOD,  # and the connection is closed afterwards
]
WHOLE = {FAULTY[3], GOOD}  # after any other answer nothing more can be said


class Reading(NamedTuple):
    """What was seen after so many requests."""

    requests: int
    megabytes: float
    files: int


def serve(listener: socket.socket) -> None:
    """Answer for ever, one thread a connection."""
    turns = itertools.count()
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=answer, args=(sock, turns), daemon=True).start()


def answer(sock: socket.socket, turns: Iterator[int]) -> None:
    with sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while sock.recv(65536):
                turn = next(turns)
                is_faulty = turn % round(1 / FAULTS) == 0
                said = FAULTY[turn // 10 % len(FAULTY)] if is_faulty else GOOD
                if said == RESET:
                    linger = struct.pack("ii", 1, 0)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    return
                sock.sendall(said)
                if is_faulty and said != FAULTY[3]:
                    return
        except OSError:
            return


def memory() -> float:
    """Return this process's resident memory in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def reading(requests: int) -> Reading:
    return Reading(requests, memory(), len(list(Path("/proc/self/fd").iterdir())))


def options() -> dict[str, Any]:
    """Return a client's arguments: production's stack, that waits little and never gives up."""
    stack = penstock.Stack.production().replace(
        middleware.Retry, middleware.Retry(base_delay=0.001, max_delay=0.01)
    )
    return {"stack": stack, "trust_env": False, "timeout": 10.0}


def ended(outcomes: Counter[str], error: Exception | None) -> None:
    ours = error is None or isinstance(error, penstock.PenstockError)
    name = "ok" if error is None else type(error).__name__
    outcomes[name if ours else f"untyped {name}"] += 1


def by_threads(url: str, requests: int, outcomes: Counter[str]) -> Iterator[Reading]:
    """Send *requests* from a sync client, and give a reading after each tenth of them."""

    def work(count: int) -> None:
        for _ in range(count):
            try:
                client.get("/it").json()
            except Exception as error:  # noqa: BLE001 - the untyped ones are what is looked for
                ended(outcomes, error)
            else:
                ended(outcomes, None)

    each = requests // READINGS // AT_ONCE
    with penstock.Client(url, **options()) as client, ThreadPoolExecutor(AT_ONCE) as threads:
        for number in range(1, READINGS + 1):
            list(threads.map(work, [each] * AT_ONCE))
            yield reading(each * AT_ONCE * number)


def by_tasks(url: str, requests: int, outcomes: Counter[str]) -> Iterator[Reading]:
    """As `by_threads`, from an async client on asyncio."""
    readings: list[Reading] = []
    each = requests // READINGS // AT_ONCE

    async def work(client: penstock.AsyncClient, count: int) -> None:
        for _ in range(count):
            try:
                (await client.get("/it")).json()
            except Exception as error:  # noqa: BLE001 - as above
                ended(outcomes, error)
            else:
                ended(outcomes, None)

    async def main() -> None:
        async with penstock.AsyncClient(url, **options()) as client:
            for number in range(1, READINGS + 1):
                async with anyio.create_task_group() as group:
                    for _ in range(AT_ONCE):
                        group.start_soon(work, client, each)
                readings.append(reading(each * AT_ONCE * number))

    anyio.run(main)
    yield from readings


def growth(readings: list[Reading]) -> float:
    """Return the MB that 100,000 requests add: a least-squares line through the second half."""
    late = readings[len(readings) // 2 :]
    xs, ys = [r.requests / 100_000 for r in late], [r.megabytes for r in late]
    middle, level = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - middle) ** 2 for x in xs)
    return sum((x - middle) * (y - level) for x, y in zip(xs, ys, strict=True)) / spread


def soak(name: str, run: Callable[..., Iterator[Reading]], url: str, requests: int) -> bool:
    """Run one colour, print what was seen, and tell whether it is within its bounds."""
    outcomes: Counter[str] = Counter()
    began = time.monotonic()
    readings = []
    print(f"{name}: {requests:,} requests, {AT_ONCE} at a time")
    for seen in run(url, requests, outcomes):
        readings.append(seen)
        print(f"  {seen.requests:>9,}  {seen.megabytes:7.1f} MB  {seen.files:3} files", flush=True)
    slope, seconds = growth(readings), time.monotonic() - began
    print(f"  {slope:+.2f} MB per 100,000; {seconds:.0f} s; {dict(outcomes.most_common())}")
    half = len(readings) // 2  # up to sixteen connections are open, or none, at any reading
    early, late = (max(r.files for r in part) for part in (readings[:half], readings[half:]))
    is_flat = late <= early + AT_ONCE // 4
    return slope < MOST_GROWTH and is_flat and not any("untyped" in key for key in outcomes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--requests", type=int, default=1_000_000, help="half of them by each client"
    )
    parser.add_argument("--check", action="store_true", help="exit 1 when a bound is missed")
    chosen = parser.parse_args()
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = multiprocessing.get_context("fork").Process(
        target=serve, args=(listener,), daemon=True
    )
    server.start()
    half = chosen.requests // 2
    kinds = {"Client": by_threads, "AsyncClient": by_tasks}
    good = [soak(name, run, url, half) for name, run in kinds.items()]
    server.terminate()
    if chosen.check and not all(good):
        sys.exit(1)


if __name__ == "__main__":
    main()
