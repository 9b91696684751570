"""A server on a loopback port that plays a script to either client and notes what it was asked."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = "{base}"
"""Stands in a reply for the server's own URL."""


class Answer(NamedTuple):
    """What one request gets.

    Attributes:
        status: The status; 0 closes the connection without an answer.
        body: JSON, or bytes as they are.
        headers: More headers.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = {}  # noqa: RUF012 - nobody changes it


class Asked(NamedTuple):
    """What is the same in two clients that ask for the same."""

    method: str
    path: str
    query: list[tuple[str, str]]
    body: Any
    told: dict[str, str]


TOLD = ("authorization", "accept", "content-type")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append(_asked(self.command, self.path, self.headers, body))
        answer: Answer = self.server.answers.pop(0)
        if not answer.status:
            self.close_connection = True
            return
        content = _content(answer.body, self.server.url)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 - http.server's name

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class Playing:
    """The server while it plays one script.

    Attributes:
        url: Where it is.
        asked: What it was asked, oldest first.
        answers: What is left of the script.
    """

    def __init__(self, server: Any) -> None:
        self._server = server
        self.url: str = server.url

    def play(self, answers: list[Answer]) -> None:
        """Begin a script."""
        self._server.asked, self._server.answers = [], list(answers)

    @property
    def asked(self) -> list[Asked]:
        """What it was asked."""
        return list(self._server.asked)

    @property
    def left(self) -> int:
        """How many answers nobody asked for."""
        return len(self._server.answers)


@contextmanager
def playing() -> Iterator[Playing]:
    """Serve until the block is left."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]  # ours
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Playing(server)
        finally:
            server.shutdown()
            thread.join()


def _asked(method: str, target: str, headers: Any, body: bytes) -> Asked:
    parts = urlsplit(target)
    told = {name.lower(): value for name, value in headers.items()}
    kept = {name: told[name] for name in told if name in TOLD or name.startswith("x-")}
    return Asked(
        method, parts.path, parse_qsl(parts.query), json.loads(body) if body else None, kept
    )


def _content(body: Any, base: str) -> bytes:
    if isinstance(body, bytes):
        return body
    return b"" if body is None else json.dumps(body).replace(BASE, base).encode()
