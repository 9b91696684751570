"""Waterfalls and spans as one HTML page that loads nothing from elsewhere and runs no script."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from penstock.cli.drawing import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from penstock.demo.recording import RecordedSpan
    from penstock.demo.watch import Watched
    from penstock.demo.waterfall import Row, Waterfall

_LEGEND = (
    ("attempt ok", "attempt"),
    ("attempt failed", "failed attempt"),
    ("wait", "wait"),
    ("send moved", "send, where an attempt has several"),
    ("body", "body of a stream"),
)
_MOST_TICKS = 6

# The page may hold what servers sent: should anything slip through, nothing of it runs or loads.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class Section(NamedTuple):
    """One call on the page.

    Attributes:
        watched: What was asked for and what came of it.
        waterfall: What it spent its time on.
        spans: Its spans, in the order they began.
        title: What it shows, or empty.
        client: The class that sent it, or empty; neighbours of one kind stand under one scale.
    """

    watched: Watched
    waterfall: Waterfall
    spans: Sequence[RecordedSpan]
    title: str = ""
    client: str = ""


def html_page(title: str, sections: Sequence[Section]) -> str:
    """Return a page with a waterfall for each call, its numbers as a table, and its spans.

    Args:
        title: What stands on top.
        sections: The calls.
    """
    style = files("penstock.cli").joinpath("page.css").read_text("utf-8")
    legend = "".join(
        f'<li><i class="bar {kind}" aria-hidden="true"></i>{words}</li>' for kind, words in _LEGEND
    )
    index = "".join(_index(sections)) if len(sections) > 1 else ""
    articles = "".join(_article(number, one) for number, one in enumerate(sections, 1))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        f'<h1>{escape(title)}</h1>\n<ul class="legend">{legend}</ul>\n'
        f"{index}{articles}</main>\n</body>\n</html>\n"
    )


def _index(sections: Sequence[Section]) -> Iterator[str]:
    """Give a list of all calls, each a line, those of one kind of client on one scale."""
    numbered = list(enumerate(sections, 1))
    for is_async, group in groupby(numbered, lambda item: item[1].client.startswith("Async")):
        calls = list(group)
        first = min(one.waterfall.started for _, one in calls)
        last = max(one.waterfall.started + one.waterfall.total * 1e9 for _, one in calls)
        scale = (last - first) / 1e9 or 1.0
        how = "all at once" if is_async else "one after another"
        yield f"<h3>{len(calls)} calls {how}, on one scale of {duration(scale)}</h3>\n"
        yield '<ol class="index">\n'
        for number, one in calls:
            offset = (one.waterfall.started - first) / 1e9
            bars = "".join(
                _bar(row, offset, scale) for row in one.waterfall.rows if row.kind != "send"
            )
            name = escape(one.title or one.watched.path)
            yield (
                f'<li><a href="#call-{number}"><span class="number">{number}</span>'
                f'<span class="name">{name}</span>'
                f'<span class="track" aria-hidden="true">{bars}</span>'
                f'<span class="label {_tone(one.watched)}">{escape(one.watched.outcome)}</span>'
                f'<span class="time">{duration(one.waterfall.total)}</span></a></li>\n'
            )
        yield "</ol>\n"


def _article(number: int, one: Section) -> str:
    watched, fall = one.watched, one.waterfall
    about = " · ".join(escape(text) for text in (one.title, one.client, watched.url) if text)
    counted = f"{fall.attempts} attempt{'s' if fall.attempts != 1 else ''}"
    says = f"{counted} in {duration(fall.total)}: {watched.outcome or 'no outcome'}"
    return (
        f'<article id="call-{number}">\n<h2><span class="number">{number}</span>'
        f"{escape(watched.method)} <code>{escape(watched.path)}</code> "
        f'<span class="badge {_tone(watched)}">{escape(watched.outcome or "no outcome")}</span>'
        f'<span class="total">{duration(fall.total)}</span></h2>\n'
        f'<p class="quiet">{about}</p>\n'
        f'<div class="fall" role="img" aria-label="{escape(says)}; the table below has the '
        f'numbers">\n{"".join(_drawing(fall))}</div>\n'
        f"<details><summary>The waterfall as a table</summary>{_numbers(fall)}</details>\n"
        f"<details><summary>{len(one.spans)} spans</summary>{_spans(one.spans)}</details>\n"
        "</article>\n"
    )


def _drawing(fall: Waterfall) -> Iterator[str]:
    scale = fall.total or 1.0
    marks = list(ticks(scale))
    lines = "".join(f'<i class="tick" style="left:{at / scale:.3%}"></i>' for at in marks)
    words = "".join(
        f'<span style="left:{at / scale:.3%}">{duration(at) if at else "0"}</span>' for at in marks
    )
    yield f'<span></span><div class="axis">{words}</div><span></span><span class="time"></span>\n'
    for row in fall.rows:
        yield (
            f'<span class="name {row.kind}">{_name(row)}</span>'
            f'<div class="track">{lines}{_bar(row, 0.0, scale)}</div>'
            f'<span class="label {row.tone}">{escape(row.label)}</span>'
            f'<span class="time">{"" if row.kind == "wait" else duration(row.seconds)}</span>\n'
        )


def ticks(scale: float) -> Iterator[float]:
    """Give round moments from 0 on a scale, at most six and far enough from its end to be read.

    Args:
        scale: Its length in seconds, above 0.
    """
    step = 1e-9
    for factor in _steps():
        step = 1e-9 * factor
        if scale / step <= _MOST_TICKS:
            break
    at, count = 0.0, 0
    while at <= scale * 0.97:
        yield at
        count += 1
        at = count * step


def _steps() -> Iterator[float]:
    power = 1.0
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10


def _bar(row: Row, offset: float, scale: float) -> str:
    left, width = (offset + row.start) / scale, row.seconds / scale
    return (
        f'<i class="bar {row.kind} {row.tone}" '
        f'style="left:min({left:.3%}, 100% - 3px);width:{width:.3%}"></i>'
    )


def _name(row: Row) -> str:
    return f"{row.kind} {row.number + 1}" if row.kind in {"attempt", "send"} else row.kind


def _numbers(fall: Waterfall) -> str:
    rows = "".join(
        f'<tr><td>{_name(row)}</td><td class="right">{row.start * 1000:.1f}</td>'
        f'<td class="right">{row.seconds * 1000:.1f}</td><td>{escape(row.label)}</td></tr>\n'
        for row in fall.rows
    )
    return (
        '<div class="scroll"><table><thead><tr><th scope="col">what</th>'
        '<th scope="col" class="right">began, ms</th><th scope="col" class="right">took, ms</th>'
        f'<th scope="col">outcome</th></tr></thead><tbody>\n{rows}</tbody></table></div>'
    )


def _spans(spans: Iterable[RecordedSpan]) -> str:
    rows = "".join(
        f"<tr><td>{escape(span.name)}<br>"
        f'<span class="quiet">{span.kind.name} {span.span_id:016x}</span></td>'
        f'<td class="right">{duration(span.seconds)}</td>'
        f"<td>{escape(span.status.status_code.name)}</td>"
        f"<td>{''.join(_pairs(span))}</td></tr>\n"
        for span in spans
    )
    return (
        '<div class="scroll"><table><thead><tr><th scope="col">span</th>'
        '<th scope="col" class="right">took</th><th scope="col">status</th>'
        f'<th scope="col">attributes</th></tr></thead><tbody>\n{rows}</tbody></table></div>'
    )


def _pairs(span: RecordedSpan) -> Iterator[str]:
    for name, value in span.attributes.items():
        yield (
            f'<span class="pair"><span class="quiet">{escape(name)}=</span>'
            f"{escape(str(value))}</span>"
        )


def _tone(watched: Watched) -> str:
    return "failed" if watched.failed else "ok"
