"""Named profiles: which one holds, and how the tables of the files rank with it.

A file may hold `[profiles.NAME]` tables and a `default-profile`. The selected profile beats every
base table, of whichever file (figment's rule).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from penstock.settings.errors import Problem
from penstock.settings.reading import Reading, read_table

if TYPE_CHECKING:
    from penstock.settings.files import Document
    from penstock.settings.schema import Keys, Table
    from penstock.settings.source import Source

DEFAULT_KEYS = ("default-profile", "default_profile")
RESERVED = frozenset({"profiles", *DEFAULT_KEYS})


class Choice(NamedTuple):
    """A profile somebody asked for.

    Attributes:
        name: Its name.
        source: Who asked.
    """

    name: str
    source: Source


def choose(asked: Choice | None, documents: Iterable[Document]) -> Choice | None:
    """Return the profile that holds: the one asked for, else the first file's default.

    Args:
        asked: The argument or variable.
        documents: The files, the highest-ranking first.
    """
    if asked is not None:
        return asked
    for document in documents:
        for key in DEFAULT_KEYS:
            name = document.data.get(key)
            if isinstance(name, str):
                return Choice(name, document.locate((key,)))
    return None


def read_documents(
    documents: list[Document], table: Table, choice: Choice | None, guarded: frozenset[str]
) -> list[Reading]:
    """Read files with their profiles, the highest-ranking reading first.

    Keys are checked in every profile, values only where they hold.

    Args:
        documents: The files, the highest-ranking first.
        table: The schema.
        choice: The profile that holds.
        guarded: What a file that was found in the project may not set.
    """
    chosen, bases = [], []
    known: set[str] = set()
    for document in documents:
        own = {key: value for key, value in document.data.items() if key not in RESERVED}
        base = _read(document, table, own, (), guarded)
        profiles = document.data.get("profiles", {})
        if not _is_table_of_tables(profiles):
            source = document.locate(("profiles",))
            base.refuse("profiles", "must be a table of tables", source, "write [profiles.NAME]")
            profiles = {}
        for key in DEFAULT_KEYS:
            if not isinstance(document.data.get(key, ""), str):
                base.refuse(key, "must be text", document.locate((key,)), "name a profile")
        for name, data in profiles.items():
            reading = _read(document, table, data, ("profiles", name), guarded)
            if choice is not None and name == choice.name:
                chosen.append(reading)
            else:
                base.problems.extend(reading.problems)
        known.update(profiles)
        bases.append(base)
    if choice is not None and choice.name not in known:
        chosen.append(Reading(problems=[_unknown(choice, sorted(known))]))
    return [*chosen, *bases]


def _is_table_of_tables(profiles: object) -> bool:
    return isinstance(profiles, Mapping) and all(
        isinstance(name, str) and isinstance(data, Mapping) for name, data in profiles.items()
    )


def _read(
    document: Document,
    table: Table,
    data: Mapping[str, object],
    under: Keys,
    guarded: frozenset[str],
) -> Reading:
    reading = Reading()
    read_table(reading, table, data, document.locate, under)
    if document.kind == "project":
        for slot, entry in reading.entries.items():
            if guarded.isdisjoint({entry.leaf.name, ".".join(slot)}):
                continue
            reading.refuse(
                ".".join((*entry.leaf.path, *filter(None, [entry.key]))),
                "untrusted: a project file that was found may not say where a key is sent",
                entry.source,
                f"name the file with config_file=, set {entry.leaf.variables[0]}, "
                "or put it into the user file",
            )
    return reading


def _unknown(choice: Choice, known: list[str]) -> Problem:
    near = get_close_matches(choice.name, known, n=1)
    meant = [f"did you mean {near[0]!r}?"] if near else []
    listing = f"known: {', '.join(known)}" if known else "no file defines a profile"
    hint = " ".join([*meant, listing])
    return Problem("profile", f"there is no profile {choice.name!r}", str(choice.source), hint)
