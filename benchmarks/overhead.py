"""What the stack costs: ratios to a bare `httpx.Client.post`, interleaved in one run, in memory.

    python benchmarks/overhead.py            print the table
    python benchmarks/overhead.py --check    and exit 1 if a budget is exceeded

CPU time of the process; subjects in another order each round, and the median of the per-round
ratios, so that what drifts drifts for all. A time by itself means nothing on a shared machine: the
two budgets that are times were set where a bare call costs 95 µs, and what is measured here is
scaled to that.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import subprocess
import sys
import time
from functools import partial
from typing import Any

import httpx
from harness import (
    BARE_CALL,
    interleave,
    of_async,
    of_sync,
    options_of,
    ratio,
    report,
    save,
    telemetry,
)
from stub import BODY, KEY, PATH, SIGNED, URL, VALUES, Stub

import penstock
from penstock.stepping import run_now

BUDGETS = {
    "full, sync": 1.10,
    "full, async": 1.10,
    "quiet, sync": 0.35,
    "quiet, async": 0.35,
    "ns a layer, sync": 100,
    "ns a layer, async": 120,
    "import": 1.25,
    "second client, ms": 0.1,
    "garbage a request": 0,
}
"""Upper bounds: ratios to bare httpx in the same run, unless the name says otherwise."""


async def passing(request: penstock.Request, call_next: penstock.Next) -> penstock.Response:
    """The cheapest middleware there is."""
    return await call_next(request)


def calls(
    rounds: int, times: int, loop: asyncio.AbstractEventLoop
) -> tuple[dict[str, float], float]:
    """Time whole calls; return the median ratio of each to bare httpx of its colour."""
    bare = httpx.Client(**VALUES, transport=Stub())
    abare = httpx.AsyncClient(**VALUES, transport=Stub())
    quiet = penstock.Client(**VALUES, api_key=KEY, transport=Stub())
    aquiet = penstock.AsyncClient(**VALUES, api_key=KEY, transport=Stub())
    full = penstock.Client(**VALUES, api_key=KEY, transport=Stub(), **telemetry())
    afull = penstock.AsyncClient(**VALUES, api_key=KEY, transport=Stub(), **telemetry())
    subjects = [
        of_sync("bare, sync", lambda: bare.post(PATH, json=BODY, headers=SIGNED).json()),
        of_sync("quiet, sync", lambda: quiet.post(PATH, json=BODY).json()),
        of_sync("full, sync", lambda: full.post(PATH, json=BODY).json()),
        of_async("bare, async", lambda: abare.post(PATH, json=BODY, headers=SIGNED), loop),
        of_async("quiet, async", lambda: aquiet.post(PATH, json=BODY), loop),
        of_async("full, async", lambda: afull.post(PATH, json=BODY), loop),
    ]
    interleave(subjects, rounds, times)
    of = {subject.name: subject for subject in subjects}
    ratios = {name: ratio(of[name], of[f"bare, {name.split(', ')[1]}"]) for name in of}
    return ratios, BARE_CALL / min(of["bare, sync"].costs)


def layers(rounds: int, loop: asyncio.AbstractEventLoop) -> dict[str, float]:
    """Time one pass-through layer: twenty of them less none, in nanoseconds, at its best."""
    response = httpx.Response(200)

    async def terminal(_request: Any) -> Any:
        return response

    handlers = {count: penstock.Stack([passing] * count).bind(terminal) for count in (0, 20)}
    request: Any = httpx.Request("GET", URL)
    subjects = {}
    for count, handler in handlers.items():
        send = partial(handler, request)
        subjects[count, "sync"] = of_sync("", partial(_stepped, send))
        subjects[count, "async"] = of_async("", send, loop)
    interleave(list(subjects.values()), rounds, 2000)
    return {
        f"ns a layer, {colour}": (min(subjects[20, colour].costs) - min(subjects[0, colour].costs))
        / 20
        * 1e9
        for colour in ("sync", "async")
    }


def _stepped(send: Any) -> Any:
    return run_now(send())


def imports(rounds: int) -> dict[str, float]:
    """Time imports in fresh processes."""

    def cpu(code: str) -> float:
        program = f"import time; {code}; print(time.process_time())"
        command = [sys.executable, "-c", program]
        return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)

    pairs = [
        (cpu("import penstock; penstock.Client"), cpu("import httpx; httpx.Client"))
        for _ in range(rounds)
    ]
    return {"import": statistics.median(ours / theirs for ours, theirs in pairs)}


def second_client() -> dict[str, float]:
    """Time a further client of the process, in milliseconds, at its best."""
    penstock.Client(URL, api_key=KEY).close()
    seconds = []
    for _ in range(50):
        before = time.process_time()
        penstock.Client(URL, api_key=KEY)
        seconds.append(time.process_time() - before)
    return {"second client, ms": min(seconds) * 1e3}


def garbage() -> dict[str, float]:
    """Count objects a call leaves in reference cycles."""
    client = penstock.Client(URL, api_key=KEY, transport=Stub(), **telemetry())
    client.post(PATH, json=BODY)
    gc.collect()
    gc.disable()
    for _ in range(100):
        client.post(PATH, json=BODY)
    left = gc.collect()
    gc.enable()
    return {"garbage a request": left / 100}


def main() -> int:
    options = options_of(__doc__, rounds=25)
    loop = asyncio.new_event_loop()
    ratios, scale = calls(options.rounds, 150, loop)
    times = layers(options.rounds, loop) | second_client()
    figures = ratios | {name: time * scale for name, time in times.items()} | imports(7) | garbage()
    loop.close()
    save(options, {"figures": figures})
    met = report(figures, at_most=BUDGETS)
    return 1 if options.check and not met else 0


if __name__ == "__main__":
    sys.exit(main())
