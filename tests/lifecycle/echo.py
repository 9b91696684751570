"""A server on loopback whose every answer tells which request it is for."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl

PATIENCE = 20.0
"""Seconds after which the server gives up on a test that has gone wrong."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
EVENTS = b"".join(b"data: %d\n\n" % number for number in range(500))


class Echo:
    """Answers a request for `/it` with `/it`, one thread a connection.

    `/hold…` answers when the test says `go`; `/half…` begins its body and goes on then; `/events`
    is a stream of events, which ends with the connection.

    Args:
        tls: A context to speak TLS with, or None.

    Attributes:
        go: Lets what is held go on.
        held: Set when something is.
        heard: How many requests came.
        connections: How many connections came.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.go, self.held = threading.Event(), threading.Event()
        self.heard = self.connections = 0
        self._tls = tls
        self._sockets: set[socket.socket] = set()

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        scheme = "http" if self._tls is None else "https"
        self.url = f"{scheme}://localhost:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.go.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(PATIENCE)
        self._listener.close()
        self.hang_up()
        for thread in self._threads[1:]:
            thread.join(PATIENCE)

    def hang_up(self) -> None:
        """End every connection there is."""
        for sock in list(self._sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                self._sockets.add(sock)
                self._threads.append(threading.Thread(target=self._serve, args=(sock,)))
                self._threads[-1].start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            sock.settimeout(PATIENCE)
            spoken = sock
            if self._tls is not None:
                spoken = self._tls.wrap_socket(sock, server_side=True)
            with spoken, spoken.makefile("rb") as lines:
                while target := _target(lines):
                    self.heard += 1
                    self._answer(spoken, target)
        self._sockets.discard(sock)

    def _answer(self, sock: socket.socket, target: bytes) -> None:
        if target.startswith(b"/events"):
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + EVENTS)
            self._wait()
            sock.shutdown(socket.SHUT_RDWR)
            return
        if target.startswith(b"/hold"):
            self._wait()
        head = HEAD + b"Content-Length: %d\r\n\r\n" % len(target)
        if target.startswith(b"/half"):
            sock.sendall(head + target[:5])
            self._wait()
            sock.sendall(target[5:])
        else:
            sock.sendall(head + target)

    def _wait(self) -> None:
        self.held.set()
        self.go.wait(PATIENCE)


def _target(lines: object) -> bytes:
    """Read a request, whose body is not looked at, and return its target; nothing at the end."""
    readline = lines.readline  # type: ignore[attr-defined]  # a file
    first: bytes = readline()
    length = 0
    while (line := readline().strip()) != b"":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    lines.read(length)  # type: ignore[attr-defined]  # as above
    return first.split(b" ")[1] if first else b""
