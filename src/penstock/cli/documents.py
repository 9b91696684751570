"""What `--json` prints: one document, and the parts that several commands share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from penstock.demo.recording import RecordedSpan
    from penstock.demo.run import Played
    from penstock.demo.watch import Watched
    from penstock.demo.waterfall import Waterfall


def print_document(document: object, *, indent: int | None = 2, err: bool = False) -> None:
    """Write a JSON document to standard output, in ASCII, never in colour.

    Args:
        document: What it holds; what JSON cannot hold becomes text.
        indent: Columns for each level; None puts it on one line.
        err: Whether it goes to standard error instead.
    """
    click.echo(json.dumps(document, indent=indent, default=str), err=err)


def seen(watched: Watched, waterfall: Waterfall) -> dict[str, Any]:
    """Return a call and its waterfall as data. Times are seconds since the call began."""
    return {
        "method": watched.method,
        "url": watched.url,
        "status": watched.status,
        "error": watched.error,
        "total_s": waterfall.total,
        "attempts": waterfall.attempts,
        "waterfall": [
            {
                "kind": row.kind,
                "number": row.number,
                "start_s": row.start,
                "end_s": row.end,
                "label": row.label,
                "tone": row.tone,
            }
            for row in waterfall.rows
        ],
    }


def told(played: Played) -> dict[str, Any]:
    """Return a call of the demo as data, with what it recorded."""
    recording = played.recording
    return {
        "name": played.call.name,
        "title": played.call.title,
        "client": played.client,
        **seen(played.watched, played.waterfall),
        "spans": [_span(span) for span in recording.spans],
        "log": [
            {"level": line.level, "event": line.event, **line.fields} for line in recording.lines
        ],
    }


def _span(span: RecordedSpan) -> dict[str, Any]:
    return {
        "id": f"{span.span_id:016x}",
        "parent_id": None if span.parent_id is None else f"{span.parent_id:016x}",
        "name": span.name,
        "kind": span.kind.name,
        "duration_s": span.seconds,
        "status": span.status.status_code.name,
        "attributes": span.attributes,
    }
