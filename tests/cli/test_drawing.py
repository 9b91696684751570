"""How waterfalls are drawn: bars in proportion, on one scale."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from penstock.cli.drawing import cells, draw, duration, head, label_width, timeline
from penstock.cli.lines import plain
from penstock.demo.waterfall import Row, Waterfall

MOMENTS = st.floats(0, 1e4, allow_subnormal=False)

FALL = Waterfall(
    (
        Row("attempt", 0, 0.0, 0.25, "503", "failed"),
        Row("wait", 1, 0.25, 0.75, "503, backoff 0.50 s", "wait"),
        Row("attempt", 1, 0.75, 1.0, "200", "ok"),
        Row("send", 1, 0.75, 0.85, "302 to /b", "moved"),
        Row("body", 1, 0.9, 1.0, "12 bytes", "body"),
    ),
    1.0,
)


@given(MOMENTS, MOMENTS, MOMENTS, st.integers(1, 200))
def test_a_bar_is_in_proportion(first: float, second: float, rest: float, room: int) -> None:
    """It begins and ends within a cell of where time says, is never empty and never outside."""
    start, end = sorted((first, second))
    total = end + rest
    assume(total > 0)
    begins, after = cells(start, end, total, room)
    assert 0 <= begins < after <= room
    assert abs(begins - start / total * room) <= 1 + 1e-6
    assert abs(after - end / total * room) <= 1 + 1e-6


@given(st.lists(MOMENTS, min_size=4, max_size=4), st.integers(1, 200))
def test_bars_keep_their_order(moments: list[float], room: int) -> None:
    """What began and ended earlier does not stand further right."""
    one, two, three, four = sorted(moments)
    assume(four > 0)
    before, after = cells(one, two, four, room), cells(three, four, four, room)
    assert before[0] <= after[0]
    assert before[1] <= after[1]


def test_a_call_that_took_no_time() -> None:
    """It still has bars."""
    assert cells(0.0, 0.0, 0.0, 10) == (0, 1)


def test_a_waterfall() -> None:
    """Attempts, waits, sends and bodies are drawn each in its own way, outcomes beside them."""
    assert [plain(line) for line in draw(FALL, 60, label_width([FALL]))] == [
        "  attempt 1  ██████                      503          0.25 s",
        "  wait             ╌╌╌╌╌╌╌╌╌╌╌╌╌╌        503, backoff 0.50 s",
        "  attempt 2                     ███████  200          0.25 s",
        "    send 2                      ━━━      302 to /b    0.10 s",
        "  body                              ░░░  12 bytes     0.10 s",
    ]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_fit(width: int) -> None:
    """No line is longer than the screen is wide where there is room for bars at all."""
    lines = draw(FALL, width, label_width([FALL]))
    assert max(len(plain(line)) for line in lines) == width


def test_labels_are_never_cut() -> None:
    """Where labels leave no room, lines grow; nothing is left out."""
    lines = [plain(line) for line in draw(FALL, 10, label_width([FALL]))]
    assert all(row.label in line for row, line in zip(FALL.rows, lines, strict=True))


def test_a_timeline() -> None:
    """A call in one line has its attempts over its waits, shifted by when it began."""
    assert plain(timeline(FALL, 1.0, 2.0, 16)) == "        ██╌╌╌╌██"


@pytest.mark.parametrize(
    ("outcome", "failed", "tone"), [("200", False, "ok"), ("404 NotFound", True, "failed")]
)
def test_a_head(outcome: str, failed: bool, tone: str) -> None:
    """Method, path, title, outcome and total stand in one line that is as wide as the screen."""
    watched: Any = SimpleNamespace(method="GET", path="/a", outcome=outcome, failed=failed)
    line = head(watched, FALL, 40, title="why")
    assert plain(line) == f"GET /a  why{f'{outcome}  1.00 s':>29}"
    assert line[-1].tone == tone


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0.0 ms"), (0.00061, "0.6 ms"), (0.048, "48 ms"), (0.0999, "0.10 s"), (61.5, "61.50 s")],
)
def test_durations(seconds: float, text: str) -> None:
    """They have the digits that matter."""
    assert duration(seconds) == text
