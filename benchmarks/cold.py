"""What a cold start costs: imports, the first client, the first call, each in fresh processes.

    python benchmarks/cold.py            print the table
    python benchmarks/cold.py --check    and exit 1 if a budget is exceeded

CPU time of whole processes, in turns, less that of an empty one; the median of the ratios. What is
put off has its price later, so the first call is timed as well. `python -X importtime` then tells
which of the heavy libraries each step loaded: none may be, before it is needed.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from harness import BARE_CALL, Subject, interleave, options_of, report, save

STARTS = {
    "penstock": "import penstock; penstock.Client",
    "httpx": "import httpx; httpx.Client",
    "httpx2": "import httpx2; httpx2.Client",
    "openai": "import openai; openai.OpenAI",
    "aiohttp": "import aiohttp; aiohttp.ClientSession",
    "requests": "import requests; requests.Session",
    "pyreqwest": "import pyreqwest.client",
    "assembled": "import httpx, httpx_retries, opentelemetry.instrumentation.httpx, structlog",
}
MODULES = {"assembled": "httpx_retries"}
"""What must be installed for a row, where it is not the row's name."""

CLIENTS = {
    "penstock": "penstock.Client('https://api.example.com')",
    "httpx": "httpx.Client(base_url='https://api.example.com')",
    "openai": "openai.OpenAI(api_key='k', base_url='https://api.example.com')",
}
CALLS = {
    "penstock": (
        "from stub import Stub;"
        "penstock.Client('https://api.example.com', transport=Stub()).post('/', json={})"
    ),
    "httpx": (
        "from stub import Stub;"
        "httpx.Client(base_url='https://api.example.com', transport=Stub()).post('/', json={})"
    ),
}
HEAVY = {"pydantic", "pydantic_settings", "structlog", "tenacity", "opentelemetry"}

BUDGETS = {
    "import: penstock": 1.25,
    "second client, ms: penstock": 0.1,
    "heavy libraries loaded at import": 0,
    "heavy libraries loaded by a client": 0,
    "heavy libraries loaded by a first call, OpenTelemetry's API aside": 0,
}
"""Upper bounds; ratios to httpx unless the name says otherwise."""

_SECOND = """
{start}
import time, httpx
from stub import BODY, PATH, SIGNED, VALUES, Stub

def best(do, turns, times):
    seconds = []
    for _ in range(turns):
        before = time.process_time()
        for _ in range(times):
            kept = do()
        seconds.append((time.process_time() - before) / times)
    return min(seconds[1:])

bare = httpx.Client(transport=Stub(), **VALUES)
call = best(lambda: bare.post(PATH, json=BODY, headers=SIGNED).json(), 6, 100)
print(best(lambda: {client}, 30, 1) / call)
"""


def process(name: str, code: str) -> Subject:
    """Return a subject that runs *code* in a fresh process."""

    def run(times: int) -> None:
        for _ in range(times):
            _python(code)

    return Subject(name, run, clock=_of_children)


def _python(code: str, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *flags, "-c", code]
    here = Path(__file__).parent
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=here)


def _of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def processes() -> dict[str, Subject]:
    """Return each step of each library that is installed; "" is an empty process."""
    installed = {name: code for name, code in STARTS.items() if find_spec(MODULES.get(name, name))}
    codes = {f"import: {name}": code for name, code in installed.items()}
    codes |= {
        f"first client: {name}": f"{installed[name]}; {client}"
        for name, client in CLIENTS.items()
        if name in installed
    }
    codes |= {f"first call: {name}": f"{installed[name]}; {call}" for name, call in CALLS.items()}
    return {name: process(name, code) for name, code in {"": "", **codes}.items()}


def ratios(subjects: dict[str, Subject]) -> dict[str, float]:
    """Return what each step costs beyond an empty process, over what it costs httpx."""
    empty = subjects[""].costs
    return {
        name: statistics.median(
            (ours - nothing) / (theirs - nothing)
            for ours, theirs, nothing in zip(
                subject.costs, subjects[f"{step}: httpx"].costs, empty, strict=True
            )
        )
        for name, subject in subjects.items()
        if (step := name.partition(":")[0]) and not name.endswith(": httpx")
    }


def second_clients() -> dict[str, float]:
    """Return the milliseconds a further client takes in a process that has one, at its best.

    They are scaled to a machine on which a bare `httpx.Client.post` takes 95 µs in memory.
    """
    return {
        f"second client, ms: {name}": 1e3
        * BARE_CALL
        * float(_python(_SECOND.format(start=STARTS[name], client=client)).stdout)
        for name, client in CLIENTS.items()
        if find_spec(name)
    }


def loaded(code: str) -> set[str]:
    """Return which of the heavy libraries *code* loads, as `-X importtime` tells."""
    report_of = _python(code, "-X", "importtime").stderr
    modules = {line.rpartition("|")[2].strip().partition(".")[0] for line in report_of.splitlines()}
    return HEAVY & modules


def heavy() -> dict[str, float]:
    """Return how many heavy libraries each step of ours loads, and say which."""
    start, client, call = STARTS["penstock"], CLIENTS["penstock"], CALLS["penstock"]
    by_call = loaded(f"{start}; {call}")
    steps = {
        "at import": loaded(start),
        "by a client": loaded(f"{start}; {client}"),
        "by a first call, OpenTelemetry's API aside": by_call - {"opentelemetry"},
    }
    for step, libraries in steps.items():
        if libraries:
            print(f"loaded {step}: {', '.join(sorted(libraries))}")
    return {f"heavy libraries loaded {step}": len(found) for step, found in steps.items()}


def main() -> int:
    options = options_of(__doc__, rounds=9)
    subjects = processes()
    interleave(list(subjects.values()), options.rounds, 1)
    for name, subject in subjects.items():
        milliseconds = statistics.median(subject.costs) * 1e3
        print(f"{name or 'an empty process':<28}{milliseconds:>8.0f} ms")
    figures = ratios(subjects) | second_clients() | heavy()
    save(
        options,
        {
            "milliseconds": {
                name: statistics.median(subject.costs) * 1e3 for name, subject in subjects.items()
            },
            "figures": figures,
        },
    )
    met = report(figures, at_most=BUDGETS)
    return 1 if options.check and not met else 0


if __name__ == "__main__":
    sys.exit(main())
