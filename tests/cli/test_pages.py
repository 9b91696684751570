"""What the demo prints, from a few of its calls."""

from __future__ import annotations

import pytest

from penstock.cli.documents import told
from penstock.cli.lines import plain
from penstock.cli.pages import page
from penstock.demo.calls import CALLS
from penstock.demo.run import Played, play_async, play_sync

QUICK = [call for call in CALLS if call.name in {"plain", "flaky", "lines"}]


@pytest.fixture(scope="module")
def one_by_one() -> list[Played]:
    return play_sync(QUICK)


@pytest.fixture(scope="module")
def at_once() -> list[Played]:
    return play_async(QUICK)


def test_both_clients_tell_the_same(one_by_one: list[Played], at_once: list[Played]) -> None:
    """Outcomes, rows, spans and log events are alike whichever client sent the calls."""

    def story(played: Played) -> object:
        rows = [(row.kind, row.tone) for row in played.waterfall.rows]
        spans = [(span.name, span.kind) for span in played.recording.spans]
        lines = [(line.level, line.event) for line in played.recording.lines]
        return played.call.name, played.watched.outcome, rows, spans, lines

    assert [story(played) for played in one_by_one] == [story(played) for played in at_once]


def test_a_page_of_both(one_by_one: list[Played], at_once: list[Played]) -> None:
    """Each call of the first has a waterfall, each of the second a line on one scale."""
    lines = [plain(line) for line in page(one_by_one, at_once, 80)]
    assert lines[0].startswith("Client: one call after another")
    overview = lines.index(next(line for line in lines if line.startswith("AsyncClient")))
    named = [line.split()[1] for line in lines[overview + 2 : overview + 5]]
    assert named == ["plain", "flaky", "lines"]
    assert max(map(len, lines)) <= 80


def test_a_page_of_one(at_once: list[Played]) -> None:
    """A single client has the waterfalls, and no second scale."""
    lines = [plain(line) for line in page([], at_once, 80)]
    assert lines[0].startswith("AsyncClient: all calls at once")
    assert sum(line.startswith("AsyncClient") for line in lines) == 1


def test_spans_in_a_document(one_by_one: list[Played]) -> None:
    """A span names the one above by its id."""
    call, *sends = told(one_by_one[1])["spans"]
    assert call["parent_id"] is None
    assert [send["parent_id"] for send in sends] == [call["id"]] * 3
    assert [send["status"] for send in sends] == ["ERROR", "ERROR", "UNSET"]
