"""Reading one settings file: TOML, JSON or YAML, by its suffix, with the line of every key."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.settings.errors import RefusedError
from penstock.settings.positions import json_lines, toml_lines, yaml_lines
from penstock.settings.source import Source

if TYPE_CHECKING:
    from penstock.settings.schema import Keys
    from penstock.settings.source import SourceKind

_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True)
class Document:
    """One settings file.

    Attributes:
        kind: Whether it was named, or found as project or user file.
        path: The file.
        root: The table of the file that is ours: empty for all of it, `tool.penstock` in a
            `pyproject.toml`.
        data: What that table holds.
        lines: The line of each key of the file.
    """

    kind: SourceKind
    path: str
    root: Keys
    data: Mapping[str, Any]
    lines: Mapping[Keys, int]

    def locate(self, written: Keys) -> Source:
        """Return the source of a key; a key without a line of its own has its table's."""
        keys = (*self.root, *written)
        lines = (self.lines.get(keys[:length], 0) for length in range(len(keys), 0, -1))
        return Source(self.kind, ".".join(keys), self.path, next(filter(None, lines), 0))

    def within(self, root: Keys) -> Document | None:
        """Return the part of the file that is ours, or None if it has no such table.

        Args:
            root: The keys that lead to it.
        """
        data: object = self.data
        for key in root:
            data = data.get(key) if isinstance(data, Mapping) else None
        return replace(self, root=root, data=data) if isinstance(data, Mapping) else None


def read_text(path: Path) -> str:
    """Return a file's text.

    Args:
        path: The file.

    Raises:
        RefusedError: It cannot be read.
    """
    content, msg, hint = None, "", ""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        msg, hint = "does not exist", "check the path"
    except (OSError, ValueError) as error:  # a NUL in a path is a ValueError
        msg = f"cannot be read: {getattr(error, 'strerror', error)}"
    if content is None:
        raise RefusedError(msg, hint)
    return decode(content)


def named(path: str | os.PathLike[str]) -> Path:
    """Return a path the caller named, `~` expanded.

    Args:
        path: The path.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111 - unlike Path's, it never raises


def decode(content: bytes) -> str:
    """Return UTF-8 text, with or without a byte order mark.

    Args:
        content: What a file holds.

    Raises:
        RefusedError: It is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:  # it holds the content
        msg = "is not UTF-8 text"
    raise RefusedError(msg, "save it as UTF-8")


def parse(path: Path, text: str, kind: SourceKind) -> Document:
    """Parse a settings file.

    Args:
        path: The file; its suffix says the format.
        text: Its text.
        kind: How the file was come by.

    Raises:
        RefusedError: It is not what its suffix says, or its top is not a table.
    """
    suffix = path.suffix.lower()
    if suffix not in _FORMATS:
        msg = "has a suffix that says no format"
        raise RefusedError(msg, f"name it {', '.join(_FORMATS)}")
    load, positions = _FORMATS[suffix]
    try:
        data, lines = load(text), positions(text)
    except RecursionError:
        data, lines = _TOO_DEEP, {}
    if data is _TOO_DEEP:
        msg = "is nested too deeply"
        raise RefusedError(msg)
    if data is None:  # an empty YAML file
        data = {}
    if not isinstance(data, Mapping):
        msg = "must hold keys and values at its top"
        raise RefusedError(msg)
    return Document(kind, str(path), (), data, lines)


_TOO_DEEP = object()


def _toml(text: str) -> object:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
    except ValueError:  # an integer with thousands of digits
        message = "a number is too long"
    place = _PLACE.search(message)
    line = int(place[1] or text.count("\n") + 1) if place else 0
    msg = f"is not valid TOML: {_PLACE.sub('', message)}"
    raise RefusedError(msg, "a text needs quotes; a table begins with [name]", line)


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        message, line = error.msg, error.lineno
    except ValueError:
        message, line = "a number is too long", 0
    msg = f"is not valid JSON: {message}"
    raise RefusedError(msg, "keys and texts need double quotes; no comma after the last one", line)


def _yaml(text: str) -> object:
    try:
        import yaml
    except ImportError:
        yaml = None  # type: ignore[assignment]  # the absence of the module
    if yaml is None:
        msg = "is YAML, and PyYAML is not installed"
        raise RefusedError(msg, 'install it with the extra: pip install "penstock[yaml]"')
    line = 0
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:  # its text quotes the file
        line = error.problem_mark.line + 1 if error.problem_mark else 0
    except (yaml.YAMLError, ValueError):
        pass
    msg = "is not valid YAML"
    raise RefusedError(msg, "check the indentation and the quotes", line)


_FORMATS: dict[str, tuple[Callable[[str], Any], Callable[[str], Mapping[Keys, int]]]] = {
    ".toml": (_toml, toml_lines),
    ".json": (_json, json_lines),
    ".yaml": (_yaml, yaml_lines),
    ".yml": (_yaml, yaml_lines),
}
