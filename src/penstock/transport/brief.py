"""What is done at a socket in a moment, without giving up the interpreter for it.

Python lets other threads run whenever it calls the kernel. To hand a request over takes the kernel
a few microseconds; where many threads share a client, to win the interpreter back takes longer.
"""

from __future__ import annotations

import os
import socket
from functools import cache

from penstock.transport.ready import is_ready

_BRIEF = 64 * 1024
"""Bytes that the kernel copies in some ten microseconds."""


def send(sock: socket.socket, data: memoryview) -> int:
    """Send what the kernel takes of *data* at once, and return how many bytes that is.

    Args:
        sock: A socket that does not block.
        data: What to send. Over TLS, or where it is long, other threads run meanwhile.

    Raises:
        BlockingIOError: The kernel takes none now.
        OSError: The connection is lost.
        Exception: What TLS raises.
    """
    held = _held()
    if held is None or len(data) > _BRIEF or type(sock) is not socket.socket:
        return sock.send(data)  # what is not just a socket, such as TLS, has a way of its own
    return held.send(sock.fileno(), bytes(data))


def has_come(sock: socket.socket) -> bool:
    """Tell whether *sock* has anything to be read, be it the end, and leave it there.

    Args:
        sock: A socket that does not block. What TLS holds beyond it is not looked at.
    """
    held = _held()
    if held is None or not isinstance(sock, socket.socket):
        return sock.fileno() < 0 or is_ready(sock, 0, writes=False)
    return held.has_come(sock.fileno())


class _Held:
    """The C library, called with the interpreter held.

    Raises:
        ImportError: This Python cannot call it.
        AttributeError: It has no sockets; or this Python always gives up the interpreter.
        OSError: It was not found.
    """

    def __init__(self) -> None:
        import ctypes  # 2 ms, which only who opens a socket has to spend

        library = ctypes.PyDLL(None, use_errno=True)
        self._send, self._recv = library.send, library.recv
        for function in (self._send, self._recv):
            function.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
            function.restype = ctypes.c_ssize_t
        self._errno = ctypes.get_errno
        self._byte = ctypes.create_string_buffer(1)  # which nobody reads

    def send(self, number: int, data: bytes) -> int:
        sent: int = self._send(number, data, len(data), 0)
        if sent < 0:
            raise self._failure()
        return sent

    def has_come(self, number: int) -> bool:
        seen = self._recv(number, self._byte, 1, socket.MSG_PEEK)
        return seen >= 0 or not isinstance(self._failure(), BlockingIOError)

    def _failure(self) -> OSError:
        number = self._errno()
        return OSError(number, os.strerror(number))


@cache
def _held() -> _Held | None:
    """Return how to call the C library, or None where Python's own sockets have to do."""
    if os.name != "posix":  # sockets are something else there than numbers of files
        return None
    try:
        return _Held()
    except (ImportError, AttributeError, OSError):
        return None
