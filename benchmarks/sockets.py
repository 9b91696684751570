"""What a request costs on a socket: CPU, and requests a second, at 1 to 1,000 at once.

    python benchmarks/sockets.py                     print the tables
    python benchmarks/sockets.py --check             and exit 1 if a budget is exceeded
    python benchmarks/sockets.py --at-once 10 100    only these

Every client posts the same document to the same nginx (Debian package nginx-light, started here)
and parses the answer; `peers.py` says how each is set up. "Ours on …" is the full stack: two spans
and one line of JSON; "and metrics" has those too, as "assembled" has. CPU is this process's, so
nginx is not in it; requests a second are only as good as the neighbours.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from harness import (
    Subject,
    interleave,
    of_tasks,
    of_threads,
    parser_of,
    ratio,
    report,
    save,
)
from peers import Where, apeers_of, close_all, peers_of
from server import nginx

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BUDGETS = {
    "sync at 1: ours on pool": 0.95,
    "async at 10: ours on pool": 0.55,
    "async at 100: ours on pool": 0.25,
    "async at 100: ours, quiet": 0.20,
    "async at 10: ours on aiohttp": 0.45,
    "async at 100: ours on aiohttp": 0.20,
}
"""Upper bounds: CPU over bare httpx with its default limits, in the same run."""

AT_ONCE = (1, 10, 100, 1000)
TIMES = {1: 60, 10: 120, 100: 800, 1000: 2000}
"""Requests in a block: enough that opening connections at its start weighs little."""


class Row(NamedTuple):
    """One client at one concurrency.

    Attributes:
        cpu: Seconds of CPU a request.
        over: The same over bare httpx.
        rate: Requests a second.
    """

    cpu: float
    over: float
    rate: float


def time_all(
    colour: str, url: str, at_once: int, rounds: int, loop: asyncio.AbstractEventLoop
) -> list[Subject]:
    """Time every client of a colour at *at_once*, and close them."""
    where = Where(colour, url, at_once)
    times = TIMES.get(at_once, 2 * at_once)
    if colour == "async":
        peers = loop.run_until_complete(apeers_of(where))
        subjects = [of_tasks(peer.name, peer.post, loop, at_once) for peer in peers]
        interleave(subjects, rounds, times)
        loop.run_until_complete(close_all(peers))
        return subjects
    with ThreadPoolExecutor(at_once) as threads:
        peers = list(peers_of(where))
        subjects = [of_threads(peer.name, peer.post, threads, at_once) for peer in peers]
        interleave(subjects, rounds, times)
    for peer in peers:
        peer.close()
    return subjects


def rows_of(subjects: list[Subject]) -> dict[str, Row]:
    bare = next(subject for subject in subjects if subject.name == "httpx")
    return {
        subject.name: Row(
            statistics.median(subject.costs),
            ratio(subject, bare),
            1 / statistics.median(subject.waits),
        )
        for subject in subjects
    }


def tables(
    url: str, counts: list[int], rounds: int, loop: asyncio.AbstractEventLoop
) -> Iterator[tuple[str, dict[str, Row]]]:
    """Time every client of both colours at each of *counts*."""
    for colour in ("sync", "async"):
        for at_once in counts:
            # Much longer blocks: a few rounds of them say as much.
            turns = max(1, rounds // {1000: 4}.get(at_once, 1))
            subjects = time_all(colour, url, at_once, turns, loop)
            yield f"{colour} at {at_once}", rows_of(subjects)


def print_table(title: str, rows: Mapping[str, Row]) -> None:
    print(f"\n{title:<24}{'CPU µs':>9}{'x httpx':>9}{'req/s':>9}")
    for name, row in sorted(rows.items(), key=lambda item: item[1].cpu):
        print(f"{name:<24}{row.cpu * 1e6:>9.0f}{row.over:>9.2f}{row.rate:>9.0f}")


def main() -> int:
    parser = parser_of(__doc__, rounds=6)
    parser.add_argument("--at-once", type=int, nargs="+", default=list(AT_ONCE), metavar="N")
    options = parser.parse_args()
    loop = asyncio.new_event_loop()
    found: dict[str, dict[str, Row]] = {}
    with nginx() as server:
        for title, rows in tables(server.url, options.at_once, options.rounds, loop):
            print_table(title, rows)
            found[title] = rows
    save(
        options,
        {title: {n: row._asdict() for n, row in rows.items()} for title, rows in found.items()},
    )
    print()
    figures = {
        f"{title}: {name}": row.over for title, rows in found.items() for name, row in rows.items()
    }
    met = report({name: figures[name] for name in BUDGETS if name in figures}, at_most=BUDGETS)
    return 1 if options.check and not met else 0


if __name__ == "__main__":
    sys.exit(main())
