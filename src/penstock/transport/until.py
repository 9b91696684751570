"""A time limit that one request carries down to the socket."""

from __future__ import annotations

import math
import ssl
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from penstock.transport.hanging_up import hang_up

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator


class Until(float):
    """A phase timeout in seconds that also knows the moment after which nothing may run.

    httpcore hands a request's own timeout objects to the network backend unchanged. A limit set on
    one request therefore reaches the socket with no state shared between requests, also where many
    of them share one HTTP/2 connection.

    As a plain number it is what one operation could take when it was made, `inf` for no limit: what
    a transport that knows nothing of moments goes by.

    Args:
        seconds: The longest one operation of this phase may take, or None for no such limit.
        at: The moment, on the clock *now*, after which nothing may run, or None.
        now: The clock, in seconds.
    """

    __slots__ = ("at", "now")

    at: float | None
    now: Callable[[], float]

    def __new__(cls, seconds: float | None, at: float | None, now: Callable[[], float]) -> Self:
        """Return the limit, which is a float."""
        phase = math.inf if seconds is None else seconds
        self = super().__new__(cls, phase if at is None else min(phase, at - now()))
        self.at = at
        self.now = now
        return self

    def left(self) -> float | None:
        """Return the seconds that an operation which starts now may take, or None for no limit.

        Zero or less means it is too late.
        """
        if self.at is not None:
            return min(float(self), self.at - self.now())
        return None if self == math.inf else float(self)


class Sockets:
    """The sockets that calls wait at, so that another thread can interrupt them.

    Attributes:
        is_interrupted: Whether one did.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waited_at: set[socket.socket] = set()
        self.is_interrupted = False

    def interrupt(self) -> None:
        """Hang up every socket that is waited at, now or later."""
        with self._lock:
            self.is_interrupted = True
            for waited_at in self._waited_at:
                _hang_up(waited_at)

    @contextmanager
    def waiting(self, at: socket.socket | None) -> Iterator[None]:
        """Wait at a socket inside; at none, where a test stands in for the network."""
        if at is None:
            yield
            return
        with self._lock:
            if self.is_interrupted:
                _hang_up(at)
            self._waited_at.add(at)
        try:
            yield
        finally:
            with self._lock:
                self._waited_at.discard(at)


_AGES = 1e9  # seconds: no limit, for a transport that takes no infinite one


def _hang_up(connection: socket.socket) -> None:
    if isinstance(connection, ssl.SSLSocket) and connection.selected_alpn_protocol() == "h2":
        return  # others' calls share it
    hang_up(connection)


class Interruptible(Until):
    """A limit of a call that another thread may interrupt.

    Attributes:
        sockets: Where what waits is found.
    """

    __slots__ = ("sockets",)

    sockets: Sockets

    @classmethod
    def of(cls, timeout: float | None, sockets: Sockets) -> Self:
        """Return *timeout* as such a limit."""
        at = timeout.at if isinstance(timeout, Until) else None
        now = timeout.now if isinstance(timeout, Until) else time.monotonic
        self = cls(_AGES if timeout is None else timeout, at, now)
        self.sockets = sockets
        return self


def left(timeout: float | None) -> float | None:
    """Return what `Until.left` does; a plain timeout is its own answer."""
    if isinstance(timeout, Until):
        return timeout.left()
    return None if timeout == math.inf else timeout


def phase_left(request: Any, phase: str) -> float | None:
    """Return what is left of a phase of *request*, by its extension `timeout`; None for no limit.

    Args:
        request: Either family's request.
        phase: `connect`, `read`, `write` or `pool`.
    """
    return left(request.extensions.get("timeout", {}).get(phase))


def pinned(timeout: float | None) -> Until | None:
    """Return *timeout* with its phase counted from now: the limit that several steps share."""
    seconds = left(timeout)
    if seconds is None:
        return None
    now = timeout.now if isinstance(timeout, Until) else time.monotonic
    return Until(None, now() + seconds, now)
