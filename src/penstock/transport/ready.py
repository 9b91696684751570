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
    wait = _poll if hasattr(select, "poll") else _select
    seconds = left()
    if not writes and not isinstance(sock, ssl.SSLSocket):  # which may hold what has come
        wait(sock, seconds, writes=False)
    while True:
        try:
            return operation()
        except ssl.SSLWantReadError:
            writing = False
        except ssl.SSLWantWriteError:
            writing = True
        except BlockingIOError:
            writing = writes
        wait(sock, left(), writes=writing)


def _poll(sock: socket.socket, seconds: float | None, *, writes: bool) -> None:
    poll = select.poll()
    poll.register(_number(sock), select.POLLOUT if writes else select.POLLIN)
    if not poll.poll(None if seconds is None else min(math.ceil(seconds * 1000), _LONGEST)):
        raise TimeoutError("timed out")


def _select(sock: socket.socket, seconds: float | None, *, writes: bool) -> None:
    watched = [_number(sock)]
    if not any(select.select([] if writes else watched, watched if writes else [], [], seconds)):
        raise TimeoutError("timed out")


def _number(sock: socket.socket) -> int:
    number = sock.fileno()
    if number < 0:
        raise OSError("the socket was closed")
    return number
