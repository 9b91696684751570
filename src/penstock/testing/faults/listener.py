"""A port that is listened on: a thread that accepts, and one for each connection."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

from penstock.testing.faults.peer import PATIENCE, Gone

if TYPE_CHECKING:
    from collections.abc import Callable

THREADS = "penstock-faults"
"""What the names of a server's threads begin with."""

_BUFFER = 65_536


class Listener:
    """Accepts connections on a free loopback port and serves each in a thread of its own.

    Args:
        serve: What to do with a connection.
        listens: Whether to accept from the start; `full` for a port whose queue is full, which
            neither answers nor refuses.

    Attributes:
        port: The port.
    """

    def __init__(self, serve: Callable[[socket.socket], None], listens: bool | str = True) -> None:
        self._serve = serve
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Small, so that a body nobody reads need not be large for its sender to notice.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread: threading.Thread | None = None
        self._fillers: list[socket.socket] = []
        if listens == "full":
            self._fill()
        elif listens:
            self.open()

    def open(self) -> None:
        """Accept connections from now on."""
        if self._thread is not None:
            return
        for filler in self._fillers:
            filler.close()
        self._socket.listen()
        name = f"{THREADS}-{self.port}"
        self._thread = threading.Thread(target=self._accept, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Accept no more."""
        for filler in self._fillers:
            filler.close()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def _fill(self) -> None:
        # Linux queues one connection more than the backlog and drops the SYN of the next.
        self._socket.listen(0)
        for _ in range(2):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._fillers.append(filler)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            name = f"{THREADS}-{self.port}-connection"
            threading.Thread(target=self._run, args=(sock,), name=name, daemon=True).start()

    def _run(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with sock, contextlib.suppress(OSError, Gone):
            self._serve(sock)
