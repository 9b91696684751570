"""Sending a response down a socket, well or as badly as a fault asks."""

from __future__ import annotations

import socket
import struct
from email.utils import formatdate
from http.client import responses as phrases
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable

    from penstock.demo.faults import Fault
    from penstock.demo.requests import DemoRequest
    from penstock.demo.responses import DemoResponse

# RFC 9110 sections 15.3.5 and 15.4.5: these never carry content.
_NO_CONTENT = {204, 304}
_LAST_CHUNK = b"0\r\n\r\n"


class Line:
    """The sending half of a connection: how bytes, silence and bad ends get onto it.

    Args:
        sock: The connected socket.
        stopping: Set when the server stops; it ends every wait.
    """

    def __init__(self, sock: socket.socket, stopping: threading.Event) -> None:
        self._sock = sock
        self._stopping = stopping

    def write(self, data: bytes, pause: float | None = None) -> None:
        """Send bytes at once, or one at a time with `pause` seconds between two."""
        if pause is None:
            self._sock.sendall(data)
            return
        for position in range(len(data)):
            self._sock.sendall(data[position : position + 1])
            self.wait(pause)

    def wait(self, seconds: float) -> None:
        """Let seconds pass; raise `ConnectionAbortedError` when the server stops meanwhile."""
        if seconds and self._stopping.wait(seconds):
            raise ConnectionAbortedError("the demo server is stopping")

    def reset(self) -> None:
        """Make the coming close a reset: RST instead of FIN (SO_LINGER with no time, POSIX)."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def await_departure(self) -> None:
        """Take in what the client still sends until it closes its side."""
        while self._sock.recv(65536):
            pass

    def finish(self) -> None:
        """End our side, then wait for the client to end its own.

        Closing over unread input would reset the connection, and the client could lose the
        response that tells it why (RFC 9112 section 9.6).
        """
        self._sock.shutdown(socket.SHUT_WR)
        self.await_departure()


def deliver(
    line: Line, request: DemoRequest, response: DemoResponse, fault: Fault, *, keep: bool
) -> bool:
    """Send a response.

    Args:
        line: Where to.
        request: What is answered.
        response: The answer.
        fault: Whether it drips or is cut.
        keep: Whether the connection may outlive this response.

    Returns:
        Whether it does, once all is sent.
    """
    line.wait(response.delay)
    chunked = response.events is not None and request.version == "HTTP/1.1"
    # A stream on HTTP/1.0 ends where the connection does (RFC 9112 section 6.3).
    keep = keep and (response.events is None or chunked)
    head = _head(request, response, chunked=chunked, keep=keep)
    blocks = [] if request.method == "HEAD" else _blocks(response, fault, chunked=chunked)
    if fault.drip_head is None and fault.drip is None and response.events is None:
        line.write(b"".join((head, *blocks)))
    else:
        line.write(head, fault.drip_head)
        for block in blocks:
            line.write(block, fault.drip)
    return keep and fault.cut is None


def _head(request: DemoRequest, response: DemoResponse, *, chunked: bool, keep: bool) -> bytes:
    status = response.status
    lines = [f"HTTP/1.1 {status} {phrases.get(status, '')}", *_fields(response.headers)]
    if chunked:
        lines.append("transfer-encoding: chunked")
    elif response.events is None and status not in _NO_CONTENT:
        lines.append(f"content-length: {len(response.body)}")
    if not keep:
        lines.append("connection: close")
    elif request.version == "HTTP/1.0":
        lines.append("connection: keep-alive")
    lines += [
        f"x-request-id: demo-{request.number}",
        f"date: {formatdate(usegmt=True)}",
        "server: penstock-demo",
    ]
    return "\r\n".join((*lines, "\r\n")).encode("latin-1")


def _fields(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{name}: {value}" for name, value in pairs]


def _blocks(response: DemoResponse, fault: Fault, *, chunked: bool) -> list[bytes]:
    if response.events is None:
        end = None if fault.cut is None else min(fault.cut, len(response.body) - 1)
        return [response.body[:end]]
    blocks = [_chunk(event) if chunked else event for event in response.events]
    if fault.cut is not None:
        return blocks[: fault.cut]
    return [*blocks, _LAST_CHUNK] if chunked else blocks


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
