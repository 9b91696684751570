"""From what was typed to the keywords of a call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.choices import standard_input
from penstock.options import REMOVE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.options import HeaderValue

# A compressed stream may hold an event back until a block is full, so none is asked for.
_STREAM_HEADERS = {
    "Accept": "text/event-stream, application/x-ndjson, application/jsonl, */*;q=0.1",
    "Accept-Encoding": "identity",
}


def call_of(
    headers: Sequence[str], json_body: str | None, data: str | None, *, stream: bool
) -> dict[str, Any]:
    """Return the keywords of a call.

    Args:
        headers: As typed, `Name: value`.
        json_body: JSON, or `@` and where to read it.
        data: A body, or `@` and where to read it.
        stream: Whether the body is wanted as it comes.

    Raises:
        click.UsageError: Something typed cannot be sent. The message quotes no value, for it may
            be a secret.
    """
    if json_body is not None and data is not None:
        raise click.UsageError("--json and -d are two bodies: give one")
    given: dict[str, HeaderValue] = dict(_STREAM_HEADERS) if stream else {}
    call: dict[str, Any] = {"headers": given, "allow_absolute": True}
    if json_body is not None:
        call["content"] = _checked_json(_content(json_body, "--json"))
        given["Content-Type"] = "application/json"
    elif data is not None:
        call["content"] = _content(data, "-d")
        given["Content-Type"] = "application/x-www-form-urlencoded"
    for text in headers:
        name, value = _header(text)
        for other in [known for known in given if known.lower() == name.lower()]:
            del given[other]
        given[name] = value
    return call


def _header(text: str) -> tuple[str, HeaderValue]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise click.UsageError("-H wants 'Name: value', or 'Name:' to drop a header")
    return name.strip(), value.strip() or REMOVE


def _content(text: str, option: str) -> bytes:
    if not text.startswith("@"):
        return text.encode()
    if text == "@-":
        return standard_input().read()
    try:
        return Path(text[1:]).read_bytes()
    except OSError as error:
        raise click.UsageError(f"{option} cannot read {text[1:]}: {error.strerror}") from None


def _checked_json(content: bytes) -> bytes:
    try:
        json.loads(content)
    except json.JSONDecodeError as error:
        wrong = f"{error.msg} at line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError) as error:
        wrong = type(error).__name__
    else:
        return content
    raise click.UsageError(f"--json is not JSON: {wrong}")
