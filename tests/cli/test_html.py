"""`--html`: one page that needs nothing else and runs nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.cli.html import Section, html_page, ticks
from penstock.demo.recording import Recorder, recording
from penstock.demo.run import SHOW
from penstock.demo.waterfall import Row, Waterfall, waterfall

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    from penstock.demo import DemoServer

EVIL = "<script>alert(1)</script>\"'&"


class Page(HTMLParser):
    """What a page is made of.

    Attributes:
        tags: Every tag, in order.
        attributes: Every attribute as `(tag, name, value)`.
        words: All text outside the style sheet.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in {"meta", "br"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.words += data


def section(label: str = "200", title: str = "", **watched: Any) -> Section:
    seen: Any = SimpleNamespace(
        **{
            "method": "GET",
            "path": "/a",
            "url": "http://here/a",
            "outcome": "200",
            "failed": False,
            **watched,
        }
    )
    fall = Waterfall((Row("attempt", 0, 0.0, 0.5, label, "ok"),), 0.5, 1, 0)
    return Section(seen, fall, [], title)


def test_it_needs_nothing_else() -> None:
    """No script, no link to a resource, no import, no URL but in text: one file is the page."""
    page = html_page("t", [section(), section()])
    found = Page(page)
    assert {"script", "link", "img", "iframe", "object", "embed"}.isdisjoint(found.tags)
    loads = [item for item in found.attributes if item[1] in {"src", "srcset", "action", "data"}]
    assert loads == []
    assert {value for _, name, value in found.attributes if name == "href"} == {
        "#call-1",
        "#call-2",
    }
    assert not re.search(r"@import|url\(|@font-face", page)
    assert ("meta", "content", "default-src 'none'; style-src 'unsafe-inline'") in found.attributes


@pytest.mark.parametrize("field", ["method", "path", "url", "outcome"])
def test_values_are_text(field: str) -> None:
    """Whatever a call is made of, it is text on the page, never markup."""
    found = Page(html_page(EVIL, [section(EVIL, EVIL, **{field: EVIL})] * 2))
    assert "script" not in found.tags
    assert EVIL in found.words


def test_spans_are_text() -> None:
    """So are the names and attributes of spans, and each is there."""
    with recording() as recorded:
        tracer = Recorder().get_tracer("t")
        tracer.start_span(EVIL, attributes={EVIL: EVIL, "count": 3}).end()
    watched = section().watched
    found = Page(html_page("t", [Section(watched, waterfall(recorded.spans), recorded.spans)]))
    assert "script" not in found.tags
    assert f"{EVIL}={EVIL}" in found.words
    assert "count=3" in found.words


def test_the_picture_has_its_numbers_beneath() -> None:
    """The picture names itself to those who do not see it, and a table with headers follows."""
    found = Page(html_page("t", [section()]))
    label = "1 attempt in 0.50 s: 200; the table below has the numbers"
    assert ("div", "aria-label", label) in found.attributes
    assert found.tags.index("table") > found.tags.index("div")
    assert found.attributes.count(("th", "scope", "col")) == found.tags.count("th")
    assert "attempt 10.0500.0200" in re.sub(r"\s+(?!1)", "", found.words)


@given(st.floats(1e-6, 1e5))
def test_ticks(scale: float) -> None:
    """They begin at 0, are evenly spaced, at most seven, and lie on the scale."""
    marks = list(ticks(scale))
    assert marks[0] == 0
    assert 1 < len(marks) <= 7
    assert marks[-1] <= scale
    steps = {round((after - before) / marks[1], 6) for before, after in pairwise(marks)}
    assert steps == {1.0}


def test_the_page_of_a_request(invoke: Callable[..., Result], at_server: str) -> None:
    """A request's page has its waterfall, redacted as everywhere."""
    fault = "X-Demo-Fault: 503;times=1"
    asked = ["request", "GET", "/echo?token=hush-hush", "-H", fault, "--html", "call.html"]
    assert invoke(*asked).exit_code == 0
    html = Path("call.html").read_text("utf-8")
    found = Page(html)
    assert "token=REDACTED" in found.words
    assert re.search(r"503, (backoff|wait) 0\.\d\d s", found.words)
    assert "a-key-nobody" not in html
    assert "hush-hush" not in html


def test_the_page_of_the_demo(invoke: Callable[..., Result]) -> None:
    """The demo's page has every call, in a list and by itself."""
    assert invoke("demo", "--async", "--html", "demo.html").exit_code == 0
    found = Page(Path("demo.html").read_text("utf-8"))
    assert found.tags.count("article") == len(SHOW)
    assert f"{len(SHOW)} calls all at once, on one scale" in found.words


@pytest.mark.parametrize("name", ["missing/call.html", "directory", "file/call.html"])
def test_a_page_that_cannot_be_written_costs_no_request(
    name: str, at_server: str, server: DemoServer, invoke: Callable[..., Result]
) -> None:
    """A path nothing can be written to is wrong usage, before anything is sent."""
    Path("directory").mkdir()
    Path("file").touch()
    result = invoke("request", "GET", "/status/200", "--html", name)
    assert (result.exit_code, server.requests) == (2, [])
    assert name in result.stderr


def test_a_full_disk(at_server: str, invoke: Callable[..., Result]) -> None:
    """A page that cannot be written after all is said to be, and the body was printed."""
    result = invoke("request", "GET", "/status/200", "--html", "/dev/full")
    assert (result.exit_code, result.stdout) == (1, '{"status":200}')
    assert result.stderr == "penstock: /dev/full: No space left on device\n"
