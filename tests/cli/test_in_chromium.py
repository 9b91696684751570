"""The page of `--html` as a browser shows it; collected where there is a Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from penstock.cli.html import Section, html_page
from penstock.demo.calls import CALLS
from penstock.demo.run import Played, play_async, play_sync

from .chromium import Chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHOWN = {"flaky", "redirected", "lines", "wrong-key", "deadline"}

BARS = """[...document.querySelectorAll('article')].map(article =>
  [...article.querySelectorAll('.fall .track')].map(track => {
    const all = track.getBoundingClientRect();
    const bar = track.querySelector('.bar').getBoundingClientRect();
    return [bar.left - all.left, bar.width, all.width, bar.height];
  }))"""

# WCAG 2.2, "relative luminance" and "contrast ratio", of each text against what is behind it.
CONTRASTS = """(() => {
  const light = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255)
      .map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = node => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (!colour.endsWith(', 0)')) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  return [...document.querySelectorAll('body *')]
    .filter(node => [...node.childNodes].some(child => child.nodeType == 3 && child.data.trim()))
    .map(node => {
      const pair = [light(getComputedStyle(node).color), light(behind(node))].sort((a, b) => b - a);
      return [(pair[0] + 0.05) / (pair[1] + 0.05), node.className, node.textContent.slice(0, 30)];
    });
})()"""


@pytest.fixture(scope="module")
def played() -> list[Played]:
    calls = [call for call in CALLS if call.name in SHOWN]
    return [*play_sync(calls), *play_async(calls)]


@pytest.fixture(scope="module")
def page(played: list[Played], tmp_path_factory: pytest.TempPathFactory) -> Path:
    sections = [
        Section(one.watched, one.waterfall, one.recording.spans, one.call.title, one.client)
        for one in played
    ]
    file = tmp_path_factory.mktemp("page") / "page.html"
    file.write_text(html_page("a page", sections), "utf-8")
    return file


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("browser")) as running:
        yield running


def test_it_loads_nothing_and_complains_of_nothing(browser: Chromium, page: Path) -> None:
    """The browser asks for the file alone, and neither its console nor its policy has a word."""
    browser.requested.clear()
    browser.open(page)
    assert browser.ask("document.title") == "a page"
    assert (browser.requested, browser.complaints) == ([page.as_uri()], [])


def test_bars_are_in_proportion_to_time(
    browser: Chromium, page: Path, played: list[Played]
) -> None:
    """Each bar begins where its row does and is as long, to a few pixels; none is invisible."""
    browser.open(page)
    drawn = browser.ask(BARS)
    assert [len(bars) for bars in drawn] == [len(one.waterfall.rows) for one in played]
    for one, bars in zip(played, drawn, strict=True):
        fall = one.waterfall
        for row, (left, width, whole, height) in zip(fall.rows, bars, strict=True):
            assert left == pytest.approx(row.start / fall.total * whole, abs=4)
            assert width == pytest.approx(row.seconds / fall.total * whole, abs=4)
            assert left + width <= whole + 4
            assert min(width, height) >= 3


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_it_fits_its_window(width: int, browser: Chromium, page: Path) -> None:
    """Nothing hangs over its edge, on a telephone or on a wall."""
    browser.open(page, width=width)
    browser.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert browser.ask("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read(scheme: str, browser: Chromium, page: Path) -> None:
    """In either scheme every text stands out from what is behind it (WCAG 2.2 AA: 4.5 to 1)."""
    browser.open(page, scheme=scheme)
    paper = browser.ask("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(246, 247, 249)", "dark": "rgb(18, 22, 28)"}[scheme]
    contrasts: list[Any] = browser.ask(CONTRASTS)
    assert len(contrasts) > 50
    assert [item for item in contrasts if item[0] < 4.5] == []


def test_who_does_not_see_it_hears_it(browser: Chromium, page: Path, played: list[Played]) -> None:
    """To a screen reader each waterfall is a picture with a name, and a table can be opened."""
    browser.open(page)
    browser.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
    nodes = browser("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in nodes if "role" in node]
    names = [
        node["name"]["value"] for node in nodes if node.get("role", {}).get("value") == "image"
    ]
    assert len(names) == len(played)
    assert all("attempt" in name and "table below" in name for name in names)
    assert roles.count("table") == 2 * len(played)
    assert roles.count("DisclosureTriangle") == 2 * len(played)


def test_it_is_a_picture(browser: Chromium, page: Path) -> None:
    """It can be photographed whole."""
    browser.open(page)
    assert browser.picture().startswith(b"\x89PNG")
