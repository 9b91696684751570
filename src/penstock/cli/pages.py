"""What `penstock demo` prints: waterfalls, the same calls at once, what one call recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.cli.drawing import draw, duration, head, label_width, legend, timeline
from penstock.cli.lines import Line, Piece
from penstock.cli.recorded import log_lines, span_tree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.demo.run import Played

_SHOWN_WHOLE = "flaky"
_LEAST_BAR = 16
_TIME = 8


def page(one_by_one: Sequence[Played], at_once: Sequence[Played], width: int) -> list[Line]:
    """Return everything the demo prints.

    Args:
        one_by_one: The calls of a `Client`; may be empty.
        at_once: The calls of an `AsyncClient`; may be empty, but not both.
        width: The columns of a line.
    """
    played = one_by_one or at_once
    client = "Client: one call after another" if one_by_one else "AsyncClient: all calls at once"
    lines: list[Line] = [
        [Piece(client, "title"), Piece("   each on a scale of its own", "quiet")],
        legend(),
        *waterfalls(played, width),
    ]
    if one_by_one and at_once:
        lines += [[], *overview(at_once, width)]
    number, shown = next(
        (number, one) for number, one in enumerate(played, 1) if one.call.name == _SHOWN_WHOLE
    )
    lines += [[], [Piece(f"The spans of call {number}", "title")]]
    lines += span_tree(shown.recording.spans, width)
    lines += [[], [Piece(f"The log events of call {number}", "title")]]
    lines += log_lines(shown.recording.lines, width)
    return lines


def waterfalls(played: Sequence[Played], width: int) -> list[Line]:
    """Return the waterfall of each call, each on a scale of its own.

    Args:
        played: The calls.
        width: The columns of a line.
    """
    falls = [one.waterfall for one in played]
    labels = label_width(falls)
    lines: list[Line] = []
    for number, (one, fall) in enumerate(zip(played, falls, strict=True), 1):
        above = head(one.watched, fall, width - 4, title=one.call.title)
        lines += [[], [Piece(f"{number:>2}  ", "quiet"), *above], *draw(fall, width, labels)]
    return lines


def overview(played: Sequence[Played], width: int) -> list[Line]:
    """Return all calls on one scale, a line for each.

    Args:
        played: The calls.
        width: The columns of a line.
    """
    drawn = [one.waterfall for one in played]
    first = min(fall.started for fall in drawn)
    falls = [((fall.started - first) / 1e9, fall) for fall in drawn]
    total = max(offset + fall.total for offset, fall in falls)
    name = max(len(one.call.name) for one in played) + 2
    right = max(len(one.watched.outcome) for one in played) + _TIME
    room = max(width - 4 - name - 2 - right, _LEAST_BAR)
    lines: list[Line] = [
        [
            Piece("AsyncClient: the same calls at once", "title"),
            Piece(f"   {duration(total)} in all, on one scale", "quiet"),
        ],
        [],
    ]
    for number, (one, (offset, fall)) in enumerate(zip(played, falls, strict=True), 1):
        outcome = one.watched.outcome
        lines.append(
            [
                Piece(f"{number:>2}  ", "quiet"),
                Piece(one.call.name.ljust(name)),
                *timeline(fall, offset, total, room),
                Piece(f"  {outcome}", "failed" if one.watched.failed else "ok"),
                Piece(duration(fall.total).rjust(right - len(outcome)), "quiet"),
            ]
        )
    return lines
