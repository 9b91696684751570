"""Bars and lines as SVG, without a library: for light and dark pages, small enough to diff."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #333; }
.title { font-size: 16px; font-weight: 600; }
.panel { font-weight: 600; }
.small { font-size: 11px; fill: #666; }
.end { text-anchor: end; }
.middle { text-anchor: middle; }
.ours { font-weight: 600; }
.line { fill: none; stroke-linejoin: round; }
.grid { stroke: #888; stroke-opacity: .25; }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd; }
  .small { fill: #aaa; }
}
"""

_COLOURS = {
    "ours": "#0d9488",
    "httpx": "#e07b39",
    "httpx2": "#b7791f",
    "aiohttp": "#4f86c6",
    "pyreqwest": "#9467bd",
    "urllib3": "#7a9a3a",
    "assembled": "#c94c4c",
    "openai": "#8c6d5a",
}
_OTHER = "#8a8f98"

_ROW, _LEFT, _BAR = 22, 200, 420
_WIDTH = _LEFT + _BAR + 80
_PLOT_LEFT, _PLOT_TOP, _PLOT_WIDTH, _PLOT_HEIGHT = 70, 50, 450, 300


def bars(title: str, unit: str, panels: Mapping[str, Mapping[str, float]]) -> str:
    """Return horizontal bars, the shortest first: one panel below another, each with its scale.

    Args:
        title: What is shown.
        unit: What the numbers are, such as `µs of CPU a request`.
        panels: Values by name, by the title of their panel.
    """
    parts = [_text(0, 18, title, "title"), _text(0, 38, f"{unit}; less is better", "small")]
    top = 62.0
    for heading, values in panels.items():
        parts.append(_text(0, top, heading, "panel"))
        top += 10
        scale = _BAR / max(values.values())
        for name, value in sorted(values.items(), key=lambda item: item[1]):
            length = max(1.0, value * scale)
            parts += [
                _text(_LEFT - 8, top + 14, _shown(name), f"end {_kind(name)}"),
                _bar(top + 3, length, _colour(name)),
                _text(_LEFT + length + 6, top + 14, _number(value), _kind(name)),
            ]
            top += _ROW
        top += 26
    return _svg(title, _WIDTH, top - 20, parts)


def lines(
    title: str, unit: str, across: str, series: Mapping[str, Mapping[int, float]], *, log: bool
) -> str:
    """Return lines, each named at its end.

    Args:
        title: What is shown.
        unit: What the vertical axis counts.
        across: What the horizontal axis counts.
        series: Values by size, by name.
        log: Whether both axes are logarithmic.
    """
    sizes = sorted({size for line in series.values() for size in line})
    highest = max(value for line in series.values() for value in line.values())
    lowest = min(value for line in series.values() for value in line.values())
    x = _scale(sizes[0], sizes[-1], _PLOT_LEFT, _PLOT_LEFT + _PLOT_WIDTH, log=log)
    bottom = _PLOT_TOP + _PLOT_HEIGHT
    ticks = _decades(lowest, highest) if log else _steps(highest)
    y = _scale(ticks[0], ticks[-1], bottom, _PLOT_TOP, log=log)
    right = _PLOT_LEFT + _PLOT_WIDTH
    parts = [_text(0, 18, title, "title"), _text(0, 38, f"{unit}; less is better", "small")]
    for tick in ticks:
        parts += [
            _rule(_PLOT_LEFT, y(tick), right, y(tick)),
            _text(_PLOT_LEFT - 8, y(tick) + 4, _number(tick), "small end"),
        ]
    parts += [_text(x(size), bottom + 18, f"{size:,}", "small middle") for size in sizes]
    parts.append(_text((_PLOT_LEFT + right) / 2, bottom + 38, across, "small middle"))
    for name, line in series.items():
        points = " ".join(f"{x(size):.1f},{y(line[size]):.1f}" for size in sorted(line))
        width = 3.5 if _kind(name) else 2
        look = f'stroke="{_colour(name)}" stroke-width="{width}"{_dashes(name)}'
        parts.append(f'<polyline class="line" points="{points}" {look}/>')
    ends = {name: y(line[max(line)]) for name, line in series.items()}
    for name, height in _apart(ends):
        parts.append(_rule(x(max(series[name])), ends[name], right + 8, height))
        parts.append(_text(right + 12, height + 4, _shown(name), _kind(name), _colour(name)))
    return _svg(title, _WIDTH, bottom + 50, parts)


def _scale(low: float, high: float, start: float, end: float, *, log: bool) -> Callable[..., float]:
    def place(value: float) -> float:
        if log:
            share = math.log(value / low) / math.log(high / low)
        else:
            share = (value - low) / (high - low)
        return start + share * (end - start)

    return place


def _decades(low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0**power for power in range(first, last + 1)]


def _steps(high: float) -> list[float]:
    step = 10 ** math.floor(math.log10(high))
    step = step / 2 if high / step < 3 else step
    return [step * index for index in range(math.ceil(high / step) + 1)]


def _apart(heights: Mapping[str, float], gap: float = 16) -> Iterator[tuple[str, float]]:
    """Push labels that would lie on each other down, from the top."""
    least = -math.inf
    for name, height in sorted(heights.items(), key=lambda item: item[1]):
        least = max(height, least + gap)
        yield name, least


def _colour(name: str) -> str:
    return _COLOURS.get(_kind(name) or name.partition(",")[0].partition(" ")[0], _OTHER)


def _kind(name: str) -> str:
    return "ours" if name.startswith(("ours", "penstock")) else ""


def _shown(name: str) -> str:
    return name.replace("ours", "Penstock", 1)


def _dashes(name: str) -> str:
    return ' stroke-dasharray="7 4"' if " on " in name or name.endswith("async") else ""


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2g}"


def _text(x: float, y: float, text: str, kind: str, fill: str = "") -> str:
    style = f' style="fill:{fill}"' if fill else ""
    marked = f' class="{kind.strip()}"' if kind.strip() else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{marked}{style}>{escape(text)}</text>'


def _bar(top: float, length: float, fill: str) -> str:
    place = f'x="{_LEFT}" y="{top:.0f}" width="{length:.1f}" height="{_ROW - 6}"'
    return f'<rect {place} rx="2" fill="{fill}"/>'


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="grid" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _svg(title: str, width: float, height: float, parts: list[str]) -> str:
    box = f'viewBox="-8 0 {width + 16:.0f} {height:.0f}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-label="{escape(title)}">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *parts, "</svg>\n"])
