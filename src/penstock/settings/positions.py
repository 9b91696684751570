"""The line of every key in a settings file that has already been parsed: no parser keeps them."""

from __future__ import annotations

import json
import re
import tomllib
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.settings.schema import Keys

_TOML = re.compile(
    r'''
    (?P<skip> \#[^\n]* | [ \t\r]+ )
  | (?P<text> """(?:\\[\s\S]|[^\\])*?"""(?:"{0,2})  # up to two quotes may stand before the end
            | \'\'\'[\s\S]*?\'\'\'(?:'{0,2})
            | "(?:\\.|[^"\\\n])*" | '[^'\n]*' )
  | (?P<bare> [A-Za-z0-9_-]+ )
  | (?P<mark> [\s\S] )
    ''',
    re.VERBOSE,
)
_JSON = re.compile(r'(?P<key>"(?:\\.|[^"\\])*")\s*:|"(?:\\.|[^"\\])*"|(?P<mark>[{}\[\]])')


def toml_lines(text: str) -> dict[Keys, int]:
    """Return the line of each table and key of valid TOML.

    Keys inside an inline table or an array are left out: they stand on their parent's line.

    Args:
        text: The document.
    """
    line_at = _line_counter(text)
    lines: dict[Keys, int] = {}
    table: Keys = ()
    key: list[str] = []
    in_header = in_value = False
    depth = 0
    for match in _TOML.finditer(text):
        token, mark = match.group(), match["mark"]
        if in_value:
            depth += (mark in _OPEN) - (mark in _CLOSE)
            in_value = depth > 0 or mark != "\n"
        elif mark == "[":
            in_header, key = True, []
        elif mark == "]" and in_header:
            in_header, table = False, tuple(key)
            _note(lines, (), key, line_at(match.start()))
        elif mark == "=":
            _note(lines, table, key, line_at(match.start()))
            in_value, depth, key = True, 0, []
        elif mark == "\n":
            key = []
        elif match["bare"]:
            key.append(token)
        elif match["text"]:
            key.append(tomllib.loads(f"key = {token}")["key"])
    return lines


def _note(lines: dict[Keys, int], table: Keys, key: list[str], line: int) -> None:
    for length in range(1, len(key) + 1):  # `a.b = 1` is where `a` begins, too
        lines.setdefault((*table, *key[:length]), line)


_OPEN = frozenset("[{")
_CLOSE = frozenset("]}")


def json_lines(text: str) -> dict[Keys, int]:
    """Return the line of each key of valid JSON.

    Args:
        text: The document.
    """
    line_at = _line_counter(text)
    lines: dict[Keys, int] = {}
    path: list[str] = []
    for match in _JSON.finditer(text):
        if match["key"]:
            path[-1] = json.loads(match["key"])
            lines.setdefault(tuple(path), line_at(match.start()))
        elif match["mark"] in _OPEN:
            path.append("")
        elif match["mark"] in _CLOSE:
            path.pop()
    return lines


def yaml_lines(text: str) -> dict[Keys, int]:
    """Return the line of each key of valid YAML.

    Args:
        text: The document.
    """
    import yaml

    lines: dict[Keys, int] = {}
    visited: set[int] = set()  # aliases make it a graph, which may be exponential or a circle

    def visit(node: Any, path: Keys) -> None:
        if not isinstance(node, yaml.MappingNode) or id(node) in visited:
            return
        visited.add(id(node))
        for key, value in node.value:
            here = (*path, str(key.value))
            lines.setdefault(here, key.start_mark.line + 1)
            visit(value, here)

    visit(yaml.compose(text, Loader=yaml.SafeLoader), ())
    return lines


def _line_counter(text: str) -> Callable[[int], int]:
    ends = [match.start() for match in re.finditer("\n", text)]
    return lambda position: bisect_right(ends, position) + 1
