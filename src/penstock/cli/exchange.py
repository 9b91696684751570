"""How a request went: for a person, for a script as one document, for a shell as an exit code."""

from __future__ import annotations

import base64
import json
import sys
from http.client import responses
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.bodies import text_of
from penstock.cli.documents import print_document, seen
from penstock.cli.drawing import draw, duration, head, label_width
from penstock.cli.group import complain
from penstock.cli.lines import Line, Piece, show, width_of_screen
from penstock.cli.outcomes import exit_code_of_status
from penstock.lines import one_line
from penstock.redact import safe_header, safe_text, scrub

if TYPE_CHECKING:
    from collections.abc import Iterable

    from penstock.call import Call
    from penstock.demo.watch import Watched
    from penstock.demo.waterfall import Waterfall
    from penstock.messages import Request, Response


def safe_headers(message: Request | Response, call: Call) -> list[tuple[str, str]]:
    """Return the headers of a message as they may be shown.

    Args:
        message: A request or a response.
        call: The call it belongs to.
    """
    headers: Any = message.headers
    return [
        (name, safe_text(safe_header(name, value), call.scope.secrets))
        for name, value in headers.multi_items()
    ]


def print_exchange(watched: Watched, waterfall: Waterfall, sent: Iterable[tuple[str, str]]) -> None:
    """Write headers and waterfall to standard error, credentials redacted.

    Args:
        watched: The call.
        waterfall: Its waterfall.
        sent: The headers of its last send, as they may be shown.
    """
    lines: list[Line] = [[Piece(f"> {watched.method} {watched.url}", "title")]]
    lines += [*_headers(">", sent), []]
    response = watched.response
    if response is not None:
        phrase = scrub(one_line(response.reason_phrase), watched.call.scope.secrets)
        status = f"{response.http_version} {response.status_code} {phrase}"
        lines += [[Piece(f"< {status}", "title")]]
        lines += [*_headers("<", safe_headers(response, watched.call)), []]
    width = width_of_screen()
    lines += [head(watched, waterfall, width)]
    lines += draw(waterfall, width, label_width([waterfall]))
    show(lines, sys.stderr)


def print_outcome(watched: Watched, waterfall: Waterfall) -> None:
    """Write the whole outcome to standard output as one JSON document.

    Args:
        watched: The call.
        waterfall: Its waterfall.
    """
    document: dict[str, Any] = {"schema": 1, **seen(watched, waterfall)}
    response = watched.response
    if response is not None:
        document["headers"] = safe_headers(response, watched.call)
        document["body_is"], document["body"] = _body(response)
    print_document(document)


def leave_by_status(watched: Watched, waterfall: Waterfall) -> None:
    """Leave with the exit code of a final status of 400 or more, and say so in a line.

    Args:
        watched: The call.
        waterfall: Its waterfall.

    Raises:
        click.exceptions.Exit: The status is 400 or more.
    """
    status = watched.status or 0
    code = exit_code_of_status(status)
    if not code:
        return
    attempts = f", {waterfall.attempts} attempts" if waterfall.attempts > 1 else ""
    phrase = f"{status} {responses.get(status, '')}".rstrip()
    complain(f"{phrase} ({watched.method} {watched.url}{attempts}, {duration(waterfall.total)})")
    raise click.exceptions.Exit(code)


def _headers(mark: str, headers: Iterable[tuple[str, str]]) -> list[Line]:
    return [
        [Piece(f"{mark} "), Piece(f"{name}: ", "quiet"), Piece(one_line(value))]
        for name, value in headers
    ]


def _body(response: Response) -> tuple[str, Any]:
    """Return a body as JSON can hold it, and how it does: `json`, `text` or `base64`."""
    text = text_of(response)
    if text is None:
        return "base64", base64.b64encode(response.content).decode("ascii")
    try:
        return "json", json.loads(text)
    except (ValueError, RecursionError):
        return "text", text
