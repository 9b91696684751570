"""What is left of a body that nobody wants: read off, its connection can be used again."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from penstock.body import ObservedBody
from penstock.errors import DecodeError, PenstockError
from penstock.transport.decoding import decoded_start

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from penstock.messages import Response

OF_NO_INTEREST = (PenstockError, RuntimeError)  # a StreamConsumed is a RuntimeError
_TAKEN_IN = 1.0  # seconds: a server that drips what nobody wants is not waited for

REST_SECONDS = 0.05
"""How long the end of a stream is waited for after its terminal event."""

_REST_BYTES = 16 * 1024
"""How much of a stream is read off after its terminal event."""


def hurry(response: Response) -> None:
    """Let a body that is still to come be waited for no longer than is worth it."""
    if isinstance(response.stream, ObservedBody):
        response.stream.hurry(_TAKEN_IN)


class Taking:
    """How much of an unwanted body to read: up to a size, and not for long."""

    def __init__(self, now: Callable[[], float], limit: int) -> None:
        self._now = now
        self._limit = limit
        self._until = now() + _TAKEN_IN
        self.content = b""

    def is_enough(self, chunk: bytes) -> bool:
        """Keep *chunk* and tell whether that will do."""
        self.content += chunk
        return len(self.content) >= self._limit or self._now() >= self._until

    def decoded(self, response: Response) -> bytes:
        """Return what was kept of *response*, its content coding undone, or nothing if broken."""
        try:
            return decoded_start(response, self.content, self._limit)
        except DecodeError:
            return b""

    def of_closed(self, response: Response) -> bytes:
        """Return what is there of a body that was read, or closed unread."""
        try:
            return response.content[: self._limit]
        except RuntimeError:  # ResponseNotRead, in either family
            return b""


def pass_over(rest: Iterator[bytes]) -> None:
    """Read off what comes after the terminal event of a stream, if it is not much."""
    left = _REST_BYTES
    with suppress(*OF_NO_INTEREST):
        while left > 0 and (chunk := next(rest, None)) is not None:
            left -= len(chunk)


async def apass_over(rest: AsyncIterator[bytes]) -> None:
    """Do what `pass_over` does, on an event loop."""
    left = _REST_BYTES
    with suppress(*OF_NO_INTEREST):
        while left > 0 and (chunk := await anext(rest, None)) is not None:
            left -= len(chunk)
