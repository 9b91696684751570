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
import json
import statistics
import subprocess
import sys
import time
from functools import partial
from typing import Any

import httpx
from harness import (
    BARE_CALL,
    Subject,
    interleave,
    of_async,
    of_sync,
    parser_of,
    ratio,
    report,
    save,
    telemetry,
)
from stub import BODY, KEY, PATH, SIGNED, URL, VALUES, Stub

import penstock
from penstock.stepping import run_now

BUDGETS = {
    "full, sync": 1.00,
    "full, async": 1.00,
    "quiet, sync": 0.35,
    "quiet, async": 0.35,
    "ns a layer, sync": 100,
    "ns a layer, async": 120,
    "import": 1.25,
    "second client, ms": 0.1,
    "garbage a request": 0,
}
"""Upper bounds: ratios to bare httpx in the same run, unless the name says otherwise."""

PROCESSES = 5


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
    bare = httpx.Client(**VALUES, transport=Stub())
    machine = Subject("", lambda times: _bare_calls(bare, times // 20))  # of this moment
    interleave([*subjects.values(), machine], rounds, 2000)
    scale = BARE_CALL / (min(machine.costs) * 20)
    return {
        f"ns a layer, {colour}": (min(subjects[20, colour].costs) - min(subjects[0, colour].costs))
        / 20
        * scale
        * 1e9
        for colour in ("sync", "async")
    }


def _bare_calls(bare: httpx.Client, times: int) -> None:
    for _ in range(times):
        bare.post(PATH, json=BODY, headers=SIGNED).json()


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
    for _ in range(500):  # over tens of milliseconds: a busy neighbour takes fewer
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


def calls_of_processes(rounds: int) -> tuple[dict[str, float], float]:
    """Return what `calls` does in the median of a few processes.

    Where things lie in memory, and the order of a set, are a process's own: they move a ratio by a
    few hundredths, however many rounds one of them takes (as pyperf has it too).
    """
    command = [sys.executable, __file__, "--one", "--rounds", str(rounds)]
    runs = [
        json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
        for _ in range(PROCESSES)
    ]
    ratios = {name: statistics.median(run[0][name] for run in runs) for name in runs[0][0]}
    return ratios, statistics.median(run[1] for run in runs)


def main() -> int:
    parser = parser_of(__doc__, rounds=15)
    parser.add_argument("--one", action="store_true", help="only calls, in this process, as JSON")
    options = parser.parse_args()
    loop = asyncio.new_event_loop()
    if options.one:
        # As many as let a batch of 512 spans, two a call, fill up twice in each round.
        print(json.dumps(calls(options.rounds, 512, loop)))
        return 0
    ratios, scale = calls_of_processes(options.rounds)
    further = {name: time * scale for name, time in second_client().items()}
    figures = ratios | layers(options.rounds, loop) | further | imports(7) | garbage()
    loop.close()
    save(options, {"figures": figures})
    met = report(figures, at_most=BUDGETS)
    return 1 if options.check and not met else 0


if __name__ == "__main__":
    sys.exit(main())
