"""The file a download grows in, beside its target, and the notes by which it can go on."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from penstock.download.ranges import content_length, is_coded, validator
from penstock.locked_file import (
    PERMISSIONS,
    check_regular,
    naming,
    open_locked,
    write_whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_PART = ".penstock-part"
_NOTES = ".penstock-part.json"


class Part:
    """What has come of a download so far.

    It holds a lock while it is open: of two downloads to one target the second is refused. Its
    methods block.

    Args:
        target: Where the whole file goes.

    Attributes:
        target: As given.
        size: Bytes that are there, those of an earlier download among them.
        total: Bytes of the whole file, or None if the server did not tell.
        resumable: What `If-Range` can name, or None: then it cannot go on after a break.
        address: A digest of the URL the bytes are from, or an empty text.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.size = 0
        self.total: int | None = None
        self.resumable: str | None = None
        self.address = ""
        self._path = target.parent / f"{target.name}{_PART}"
        self._notes = target.parent / f"{target.name}{_NOTES}"
        self._file: BinaryIO | None = None

    def open(self, *, resume: bool) -> None:
        """Take hold of the file, and read the notes of an earlier download.

        Args:
            resume: Whether to go on with that one.

        Raises:
            InvalidOption: The target is a directory, a device or a pipe, or another download writes
                to it.
            OSError: The directory cannot be written to.
        """
        check_regular(self.target)  # root could replace /dev/null
        self._file = open_locked(self._path, "download")
        self.size = os.fstat(self._file.fileno()).st_size
        notes = self._read_notes() if resume else {}
        self.resumable, self.total, self.address = (
            notes.get("validator"),
            notes.get("total"),
            notes.get("url", ""),
        )

    def resumes_at(self, url: object) -> int:
        """Return from which byte to ask for the rest of the file at *url*; 0 for all of it.

        The last byte is asked for again, so that there is always one to ask for and a file that
        was whole is confirmed by the server.
        """
        if self.resumable is None or self.size == 0 or self.address != address_of(url):
            return 0
        return self.size - 1

    def begin(self, url: object, headers: Mapping[str, str]) -> None:
        """Start anew with the response that *headers* are of."""
        self._cut(0)
        self.resumable = validator(headers)
        self.total = None if is_coded(headers) else content_length(headers)
        self.address = address_of(url)
        if self.resumable is None:
            self._notes.unlink(missing_ok=True)
            return
        notes = {"url": self.address, "validator": self.resumable, "total": self.total}
        with naming(self._notes):
            self._notes.write_text(json.dumps(notes), "utf-8")

    def go_on(self, first: int, total: int | None) -> None:
        """Keep the bytes before *first* and go on from there."""
        self._cut(first)
        self.total = total if total is not None else self.total

    def write(self, chunks: list[bytes]) -> None:
        """Add *chunks*, or nothing of them where they cannot be written."""
        content = b"".join(chunks)
        write_whole(self._open_file, content, self._path)
        self.size += len(content)

    def finish(self) -> None:
        """Put the file in its place, all of it on the disk."""
        file = self._open_file
        with naming(self._path):
            os.fsync(file.fileno())
        if os.name == "nt":
            file.close()
        if self.target.exists():
            self._path.chmod(self.target.stat().st_mode & PERMISSIONS)
        Path(self._path).replace(self.target)
        self._notes.unlink(missing_ok=True)
        file.close()
        self._file = None

    def close(self) -> None:
        """Let go of the file. It stays if it can be gone on with, and is removed if not."""
        file, self._file = self._file, None
        if file is None:
            return
        if self.size == 0 or self.resumable is None:
            self._notes.unlink(missing_ok=True)
            with suppress(OSError):
                self._path.unlink()
        file.close()

    @property
    def _open_file(self) -> BinaryIO:
        assert self._file is not None
        return self._file

    def _cut(self, size: int) -> None:
        with naming(self._path):
            self._open_file.truncate(size)
            self._open_file.seek(size)
        self.size = size

    def _read_notes(self) -> dict[str, Any]:
        try:
            notes = json.loads(self._notes.read_bytes())
        except (OSError, ValueError):
            return {}
        return notes if isinstance(notes, dict) else {}


def address_of(url: object) -> str:
    """Return a digest of a URL: it may hold a secret, and notes may be read by anyone."""
    return hashlib.sha256(str(url).encode()).hexdigest()
