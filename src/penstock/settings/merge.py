"""Lay readings over each other: the highest one that names a leaf wins, key by key for mappings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from penstock.settings.reading import Reading
from penstock.settings.schema import Table
from penstock.settings.source import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from penstock.settings.reading import Entry
    from penstock.settings.schema import Keys


@dataclass
class Merged:
    """Every entry, sorted into those that hold and those that were overruled.

    Attributes:
        winners: The entry that holds, by leaf path or slot.
        shadowed: The entries below it, highest first.
    """

    winners: dict[Keys, Entry] = field(default_factory=dict)
    shadowed: dict[Keys, list[Entry]] = field(default_factory=dict)

    def given(self) -> dict[Keys, object]:
        """Return the value of each leaf that some source set; mappings with the keys they keep."""
        values: dict[Keys, object] = {}
        mappings: dict[Keys, dict[str, object]] = {}
        given = {e.leaf.path for e in self.winners.values() if e.source.kind != "default"}
        for entry in self.winners.values():
            path = entry.leaf.path
            if path not in given:
                continue
            if entry.leaf.shape != "mapping":
                values[path] = entry.value
                continue
            values[path] = keys = mappings.setdefault(path, {})
            if entry.value is not None:
                keys[entry.key] = entry.value
        return values


def merge(readings: Iterable[Reading], table: Table) -> Merged:
    """Merge readings, the highest first, down to the keys that mappings have by default.

    Args:
        readings: What each source said.
        table: The schema.
    """
    merged = Merged()
    for reading in (*readings, _presets(table)):
        for slot, entry in reading.entries.items():
            if slot in merged.winners:
                merged.shadowed.setdefault(slot, []).append(entry)
            else:
                merged.winners[slot] = entry
    return merged


def assemble(table: Table, values: dict[Keys, object]) -> dict[str, object]:
    """Return leaf values as the nested data their model is made from.

    A table that is set in part keeps the rest of its field's default, also where that default
    differs from the table's own.

    Args:
        table: The schema.
        values: By leaf path.
    """
    data: dict[str, object] = {}
    for name, node in table.fields.items():
        if not isinstance(node, Table):
            if node.path in values:
                data[name] = values[node.path]
        elif inner := assemble(node, values):
            data[name] = {**node.preset, **inner}
    return data


def _presets(table: Table) -> Reading:
    reading = Reading()
    for leaf in table.leaves():
        for key, value in leaf.preset.items():
            reading.give_key(leaf, key, value, DEFAULT)
    return reading
