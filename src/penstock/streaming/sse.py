"""SSE: the event stream format of the HTML standard (§9.2.5 and §9.2.6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from penstock.streaming.decoder import MAX_EVENT_BYTES, TAIL_BYTES, limit_of, too_large
from penstock.streaming.sse_lines import interpret
from penstock.streaming.sse_uniform import uniform_events

if TYPE_CHECKING:
    from penstock.streaming.event import Event

_BOM = b"\xef\xbb\xbf"
_CR, _LF = b"\r\n"
_COMMENT_LINES = re.compile(rb"^:[^\n]*\n", re.MULTILINE)

# How many bytes may gather before the comments among them are dropped: ours. It bounds what a
# stream of nothing but comments holds, and is large enough that a huge event is searched seldom.
_SWEEP_BYTES = 64 * 1024


def is_event_stream(content_type: str | None) -> bool:
    """Tell whether a response is an event stream by its Content-Type (HTML standard §9.2.3).

    Parameters do not matter, not even `charset`: an event stream is always UTF-8.

    Args:
        content_type: The header's value. None, a missing header, is taken for a yes: there are
            event streams served without it.
    """
    if content_type is None:
        return True
    return content_type.partition(";")[0].strip(" \t").lower() == "text/event-stream"


class SSEDecoder:
    """Decode server-sent events by the rules of the HTML standard.

    An event comes out as soon as the CR or LF of its blank line is in. Its size is that of its
    lines, each with one byte for the line end; comments do not count and are not kept.

    Args:
        max_event_bytes: The size limit of one event, in bytes; None for no limit.

    Attributes:
        last_event_id: The last event id in force, for a `Last-Event-ID` header.

    Raises:
        InvalidOption: The limit is not a positive whole number.
    """

    def __init__(self, max_event_bytes: int | None = MAX_EVENT_BYTES) -> None:
        self.last_event_id = ""
        self._retry: int | None = None
        self._limit = limit_of(max_event_bytes)
        self._oversized = False
        self._start: bytes | None = b""  # what may become a byte order mark; None when settled
        self._after_cr = False
        self._pending = bytearray()  # an unfinished block, with LF line ends
        self._swept = 0  # how much of it is known to hold no comment

    @property
    def reconnection_time(self) -> int | None:
        """The wait before reconnecting, in milliseconds, by the last valid `retry` line so far."""
        lines = self._pending[: self._pending.rfind(b"\n") + 1]
        _, _, retry = interpret(lines.decode("utf-8", "replace"), "")
        return self._retry if retry is None else retry

    @property
    def unfinished(self) -> Event | None:
        """The event that an end of the stream would cut, read as far as it came, or None.

        The standard discards it; a reader may still see in it the end marker of a server that
        forgets the last blank line.
        """
        text = self._pending.decode("utf-8", "replace") + "\n\n"
        events, _, _ = interpret(text, self.last_event_id)
        return events[0] if events else None

    @property
    def tail(self) -> str:
        """The end of the unfinished block, without comments, at most 1 KiB of it."""
        self._sweep()
        return self._pending[: self._swept][-TAIL_BYTES:].decode("utf-8", "replace")

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the bytes that came next and return the events they complete.

        Raises:
            StreamTooLarge: An event is over the limit. Events before it come first: if this call
                has any, it returns them and the next call raises.
        """
        if self._oversized:
            raise too_large(self._limit)
        if self._start is not None:
            chunk = self._skip_byte_order_mark(chunk)
        if self._after_cr or _CR in chunk:
            chunk = self._fold_line_ends(chunk)
        if chunk[-2:] == b"\n\n" and not self._pending and len(chunk) <= self._limit:
            return self._read(chunk)  # nothing but whole events, as most servers flush them

        events: list[Event] = []
        end = self._end_of_blocks(chunk)
        if end:
            blocks = b"".join((self._pending, chunk[:end]))
            self._pending = bytearray(chunk[end:])
            self._swept = 0
            if len(blocks) > self._limit:
                blocks = self._up_to_oversized(blocks)
            events = self._read(blocks)
        else:
            self._pending += chunk
        if len(self._pending) > min(self._limit, self._swept + _SWEEP_BYTES):
            self._sweep()
            if self._swept > self._limit:
                self._oversized = True
        if self._oversized and not events:
            raise too_large(self._limit)
        return events

    def close(self) -> list[Event]:
        """Say that the stream is over; an unfinished event is discarded, so no event comes out.

        Raises:
            StreamTooLarge: An event is over the limit.
        """
        if self._oversized:
            raise too_large(self._limit)
        return []

    def _skip_byte_order_mark(self, chunk: bytes) -> bytes:
        """Drop one byte order mark at the start of the stream, wherever it is cut."""
        chunk = (self._start or b"") + chunk
        if _BOM.startswith(chunk):
            self._start = chunk
            return b""
        self._start = None
        return chunk.removeprefix(_BOM)

    def _fold_line_ends(self, chunk: bytes) -> bytes:
        """Make each CRLF and CR an LF; a CR ends its line at once and takes a later LF with it."""
        if not chunk:
            return chunk
        if self._after_cr:
            chunk = chunk.removeprefix(b"\n")
        self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _end_of_blocks(self, chunk: bytes) -> int:
        """Return where the last blank line of *chunk* ends, or 0."""
        last = chunk.rfind(b"\n\n")
        if last >= 0:
            return last + 2
        at_line_start = not self._pending or self._pending.endswith(b"\n")
        return 1 if at_line_start and chunk.startswith(b"\n") else 0

    def _read(self, blocks: bytes) -> list[Event]:
        text = blocks.decode("utf-8", "replace")
        events = uniform_events(text, self.last_event_id)
        if events is None:
            events, self.last_event_id, retry = interpret(text, self.last_event_id)
            self._retry = self._retry if retry is None else retry
        return events

    def _up_to_oversized(self, blocks: bytes) -> bytes:
        """Return the blocks, less their comments, before the first that is over the limit."""
        blocks = _COMMENT_LINES.sub(b"", blocks)
        start = 0
        for block in blocks.split(b"\n\n"):
            if len(block.strip(b"\n")) + 1 > self._limit:
                self._oversized = True
                return blocks[:start]
            start += len(block) + 2
        return blocks

    def _sweep(self) -> None:
        """Drop the comments that came since the last sweep.

        A comment that has not ended leaves its colon, unswept, so that its end is dropped too.
        """
        pending, start = self._pending, self._swept
        if start and pending[start - 1] != _LF:  # inside a line that is no comment
            start = pending.find(_LF, start) + 1 or len(pending)
        kept = _COMMENT_LINES.sub(b"", pending[start:])
        last_line = kept.rfind(b"\n") + 1
        open_comment = kept.startswith(b":", last_line)
        if open_comment:
            kept = kept[: last_line + 1]
        pending[start:] = kept
        self._swept = len(pending) - open_comment
