"""What may be uploaded, and how it is read."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path
from typing import BinaryIO, NamedTuple

Readable = str | os.PathLike[str] | bytes | bytearray | BinaryIO
"""A path, the bytes themselves, or a file that is open."""


class Document(NamedTuple):
    """A document in memory.

    Attributes:
        name: Its file's name, without folders; `upload` where it has none.
        content: Its bytes.
        mime: Its media type.
    """

    name: str
    content: bytes
    mime: str


def read_document(file: Readable, mime: str | None) -> Document:
    """Read a document from where it is.

    Args:
        file: A path, the bytes themselves, or a file that is open, which is read from where it
            stands.
        mime: Its media type; guessed by the file's name unless given.

    Raises:
        TypeError: *file* is none of these.
        OSError: It cannot be read.
    """
    if isinstance(file, bytes | bytearray):
        name, content = "", bytes(file)
    elif isinstance(file, str | os.PathLike):
        path = Path(file)
        name, content = path.name, path.read_bytes()
    elif hasattr(file, "read"):
        given, read = getattr(file, "name", ""), file.read()
        name = Path(given).name if isinstance(given, str) else ""  # that of a pipe is a number
        content = read.encode() if isinstance(read, str) else read
    else:
        msg = f"file must be a path, bytes or an open file, not {type(file).__name__}"
        raise TypeError(msg)
    name = name or "upload"
    guessed = mime or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Document(name, content, guessed)
