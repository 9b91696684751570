"""What every stream decoder is, and the size limit they share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

from penstock.errors import InvalidOption, StreamTooLarge

if TYPE_CHECKING:
    from penstock.streaming.event import Event

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""The default size limit of one event, in bytes: ours, far over any event an API sends."""

TAIL_BYTES = 1024
"""The length of a decoder's `tail`, in bytes: ours, enough for an error message."""


class Decoder(Protocol):
    """Turns the bytes of a stream into events, without doing any input or output."""

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the bytes that came next and return the events they complete."""
        ...

    def close(self) -> list[Event]:
        """Say that the stream is over and return the events that completes."""
        ...


def limit_of(max_event_bytes: int | None) -> int:
    """Return the limit as a number to compare with.

    Args:
        max_event_bytes: The limit in bytes, or None for no limit.

    Raises:
        InvalidOption: It is not a positive whole number.
    """
    if max_event_bytes is None:
        return sys.maxsize
    if type(max_event_bytes) is not int or max_event_bytes < 1:
        raise InvalidOption("max_event_bytes must be a positive whole number of bytes, or None")
    return max_event_bytes


def too_large(limit: int) -> StreamTooLarge:
    """Return the error for an event over *limit* bytes."""
    return StreamTooLarge(f"an event of the stream is over the limit of {limit} bytes")
