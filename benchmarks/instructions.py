"""The instruction gate: how many instructions a call of the hot path takes, under callgrind.

    python benchmarks/instructions.py             print the figures beside the recorded ones
    python benchmarks/instructions.py --check     and exit 1 if one is over by more than 3 %
    python benchmarks/instructions.py --record    keep them as this interpreter's

A call is `(I(120) - I(20)) / 100`, so that start-up cancels, with the hash seed fixed and garbage
collection off. The count is the same in each run to well under a percent, whatever the neighbours
do, but only for the same interpreter and dependencies, which is what `instructions.json` is keyed
by. It is no ratio of times: it sees no cache, no system call and no collection. Needs valgrind (the
Debian package of that name); about ten seconds a run, two runs a figure.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stub import BODY, KEY, PATH, VALUES, Stub

import penstock

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDED = Path(__file__).parent / "instructions.json"
TOLERANCE = 1.03
FEW, MANY = 20, 120
ON_THE_PATH = {
    "anyio",
    "httpx",
    "msgspec",
    "opentelemetry-api",
    "opentelemetry-sdk",
    "orjson",
    "structlog",
    "tenacity",
}
"""The distributions whose code a call runs through, if they are installed."""


def quiet(times: int) -> None:
    client = penstock.Client(api_key=KEY, transport=Stub(), **VALUES)
    _repeat(partial(client.post, PATH, json=BODY), times)


def full(times: int) -> None:
    """Call with everything on, but no batch processor: its thread would disturb."""
    from harness import json_logger
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider

    given: dict[str, Any] = {
        "tracer_provider": TracerProvider(),
        "meter_provider": MeterProvider([InMemoryMetricReader()]),
        "logger": json_logger(),
    }
    client = penstock.Client(api_key=KEY, transport=Stub(), **VALUES, **given)
    _repeat(partial(client.post, PATH, json=BODY), times)


def quiet_async(times: int) -> None:
    client = penstock.AsyncClient(api_key=KEY, transport=Stub(), **VALUES)

    async def calls() -> None:
        gc.disable()
        for _ in range(times):
            (await client.post(PATH, json=BODY)).json()

    asyncio.run(calls())


def _repeat(call: Callable[[], Any], times: int) -> None:
    gc.disable()
    for _ in range(times):
        call().json()


PATHS: dict[str, Callable[[int], None]] = {
    "quiet, sync": quiet,
    "quiet, async": quiet_async,
    "full, sync": full,
}


def count(name: str, times: int) -> int:
    """Return the instructions of a whole process that makes *times* calls."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        sys.exit("valgrind is not installed: it is the Debian package valgrind")
    with tempfile.TemporaryDirectory() as home:
        command = [
            valgrind,
            "--tool=callgrind",
            f"--callgrind-out-file={home}/out",
            sys.executable,
            __file__,
            "--run",
            name,
            str(times),
        ]
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode or not found:
        sys.exit(f"callgrind failed on {name}:\n{run.stderr[-2000:]}")
    return int(found[1])


def measure() -> dict[str, int]:
    """Return the instructions of one call on each path, counted on every core."""
    with ThreadPoolExecutor(os.cpu_count()) as cores:
        runs = {
            (name, times): cores.submit(count, name, times)
            for name in PATHS
            for times in (FEW, MANY)
        }
    return {
        name: round((runs[name, MANY].result() - runs[name, FEW].result()) / (MANY - FEW))
        for name in PATHS
    }


def key() -> str:
    """Return what figures are comparable within: the interpreter's build and the dependencies."""
    build = " ".join(platform.python_build())
    parts = [f"CPython {platform.python_version()} ({build}, {platform.python_compiler()})"]
    installed = {(found.name.lower(), found.version) for found in distributions()}
    parts += [f"{name} {number}" for name, number in sorted(installed) if name in ON_THE_PATH]
    return ", ".join(parts)


def within(figures: dict[str, int], recorded: dict[str, int]) -> bool:
    """Print *figures* beside the *recorded* ones; tell whether none is over by too much."""
    met = True
    for name, figure in figures.items():
        line = f"{name:<16}{figure:>12,}"
        if name in recorded:
            change = figure / recorded[name]
            over = change > TOLERANCE
            met &= not over
            line += f"   recorded {recorded[name]:,}, {change - 1:+.1%}{'  MISSED' if over else ''}"
        print(line)
    return met


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="exit 1 when a figure is 3 %% over")
    parser.add_argument("--record", action="store_true", help="keep the figures")
    parser.add_argument("--run", nargs=2, metavar=("PATH", "TIMES"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        PATHS[options.run[0]](int(options.run[1]))
        return 0
    kept: dict[str, dict[str, int]] = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    figures = measure()
    if key() not in kept:
        print("no figure recorded for this interpreter and these dependencies")
    met = within(figures, kept.get(key(), {}))
    if options.record:
        kept[key()] = figures
        RECORDED.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")
    return 1 if options.check and not met else 0


if __name__ == "__main__":
    sys.exit(main())
