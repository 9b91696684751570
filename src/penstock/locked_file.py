"""A file that one writer at a time may have."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

from penstock.errors import InvalidOption

try:
    import fcntl
except ImportError:  # a platform without it: two writers are not told apart
    fcntl = None  # type: ignore[assignment]  # as above

if TYPE_CHECKING:
    from pathlib import Path

_FLAGS = (
    os.O_RDWR
    | os.O_CREAT
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)  # nobody leads us to another file
)


def open_locked(path: Path, writer: str) -> BinaryIO:
    """Open a file for reading and writing, unbuffered; it is made if it is not there.

    The lock goes with the file: with its close, or the end of the process.

    Args:
        path: The file.
        writer: What another one that has it is, for the error: `download`.

    Raises:
        InvalidOption: Somebody has it.
        OSError: It cannot be opened.
    """
    while True:
        file = os.fdopen(os.open(path, _FLAGS, 0o666), "r+b", buffering=0)
        if fcntl is None:
            return file
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # One that was moved away meanwhile is another file by now.
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except FileNotFoundError:
            pass
        except BlockingIOError:
            file.close()
            msg = f"another {writer} is writing to {path}"
            raise InvalidOption(msg) from None
        file.close()
