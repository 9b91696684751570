"""Making settings from what was read: merge, validate once, remember where each value came from."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from penstock.settings.declaration import declaration_of
from penstock.settings.explain import Provenance, Shadowed
from penstock.settings.frozen import WITHIN, FrozenDict
from penstock.settings.layers import Places, Read, read_arguments, read_places
from penstock.settings.mask import shown
from penstock.settings.merge import Merged, assemble, merge
from penstock.settings.outcome import Outcome
from penstock.settings.reading import Reading
from penstock.settings.validation import header_problems, problems_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.settings.base import LayeredSettings
    from penstock.settings.schema import Keys, Table

MadeT = TypeVar("MadeT", bound="LayeredSettings")


def make(
    cls: type[MadeT], call: str, overrides: Mapping[str, object], places: Places
) -> Outcome[MadeT]:
    """Read every source and make settings.

    Args:
        cls: The settings class.
        call: How the code reads that gave the overrides.
        overrides: Settings by field name.
        places: Where to look.
    """
    read = read_places(cls, read_arguments(cls, call, overrides), places)
    outcome = fill(cls.__new__(cls), read)
    outcome.warnings = read.warnings
    return outcome


def remake(settings: MadeT, before: Provenance, changes: Reading) -> Outcome[MadeT]:
    """Make settings from settings and changes, reading no source.

    Args:
        settings: What there is.
        before: Where it came from.
        changes: What is laid over it.
    """
    cls = type(settings)
    reading = Reading()
    for leaf in declaration_of(cls).table.leaves():
        value = attrgetter(leaf.name)(settings)
        if leaf.path in before.sources:
            reading.give(leaf, value, before.sources[leaf.path])
        if leaf.shape == "mapping":
            for key in (*leaf.preset, *(value or ())):  # a preset key without a value was dropped
                source = before.sources.get(leaf.slot(key))
                if source is not None:
                    reading.give_key(leaf, key, (value or {}).get(key), source)
    read = Read(
        [changes, reading], profile=before.profile, files=before.files, unread=before.unread
    )
    return fill(cls.__new__(cls), read, before)


def fill(settings: MadeT, read: Read, before: Provenance | None = None) -> Outcome[MadeT]:
    """Fill new settings with what was read, or say why not.

    Args:
        settings: An instance without values.
        read: What was read.
        before: Where the values came from that the settings are remade from.
    """
    table = declaration_of(type(settings)).table
    merged = merge(read.readings, table)
    problems = [*read.problems, *(p for reading in read.readings for p in reading.problems)]
    problems += header_problems(merged)
    try:
        settings.__pydantic_validator__.validate_python(
            assemble(table, merged.given()), self_instance=settings, context=WITHIN
        )
    except ValidationError as error:
        problems += problems_of(error, table, merged)
    if problems:
        first = {(problem.path, problem.source): problem for problem in reversed(problems)}
        return Outcome(None, list(reversed(first.values())))
    _freeze(settings, table)
    settings._provenance = Provenance(
        {s: e.source for s, e in merged.winners.items() if e.source.kind != "default"},
        _shadowed(merged, before.shadowed if before else {}),
        read.profile,
        read.files,
        read.unread,
    )
    return Outcome(settings)


def _freeze(settings: object, table: Table) -> None:
    for leaf in table.leaves():
        if leaf.shape == "mapping":
            fields = attrgetter(".".join((*leaf.path[:-1], "__dict__")))(settings)
            value = fields[leaf.path[-1]]
            fields[leaf.path[-1]] = value if value is None else FrozenDict(value)


def _shadowed(
    merged: Merged, before: Mapping[Keys, tuple[Shadowed, ...]]
) -> dict[Keys, tuple[Shadowed, ...]]:
    shadowed = dict(before)
    for slot, entries in merged.shadowed.items():
        values = tuple(
            Shadowed(shown(e.key or e.leaf.path[-1], e.value, secret=e.leaf.is_secret), e.source)
            for e in entries
            if not (slot in before and e.source.kind == "default")
        )
        shadowed[slot] = (*values, *before.get(slot, ()))
    return shadowed
