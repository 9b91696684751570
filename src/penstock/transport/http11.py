"""One HTTP/1.1 connection, without input or output: h11 says what goes out and what came in.

httpcore's own connection does the same with three locks, an event for each step and a context
manager around each call of the parser, for callers who may be many. A lease has only one.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import h11

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

READ_BYTES = 64 * 1024
"""The most that is asked of a socket at once: what httpcore asks for."""

JOINED_BYTES = 16 * 1024
"""The longest body that goes out in one piece with its head: more is sent sooner than copied."""

_LONGEST_LINE = 100 * 1024
"""Bytes of a chunk's head or of trailers that are waited for: httpcore's limit."""

_SWITCHING = 101
"""Switching Protocols (RFC 9110 §15.2.2)."""


class Head(NamedTuple):
    """The head of an answer: an interim one (1xx) where another protocol follows.

    Attributes:
        version: Of HTTP, such as `1.1`.
        status: The status code.
        reason: The reason phrase.
        headers: Names and values, as they came.
    """

    version: bytes
    status: int
    reason: bytes
    headers: list[tuple[bytes, bytes]]


class Target(NamedTuple):
    """Where a request goes, under the names of the engine's `URL`.

    Attributes:
        scheme: In lower case.
        host: A name or an address, without brackets.
        port: Or None for the scheme's own.
        target: What the request line asks for (RFC 9112 §3.2).
    """

    scheme: bytes
    host: bytes
    port: int | None
    target: bytes


class Asked(NamedTuple):
    """A request, under the names of the engine's `Request`.

    Attributes:
        method: In upper case.
        url: Where it goes.
        headers: Names and values, as they go out.
        stream: The body.
        extensions: The family's own, not a copy: a read timeout that is changed after the head
            bounds the body.
    """

    method: bytes
    url: Target
    headers: list[tuple[bytes, bytes]]
    stream: Any
    extensions: Mapping[str, Any]

    def timeout(self, phase: str) -> Any:
        """Return the limit of a phase."""
        return self.extensions.get("timeout", {}).get(phase)


class Answer:
    """A response whose body is still to come, under the names of the engine's `Response`.

    Args:
        head: Its head.
        stream: Its body.
        network: The connection it comes on.
    """

    __slots__ = ("extensions", "headers", "status", "stream")

    def __init__(self, head: Head, stream: Any, network: Any) -> None:
        self.status = head.status
        self.headers = head.headers
        self.stream = stream
        self.extensions = {
            "http_version": b"HTTP/" + head.version,
            "reason_phrase": head.reason,
            "network_stream": network,
        }


def told_of(head: Head) -> tuple[Any, ...]:
    """Return what the engine tells a `trace` of an answer: version, status, reason, headers."""
    return b"HTTP/" + head.version, head.status, head.reason, head.headers


class Messages:
    """What is said on one connection, one exchange after another.

    Args:
        core: The engine whose errors are raised.
    """

    def __init__(self, core: ModuleType) -> None:
        self._core = core
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_LINE)

    def head(self, request: Asked) -> bytes:
        """Return the bytes of a request's head.

        Raises:
            Exception: The engine's `LocalProtocolError`: it has an illegal header, say.
        """
        return self._said(
            h11.Request, method=request.method, target=request.url.target, headers=request.headers
        )

    def part(self, chunk: bytes) -> bytes:
        """Return the bytes of a part of a request's body.

        Raises:
            Exception: As `head`: it is longer than its Content-Length.
        """
        return self._said(h11.Data, data=chunk)

    def end(self) -> bytes:
        """Return the bytes that end a request.

        Raises:
            Exception: As `head`: it is shorter than its Content-Length.
        """
        return self._said(h11.EndOfMessage)

    def heard(self, data: bytes) -> None:
        """Take what came; none is the end."""
        self._parser.receive_data(data)

    def answer(self) -> Head | None:
        """Return the head of the answer, or None while it is not there.

        Raises:
            Exception: The engine's `RemoteProtocolError`.
        """
        while (event := self._next()) is not h11.NEED_DATA:
            if isinstance(event, h11.Response) or event.status_code == _SWITCHING:
                return Head(
                    event.http_version, event.status_code, event.reason, event.headers.raw_items()
                )
        return None

    def body(self) -> bytes | None:
        """Return the next bytes of the body; none at its end, None while there are none.

        Raises:
            Exception: The engine's `RemoteProtocolError`.
        """
        while isinstance(event := self._next(), h11.Data):
            if event.data:
                return bytes(event.data)
        return None if event is h11.NEED_DATA else b""

    def switched(self) -> bytes | None:
        """Return what came beyond the head if HTTP ends here (RFC 9110 §7.8, §9.3.6), or None."""
        if self._parser.their_state is not h11.SWITCHED_PROTOCOL:
            return None
        return self._parser.trailing_data[0]

    def ended(self) -> bool:
        """End an exchange; return whether another may follow on this connection.

        What came beyond the answer, unasked, would be taken for the answer to the next request.
        """
        parser = self._parser
        if not (parser.our_state is parser.their_state is h11.DONE):
            return False
        data, is_closed = parser.trailing_data
        if data or is_closed:
            return False
        parser.start_next_cycle()
        return True

    def _said(self, kind: Callable[..., h11.Event], **fields: Any) -> bytes:
        try:
            return self._parser.send(kind(**fields)) or b""
        except h11.LocalProtocolError as error:
            raise self._core.LocalProtocolError(str(error)) from error

    def _next(self) -> Any:
        try:
            return self._parser.next_event()
        except h11.RemoteProtocolError as error:
            raise self._core.RemoteProtocolError(str(error)) from error


def messages_of(core: ModuleType) -> Messages:
    """Return what is said on a new connection: by llhttp too, where httptools is installed.

    Args:
        core: The engine whose errors are raised.
    """
    return _kind_of_messages()(core)


@cache
def _kind_of_messages() -> type[Messages]:
    if find_spec("httptools") is None:
        return Messages
    from penstock.transport.plain import PlainMessages

    return PlainMessages
