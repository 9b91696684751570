"""Bodies on standard output: bytes for a pipe, laid out for a person, events a line each."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

from penstock.cli.documents import print_document
from penstock.cli.group import complain
from penstock.cli.lines import in_colour, rich_console, writable
from penstock.streaming import NDJSONDecoder, SSEDecoder, is_event_stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.messages import Response
    from penstock.streaming import Decoder, Event

_NDJSON = {
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/json-seq",
}

# What a terminal obeys instead of showing (ECMA-48 §5): a server must not move our cursor.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def print_body(response: Response) -> None:
    """Write a body that was read: as it came, or laid out on a terminal.

    Args:
        response: The response.
    """
    if not sys.stdout.isatty():
        _write(response.content)
        return
    text = text_of(response)
    if text is None:
        kind = response.headers.get("content-type", "no content type")
        complain(f"{len(response.content):,} bytes ({kind}) that are no text: send them to a file")
        return
    try:
        laid_out = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        _write_text(text.rstrip("\n"))
        return
    if not in_colour(sys.stdout):
        _write_text(laid_out)
        return
    from rich.highlighter import JSONHighlighter
    from rich.text import Text

    highlighted = Text(_CONTROLS.sub("", laid_out))
    JSONHighlighter().highlight(highlighted)
    rich_console(file=sys.stdout, force_terminal=True).print(highlighted, soft_wrap=True)


def print_stream(response: Response, *, as_json: bool) -> None:
    """Write an open body as it comes: events a line each, anything else as it is.

    Args:
        response: The open response.
        as_json: Whether each event is a JSON document instead of its data.
    """
    decoder = _decoder_for(response.headers.get("content-type"))
    if decoder is None:
        for chunk in response.iter_bytes():
            _write(chunk)
        return
    for event in _events(response, decoder):
        if as_json:
            data = event.data if event.data is not None else event.raw
            document = {"schema": 1, "event": event.event, "id": event.id, "data": data}
            print_document(document, indent=None)
        else:
            name = "" if event.event == "message" else f"{event.event}: "
            _write_text(f"{name}{event.raw}")


def text_of(response: Response) -> str | None:
    """Return a body as text, or None where it is none."""
    try:
        text = response.content.decode(response.encoding or "utf-8")
    except (UnicodeDecodeError, LookupError):
        return None
    return None if "\0" in text else text


def _decoder_for(content_type: str | None) -> Decoder | None:
    if is_event_stream(content_type):
        return SSEDecoder()
    kind = (content_type or "").partition(";")[0].strip().lower()
    return NDJSONDecoder() if kind in _NDJSON else None


def _events(response: Response, decoder: Decoder) -> Iterator[Event]:
    for chunk in response.iter_bytes():
        yield from decoder.feed(chunk)
    yield from decoder.close()


def _write(content: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def _write_text(text: str) -> None:
    shown = _CONTROLS.sub("", text) if sys.stdout.isatty() else text
    sys.stdout.write(f"{writable(shown, sys.stdout)}\n")
    sys.stdout.flush()
