"""The head of an answer, watched at the socket: whether it came, and how long it is."""

from __future__ import annotations

import re
from functools import cache, partial
from typing import TYPE_CHECKING

from penstock.errors import ResponseTooLarge

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable
    from types import ModuleType

MAX_HEADER_BYTES = 100 * 1024
"""The longest head unless a client says otherwise: what httpcore's own parser would wait for."""

_MAX_INTERIM = 100
"""Interim (1xx) answers to one request. RFC 9110 §15.2 has no bound; servers send a few."""

_END = re.compile(rb"\n\r?\n|\A\r?\n")
_INTERIM = re.compile(rb"HTTP/1\.\d 1(?!01)\d\d\b")
_SWITCHING = re.compile(rb"HTTP/1\.\d 101\b")


class Unanswered(Exception):
    """A connection that has answered before ended with no byte of an answer.

    The server closed it while it was idle, as it may (RFC 9112 §9.5), and the request was on its
    way. What is raised is the engine's own error as well.
    """


@cache
def unanswered(kind: type[Exception]) -> type[Exception]:
    """Return the class of errors of that *kind* that are `Unanswered` too, under its name."""
    return type(kind.__name__, (Unanswered, kind), {"__module__": kind.__module__})


def heads_of(core: ModuleType, most: int | None) -> Callable[[], Heads | None]:
    """Return what makes the watch of each new connection.

    Args:
        core: The engine whose errors are raised.
        most: The longest head, in bytes; None where nothing is watched.
    """
    return (lambda: None) if most is None else partial(Heads, core, most)


class Heads:
    """Watches the answers on one HTTP/1.1 connection.

    The engine gets a head in one piece, with the interim ones before it. What it is given in
    pieces, it bounds by a length of its own, and it counts no interim ones.

    Args:
        core: The engine whose errors are raised.
        most: The longest head, in bytes, interim ones included.

    Attributes:
        awaited: Whether a request was sent whose answer has not come.
    """

    __slots__ = (
        "_answers",
        "_begun",
        "_core",
        "_held",
        "_interim",
        "_looked",
        "_most",
        "_switched",
        "awaited",
    )

    def __init__(self, core: ModuleType, most: int) -> None:
        self._core = core
        self._most = most
        self._answers = 0
        self._switched = False
        self._begin()
        self.awaited = False

    def within(self, tls: ssl.SSLObject | None) -> Heads | None:
        """Return what watches the answers inside *tls* on this connection; None over HTTP/2."""
        if tls is not None and tls.selected_alpn_protocol() == "h2":
            return None
        return Heads(self._core, self._most)

    def asked(self) -> None:
        """Note that a request, or a part of it, goes out."""
        self.awaited = not self._switched

    def read(self, some: Callable[[], bytes]) -> bytes:
        """Return the head of the answer, and whatever came with it.

        Args:
            some: Reads the next bytes of the connection.

        Raises:
            ResponseTooLarge: It is too long.
            Exception: The engine's own error, which may be an `Unanswered`.
        """
        whole = None
        while whole is None:
            try:
                data = some()
            except self._core.ReadError as error:
                self._check_answered(error)
                raise
            whole = self._add(data)
        return whole

    async def aread(self, some: Callable[[], Awaitable[bytes]]) -> bytes:
        """Do what `read` does, on an event loop."""
        whole = None
        while whole is None:
            try:
                data = await some()
            except self._core.ReadError as error:
                self._check_answered(error)
                raise
            whole = self._add(data)
        return whole

    def _begin(self) -> None:
        self._held = bytearray()
        self._begun = self._looked = self._interim = 0

    def _check_answered(self, error: Exception) -> None:
        if self._answers and not self._held:
            kind = unanswered(type(error))  # type: ignore[arg-type]  # classes do hash
            raise kind(*error.args) from error

    def _add(self, data: bytes) -> bytes | None:
        """Return what the engine may have with *data*, or None while the head is not whole."""
        if not data:
            self._end()
        held: bytes | bytearray = data  # nearly every head comes in one piece
        if self._held:
            self._held += data
            held = self._held
        while end := _END.search(held, self._looked):
            self._check(end.end())
            if not _INTERIM.match(held, self._begun):
                return self._done(held)
            self._interim += 1
            if self._interim > _MAX_INTERIM:
                msg = f"the server sent more than {_MAX_INTERIM} interim (1xx) answers"
                raise self._core.RemoteProtocolError(msg)
            self._begun = self._looked = end.end()
        self._check(len(held))
        if not self._held:
            self._held += data
        self._looked = max(self._begun, len(held) - 2)  # the end may have begun
        return None

    def _end(self) -> None:
        if self._held:
            msg = "the server closed the connection in the middle of the answer's head"
            raise self._core.RemoteProtocolError(msg)
        error = self._core.RemoteProtocolError("the server closed the connection unasked")
        self._check_answered(error)
        msg = "the server closed the connection without an answer"
        raise self._core.RemoteProtocolError(msg)

    def _check(self, size: int) -> None:
        if size > self._most:
            msg = (
                f"the head of the answer is longer than max_header_bytes={self._most}: give the "
                "client a higher one"
            )
            raise ResponseTooLarge(msg)

    def _done(self, held: bytes | bytearray) -> bytes:
        self._switched = _SWITCHING.match(held, self._begun) is not None
        self._answers += 1
        self._begin()
        self.awaited = False
        return bytes(held)
