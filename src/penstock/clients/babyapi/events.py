"""`SSEEvent`: what streams are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock import Event


@dataclass(slots=True)
class SSEEvent:
    """One event of a stream.

    Args:
        done: Whether it is the last: `[DONE]`.
        data: Its data, parsed; None if they are not JSON.
        raw: Its data as text.
    """

    done: bool
    data: Any
    raw: str


def as_sse_event(event: Event) -> SSEEvent:
    """Return an event of Penstock's as one of BabyAPI's."""
    return SSEEvent(event.done, event.data, event.raw)
