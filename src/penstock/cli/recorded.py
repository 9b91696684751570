"""Drawing what a call recorded: its spans as a tree, its log events a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.cli.drawing import duration
from penstock.cli.lines import Line, Piece

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from penstock.demo.recording import LogLine, RecordedSpan

_LEAST_FIELDS = 30
_ID_DIGITS = 8
_LEVELS = {"warning": "wait", "error": "failed", "debug": "quiet"}


def span_tree(spans: Sequence[RecordedSpan], width: int) -> list[Line]:
    """Return spans as a tree, each below the one it happened in.

    Args:
        spans: In the order they began.
        width: The columns of a whole line.
    """
    known = {span.span_id for span in spans}
    roots = [span for span in spans if span.parent_id not in known]
    return [line for root in roots for line in _branch(root, spans, "", "", width)]


def log_lines(lines: Iterable[LogLine], width: int) -> list[Line]:
    """Return log events, each with its fields below it.

    Args:
        lines: In the order they were logged.
        width: The columns of a whole line.
    """
    drawn: list[Line] = []
    for line in lines:
        tone = _LEVELS.get(line.level, "ok")
        drawn.append([Piece(f"{line.level:<8}", tone), Piece(line.event, "title")])
        drawn += _fields(line.fields, 8, width)
    return drawn


def _branch(
    span: RecordedSpan, spans: Sequence[RecordedSpan], own: str, below: str, width: int
) -> list[Line]:
    children = [child for child in spans if child.parent_id == span.span_id]
    trunk = f"{below}│ " if children else f"{below}  "
    failed = span.status.status_code.name == "ERROR"
    lines: list[Line] = [
        [
            Piece(own, "quiet"),
            Piece(span.name, "failed" if failed else "name"),
            Piece(f"  {span.kind.name} "),
            Piece(duration(span.seconds), "title"),
            Piece("  ERROR" if failed else "", "failed"),
        ],
        *(
            [Piece(trunk, "quiet"), *line]
            for line in _fields(span.attributes, 1, width - len(trunk))
        ),
    ]
    for child in children:
        last = child is children[-1]
        fork, beside = ("└─ ", "   ") if last else ("├─ ", "│  ")
        lines += _branch(child, spans, below + fork, below + beside, width)
    return lines


def _fields(fields: dict[str, Any], indent: int, width: int) -> list[Line]:
    """Lay out `name=value` pairs in lines of at most *width* where that is possible."""
    lines: list[Line] = []
    used = width
    for name, given in fields.items():
        value = _short(name, given)
        text = f"{name}={value}"
        if used + len(text) > max(width, indent + _LEAST_FIELDS) and used > indent:
            lines.append([Piece(" " * indent)])
            used = indent
        lines[-1] += [Piece(f"{name}=", "quiet"), Piece(f"{value}  ")]
        used += len(text) + 2
    return lines


def _short(name: str, value: Any) -> str:
    """Return as much of a value as tells it apart: an id's and a number's first digits."""
    if name in {"trace_id", "span_id"}:
        return f"{str(value)[:_ID_DIGITS]}…"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
