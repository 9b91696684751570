"""Ending what is said on a socket, whoever else uses it."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any


def hang_up(sock: Any) -> None:
    """End what is said on a socket, in both directions, whoever else uses it."""
    plain = socket.socket if isinstance(sock, socket.socket) else type(sock)
    with suppress(OSError):  # the peer was first
        # The plain socket's own: an `SSLSocket` would go on in plain text, and its state would go
        # from under the thread that is in it.
        plain.shutdown(sock, socket.SHUT_RDWR)
