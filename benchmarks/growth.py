"""How the cost of a request grows: with concurrency, idle connections, threads, headers and more.

    python benchmarks/growth.py             print the curves
    python benchmarks/growth.py --check     and exit 1 if a budget is exceeded
    python benchmarks/growth.py --memory    only headers and layers, which need no server

All points of a curve are timed in turns, so that its rise is a ratio within one run. The server is
nginx (Debian package nginx-light), started here. Times are scaled to a machine on which a bare
`httpx.Client.post` takes 95 µs in memory.
"""

from __future__ import annotations

import asyncio
import sys

import growth_memory
import growth_wire
from harness import BARE_CALL, Curve, of_sync, parser_of, report, save
from server import nginx

OURS = "ours, quiet"

BUDGETS = {
    "1,000 at once over 10": 2.0,
    "1,000 at once over 10, on aiohttp": 2.0,
    "1,000 idle connections over 1": 1.2,
    "32 threads over 1": 1.3,
    "ns a header": 150,
}
"""Upper bounds. What a layer may cost is `overhead.py`'s to hold, for a stack of a usual depth."""


def in_memory(rounds: int, loop: asyncio.AbstractEventLoop) -> tuple[list[Curve], dict[str, float]]:
    """Return the curves that need no server, and their figures in nanoseconds."""
    headers, layers = growth_memory.headers(), growth_memory.layers(loop)
    machine = of_sync("bare", growth_memory.bare())
    headers.run(rounds, 100)
    layers.run(rounds, 1000, beside=[machine])  # how fast it is at that moment
    scale = BARE_CALL / min(machine.costs) * 1e9
    few, many = growth_memory.HEADERS[0], growth_memory.HEADERS[-1]
    depth = growth_memory.LAYERS[-1]
    return [headers, layers], {
        "ns a header": headers.slope(OURS, many, few) * scale,
        "ns a header, httpx": headers.slope("httpx", many, few) * scale,
        "ns a layer, sync": layers.slope("ours, sync", depth, 0) * scale,
        "ns a layer, async": layers.slope("ours, async", depth, 0) * scale,
    }


def on_wire(rounds: int, loop: asyncio.AbstractEventLoop) -> tuple[list[Curve], dict[str, float]]:
    """Return the curves on sockets, and by how many times ours rise."""
    with nginx() as server:
        at_once = growth_wire.concurrency(server, max(1, rounds // 4), loop)
        idle = growth_wire.idle(server, rounds, loop)
        threads = growth_wire.threads(server, rounds)
        bodies = [
            growth_wire.downloads(server, max(1, rounds // 4)),
            growth_wire.uploads(server, max(1, rounds // 4)),
        ]
    rises = {
        "1,000 at once over 10": at_once.rise(OURS, 1000, 10),
        "1,000 at once over 10, on aiohttp": at_once.rise("ours, quiet on aiohttp", 1000, 10),
        "1,000 idle connections over 1": idle.rise(OURS, 1000, 1),
        "32 threads over 1": threads.rise(OURS, 32, 1),
    }
    return [at_once, idle, threads, *bodies], {
        name: rise for name, rise in rises.items() if rise is not None
    }


def print_curve(curve: Curve) -> None:
    lines = curve.medians()
    sizes = sorted({size for line in lines.values() for size in line})
    print(f"\n{'µs by ' + curve.title:<32}" + "".join(f"{size:>11,}" for size in sizes))
    for name, line in lines.items():
        costs = (f"{line[size] * 1e6:>11,.1f}" if size in line else f"{'':>11}" for size in sizes)
        print(f"{name:<32}" + "".join(costs))


def main() -> int:
    parser = parser_of(__doc__, rounds=12)
    parser.add_argument("--memory", action="store_true", help="only what needs no server")
    options = parser.parse_args()
    loop = asyncio.new_event_loop()
    curves, figures = in_memory(options.rounds, loop)
    if not options.memory:
        more, rises = on_wire(options.rounds, loop)
        curves += more
        figures = rises | figures
    loop.close()
    for curve in curves:
        print_curve(curve)
    save(options, {"curves": {curve.title: curve.medians() for curve in curves}})
    print()
    met = report(figures, at_most=BUDGETS)
    return 1 if options.check and not met else 0


if __name__ == "__main__":
    sys.exit(main())
