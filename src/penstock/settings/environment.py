"""Environment variables, from the process or from a `.env` file the caller names.

The schema is walked and its names are asked for, so each value knows the exact variable it is from
and no delimiter is ambiguous. Names count in upper case only; an empty variable counts as unset.
"""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

from penstock.settings.errors import RefusedError
from penstock.settings.files import read_text
from penstock.settings.reading import Reading, from_text, nearest, read_table
from penstock.settings.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from penstock.settings.schema import Leaf, Table


class Variables:
    """Some variables, each with its source.

    Args:
        values: The variables.
        locate: Gives the source of a variable.
    """

    def __init__(self, values: Mapping[str, str], locate: Callable[[str], Source]) -> None:
        self.values = values
        self.locate = locate

    def first(self, names: Iterable[str]) -> tuple[str, str]:
        """Return the first of *names* that is set and not empty, with its value."""
        for name in names:
            value = self.values.get(name, "")
            if value.strip():
                return name, value
        return "", ""

    def read(self, table: Table) -> Reading:
        """Read everything the schema knows. A variable of one leaf beats JSON for a whole table.

        Args:
            table: The schema.
        """
        reading = Reading()
        for inner in table.tables():
            name, text = self.first(inner.variables)
            if name:
                self._read_json(reading, inner, name, text)
        for leaf in table.leaves():
            name, text = self.first(leaf.variables)
            if leaf.shape == "mapping":
                self._read_mapping(reading, leaf, name, text)
            elif name:
                self._read_leaf(reading, leaf, name, text)
        return reading

    def _read_leaf(self, reading: Reading, leaf: Leaf, name: str, text: str) -> None:
        source = self.locate(name)
        value: object = text
        if leaf.shape == "list" and not text.lstrip().startswith("["):
            value = [part.strip() for part in text.split(",")]
        elif leaf.shape != "value":
            value = _json(text)
            if value is _BROKEN:
                reading.refuse(leaf.name, "is not valid JSON", source, "write JSON")
                return
        reading.give(leaf, from_text(leaf, value), source)

    def _read_mapping(self, reading: Reading, leaf: Leaf, name: str, text: str) -> None:
        if name:
            source = self.locate(name)
            value = _json(text)
            if isinstance(value, dict):
                for key, item in value.items():
                    reading.give_key(leaf, key, item, source)
            else:
                reading.refuse(leaf.name, "must be a JSON object", source, _OBJECT_HINT)
        for variable, item in self.values.items():
            start, found, key = variable.partition(f"{leaf.variables[0]}__")
            if not start and found and key and item.strip():
                key = key.replace("_", "-") if leaf.holds_headers else key
                reading.give_key(leaf, key, item, self.locate(variable))

    def _read_json(self, reading: Reading, table: Table, name: str, text: str) -> None:
        source = self.locate(name)
        value = _json(text)
        if isinstance(value, dict):
            read_table(reading, table, value, lambda _: source)
        else:
            hint = f'write an object such as {{"{next(iter(table.fields))}": …}}'
            reading.refuse(".".join(table.path), "must be a JSON object", source, hint)

    def unread(self, table: Table, known: frozenset[str], prefix: str) -> dict[str, str]:
        """Return the variables with our prefix that set nothing, with what was meant, if known.

        Args:
            table: The schema.
            known: Every variable that is read.
            prefix: Our prefix.
        """
        mappings = tuple(
            f"{leaf.variables[0]}__" for leaf in table.leaves() if leaf.shape == "mapping"
        )
        bare = tuple(sorted(name.removeprefix(prefix) for name in known))
        unread = {}
        for name in self.values:
            upper = name.upper()
            if not upper.startswith(prefix) or name in known or name.startswith(mappings):
                continue
            meant = upper.removeprefix(prefix)
            near = meant if upper in known else nearest(meant, bare)
            unread[name] = prefix + near if near else ""
        return unread


_OBJECT_HINT = 'write an object such as {"X-Tenant": "acme"}'


def known_variables(table: Table, prefix: str) -> frozenset[str]:
    """Return every variable that is read.

    Args:
        table: The schema.
        prefix: Its prefix.
    """
    nodes: tuple[Table | Leaf, ...] = (*table.tables(), *table.leaves())
    return frozenset([f"{prefix}PROFILE", *(name for node in nodes for name in node.variables)])


def from_environ(environ: Mapping[str, str], known: frozenset[str], prefix: str) -> Variables:
    """Return the variables of a process that concern us.

    Args:
        environ: The process's variables.
        known: Every variable that is read.
        prefix: Our prefix; other variables that have it are kept, to find misspelt ones.
    """
    ours = [name for name in environ if name in known or name.upper().startswith(prefix)]
    return Variables(
        {name: environ[name] for name in ours}, lambda name: Source("environment", name)
    )


def from_dotenv(path: Path, known: frozenset[str], prefix: str) -> Variables:
    """Return the variables of a `.env` file that concern us; what it says to others is left alone.

    Values are taken as they stand: `${NAME}` is not replaced, so a key may hold any character and
    nothing but the file is read.

    Args:
        path: The file.
        known: Every variable that is read.
        prefix: Our prefix; other variables that have it are kept, to find misspelt ones.

    Raises:
        RefusedError: The file cannot be read, or a line of ours in it is not `NAME=value`.
    """
    values, lines = {}, {}
    for binding in parse_stream(StringIO(read_text(path))):
        text = binding.original.string
        line = binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
        name = binding.key
        if binding.error and prefix in text:
            msg = "has a line that is not NAME=value"
            raise RefusedError(msg, "put the value in quotes, and close them", line)
        if name and (name in known or name.upper().startswith(prefix)):
            values[name], lines[name] = binding.value or "", line
    return Variables(values, lambda name: Source("dotenv", name, str(path), lines[name]))


_BROKEN = object()


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # the error holds the text
        return _BROKEN
