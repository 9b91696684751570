"""Lines whose pieces say what they are, and the two ways to show them: plain and in colour."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable

PIPED_WIDTH = 100  # columns where nothing says how many there are


class Piece(NamedTuple):
    """A piece of a line.

    Attributes:
        text: Without line ends.
        tone: What it is; one of `STYLES`, or empty for plain text.
    """

    text: str
    tone: str = ""


Line = list[Piece]

STYLES = {
    "title": "bold",
    "quiet": "bright_black",
    "ok": "green",
    "moved": "cyan",
    "failed": "red",
    "wait": "yellow",
    "body": "blue",
    "name": "bold cyan",
}
"""How each tone looks, as rich writes styles."""

_ASCII = str.maketrans(
    {"█": "#", "━": "=", "╌": "-", "░": ":", "─": "-", "│": "|", "├": "|", "└": "`", "…": "~"}
)


def width_of_screen() -> int:
    """Return the columns to draw in: `COLUMNS`, else the terminal's, else 100."""
    return shutil.get_terminal_size((PIPED_WIDTH, 24)).columns


def in_colour(stream: TextIO) -> bool:
    """Tell whether *stream* wants colour.

    `NO_COLOR` (no-color.org) forbids it and `TERM=dumb` cannot show it; else a terminal has it,
    and anything else if `FORCE_COLOR` (force-color.org) says so.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


def plain(line: Line) -> str:
    """Return a line as text."""
    return "".join(piece.text for piece in line).rstrip()


def show(lines: Iterable[Line], stream: TextIO | None = None) -> None:
    """Write lines, in colour where that is wanted, and never wrapped.

    Args:
        lines: What to write.
        stream: Where to; standard output by default.
    """
    out: TextIO = stream or sys.stdout
    if in_colour(out):
        console = rich_console(file=out, force_terminal=True, width=width_of_screen())
        for line in lines:
            console.print(rich_text(line), soft_wrap=True)
        return
    for line in lines:
        out.write(f"{writable(plain(line), out)}\n")


def rich_console(**options: Any) -> Any:
    """Return a rich console that adds nothing of its own to what it is given."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False, **options)


def rich_text(line: Line) -> Any:
    """Return a line as rich's `Text`."""
    from rich.text import Text

    return Text.assemble(*((piece.text, STYLES.get(piece.tone, "")) for piece in line))


def writable(text: str, stream: TextIO) -> str:
    """Return *text* in characters that *stream* can encode: bars become ASCII where they must."""
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(encoding, "replace").decode(encoding)
    return text


def table(rows: Iterable[Line]) -> list[Line]:
    """Return rows of cells as lines with aligned columns, two spaces apart."""
    rows = list(rows)
    columns = max((len(row) for row in rows), default=0)
    widths = [
        max((len(row[column].text) for row in rows if column < len(row)), default=0)
        for column in range(columns)
    ]
    return [
        [
            Piece(cell.text.ljust(width + 2) if column < len(row) - 1 else cell.text, cell.tone)
            for column, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        for row in rows
    ]
