"""The matrix: every client through every case, and what came of it as a table."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from penstock.testing.faults import CASES, GROUPS
from penstock.testing.faults.driving import Ours
from penstock.testing.faults.judging import KINDS, problems
from penstock.testing.faults.over_client import FAMILIES, OverClient
from penstock.testing.faults.rival import Rival
from penstock.testing.faults.rivals import RIVALS
from penstock.testing.faults.server import FaultServer
from penstock.transport.capabilities import ENGINES, TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from penstock.testing.faults.case import Case
    from penstock.testing.faults.judging import Problem
    from penstock.testing.faults.outcome import Outcome
    from penstock.testing.faults.run import Run

COLOURS = ("sync", "asyncio", "trio")
OURS = tuple(Ours(colour) for colour in COLOURS)
ON_ENGINES = tuple(
    Ours(colour, engine)
    for engine in ENGINES
    for colour in COLOURS
    if engine != "pool" and TABLE[colour].by(engine, is_async=colour != "sync")
)
"""Penstock on engines that are not its own, which are held to less: see `problems`."""

OVER_CLIENTS = tuple(
    OverClient(colour, family) for family in FAMILIES for colour in COLOURS if find_spec(family)
)
"""Penstock over a client of the caller's, which is held to as much as those on engines."""

NOT_COUNTED = frozenset({"shown"})
"""What is told of others, and does not fail a case: their errors hold the request by design."""

OURS_ALONE = frozenset({"left", "reuse"})
"""What only Penstock is held to: others do not tell what they hold, and choose otherwise."""


class Driver(Protocol):
    """Has a client of some library meet a case."""

    @property
    def name(self) -> str:
        """The client."""
        ...

    def takes(self, case: Case) -> bool:
        """Tell whether it claims to do what *case* presumes."""
        ...

    def meet(self, server: FaultServer, run: Run) -> Outcome:
        """Return what came of it."""
        ...


@dataclass
class Column:
    """What one client made of the cases.

    Attributes:
        name: The client.
        version: Its version.
        passed: The cases it passed.
        failed: What it got wrong, by case.
        shown: In how many cases a credential was to be seen.
    """

    name: str
    version: str
    passed: list[str] = field(default_factory=list)
    failed: dict[str, list[Problem]] = field(default_factory=dict)
    shown: int = 0

    @property
    def run(self) -> int:
        """How many cases it met."""
        return len(self.passed) + len(self.failed)

    @property
    def is_ours(self) -> bool:
        """Whether it is Penstock on its own transport."""
        return self.name in {one.name for one in OURS}

    def count(self, kind: str) -> str:
        """Return in how many cases a *kind* of problem came up, or a dash where nobody looked."""
        if kind in OURS_ALONE and not self.is_ours:
            return "–"  # noqa: RUF001 - the dash of a table
        if kind == "shown":
            return str(self.shown)
        failed = self.failed.values()
        return str(sum(any(problem.kind == kind for problem in found) for found in failed))

    def score(self, group: str) -> str:
        """Return how many cases of *group* it passed, and met."""
        passed = sum(CASES[name].group == group for name in self.passed)
        failed = sum(CASES[name].group == group for name in self.failed)
        return f"{passed}/{passed + failed}" if passed + failed else "n/a"


def drivers(names: Iterable[str] = ()) -> list[Driver]:
    """Return the clients of the matrix that are installed.

    Args:
        names: Which of them: `penstock`, `engines` (Penstock on those that are not its own),
            `http_client` (Penstock over a client of the caller's) or a distribution. By default
            all.
    """
    rivals: list[Driver] = [kind() for kind in RIVALS if kind.is_installed()]
    everyone: list[Driver] = [*OURS, *rivals, *ON_ENGINES, *OVER_CLIENTS]
    wanted = set(names)
    return [one for one in everyone if not wanted or _short(one) in wanted]


def _short(driver: Driver) -> str:
    if isinstance(driver, Rival):
        return driver.name
    if driver in OURS:
        return "penstock"
    return "http_client" if driver in OVER_CLIENTS else "engines"


def column(
    driver: Driver, cases: Iterable[Case], tell: Callable[[str], object] = sys.stderr.write
) -> Column:
    """Have one client meet *cases*, and return what it made of them.

    Args:
        driver: The client.
        cases: The cases.
        tell: Told each case that it fails.
    """
    is_rival = isinstance(driver, Rival)
    made = Column(driver.name, version(driver.name if is_rival else "penstock"))
    with FaultServer() as server:
        for case in cases:
            if not driver.takes(case):
                continue
            with server.run(case) as run:
                outcome = driver.meet(server, run)
                found = problems(run, outcome, ours=made.is_ours)
            made.shown += any(problem.kind == "shown" for problem in found)
            if is_rival:
                found = [problem for problem in found if problem.kind not in NOT_COUNTED]
            if found:
                made.failed[case.id] = found
                tell(f"{driver.name}: {case.id}: {'; '.join(map(str, found))}\n")
            else:
                made.passed.append(case.id)
    return made


def table(columns: list[Column]) -> str:
    """Return what came of it as Markdown.

    Args:
        columns: One for each client.
    """
    lent = {one.name for one in (*ON_ENGINES, *OVER_CLIENTS)}
    lines = list(_lines([one for one in columns if one.name not in lent]))
    return "\n".join((*lines, *_lent_lines([one for one in columns if one.name in lent])))


def _lent_lines(columns: list[Column]) -> Iterator[str]:
    """Give a table of Penstock on what is not its own, and what each of these leaves it to."""
    if columns:
        yield ""
        yield _row(("", "cases met", "passed", "not passed"))
        yield _row(["---"] * 4)
    for one in columns:
        yield _row(
            (one.name, one.run, len(one.passed), ", ".join(f"`{name}`" for name in one.failed))
        )


def _lines(columns: list[Column]) -> Iterator[str]:
    python = ".".join(map(str, sys.version_info[:3]))
    clients = ", ".join(dict.fromkeys(f"{_package(one.name)} {one.version}" for one in columns))
    yield f"{len(CASES)} cases, on CPython {python}: {clients}."
    yield ""
    yield _row(("", *(one.name for one in columns)))
    yield _row(["---"] * (len(columns) + 1))
    yield _row(("cases met", *(one.run for one in columns)))
    yield _row(("**passed**", *(f"**{len(one.passed)}**" for one in columns)))
    for kind, meaning in KINDS.items():
        yield _row((f"{kind}: {meaning}", *(one.count(kind) for one in columns)))
    for group, about in GROUPS.items():
        yield _row((f"`{group}`: {about}", *(one.score(group) for one in columns)))
    alone = _passed_by_us_alone(columns)
    if alone:
        yield ""
        yield f"Passed by Penstock in every colour and by none of the others: {', '.join(alone)}."


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _package(name: str) -> str:
    return name.partition(",")[0]


def _passed_by_us_alone(columns: list[Column]) -> list[str]:
    ours = [one for one in columns if one.is_ours]
    others = [one for one in columns if one not in ours]
    if not ours or not others:
        return []
    return [
        f"`{name}`"
        for name in CASES
        if all(name in one.passed for one in ours)
        and any(name in one.failed for one in others)
        and not any(name in one.passed for one in others)
    ]
