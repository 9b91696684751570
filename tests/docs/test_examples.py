"""The documentation is true: its examples and commands run, and print what the page says."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from .pages import PAGES, ROOT, blocks_of, every_block_of, python_of
from .running import Examples, commands_of, run_command

if TYPE_CHECKING:
    from pathlib import Path

WITH_EXAMPLES = [page for page in PAGES if python_of(page)]
WITH_COMMANDS = [
    page for page in PAGES if "console" in {block.language for block in blocks_of(page)}
]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.usefixtures("demo_network")
@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=name_of)
def test_every_example_runs_and_prints_what_the_page_says(
    page: Path,
    own_place: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every Python example of every page runs, and prints exactly what the page says it prints."""
    examples = Examples(page, request)
    monkeypatch.setitem(sys.modules, "example", examples.module)
    for block in blocks_of(page):
        if block.title:
            (own_place / block.title).write_text(block.source, "utf-8")
        if block.language == "python":
            examples.run(block)
            printed = capsys.readouterr().out.rstrip("\n")
            assert printed == block.prints.rstrip("\n"), (
                f"{name_of(page)}:{block.line} prints something else"
            )
    examples.forget()


@pytest.mark.usefixtures("demo_network", "own_place")
@pytest.mark.parametrize("page", WITH_COMMANDS, ids=name_of)
def test_every_command_prints_what_the_page_says(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command of every page succeeds, and prints what the page says, if it says so."""
    for block in blocks_of(page):
        for command, said in commands_of(block) if block.language == "console" else ():
            assert run_command(command) == 0
            printed = capsys.readouterr().out.rstrip("\n")
            assert printed == (said or printed), f"{name_of(page)}: {command}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_example_escapes(page: Path) -> None:
    """Every fenced block is one that is read here, and of a kind that runs or never could."""
    languages = [block.language for block in every_block_of(page)]
    assert page.read_text("utf-8").count("```") == 2 * len(languages)
    assert set(languages) <= {"console", "python", "sh", "text", "toml"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    """What a page links to in the repository is there; the site's build looks at anchors too."""
    targets = re.findall(r"\]\(([^)#:\"]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
