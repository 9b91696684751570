"""A file that one writer at a time may have."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from penstock.errors import InvalidOption

try:
    import fcntl
except ImportError:  # a platform without it: two writers are not told apart
    fcntl = None  # type: ignore[assignment]  # as above

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FLAGS = (
    os.O_RDWR
    | os.O_CREAT
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)  # nobody leads us to another file
)

PERMISSIONS = 0o777
"""What a file keeps when it gets other content: not the bits that run it as its owner."""


def open_locked(path: Path, writer: str) -> BinaryIO:
    """Open a file for reading and writing, unbuffered; it is made if it is not there.

    The lock goes with the file: with its close, or the end of the process.

    Args:
        path: The file.
        writer: What another one that has it is, for the error: `download`.

    Raises:
        InvalidOption: Somebody has it, or it is a directory, a device, a pipe or a link.
        OSError: It cannot be opened.
    """
    check_regular(path)
    while True:
        try:
            file = os.fdopen(os.open(path, _FLAGS, 0o666), "r+b", buffering=0)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            msg = f"{path} is a link: name the file to write"
            raise InvalidOption(msg) from None
        try:
            with naming(path):
                if _lock(file, path, writer):
                    return file
        except BaseException:
            file.close()
            raise
        file.close()


def check_regular(path: Path) -> None:
    """Refuse what is there and no regular file, at the end of a link too.

    Raises:
        InvalidOption: It is a directory, or a device or a pipe, which may have no end to read to.
    """
    if path.is_dir():
        msg = f"{path} is a directory: name the file to write"
        raise InvalidOption(msg)
    if path.exists() and not path.is_file():
        msg = f"{path} is not a regular file: name one to write"
        raise InvalidOption(msg)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Have an `OSError` tell which file it is about; that of a write, as on a full disk, does not.

    Args:
        path: The file.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def write_whole(file: BinaryIO, content: bytes, path: Path) -> None:
    """Write all of *content* at the end of an unbuffered file, or nothing.

    A disk that becomes full takes a part of it first, without an error (POSIX, `write`).

    Args:
        file: From `open_locked`.
        content: What to write.
        path: The file's, for the error.

    Raises:
        OSError: It could not be written.
    """
    begun = file.tell()
    rest = memoryview(content)
    try:
        with naming(path):
            while rest:
                rest = rest[file.write(rest) :]
    except BaseException:
        with suppress(OSError):  # what kept it from being written is what is told
            file.truncate(begun)
            file.seek(begun)
        raise


def _lock(file: BinaryIO, path: Path, writer: str) -> bool:
    """Lock *file*, and tell whether it is still the one at *path*: it may have been moved away."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
    except BlockingIOError:
        msg = f"another {writer} is writing to {path}"
        raise InvalidOption(msg) from None
