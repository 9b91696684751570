"""Draw what the benchmarks saved: the plots of `docs/benchmarks.md`.

for each in telemetry sockets growth cold memory streams; do
    python benchmarks/$each.py --save
done
python benchmarks/report.py
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import RESULTS
from plots import bars, lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Plot = tuple[str, str]  # its title, from which its file's name is, and the SVG

ASSETS = Path(__file__).parent.parent / "docs" / "assets" / "benchmarks"


def telemetry(results: dict[str, Any]) -> Iterator[Plot]:
    labels = {
        "without telemetry over bare": "ours, no telemetry",
        "quiet over bare": "ours, quiet",
        "everything on over bare": "ours, everything on",
        "assembled over bare": "assembled",
    }
    panels: dict[str, dict[str, float]] = {
        colour: {"httpx": 1.0}
        | {label: results["figures"][f"  {name}, {colour}"] for name, label in labels.items()}
        for colour in ("sync", "async")
    }
    title = "A call in memory"
    yield title, bars(title, "CPU, as a multiple of a bare httpx call", panels)


def sockets(results: dict[str, Any]) -> Iterator[Plot]:
    for colour in ("sync", "async"):
        panels = {
            f"{table.removeprefix(f'{colour} at ')} at once": {
                name: row["cpu"] * 1e6 for name, row in rows.items()
            }
            for table, rows in results.items()
            if table.startswith(f"{colour} at ")
        }
        title = f"A request on a socket, {colour}"
        yield title, bars(title, "µs of CPU a request", panels)


def growth(results: dict[str, Any]) -> Iterator[Plot]:
    for across, curves in results["curves"].items():
        series = {
            name: {int(size): cost * 1e6 for size, cost in line.items()}
            for name, line in curves.items()
        }
        title = f"CPU by {across}"
        log = across not in {"headers of the client", "layers"}
        yield title, lines(title, "µs of CPU a request", across, series, log=log)


def streams(results: dict[str, Any]) -> Iterator[Plot]:
    title = "An event of a stream"
    yield title, bars(title, "µs of CPU an event", results["microseconds"])


def cold(results: dict[str, Any]) -> Iterator[Plot]:
    panels: dict[str, dict[str, float]] = {}
    for name, value in results["milliseconds"].items():
        step, _, library = name.partition(": ")
        if library:
            panels.setdefault(step, {})[library] = value
    title = "A cold start"
    yield title, bars(title, "ms of CPU, the interpreter's own start included", panels)


def memory(results: dict[str, Any]) -> Iterator[Plot]:
    wanted = {
        "KiB of the process a further client": "A further client, KiB of the process",
        "KiB a request under way": "A request under way, KiB",
        "peak of a body held, over the body": "Peak while a body is held, over the body",
    }
    panels: dict[str, dict[str, float]] = {}
    for name, value in results["figures"].items():
        for figure, heading in wanted.items():
            if name.startswith(figure):
                whose = name.removeprefix(figure).removeprefix(", ")
                label = whose if whose in {"httpx", "openai"} else f"ours, {whose}".strip(", ")
                panels.setdefault(heading, {})[label] = value
    title = "What is held in memory"
    yield title, bars(title, "As each heading says", panels)


DRAWN: dict[str, Callable[[dict[str, Any]], Iterator[Plot]]] = {
    "telemetry": telemetry,
    "sockets": sockets,
    "growth": growth,
    "streams": streams,
    "cold": cold,
    "memory": memory,
}
"""What draws the figures of each benchmark."""


def main() -> None:
    ASSETS.mkdir(parents=True, exist_ok=True)
    for name, draw in DRAWN.items():
        file = RESULTS / f"{name}.json"
        if not file.exists():
            print(f"left out: {name}: run benchmarks/{name}.py --save first")
            continue
        for title, svg in draw(json.loads(file.read_text())):
            drawn = ASSETS / f"{re.sub(r'[^a-z0-9]+', '-', title.lower())}.svg"
            drawn.write_text(svg)
            print(f"drawn: {drawn.name}")


if __name__ == "__main__":
    main()
