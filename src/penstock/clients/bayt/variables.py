"""Variables in a prompt: `{{name}}`, `{{name:type}}`, `{{name:type // description}}`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_BRACES = re.compile(r"\{\{([^{}]+)\}\}")

_TYPES: dict[str, tuple[str, type | tuple[type, ...]]] = {
    **dict.fromkeys(("string", "str", "text"), ("string", str)),
    **dict.fromkeys(("number", "int", "integer"), ("number", (int, float))),
    **dict.fromkeys(("boolean", "bool"), ("boolean", bool)),
    **dict.fromkeys(("array", "list"), ("array", (list, tuple))),
    **dict.fromkeys(("object", "dict"), ("object", dict)),
}
"""What the types of variables are called in messages, and in Python (Bayt's documentation)."""


class Variable(NamedTuple):
    """What stands between two braces; empty where nothing is said."""

    name: str
    type: str
    description: str

    def to_dict(self) -> dict[str, str]:
        """Return what is said of it."""
        return {part: text for part, text in self._asdict().items() if text}


def variables_in(texts: Iterable[str]) -> list[Variable]:
    """Return the variables of some texts, in order; of several of one name, the first.

    Args:
        texts: Texts of a prompt.
    """
    found: dict[str, Variable] = {}
    for text in texts:
        for variable in _each(text):
            found.setdefault(variable.name, variable)
    return list(found.values())


def problems_with(given: Mapping[str, Any], variables: Iterable[Variable]) -> dict[str, str]:
    """Return what is wrong with values for variables, by name; nothing if they fit.

    Args:
        given: The values.
        variables: What they are for. A type that is none of Bayt's fits everything.
    """
    expected = {variable.name: variable for variable in variables}
    missing = {name: f"Missing required variable: {name}" for name in expected if name not in given}
    unexpected = {name: f"Unexpected variable: {name}" for name in given if name not in expected}
    misfits = {
        name: f"Expected {wanted}, got {type(given[name]).__name__}"
        for name, variable in expected.items()
        if name in given and (wanted := _misfit(given[name], variable.type))
    }
    return missing | unexpected | misfits


def interpolate(template: str, variables: Mapping[str, Any]) -> str:
    """Return *template* with values in the place of its variables.

    Lists and dicts go in as JSON, everything else as its `str()`. A variable without a value stays
    as it stands, and what goes in is not looked at again: a value may hold braces.

    Args:
        template: A text of a prompt.
        variables: The values by name.
    """

    def fill(match: re.Match[str]) -> str:
        name = _read(match[1]).name
        return _as_text(variables[name]) if name in variables else match[0]

    return _BRACES.sub(fill, template)


def _each(text: str) -> Iterator[Variable]:
    for match in _BRACES.finditer(text):
        variable = _read(match[1])
        if variable.name:
            yield variable


def _read(inside: str) -> Variable:
    head, _, description = inside.partition("//")
    name, _, kind = head.partition(":")
    return Variable(name.strip(), kind.strip(), description.strip())


def _misfit(value: object, kind: str) -> str:
    """Return what is wanted instead of *value*, or an empty string if it fits."""
    wanted, types = _TYPES.get(kind.lower(), ("", object))
    fits = isinstance(value, types) and not (wanted == "number" and isinstance(value, bool))
    return "" if fits else wanted


def _as_text(value: object) -> str:
    return json.dumps(value) if isinstance(value, (list, dict)) else str(value)
