"""The slow, complete way to read SSE: line by line, by the rules of HTML standard §9.2.6."""

from __future__ import annotations

from penstock.streaming.event import Event

# CPython's int() takes this many digits whatever limit is set (Python docs, "Integer string
# conversion length limitation"); a `retry` with more is ignored.
_MAX_RETRY_DIGITS = 640


def interpret(text: str, last_id: str) -> tuple[list[Event], str, int | None]:
    """Interpret an event stream's lines.

    Args:
        text: Whole lines from the start of a block on, each ended by LF.
        last_id: The last event id in force before them.

    Returns:
        The events, the last event id in force after them, and their last valid `retry` in
        milliseconds or None.
    """
    events: list[Event] = []
    data: list[str] = []
    name = ""
    retry = last_retry = None
    for line in text[:-1].split("\n"):
        if not line:
            if data:
                events.append(Event("\n".join(data), name or "message", last_id, retry))
            data, name, retry = [], "", None
            continue
        # A comment begins with its colon: its field has no name and, as any unknown one, no effect.
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
        elif field == "id":
            last_id = last_id if "\0" in value else value
        elif field == "retry" and _is_milliseconds(value):
            retry = last_retry = int(value)
    return events, last_id, last_retry


def _is_milliseconds(value: str) -> bool:
    # `isdigit` alone takes the digits of every script, and `int` spaces and signs too.
    return value.isascii() and value.isdigit() and len(value) <= _MAX_RETRY_DIGITS
