"""NDJSON, JSON Lines and JSON text sequences: one JSON text a line."""

from __future__ import annotations

from contextlib import suppress

from penstock.errors import DecodeError, StreamTruncated
from penstock.streaming.decoder import MAX_EVENT_BYTES, TAIL_BYTES, limit_of, too_large
from penstock.streaming.event import Event

# What may stand around a JSON text and is no part of it: padding, the CR of a CRLF (RFC 8259 §2)
# and a byte order mark (§8.1).
_AROUND_RECORD = " \t\r\ufeff"


class NDJSONDecoder:
    """Decode NDJSON and JSON Lines, and JSON text sequences of one line each (RFC 7464).

    LF and RS end a record, and nothing else: U+2028 may stand inside a JSON string. Blank lines
    are skipped, bytes that are not UTF-8 become U+FFFD, and a record that is not JSON is an event
    whose `data` is None.

    Args:
        max_event_bytes: The size limit of one record without its line end, in bytes; None for no
            limit.

    Raises:
        InvalidOption: The limit is not a positive whole number.
    """

    def __init__(self, max_event_bytes: int | None = MAX_EVENT_BYTES) -> None:
        self._limit = limit_of(max_event_bytes)
        self._oversized = False
        self._pending = bytearray()  # an unfinished record

    @property
    def tail(self) -> str:
        """The end of the unfinished record, at most 1 KiB of it."""
        return self._pending[-TAIL_BYTES:].decode("utf-8", "replace")

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the bytes that came next and return the events they complete.

        Raises:
            StreamTooLarge: A record is over the limit. Records before it come first: if this call
                has any, it returns them and the next call raises.
        """
        if self._oversized:
            raise too_large(self._limit)
        chunk = chunk.replace(b"\x1e", b"\n")
        events: list[Event] = []
        end = chunk.rfind(b"\n") + 1
        if end:
            lines = b"".join((self._pending, chunk[:end]))
            self._pending = bytearray(chunk[end:])
            if len(lines) > self._limit:
                lines = self._up_to_oversized(lines)
            events = _read(lines)
        else:
            self._pending += chunk
        if len(self._pending) > self._limit:
            self._oversized = True
        if self._oversized and not events:
            raise too_large(self._limit)
        return events

    def close(self) -> list[Event]:
        """Say that the stream is over; a last record without its line end counts if it is JSON.

        Raises:
            StreamTruncated: The stream ended inside a record.
            StreamTooLarge: A record is over the limit.
        """
        if self._oversized:
            raise too_large(self._limit)
        last = _read(bytes(self._pending))
        with suppress(DecodeError):
            for event in last:
                event.json()
            self._pending.clear()
            return last
        raise StreamTruncated("the stream ended inside a record")

    def _up_to_oversized(self, lines: bytes) -> bytes:
        """Return the lines before the first that is over the limit."""
        start = 0
        for line in lines.split(b"\n"):
            if len(line) > self._limit:
                self._oversized = True
                return lines[:start]
            start += len(line) + 1
        return lines


def _read(lines: bytes) -> list[Event]:
    text = lines.decode("utf-8", "replace")
    return [Event(record) for line in text.split("\n") if (record := line.strip(_AROUND_RECORD))]
