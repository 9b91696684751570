"""Drive Penstock and other clients through every case, and print what came of it as a table.

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
from penstock.testing.faults.matrix import column, drivers, table

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
    given = parser.parse_args(arguments)
    cases = [case for case in CASES.values() if case.id.startswith(given.only)]
    if given.list:
        print(*cases, sep="\n")
        return 0
    names = filter(None, given.clients.split(","))
    columns = [column(driver, cases) for driver in drivers(names)]
    text = table(columns)
    print(text)
    if given.write is not None:
        write(given.write, text)
    return int(any(one.failed for one in columns if one.is_ours))


def write(page: Path, text: str) -> None:
    """Put *text* between the markers of *page*.

    Args:
        page: A Markdown file.
        text: The table.

    Raises:
        ValueError: The markers are not there.
    """
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        msg = f"{page} has no {BEGIN} … {END}"
        raise ValueError(msg)
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")


if __name__ == "__main__":
    sys.exit(main())
