"""A slow SSE decoder that is obviously right: the whole stream at once, line by line."""

from __future__ import annotations

import re
import sys
from typing import NamedTuple


class Reading(NamedTuple):
    """What a stream holds; events are `(event, data, id, retry)`."""

    events: list[tuple[str, str, str, int | None]]
    last_event_id: str
    reconnection_time: int | None
    oversized: bool


def read(stream: bytes, limit: int = sys.maxsize) -> Reading:  # noqa: C901 - every rule in sight
    """Read a stream up to its first event of more than *limit* bytes."""
    events: list[tuple[str, str, str, int | None]] = []
    last_event_id = id_buffer = event_type = data = ""
    retry = reconnection_time = None
    size = 0
    *lines, unfinished = re.split(rb"\r\n|\n|\r", stream.removeprefix(b"\xef\xbb\xbf"))
    for line in lines:
        if not line:
            last_event_id = id_buffer
            if data:
                events.append((event_type or "message", data[:-1], last_event_id, retry))
            event_type, data, retry, size = "", "", None, 0
            continue
        if line.startswith(b":"):
            continue
        size += len(line) + 1
        if size > limit:
            return Reading(events, last_event_id, reconnection_time, oversized=True)
        field, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            event_type = value
        elif field == "data":
            data += value + "\n"
        elif field == "id" and "\0" not in value:
            id_buffer = value
        elif field == "retry" and re.fullmatch("[0-9]+", value):
            retry = reconnection_time = int(value)
    if not unfinished.startswith(b":"):
        size += len(unfinished)
    return Reading(events, last_event_id, reconnection_time, size > limit)
