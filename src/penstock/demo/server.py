"""The server: a listening socket, a thread for each connection, and a record of what came in."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from penstock.demo.connection import Connection
from penstock.demo.site import Site

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from penstock.demo.requests import DemoRequest

# As many clients as may knock at the same instant; the operating system caps it.
_BACKLOG = 1024


class DemoServer:
    """An API server on a loopback port, for demonstrations and tests.

    It answers deterministically: ids are counters, texts and vectors follow from the request.
    Any request may ask for a fault (`penstock.demo.faults` has the grammar), which comes before
    the key is looked at and before any route.

    Example:
        ```python
        with DemoServer() as server:
            httpx.get(f"{server.url}/v1/models", headers={"X-Demo-Fault": "503;times=2"})
        ```

    Args:
        host: The address to listen at.
        port: The port; 0 takes a free one.
        api_key: The bearer key every request must carry; `None` asks for none.

    Attributes:
        host: As given.
        port: The port listened at, once started.
        connections: How many connections were accepted.

    Raises:
        ValueError: When `api_key` is empty.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, api_key: str | None = None) -> None:
        if api_key == "":
            raise ValueError("api_key must not be empty; leave it out to ask for no key")
        self.host = host
        self.port = port
        self.connections = 0
        self._site = Site(api_key)
        self._stopping = threading.Event()
        self._acceptor: threading.Thread | None = None
        self._open: list[Connection] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The base URL, such as `http://127.0.0.1:49152`.

        Raises:
            RuntimeError: When the server was never started, so that its port is not known.
        """
        if self.port == 0:
            raise RuntimeError("the demo server has no port yet; call start(), or use `with`")
        return f"http://{self.host}:{self.port}"

    @property
    def requests(self) -> list[DemoRequest]:
        """Every request read whole, in the order of their numbers; yours to clear."""
        return self._site.requests

    def start(self) -> None:
        """Listen and serve; a server that was stopped comes back at the same address.

        Raises:
            RuntimeError: When it is running.
            OSError: When the address cannot be listened at.
        """
        if self._acceptor is not None:
            raise RuntimeError("the demo server is running")
        listener = socket.create_server((self.host, self.port), backlog=_BACKLOG)
        self.port = listener.getsockname()[1]
        self._stopping.clear()
        self._acceptor = threading.Thread(
            target=self._accept, args=(listener,), name="penstock-demo", daemon=True
        )
        self._acceptor.start()

    def stop(self) -> None:
        """Close every connection, whatever it is doing, and wait for every thread to end.

        A second call does nothing.
        """
        if self._acceptor is None:
            return
        self._stopping.set()
        # Wakes accept(), unless a client did so just now and the listener is closed already.
        with suppress(OSError):
            socket.create_connection((self.host, self.port)).close()
        self._acceptor.join()
        self._acceptor = None
        for connection in self._open:
            connection.abort()
        for connection in self._open:
            connection.join()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with listener:
            while True:
                sock, _ = listener.accept()
                if self._stopping.is_set():
                    sock.close()
                    return
                self.connections += 1
                connection = Connection(sock, self.connections, self._site, self._stopping)
                self._open = [other for other in self._open if other.is_alive()]
                self._open.append(connection)
                connection.start()
