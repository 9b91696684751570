"""Reads the documentation: its pages, and the fenced blocks of each."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "middleware" / "README.md",
        *DOCS.rglob("*.md"),
    ]
)

_FENCE = re.compile(
    r'^(?P<indent> *)```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n'
    r"(?P<source>.*?)"
    r"^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """One fenced block.

    Attributes:
        language: What stands after the backticks.
        title: The name of the file it stands for, or empty.
        line: The line of its first fence, counted from 1.
        end: The line of its last.
        source: Its text.
        prints: For Python, the `text` block that follows directly: what running it prints.
    """

    language: str
    title: str
    line: int
    end: int
    source: str
    prints: str = ""


def every_block_of(page: Path) -> list[Block]:
    """Return the blocks of a page in order, each by itself."""
    text = page.read_text("utf-8")
    return [
        Block(
            match["language"],
            match["title"] or "",
            text.count("\n", 0, match.start()) + 1,
            text.count("\n", 0, match.end()) + 1,
            dedent(match["source"]),
        )
        for match in _FENCE.finditer(text)
    ]


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page in order, each Python one with what it prints."""
    lines = page.read_text("utf-8").splitlines()
    blocks: list[Block] = []
    for block in every_block_of(page):
        last = blocks[-1] if blocks else None
        between = lines[last.end : block.line - 1] if last else []
        if last and last.language == "python" and block.language == "text" and not any(between):
            blocks[-1] = last._replace(prints=block.source)
        else:
            blocks.append(block)
    return blocks


def python_of(page: Path) -> list[Block]:
    """Return the Python blocks of a page."""
    return [block for block in blocks_of(page) if block.language == "python"]
