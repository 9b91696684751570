"""Which settings files there are: the one the caller names, or the project's and the user's.

Discovery takes the nearest directory that has a file and merges nothing across directories (as uv
and ruff do). It ends at a repository's root or the home directory, and a file of another user's is
not read: whoever may write to a shared directory must not configure us.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.settings.errors import Problem, RefusedError
from penstock.settings.files import Document, decode, parse, read_text
from penstock.settings.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from penstock.settings.schema import Keys
    from penstock.settings.source import SourceKind


@dataclass(frozen=True, slots=True)
class FileLookup:
    """One file that was looked for.

    Attributes:
        kind: As in `Source`: `file`, `dotenv`, `project` or `user`.
        path: Where it was looked for.
        found: Whether it is there.
        used: Whether it was read for settings.
        note: Why it was not read although it is there.
    """

    kind: SourceKind
    path: str
    found: bool
    used: bool
    note: str = ""


@dataclass
class Search:
    """Looks for files, and keeps what it saw.

    Attributes:
        documents: The files that hold settings, the highest-ranking first.
        lookups: Every file that was looked for.
        problems: Files that cannot be used.
    """

    documents: list[Document] = field(default_factory=list)
    lookups: list[FileLookup] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def read_named(self, path: Path, name: str) -> None:
        """Read a file the caller named; it must be there.

        Args:
            path: The file. A `pyproject.toml` holds our settings in its table `tool.NAME`.
            name: Our name in files.
        """
        root = ("tool", name) if path.name == "pyproject.toml" else ()
        try:
            document = parse(path, read_text(path), "file").within(root)
            if document is None:
                msg = f"has no table [{'.'.join(root)}]"
                raise RefusedError(msg, "add the table, or name another file")
        except RefusedError as refused:
            self.refuse(path, "file", refused)
        else:
            self._keep(document)

    def find(self, environ: Mapping[str, str], name: str) -> None:
        """Look for the project's file, then for the user's.

        Args:
            environ: Says where the home and the configuration directory are.
            name: Our name in files.
        """
        for directory in _upwards(_home(environ)):
            if self._try(directory / f"{name}.toml", "project"):
                break
            if self._try(directory / "pyproject.toml", "project", ("tool", name)):
                break
        path = user_file(environ, name)
        if path is not None:
            self._try(path, "user")

    def refuse(self, path: Path, kind: SourceKind, refused: RefusedError) -> None:
        """Note that a file cannot be used.

        Args:
            path: The file.
            kind: How it was come by.
            refused: Why.
        """
        found = os.path.lexists(path)
        self.lookups.append(FileLookup(kind, str(path), found, used=False, note=str(refused)))
        source = Source(kind, file=str(path), line=refused.line)
        self.problems.append(Problem("", str(refused), str(source), refused.hint))

    def _try(self, path: Path, kind: SourceKind, root: Keys = ()) -> bool:
        """Read a file if it is there, ours and has our table; tell whether that ends the search."""
        document = None
        try:
            text, note = _read_own(path)
            if text is not None and (not root or root[-1] in text):
                document = parse(path, text, kind).within(root)
        except RefusedError as refused:
            self.refuse(path, kind, refused)
            return True
        if document is not None:
            self._keep(document)
            return True
        if text is not None:
            note = f"has no table [{'.'.join(root)}]"
        self.lookups.append(FileLookup(kind, str(path), bool(note), used=False, note=note))
        return False

    def _keep(self, document: Document) -> None:
        self.documents.append(document)
        self.lookups.append(FileLookup(document.kind, document.path, found=True, used=True))


FOREIGN = "belongs to another user and was not read; name it with config_file= if you trust it"


def user_file(environ: Mapping[str, str], name: str) -> Path | None:
    """Return where the user's file is (XDG Base Directory Specification 0.8), or None if nowhere.

    Args:
        environ: Says where the home and the configuration directory are.
        name: Our name in files.
    """
    configured = Path(environ.get("XDG_CONFIG_HOME", ""))
    if configured.is_absolute():  # the specification has relative ones ignored
        return configured / name / "config.toml"
    home = _home(environ)
    return Path(home, ".config", name, "config.toml") if home else None


def _home(environ: Mapping[str, str]) -> str:
    return environ.get("HOME") or environ.get("USERPROFILE") or ""


def _upwards(home: str) -> Iterator[Path]:
    with suppress(OSError):  # the directory is gone, or one above it may not be looked into
        here = Path.cwd()
        end = Path(home).resolve() if home else None
        for directory in (here, *here.parents):
            yield directory
            if directory == end or (directory / ".git").exists():
                return


def _read_own(path: Path) -> tuple[str | None, str]:
    """Return the text of a file that belongs to this user, or None and why not."""
    try:
        if not path.is_file():
            return None, ""
        with path.open("rb") as file:
            owner = os.fstat(file.fileno()).st_uid
            if hasattr(os, "geteuid") and owner != os.geteuid():
                return None, FOREIGN
            return decode(file.read()), ""
    except OSError as error:
        return None, f"cannot be read: {error.strerror}"
