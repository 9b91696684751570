"""Progress: told to a function, drawn as a bar where a person watches, or neither."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from penstock.errors import ConfigurationError, InvalidOption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Report = Callable[[int, int | None], None]
    Progress = bool | Report | None


@contextmanager
def reporting(
    progress: Progress, title: str, *, in_bytes: bool, total: int | None = None
) -> Iterator[Report]:
    """Give the function to call with how much is done, and of how much (None if unknown).

    Args:
        progress: Such a function; True for a bar on standard error, False for nothing; None for a
            bar if standard error is a terminal and rich is installed (extra `cli`).
        title: Stands before the bar.
        in_bytes: Whether what is counted are bytes.
        total: Of how much it is, where that is known before anything is done.

    Raises:
        ConfigurationError: A bar was asked for and rich is missing.
        InvalidOption: *progress* is none of these.
    """
    if progress is not None and not isinstance(progress, bool):
        if not callable(progress):
            msg = f"progress must be a function, True, False or None, not {progress!r}"
            raise InvalidOption(msg)
        yield progress
        return
    can_draw = find_spec("rich") is not None
    if progress and not can_draw:
        msg = "progress=True draws a bar with rich: pip install 'penstock[cli]'"
        raise ConfigurationError(msg)
    if progress is False or not can_draw or not (progress or _is_watched()):
        yield lambda _done, _total: None
        return
    with _bar(in_bytes=in_bytes) as bar:
        task = bar.add_task(_plain(title), total=total)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _is_watched() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _plain(title: str) -> Any:
    from rich.text import Text

    return Text("".join(letter for letter in title if letter.isprintable()))


def _bar(*, in_bytes: bool) -> Any:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = Console(file=sys.stderr)
    counts = (DownloadColumn(), TransferSpeedColumn()) if in_bytes else (MofNCompleteColumn(),)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        *counts,
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=console.is_terminal,
    )
