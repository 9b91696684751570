"""One run of one case: its addresses, what was heard, and the moment its server recovers."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from penstock.testing.faults.case import Case
    from penstock.testing.faults.listener import Listener
    from penstock.testing.faults.peer import Heard
    from penstock.testing.faults.server import FaultServer

PROXY_USER = "proxy-user"
PROXY_PASSWORD = "proxy-password-7b1d"  # noqa: S105 - the faulty proxies' own


class Run:
    """A case that one client is about to meet; a context manager.

    Args:
        case: The case.
        number: A number that is part of its paths.
        server: The server.

    Attributes:
        over: Set when nobody waits for anything any more.
        rested: Set when the client has had a good answer, and its connection is idle.
        idled: Set when the server has done what it does with an idle connection.
        healed: Whether the server has recovered.
        heard: The requests of the run, good ones aside, oldest first.
        good: Those that asked for a good answer.
        port: The origin's port.
        connections: How many connections its own port or proxy was opened before it was healed.
    """

    def __init__(self, case: Case, number: int, server: FaultServer) -> None:
        self.case = case
        self.number = number
        self.over = threading.Event()
        self.rested = threading.Event()
        self.idled = threading.Event()
        self.healed = False
        self.heard: list[Heard] = []
        self.good: list[Heard] = []
        self.connections = 0
        self.port = server.port
        self._server = server
        self._own: list[Listener] = []
        self._proxy: Listener | None = None

    def __enter__(self) -> Self:
        if self.case.has_own_port:
            listener = self._server.listener(self, "origin")
            self._own.append(listener)
            self.port = listener.port
        if self.case.proxy is not None:
            self._proxy = self._server.listener(self, "proxy")
            self._own.append(self._proxy)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over.set()
        for listener in self._own:
            listener.close()
        self._server.forget(self)

    def heal(self) -> None:
        """Have the server recover: from now on it answers as it should."""
        self.healed = True
        for listener in self._own:
            listener.open()

    def note(self, heard: Heard) -> int:
        """Keep a request of the case, and return how many came before it."""
        self.heard.append(heard)
        return sum(one.place == heard.place for one in self.heard) - 1

    @property
    def origin(self) -> str:
        """Scheme, host and port of the server."""
        return f"{'https' if self.case.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """What to call to meet the fault."""
        origin = self.origin
        if self.case.host is not None:
            origin = origin.replace("127.0.0.1", self.case.host)
        return f"{origin}/{self.case.id}/{self.number}"

    @property
    def good_url(self) -> str:
        """What the same server answers well: before the fault, and once it was healed."""
        return f"{self.origin}/good/{self.number}"

    @property
    def proxy(self) -> str | None:
        """The URL of the proxy to go through, with its credentials, or None."""
        if self._proxy is None:
            return None
        address = f"{PROXY_USER}:{PROXY_PASSWORD}@127.0.0.1:{self._proxy.port}"
        return f"{self.case.proxy_scheme}://{address}"

    @property
    def places(self) -> dict[str, str]:
        """The URLs a case speaks of."""
        elsewhere = f"127.0.0.1:{self._server.elsewhere_port}"
        return {
            "url": self.url,
            "origin": self.origin,
            "path": f"/{self.case.id}/{self.number}",
            "elsewhere": f"http://{elsewhere}/elsewhere/{self.number}",
            "elsewhere-host": elsewhere,
            "number": str(self.number),
            "port": str(self.port),
            "proxy": self.proxy or "",
        }

    @property
    def sends(self) -> int:
        """How many requests, or attempts to connect, the call came to."""
        if self.case.proxy is not None:
            return sum(heard.place == "proxy" for heard in self.heard) or self.connections
        if self.case.accept is not None or self.case.tls is not None:
            return max(self.connections, len(self.heard))
        return len(self.heard)

    @property
    def reused(self) -> bool:
        """Whether the good call after the fault came on a connection that had carried it."""
        before = {heard.connection for heard in self.heard if heard.place == "origin"}
        return bool(self.good) and self.good[-1].connection in before

    @property
    def answer(self) -> object:
        """What a good call must give."""
        return {"good": self.number}
