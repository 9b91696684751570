"""What is told of calls of models only where somebody asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


class Places(NamedTuple):
    """Where it is told what was said."""

    on_span: bool = False
    in_event: bool = False


NOWHERE = Places()

PLACES = {
    "no_content": NOWHERE,
    "span_only": Places(on_span=True),
    "event_only": Places(in_event=True),
    "span_and_event": Places(on_span=True, in_event=True),
}
"""By the values that `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` has."""

_BY_VARIABLE = {**PLACES, "true": PLACES["span_only"]}  # as older instrumentations had it


def places_in(environ: Mapping[str, str]) -> Places:
    """Return where the application wants content: nowhere, unless its environment says so."""
    return _BY_VARIABLE.get(environ.get(_VARIABLE, "").strip().lower(), NOWHERE)


class Policy(NamedTuple):
    """What one middleware was told to tell.

    Attributes:
        content: Where it is told what was said, or None to do as the environment says.
        chunk_times: Whether the time between chunks is measured.
        logger_provider: Where events go, or None for the global one.
    """

    content: Places | None
    chunk_times: bool
    logger_provider: Any
