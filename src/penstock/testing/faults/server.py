"""A server that misbehaves on request, one case a path or a port, on loopback."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Self

from penstock.testing.faults.listener import Listener
from penstock.testing.faults.peer import PATIENCE, Gone, Peer
from penstock.testing.faults.pieces import JSON, message
from penstock.testing.faults.proxying import forward, tunnel_by_socks
from penstock.testing.faults.run import Run

if TYPE_CHECKING:
    from types import TracebackType

    from penstock.testing.faults.case import Case
    from penstock.testing.faults.certificates import Certificates
    from penstock.testing.faults.peer import Heard

_GOODBYE = 0.5
"""Seconds a server waits for its client's close_notify."""


class FaultServer:
    """Serves the cases of `CASES`, or cases of your own; a context manager.

    ```python
    with FaultServer() as server, server.run(CASES["head-drip"]) as run:
        client.get(run.url)
    ```

    Attributes:
        port: The port of the cases that are a path.
        elsewhere_port: The port of another origin, which redirects lead to.
    """

    def __init__(self) -> None:
        self._runs: dict[int, Run] = {}
        self._numbers = itertools.count(1)
        self._connections = itertools.count(1)
        self._certificates: Certificates | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._main = Listener(partial(self._connected, None, "origin"))
        self._elsewhere = Listener(partial(self._connected, None, "elsewhere"))
        self.port, self.elsewhere_port = self._main.port, self._elsewhere.port
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for run in list(self._runs.values()):
            run.over.set()
        self._main.close()
        self._elsewhere.close()
        if self._certificates is not None:
            self._certificates.close()

    @property
    def certificates(self) -> Certificates:
        """The authority to trust, and the certificates of the TLS cases.

        Raises:
            ConfigurationError: trustme, of the extra `test`, is missing.
        """
        with self._lock:
            if self._certificates is None:
                from penstock.testing.faults.certificates import Certificates

                self._certificates = Certificates()
            return self._certificates

    def run(self, case: Case) -> Run:
        """Return *case* made ready for one client to meet; it lasts as long as its `with`.

        Args:
            case: One of `CASES`, or a case of your own.
        """
        run = Run(case, next(self._numbers), self)
        self._runs[run.number] = run
        return run

    def listener(self, run: Run, place: str) -> Listener:
        """Open a port of *run*'s own.

        Args:
            run: The run.
            place: What listens there: `origin` or `proxy`.
        """
        if run.case.tls is not None:
            _ = self.certificates  # made here, where it fails where it is seen
        return Listener(partial(self._connected, run, place), run.case.listens)

    def forget(self, run: Run) -> None:
        """Note that *run* is over."""
        self._runs.pop(run.number, None)

    def _connected(self, run: Run | None, place: str, sock: socket.socket) -> None:
        peer = Peer(sock, place, next(self._connections), run)
        if run is None:
            self._serve(peer)
            return
        is_first = (place == "proxy") == (run.case.proxy is not None)
        if is_first and not run.healed:
            run.connections += 1
            if run.case.accept is not None:
                run.case.accept(peer)
        if place == "proxy" and run.case.proxy_scheme == "socks5":
            (tunnel_by_socks if run.healed else run.case.proxy or tunnel_by_socks)(peer)
        elif run.case.tls is not None and place == "origin":
            self._serve_tls(peer, run)
        else:
            self._serve(peer)

    def _serve_tls(self, peer: Peer, run: Run) -> None:
        name = "good" if run.healed else run.case.tls or "good"
        context = self.certificates.context(name)
        with context.wrap_socket(peer.sock, server_side=True) as secure:
            peer.sock = secure
            with contextlib.suppress(Gone):
                self._serve(peer)
            if name != "cut":
                secure.settimeout(_GOODBYE)
                secure.unwrap()  # close_notify (RFC 8446 §6.1): the end is meant

    def _serve(self, peer: Peer) -> None:
        while True:
            heard = peer.hear()
            if peer.place != "proxy":
                peer.run = self._run_of(heard.target)
            run = peer.run
            if run is None:
                peer.say(message(b"", status="HTTP/1.1 404 Not Found"))
            elif peer.place == "proxy" and (run.healed or "/good/" in heard.target):
                forward(peer)
            elif heard.target.startswith("/good/"):
                run.good.append(heard)
                peer.say(message(json.dumps(run.answer).encode(), JSON))
                self._idle(peer, run)
            else:
                self._misbehave(peer, run, heard)

    def _idle(self, peer: Peer, run: Run) -> None:
        if run.case.idle is None or run.idled.is_set():
            return
        run.rested.wait(PATIENCE)
        try:
            run.case.idle(peer)
        except Gone:
            socket.socket.close(peer.sock)  # now, and not only when this thread comes to it
            raise
        finally:
            run.idled.set()

    def _misbehave(self, peer: Peer, run: Run, heard: Heard) -> None:
        if run.case.reads:
            heard = replace(heard, body=peer.hear_body())
        peer.turn = run.note(heard)
        if peer.place == "elsewhere":
            peer.say(message(b'{"elsewhere": true}', JSON))
        elif peer.place == "proxy":
            assert run.case.proxy is not None
            run.case.proxy(peer)
        else:
            run.case.serve(peer)

    def _run_of(self, target: str) -> Run | None:
        _, _, number, *_ = [*target.partition("?")[0].split("/", 3), "", ""]
        return self._runs.get(int(number)) if number.isdecimal() else None
