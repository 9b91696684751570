"""Taking in what is left of a body that nobody wants, so that its connection can be used again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.body import ObservedBody
from penstock.errors import DecodeError, PenstockError
from penstock.transport.typed import decoded_start

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.messages import Response

OF_NO_INTEREST = (PenstockError, RuntimeError)  # a StreamConsumed is a RuntimeError
_TAKEN_IN = 1.0  # seconds: a server that drips what nobody wants is not waited for


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
