"""Every setting with its value, masked, and its source: for people, for scripts, for `--json`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from penstock.settings.source import DEFAULT, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.settings.discovery import FileLookup
    from penstock.settings.schema import Keys


class Shadowed(NamedTuple):
    """A value that a higher source overruled.

    Attributes:
        shown: The value, masked.
        source: Where it is from.
    """

    shown: str
    source: Source


@dataclass(frozen=True)
class Provenance:
    """What a settings object remembers of its making. It holds no secret.

    Attributes:
        sources: The source of each leaf, or key of a mapping, that is not a default.
        shadowed: What was overruled, highest first.
        profile: The profile that holds, or None.
        files: Every file that was looked for.
        unread: Variables with our prefix that set nothing.
    """

    sources: dict[Keys, Source] = field(default_factory=dict)
    shadowed: dict[Keys, tuple[Shadowed, ...]] = field(default_factory=dict)
    profile: str | None = None
    files: tuple[FileLookup, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explained:
    """One setting and where it came from.

    Attributes:
        path: Dotted, such as `retry.max_retries`, with the key for a mapping: `headers.X-Tenant`.
        shown: The value as text, masked where it is or may hold a secret.
        source: Where it came from.
        shadowed: What it overruled, highest first.
    """

    path: str
    shown: str
    source: Source = DEFAULT
    shadowed: tuple[Shadowed, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """Where every setting came from.

    `str()` is an aligned table. Iterating gives `(path, shown value, source kind, source detail)`;
    indexing takes a path.

    Attributes:
        values: Every setting, in the order of the class.
        profile: The profile that holds, or None.
        files: Every file that was looked for, found or not, in the order of rank.
        unread: Variables that have our prefix and set nothing.
    """

    values: tuple[Explained, ...]
    profile: str | None = None
    files: tuple[FileLookup, ...] = ()
    unread: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[tuple[str, str, str, str]]:
        for value in self.values:
            yield value.path, value.shown, value.source.kind, value.source.detail

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, path: str) -> Explained:
        for value in self.values:
            if value.path == path:
                return value
        raise KeyError(path)

    def __str__(self) -> str:
        rows = [("SETTING", "VALUE", "SOURCE", ""), *self]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return "\n".join(
            "  ".join(
                [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]
            ).rstrip()
            for row in rows
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as data that JSON can hold."""
        return {
            "schema": 1,
            "profile": self.profile,
            "values": [
                {
                    "path": value.path,
                    "value": value.shown,
                    "source": _source(value.source),
                    "shadowed": [
                        {"value": shown, "source": _source(source)}
                        for shown, source in value.shadowed
                    ],
                }
                for value in self.values
            ],
            "files": [
                {
                    "kind": file.kind,
                    "path": file.path,
                    "found": file.found,
                    "used": file.used,
                    "note": file.note,
                }
                for file in self.files
            ],
            "unread": list(self.unread),
        }


def _source(source: Source) -> dict[str, Any]:
    return {
        "kind": source.kind,
        "detail": source.detail,
        "name": source.name or None,
        "file": source.file or None,
        "line": source.line or None,
    }
