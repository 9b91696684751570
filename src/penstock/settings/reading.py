"""What one source said: entries with their source, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel

from penstock.options import REMOVE, UNSET
from penstock.settings.checks import is_header_name
from penstock.settings.errors import Problem
from penstock.settings.schema import Leaf, Table

if TYPE_CHECKING:
    from penstock.settings.schema import Keys
    from penstock.settings.source import Source

Locate = Callable[["Keys"], "Source"]
"""From the path of a key, as it was written, to its source."""

_NONE_TEXTS = frozenset({"none", "off"})


class Entry(NamedTuple):
    """A value that one source gives to one leaf, or to one key of a mapping.

    Attributes:
        leaf: The leaf.
        key: The key, if the leaf is a mapping.
        value: The value; `None` for a key drops what lower sources say about it.
        source: Where it is from.
    """

    leaf: Leaf
    key: str
    value: object
    source: Source


@dataclass
class Reading:
    """What one source said.

    Attributes:
        entries: By leaf path, or by slot for a key of a mapping.
        problems: What cannot be used.
    """

    entries: dict[Keys, Entry] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def give(self, leaf: Leaf, value: object, source: Source) -> None:
        """Add a leaf's value."""
        self.entries[leaf.path] = Entry(leaf, "", value, source)

    def give_key(self, leaf: Leaf, key: str, value: object, source: Source) -> None:
        """Add one key of a mapping."""
        if leaf.holds_headers and not is_header_name(key):
            if source.file:  # somebody may have put the whole header where its name belongs
                source = replace(source, name=leaf.name)
            self.refuse(leaf.name, "has a name that no header can have", source, _HEADER_HINT)
            return
        value = None if value is REMOVE else value
        self.entries[leaf.slot(key)] = Entry(leaf, key, value, source)

    def refuse(self, path: str, message: str, source: Source, hint: str = "") -> None:
        """Add a problem."""
        self.problems.append(Problem(path, message, str(source), hint))


_HEADER_HINT = "a name is made of letters, digits and hyphens, such as X-Tenant"


def read_table(
    reading: Reading, table: Table, data: Mapping[str, object], locate: Locate, written: Keys = ()
) -> None:
    """Read nested data against the schema.

    Args:
        reading: Where entries and problems go.
        table: What the data may set.
        data: The data. A table may also be an instance of its model: what was set on it counts.
        locate: Gives the source of a key.
        written: The keys that led here, as they were written.
    """
    seen: set[str] = set()
    for key, value in data.items():
        here = (*written, str(key))
        source = locate(here)
        names = table.own_keys if source.kind == "argument" else table.by_key
        name = names.get(key)
        if name is None:
            hint = suggest_key(str(key), table) or f"known here: {', '.join(table.fields)}"
            reading.refuse(".".join(here), "unknown key", source, hint)
        elif name in seen:
            reading.refuse(".".join(here), "is given twice", source, "keep one of its names")
        elif value is not UNSET:
            seen.add(name)
            _read_node(reading, table.fields[name], value, locate, here)


def _read_node(
    reading: Reading, node: Leaf | Table, value: object, locate: Locate, here: Keys
) -> None:
    source = locate(here)
    if isinstance(node, Leaf) and node.shape != "mapping":
        if source.kind != "argument":
            value = from_text(node, value)
        reading.give(node, value, source)
        return
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in value.model_fields_set}
    if value is None:  # a YAML key with nothing under it
        return
    if not isinstance(value, Mapping):
        reading.refuse(".".join(node.path), "must be a table", source, "give it keys and values")
    elif isinstance(node, Table):
        read_table(reading, node, value, locate, here)
    else:
        for key, item in value.items():
            reading.give_key(node, str(key), item, locate((*here, str(key))))


def from_text(leaf: Leaf, value: object) -> object:
    """Return `None` where a source that cannot say `None` says `none` or `off`."""
    is_none = leaf.takes_none and isinstance(value, str) and value.strip().lower() in _NONE_TEXTS
    return None if is_none else value


def suggest_key(key: str, table: Table) -> str:
    """Return a did-you-mean for a key, or an empty string."""
    known = {".".join(node.path[len(table.path) :]) for node in table.leaves()} | set(table.fields)
    near = nearest(key.replace("-", "_"), tuple(sorted(known)))
    return f"did you mean {near!r}?" if near else ""


@lru_cache(maxsize=512)
def nearest(name: str, known: tuple[str, ...]) -> str:
    """Return the one of *known* that was probably meant, or an empty string.

    The last part of a dotted name counts as much as the whole: `max_retries` means
    `retry.max_retries`.

    Args:
        name: What was written.
        known: What could have been.
    """
    short = [full for full in known if full.rpartition(".")[2] == name]
    if len(short) == 1:
        return short[0]
    near = get_close_matches(name, known, n=1, cutoff=0.7)
    return near[0] if near else ""
