"""The fast way to read SSE: blocks that all have one of the two shapes nearly every API sends."""

from __future__ import annotations

from penstock.streaming.event import Event


def uniform_events(text: str, last_id: str) -> list[Event] | None:
    """Read blocks that are all one `data: ` line, or all an `event: ` and a `data: ` line.

    Splitting at what stands between two payloads leaves the payloads. It split where the events
    end, and nowhere else, if no line end is left inside any of them: that is checked.

    Args:
        text: Whole blocks, each closed by a blank line, with LF line ends.
        last_id: The last event id in force; blocks of these shapes do not change it.

    Returns:
        The events, or None if any block has another shape.
    """
    if text.startswith("data: "):
        inside = text[6:-2]  # less the first `data: ` and the last blank line
        if "\n" not in inside:
            return [Event(inside, "message", last_id, None)]
        payloads = inside.split("\n\ndata: ")
        if "\n" in "".join(payloads):
            return None
        return [Event(payload, "message", last_id, None) for payload in payloads]

    if text.startswith("event: "):
        events = []
        for block in text[7:-2].split("\n\nevent: "):
            name, found, payload = block.partition("\ndata: ")
            if not found or "\n" in name or "\n" in payload:
                return None
            events.append(Event(payload, name or "message", last_id, None))
        return events

    return None
