"""Small servers on raw loopback sockets: they say exactly the bytes a test wants said."""

from __future__ import annotations

import base64
import contextlib
import select
import socket
import ssl
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 5.0
"""Seconds after which a server gives up on a test that has gone wrong."""


@dataclass(frozen=True)
class Heard:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    names: tuple[str, ...] = ()


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, stopping: threading.Event) -> None:
        self.sock = sock
        self.stopping = stopping
        self._file = sock.makefile("rb")

    def hear(self) -> Heard | None:
        """Return the next request, or None when the client has gone."""
        first = self._file.readline()
        if not first:
            return None
        method, target, _ = first.decode().split(" ")
        headers: dict[str, str] = {}
        names: list[str] = []
        while (line := self._file.readline().strip()) != b"":
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
            names.append(name)
        body = self._file.read(int(headers.get("content-length", "0")))
        return Heard(method, target, headers, body, tuple(names))

    def hear_chunks(self) -> bytes:
        """Return a body that comes in chunks (RFC 9112 §7.1), put together."""
        parts = []
        while size := int(self._file.readline(), 16):
            parts.append(self._file.read(size))
            self._file.readline()
        self._file.readline()
        return b"".join(parts)

    def say(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self, body: bytes = b"hello", status: str = "200 OK", headers: str = "") -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        self.say(head.encode() + body)

    def drip(self, first: bytes, then: bytes) -> None:
        """Say *first*, and then *then* over and over, until the client has gone."""
        self.say(first)
        while not self.stopping.wait(0.01):
            self.say(then)

    def stall(self) -> None:
        """Say nothing until the test is over."""
        self.stopping.wait(PATIENCE)

    def tunnel(self, host: str, port: int) -> None:
        """Carry bytes to and from another server, in one thread: TLS sockets need that."""
        with socket.create_connection((host, port), PATIENCE) as far:
            ends: dict[socket.socket, socket.socket] = {self.sock: far, far: self.sock}
            while not self.stopping.is_set():
                ready = select.select(list(ends), [], [], 0.05)[0]
                if isinstance(self.sock, ssl.SSLSocket) and self.sock.pending():
                    ready = [self.sock]
                for end in ready:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)


Handler = "Callable[[Peer], None]"


@dataclass
class Server:
    """Runs a handler for each connection, in a thread of its own.

    Attributes:
        handler: What to do with a connection.
        tls: A context to speak TLS with, or None.
        path: A Unix domain socket to listen on instead of a port, or None.
        port: The port it listens on, also once it has stopped.
        connections: How many came.
        heard: The requests that handlers noted.
    """

    handler: Callable[[Peer, Server], None]
    tls: ssl.SSLContext | None = None
    path: str | None = None
    port: int = 0
    connections: int = 0
    heard: list[Heard] = field(default_factory=list)

    def __enter__(self) -> Self:
        if self.path is None:
            self._listener = socket.create_server(("127.0.0.1", 0))
        else:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(self.path)
            self._listener.listen()
        self.port = int(self._listener.getsockname()[1]) if self.path is None else 0
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
        self._listener.close()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(sock,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(sock)
            if self.tls is not None:
                sock = stack.enter_context(self.tls.wrap_socket(sock, server_side=True))
            peer = Peer(sock, self._stopping)
            with peer._file:
                self.handler(peer, self)


def cut_head(peer: Peer, server: Server) -> None:
    peer.hear()
    peer.say(b"HTTP/1.1 200")


def cut_body(peer: Peer, server: Server) -> None:
    peer.hear()
    peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel")


def nonsense(peer: Peer, server: Server) -> None:
    peer.hear()
    peer.say(b"\x00\xff no protocol of ours\r\n\r\n")


def polite(peer: Peer, server: Server) -> None:
    """Answer each request with `hello`, keeping the connection."""
    while (heard := peer.hear()) is not None:
        server.heard.append(heard)
        peer.answer()


def stalled(peer: Peer, server: Server) -> None:
    """Take the connection and say nothing."""
    peer.stall()


def dripping_head(peer: Peer, server: Server) -> None:
    """Never finish the head."""
    peer.hear()
    peer.drip(b"HTTP/1.1 200 OK\r\nX-Long: ", b"a")


def dripping_body(peer: Peer, server: Server) -> None:
    """Never finish the body."""
    peer.hear()
    peer.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"a")


def proxy(credentials: str | None = None) -> Callable[[Peer, Server], None]:
    """Return the handler of an HTTP proxy.

    It opens tunnels, and answers plain requests itself with the target it was asked for.
    """
    token = credentials and "Basic " + base64.b64encode(credentials.encode()).decode()

    def handle(peer: Peer, server: Server) -> None:
        while (heard := peer.hear()) is not None:
            server.heard.append(heard)
            if heard.headers.get("proxy-authorization") != token:
                peer.answer(status="407 Proxy Authentication Required")
            elif heard.method == "CONNECT":
                host, _, port = heard.target.rpartition(":")
                peer.say(b"HTTP/1.1 200 Connection established\r\n\r\n")
                peer.tunnel(host, int(port))
                return
            else:
                peer.answer(heard.target.encode())

    return handle


def socks_proxy(credentials: tuple[bytes, bytes] | None) -> Callable[[Peer, Server], None]:
    """Return the handler of a SOCKS5 proxy (RFC 1928, RFC 1929)."""

    def handle(peer: Peer, server: Server) -> None:
        recv = peer.sock.recv
        recv(1024)
        peer.say(b"\x05\x00" if credentials is None else b"\x05\x02")
        if credentials is not None:
            user, password = credentials
            sent = recv(1024)
            wanted = b"\x01%c%b%c%b" % (len(user), user, len(password), password)
            peer.say(b"\x01\x00" if sent == wanted else b"\x01\x01")
        asked = recv(1024)
        host, port = asked[5:-2].decode(), int.from_bytes(asked[-2:], "big")
        server.heard.append(Heard("CONNECT", f"{host}:{port}", {}))
        peer.say(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        peer.tunnel(host, port)

    return handle
