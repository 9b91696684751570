"""One connection's life: read a request, answer it, and again while both sides keep it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from penstock.demo.delivery import Line, deliver
from penstock.demo.faults import Fault
from penstock.demo.responses import APIError
from penstock.demo.wire import read_body, read_head

if TYPE_CHECKING:
    from io import BufferedReader

    from penstock.demo.requests import DemoRequest
    from penstock.demo.site import Site


class Connection(threading.Thread):
    """A thread that serves one accepted socket until either side is done.

    Args:
        sock: The socket; the thread closes it.
        number: Counts the server's connections from 1.
        site: What answers.
        stopping: Set when the server stops.
    """

    def __init__(
        self, sock: socket.socket, number: int, site: Site, stopping: threading.Event
    ) -> None:
        super().__init__(name=f"penstock-demo-{number}", daemon=True)
        self._sock = sock
        self._number = number
        self._site = site
        self._line = Line(sock, stopping)

    def run(self) -> None:
        """Serve requests; a client that leaves, and a server that stops, end it quietly."""
        with self._sock, self._sock.makefile("rb") as stream, suppress(OSError):
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self._serve_one(stream):
                pass

    def abort(self) -> None:
        """Wake the thread from whatever it reads or writes, so that it ends."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def _serve_one(self, stream: BufferedReader) -> bool:
        try:
            request = self._read(stream)
        except APIError as refusal:
            unread = self._site.refuse(self._number)
            deliver(self._line, unread, refusal.response(), Fault(), keep=False)
            self._line.finish()
            return False
        return request is not None and self._respond(request)

    def _read(self, stream: BufferedReader) -> DemoRequest | None:
        head = read_head(stream)
        if head is None:
            return None
        # RFC 9110 section 10.1.1: the client holds its body back until it is told to go on.
        if (head.headers.get("expect") or "").lower() == "100-continue":
            self._line.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return self._site.receive(self._number, head, read_body(stream, head))

    def _respond(self, request: DemoRequest) -> bool:
        keep = request.keeps_alive
        try:
            fault = self._site.fault(request)
        except APIError as refusal:
            return deliver(self._line, request, refusal.response(), Fault(), keep=keep)
        self._line.wait(fault.delay)
        if fault.kind == "reset":
            self._line.reset()
        if fault.kind == "hang":
            self._line.await_departure()
        if fault.kind in {"drop", "reset", "hang"}:
            return False
        return deliver(self._line, request, self._site.respond(request, fault), fault, keep=keep)
