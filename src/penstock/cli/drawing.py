"""Drawing waterfalls as lines of text: a bar for each row, all on one scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.cli.lines import Line, Piece

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.demo.watch import Watched
    from penstock.demo.waterfall import Row, Waterfall

BARS = {"attempt": "█", "send": "━", "wait": "╌", "body": "░"}

_NAME = 11  # columns for `attempt 1`, indented by two
_GAP = 2
_LEAST_BAR = 16
_TIME = 7


def legend() -> Line:
    """Return one line that says what the bars mean."""
    return [
        Piece(f"{BARS['attempt']} attempt", "ok"),
        Piece(f"   {BARS['wait']} wait", "wait"),
        Piece(f"   {BARS['send']} send, where an attempt has several", "moved"),
        Piece(f"   {BARS['body']} body of a stream", "body"),
    ]


def label_width(waterfalls: Sequence[Waterfall]) -> int:
    """Return the columns right of the bars, the same for several waterfalls so they line up."""
    rows = [row for waterfall in waterfalls for row in waterfall.rows]
    return max(
        (len(row.label) + (0 if row.kind == "wait" else 1 + _TIME) for row in rows), default=0
    )


def head(watched: Watched, waterfall: Waterfall, width: int, *, title: str = "") -> Line:
    """Return the line above a waterfall: method, path, status and total.

    Args:
        watched: The call.
        waterfall: Its waterfall.
        width: The columns of a whole line.
        title: What the call shows.
    """
    what = f"{watched.method} {watched.path}"
    right = f"{watched.outcome}{duration(waterfall.total):>{_TIME + 1}}"
    space = width - len(what) - len(title) - len(right) - (_GAP if title else 0)
    return [
        Piece(what, "title"),
        Piece(f"{' ' * _GAP}{title}" if title else "", "quiet"),
        Piece(" " * max(space, _GAP)),
        Piece(right, "failed" if watched.failed else "ok"),
    ]


def draw(waterfall: Waterfall, width: int, labels: int) -> list[Line]:
    """Return a waterfall, a line for each row.

    Args:
        waterfall: The model.
        width: The columns of a whole line; it is longer only where labels leave no room for bars.
        labels: The columns right of the bars, from `label_width`.
    """
    room = max(width - _NAME - 2 * _GAP - labels, _LEAST_BAR)
    return [_line(row, waterfall.total, room, labels) for row in waterfall.rows]


def cells(start: float, end: float, total: float, room: int) -> tuple[int, int]:
    """Return the first cell of a bar and the one after its last: at least one, in proportion.

    Args:
        start: Seconds on the scale.
        end: Seconds on the scale.
        total: The length of the scale in seconds.
        room: Its length in cells.
    """
    length = total or 1.0
    first = min(int(start / length * room), room - 1)
    return first, max(first + 1, min(round(end / length * room), room))


def timeline(waterfall: Waterfall, offset: float, total: float, room: int) -> Line:
    """Return a whole waterfall in one line: what happened last in a cell is what it shows.

    Args:
        waterfall: The model.
        offset: Seconds from the start of the scale to the start of the call.
        total: The length of the scale in seconds.
        room: Its length in cells.
    """
    painted = [Piece(" ")] * room
    for row in sorted(waterfall.rows, key=lambda row: row.kind == "attempt"):
        if row.kind == "send":
            continue
        first, after = cells(offset + row.start, offset + row.end, total, room)
        painted[first:after] = [Piece(BARS[row.kind], row.tone)] * (after - first)
    return painted


def duration(seconds: float) -> str:
    """Return seconds as a person reads them: `0.6 ms`, `48 ms`, `1.07 s`."""
    if seconds >= 0.0995:  # noqa: PLR2004 - from here on `0.10 s` says as much as `100 ms`
        return f"{seconds:.2f} s"
    milliseconds = seconds * 1000
    return f"{milliseconds:.0f} ms" if milliseconds >= 9.95 else f"{milliseconds:.1f} ms"  # noqa: PLR2004 - two digits


def _line(row: Row, total: float, room: int, labels: int) -> Line:
    first, after = cells(row.start, row.end, total, room)
    names = {"attempt": f"attempt {row.number + 1}", "send": f"  send {row.number + 1}"}
    right = row.label
    if row.kind != "wait":
        right += duration(row.seconds).rjust(labels - len(right))
    return [
        Piece(f"  {names.get(row.kind, row.kind)}".ljust(_NAME + _GAP), "quiet"),
        Piece(" " * first),
        Piece(BARS[row.kind] * (after - first), row.tone),
        Piece(" " * (room - after + _GAP)),
        Piece(right, row.tone),
    ]
