"""Drive Penstock and other clients through every case, and print what came of it as a table.

It takes some minutes; standard error tells how many, and how far it is.

python -m penstock.testing.faults                      every client that is installed
python -m penstock.testing.faults --clients penstock   Penstock alone; exits 1 if it fails a case
python -m penstock.testing.faults --clients http_client  Penstock over a client of the caller's
python -m penstock.testing.faults --list               what each case does and demands
python -m penstock.testing.faults --write FILE         put the table between the markers of a page
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from penstock.testing.faults import CASES
from penstock.testing.faults.at_once import JOBS, columns
from penstock.testing.faults.matrix import drivers, table

BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: What follows the command, or None for the process's own.
    """
    parser = argparse.ArgumentParser(
        prog="python -m penstock.testing.faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--list", action="store_true", help="print the cases")
    parser.add_argument("--only", default="", metavar="PREFIX", help="cases whose id begins so")
    parser.add_argument("--clients", default="", metavar="NAMES", help="divided by commas")
    parser.add_argument("--write", type=Path, metavar="FILE", help="a page with the markers")
    parser.add_argument("--jobs", type=int, default=JOBS, metavar="N", help="clients at once")
    given = parser.parse_args(arguments)
    cases = [case for case in CASES.values() if case.id.startswith(given.only)]
    if given.list:
        print(*cases, sep="\n")
        return 0
    page = None if given.write is None else Page(given.write)
    names = filter(None, given.clients.split(","))
    made = columns(drivers(names), cases, given.jobs)
    text = table(made)
    print(text)
    if page is not None:
        page.write(text)
    return int(any(one.failed for one in made if one.is_ours))


class Page:
    """A page with a table between its markers.

    Args:
        path: A Markdown file.

    Raises:
        ValueError: The markers are not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before, begin, rest = path.read_text().partition(BEGIN)
        _, end, self._after = rest.partition(END)
        if not (begin and end):
            msg = f"{path} has no {BEGIN} … {END}"
            raise ValueError(msg)

    def write(self, table: str) -> None:
        """Put *table* between the markers."""
        self._path.write_text(f"{self._before}{BEGIN}\n\n{table}\n\n{END}{self._after}")


if __name__ == "__main__":
    sys.exit(main())
