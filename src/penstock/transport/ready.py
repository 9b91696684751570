"""Waiting for a socket that does not block: until it can be read, or written."""

from __future__ import annotations

import math
import select
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

_LONGEST = 2**31 - 1
"""Milliseconds that `poll` takes at most: 24 days."""


def when_ready(
    sock: socket.socket,
    operation: Callable[[], T],
    left: Callable[[], float | None],
    *,
    writes: bool,
) -> T:
    """Do *operation* as soon as *sock* is ready for it, and return what it returns.

    A socket with a timeout asks the kernel once more for each operation, and changes its mode for
    each new timeout: three more times that a thread gives up the interpreter, and has to win it
    back.

    Args:
        sock: A socket that does not block.
        operation: Reads from it or writes to it.
        left: Returns the seconds that are left, or None for no limit; asked before each wait.
        writes: Whether it writes. To read from a plain socket, one has nearly always to wait.

    Raises:
        TimeoutError: It was not ready in time.
        OSError: What *operation* raises.
    """
    seconds = left()
    if not writes and not isinstance(sock, ssl.SSLSocket):  # which may hold what has come
        _wait(sock, seconds, writes=False)
    while True:
        try:
            return operation()
        except ssl.SSLWantReadError:
            writing = False
        except ssl.SSLWantWriteError:
            writing = True
        except BlockingIOError:
            writing = writes
        _wait(sock, left(), writes=writing)


def is_ready(sock: socket.socket, seconds: float | None, *, writes: bool) -> bool:
    """Tell whether *sock* can be read, or written, within some time.

    Args:
        sock: The socket.
        seconds: For how long to wait at most, or None for ever.
        writes: Whether it is to be written.

    Raises:
        OSError: It was closed.
    """
    number = sock.fileno()
    if number < 0:
        raise OSError("the socket was closed")
    if not hasattr(select, "poll"):  # Windows
        watched = [number]
        return any(select.select([] if writes else watched, watched if writes else [], [], seconds))
    poll = select.poll()
    poll.register(number, select.POLLOUT if writes else select.POLLIN)
    return bool(poll.poll(None if seconds is None else min(math.ceil(seconds * 1000), _LONGEST)))


def _wait(sock: socket.socket, seconds: float | None, *, writes: bool) -> None:
    if not is_ready(sock, seconds, writes=writes):
        raise TimeoutError("timed out")
