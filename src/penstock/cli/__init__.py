"""The command `penstock`. It stands on click and rich, which are the extra `cli`."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells count (POSIX, Shell Command Language §2.8.2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `penstock` and leave with its exit code.

    Args:
        arguments: What was typed after `penstock`; the process's own arguments by default.

    Returns:
        2 when click or rich is missing, 130 when interrupted before there is a command; else it
        does not return, as click's `main` does not.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, as `>&-` does: nobody wants to read it
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - as long as the process
    if not _installed():
        sys.stderr.write("penstock: the command line needs an extra: pip install 'penstock[cli]'\n")
        return USAGE
    try:
        from penstock.cli.group import penstock
    except KeyboardInterrupt:
        sys.stderr.write("penstock: interrupted\n")
        return INTERRUPTED
    penstock.main(None if arguments is None else list(arguments), prog_name="penstock")
    return 0


def _installed() -> bool:
    try:
        return find_spec("click") is not None and find_spec("rich") is not None
    except ImportError:
        return False
