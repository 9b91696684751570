"""Several clients at once, each in a process of its own: most of a run is waiting."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING

from penstock.testing.faults import CASES
from penstock.testing.faults.matrix import Column, column, drivers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.testing.faults.case import Case
    from penstock.testing.faults.matrix import Driver

JOBS = 2 * (os.cpu_count() or 1)
"""How many run at once unless told otherwise: each works for an eighth of its time."""

_GOOD = "json-text"
"""A case that any client meets, and in which a new process has imported what the client needs."""

_SECONDS = 0.15
"""What a case takes on the average, all clients taken together, on a machine of 2026."""


def columns(clients: Sequence[Driver], cases: Sequence[Case], jobs: int = JOBS) -> list[Column]:
    """Have each of *clients* meet *cases*, and return what they made of them, in that order.

    How long it will take, and how far it is, is told on standard error.

    Args:
        clients: From `drivers`.
        cases: From `CASES`.
        jobs: How many clients run at once.
    """
    seconds = _SECONDS * len(clients) * len(cases) / min(jobs, len(clients) or 1)
    _tell(f"{len(clients)} clients, {len(cases)} cases: about {seconds:.0f} s")
    started = time.monotonic()
    made: dict[str, Column] = {}
    names = [case.id for case in cases]
    with ProcessPoolExecutor(
        jobs, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1
    ) as processes:
        running = [processes.submit(_column, client.name, names) for client in clients]
        for ended in as_completed(running):
            one = ended.result()
            made[one.name] = one
            seconds = time.monotonic() - started
            what = f"{one.name} passed {len(one.passed)} of {one.run}"
            _tell(f"{len(made)} of {len(clients)} after {seconds:.0f} s: {what}")
    return [made[client.name] for client in clients]


def _column(client: str, cases: list[str]) -> Column:
    driver = next(one for one in drivers() if one.name == client)
    column(driver, [CASES[_GOOD]], lambda _: None)
    return column(driver, [CASES[name] for name in cases])


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
