"""How many small changes of the files that decide would no test notice?

    python benchmarks/mutation.py            # all of them: half an hour
    python benchmarks/mutation.py redact --tests tests/unit/test_redact.py

It needs `mutmut` (extra `dev`). Both wings are copied below one `src` in a folder of their own, as
mutmut knows one root; its notes stay there, so that a second run tries again only what it must.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILES = [
    "src/penstock/redact.py",
    "src/penstock_middleware/circuit_breaker/*.py",
    "src/penstock_middleware/retry/*.py",
    "src/penstock_middleware/retry_budget.py",
]
TESTS = [
    "tests/acceptance/test_retry_after.py",
    "tests/acceptance/test_retry_backoff.py",
    "tests/acceptance/test_retry_rules.py",
    "tests/middleware",
    "tests/resilience",
    "tests/unit/test_redact.py",
]
LEFT_OUT = ["tests/resilience/test_storm.py"]
CONFIG = """
[mutmut]
source_paths = src
only_mutate =
{files}
also_copy =
    README.md
pytest_add_cli_args =
    -o
    addopts=--import-mode=importlib
    -o
    filterwarnings=default
    -p
    no:cacheprovider
pytest_add_cli_args_test_selection =
{tests}
"""
"""mutmut's own warnings come before a test runs, where ours would be errors."""


def copied(folder: Path, only: list[str], tests: list[str]) -> None:
    """Lay out both wings, the tests and mutmut's configuration in *folder*."""
    for source in (ROOT / "src/penstock", ROOT / "middleware/penstock_middleware"):
        shutil.copytree(source, folder / "src" / source.name, dirs_exist_ok=True)
    shutil.copytree(ROOT / "tests", folder / "tests", dirs_exist_ok=True)
    shutil.copy(ROOT / "README.md", folder)
    files = [file for file in FILES if not only or any(name in file for name in only)]
    tests = [*tests, *(f"--ignore={left_out}" for left_out in LEFT_OUT)]
    lists = {"files": files, "tests": tests}
    text = CONFIG.format(**{name: _lines(values) for name, values in lists.items()})
    (folder / "setup.cfg").write_text(text, encoding="utf-8")


def _lines(values: list[str]) -> str:
    return "\n".join(f"    {value}" for value in values)


def results(folder: Path) -> dict[str, str]:
    """Return what became of each change."""
    told = subprocess.run(
        [sys.executable, "-m", "mutmut", "results", "--all", "true"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    pairs = (line.strip().rpartition(": ") for line in told.stdout.splitlines() if ": " in line)
    return {name: verdict for name, _, verdict in pairs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="parts of file names")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="what is to notice")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary one unless given")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    chosen = parser.parse_args()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="penstock-mutation-"))
    folder.mkdir(parents=True, exist_ok=True)
    copied(folder, chosen.only, chosen.tests)
    subprocess.run(
        [sys.executable, "-m", "mutmut", "run", "--max-children", str(chosen.processes)],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        check=False,
    )
    verdicts = results(folder)
    for name, verdict in verdicts.items():
        if verdict not in {"killed", "timeout", "caught by type check"}:
            print(f"{verdict}: {name}")
    tally = Counter(verdicts.values())
    noticed = tally["killed"] + tally["timeout"]
    share = 100 * noticed / len(verdicts)
    print(f"{noticed} of {len(verdicts)} noticed ({share:.1f} %): {dict(tally)}")
    print(f"what each one is: cd {folder} && python -m mutmut show NAME")


if __name__ == "__main__":
    main()
