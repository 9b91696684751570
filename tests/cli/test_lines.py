"""How lines reach a screen, a pipe, and a place that knows no bars."""

from __future__ import annotations

import io

import pytest

from penstock.cli.lines import Piece, in_colour, plain, show, table, width_of_screen, writable


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "variables", "expected"),
    [
        (io.StringIO(), {}, False),
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (io.StringIO(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour(
    stream: io.StringIO,
    variables: dict[str, str],
    expected: bool,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A terminal has it, `FORCE_COLOR` gives it, `NO_COLOR` and a dumb terminal take it."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert in_colour(stream) is expected


def test_text_in_a_pipe(environ: dict[str, str]) -> None:
    """It is plain, unwrapped, and has no space at the end of a line."""
    stream = io.StringIO()
    show([[Piece("a" * 300, "title"), Piece("  ", "ok")], []], stream)
    assert stream.getvalue() == "a" * 300 + "\n\n"


def test_text_on_a_terminal(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in colour, still unwrapped, and markup in it is text."""
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    show([[Piece("[bold]" * 50, "failed")]], stream)
    assert stream.getvalue() == f"\x1b[31m{'[bold]' * 50}\x1b[0m\n"


def test_the_width(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`COLUMNS` says how wide a screen is."""
    monkeypatch.setenv("COLUMNS", "72")
    assert width_of_screen() == 72


@pytest.mark.parametrize(
    ("encoding", "expected"), [("utf-8", "█╌ é"), ("latin-1", "#- é"), ("ascii", "#- ?")]
)
def test_a_stream_that_knows_no_bars(encoding: str, expected: str) -> None:
    """Bars become ASCII, and no character breaks the output."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    assert writable("█╌ é", stream) == expected


def test_a_table() -> None:
    """Columns line up; rows may be of different length."""
    rows = [[Piece("a"), Piece("bb"), Piece("c")], [Piece("aaa"), Piece("b")]]
    assert [plain(line) for line in table(rows)] == ["a    bb  c", "aaa  b"]
