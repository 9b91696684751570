"""Where a setting came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SourceKind = Literal[
    "argument", "environment", "dotenv", "file", "project", "user", "custom", "default"
]

_SPOKEN: dict[SourceKind, str] = {
    "argument": "argument of",
    "environment": "environment variable",
    "dotenv": ".env file",
    "file": "settings file",
    "project": "project file",
    "user": "user file",
    "custom": "source",
    "default": "default",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where one setting came from.

    Attributes:
        kind: `argument`, `environment`, `dotenv` (a `.env` the caller named), `file` (a settings
            file the caller named), `project` and `user` (files that were found), `custom` (a
            source of the application's own) or `default`.
        name: The variable, the dotted key in the file, or the call the argument went to.
        file: The file, if it was one.
        line: The line in it, counted from 1, or 0 where it is not known.
    """

    kind: SourceKind
    name: str = ""
    file: str = ""
    line: int = 0

    @property
    def detail(self) -> str:
        """The variable, or `file:line key`."""
        if not self.file:
            return self.name
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place} {self.name}".rstrip()

    def __str__(self) -> str:
        return f"{_SPOKEN[self.kind]} {self.detail}".rstrip()


DEFAULT = Source("default")
