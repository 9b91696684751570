"""The server's end of one connection: it hears requests, and says exactly the bytes it is told."""

from __future__ import annotations

import select
import socket
import ssl
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.testing.faults.run import Run

PATIENCE = 10.0
"""Seconds after which a server gives up on a client that neither speaks nor leaves."""

_TICK = 0.005
"""Seconds between two bytes that drip: far below any timeout."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A request as it came over the wire.

    Attributes:
        place: Who heard it: `origin`, `elsewhere` or `proxy`.
        connection: A number for the connection, unique within the server.
        method: Its method.
        target: Its target.
        headers: Its header lines, names in lower case.
        body: Its body, where it was read.
    """

    place: str
    connection: int
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """Return the value of the first header *name*, in lower case, or None."""
        return next((value for own, value in self.headers if own == name), None)


class Gone(Exception):
    """The connection has ended: by the client, or by the fault."""


class Peer:
    """The server's end of one connection.

    Args:
        sock: The connection.
        place: Who it is: `origin`, `elsewhere` or `proxy`.
        number: The connection's number.

    Attributes:
        heard: The request that was heard last, or None.
        turn: How many requests of the run came before it, good ones aside.
        run: The run it belongs to; None until a request says so.
    """

    def __init__(self, sock: socket.socket, place: str, number: int, run: Run | None) -> None:
        self.sock = sock
        self.place = place
        self.number = number
        self.run = run
        self.heard: Heard | None = None
        self.turn = 0
        self._unread = b""

    def hear(self) -> Heard:
        """Return the next request, its body unread.

        Raises:
            Gone: The client left.
        """
        while b"\r\n\r\n" not in self._unread:
            self._unread += self._receive()
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines)
        headers = tuple((name.lower(), value.strip()) for name, _, value in pairs)
        self.heard = Heard(self.place, self.number, method, target, headers)
        return self.heard

    def hear_body(self) -> bytes:
        """Return the body of the request that was heard last.

        Raises:
            Gone: The client left.
        """
        assert self.heard is not None
        headers = dict(self.heard.headers)
        if headers.get("transfer-encoding") == "chunked":
            while not self._unread.endswith(b"0\r\n\r\n"):
                self._unread += self._receive()
            size = len(self._unread)
        else:
            size = int(headers.get("content-length", "0"))
            while len(self._unread) < size:
                self._unread += self._receive()
        body, self._unread = self._unread[:size], self._unread[size:]
        return body

    def _receive(self) -> bytes:
        data = self.sock.recv(65536)
        if not data:
            raise Gone
        return data

    def take(self) -> None:
        """Take whatever the client says next, and make nothing of it."""
        self._receive()

    def say(self, data: bytes) -> None:
        """Send *data*, all of it."""
        self.sock.sendall(data)

    def fill(self, text: str) -> bytes:
        """Return *text* with the URLs of this run filled in, such as `{origin}`."""
        for name, value in self.places.items():
            text = text.replace(f"{{{name}}}", value)
        return text.encode("latin-1")

    @property
    def places(self) -> dict[str, str]:
        """The URLs of this run by the names a case knows them by."""
        return {} if self.run is None else self.run.places

    def finish(self) -> None:
        """End the connection in good order.

        Raises:
            Gone: Always.
        """
        raise Gone

    def reset(self) -> None:
        """End the connection by a reset.

        Raises:
            Gone: Always.
        """
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket.close(self.sock)
        raise Gone

    def stall(self, seconds: float = PATIENCE) -> None:
        """Say nothing for *seconds*, or until the run is over or the client has gone.

        Raises:
            Gone: The run is over, or the client has gone.
        """
        waited = 0.0
        while waited < seconds:
            if self.is_over or self._has_gone():
                raise Gone
            self.wait(_TICK * 4)
            waited += _TICK * 4

    def wait(self, seconds: float) -> None:
        """Let *seconds* pass, or as much of them as anyone waits for."""
        if self.run is not None:
            self.run.over.wait(seconds)

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for what is said here any more."""
        return self.run is not None and self.run.over.is_set()

    def _has_gone(self) -> bool:
        if isinstance(self.sock, ssl.SSLSocket):
            return False
        if not select.select([self.sock], [], [], 0)[0]:
            return False
        return self.sock.recv(1, socket.MSG_PEEK) == b""

    def drip(self, data: bytes, *, size: int = 1) -> None:
        """Send *data* over and over, *size* bytes at a time, until the client has gone."""
        waited = 0.0
        while not self.is_over and waited < PATIENCE:
            for at in range(0, len(data), size):
                self.say(data[at : at + size])
                self.wait(_TICK)
                waited += _TICK
        raise Gone

    def tunnel(self, host: str, port: int) -> None:
        """Carry bytes to and from another server, in one thread."""
        with socket.create_connection((host, port), PATIENCE) as far:
            ends: dict[Any, Any] = {self.sock: far, far: self.sock}
            while not self.is_over:
                for end in select.select(list(ends), [], [], 0.02)[0]:
                    data = end.recv(65536)
                    if not data:
                        raise Gone
                    ends[end].sendall(data)
        raise Gone
