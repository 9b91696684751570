"""What the decoder tests share."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from penstock.errors import StreamTooLarge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from penstock.streaming import Decoder, Event


def fields(event: Event) -> tuple[str, str, str, int | None]:
    return event.event, event.raw, event.id, event.retry


def cut(stream: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut a stream at the given places; a place given twice is an empty chunk."""
    ends = [0, *sorted(min(place, len(stream)) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(ends)]


def bytewise(stream: bytes) -> list[bytes]:
    return [stream[at : at + 1] for at in range(len(stream))]


def decode(decoder: Decoder, chunks: Iterable[bytes]) -> list[Event]:
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.close()


def decode_until_too_large(decoder: Decoder, chunks: Iterable[bytes]) -> tuple[list[Event], bool]:
    """Return the events, and whether one was over the limit."""
    events: list[Event] = []
    try:
        for chunk in chunks:
            events += decoder.feed(chunk)
        events += decoder.close()
    except StreamTooLarge:
        return events, True
    return events, False
