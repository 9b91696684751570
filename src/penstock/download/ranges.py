"""What headers say about a part of a file (RFC 9110 §8.8, §13.1.5 and §14): pure functions."""

from __future__ import annotations

import re
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_CONTENT_RANGE = re.compile(r"bytes +([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_LENGTH = re.compile(r"[0-9]{1,18}")
_STRONG_AFTER = timedelta(seconds=1)  # RFC 9110 §8.8.2.2


class ContentRange(NamedTuple):
    """Which bytes of a file a response has (RFC 9110 §14.4).

    Attributes:
        first: The place of the first, counted from 0.
        last: The place of the last.
        total: The bytes of the whole file, or None if the server does not know.
    """

    first: int
    last: int
    total: int | None


def content_range(headers: Mapping[str, str]) -> ContentRange | None:
    """Return what `Content-Range` says, or None if it says nothing that makes sense."""
    match = _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
    if match is None:
        return None
    first, last, total = match.groups()
    found = ContentRange(int(first), int(last), None if total == "*" else int(total))
    if found.first > found.last or (found.total is not None and found.last >= found.total):
        return None
    return found


def content_length(headers: Mapping[str, str]) -> int | None:
    """Return the length of a body, or None if it is not told."""
    text = headers.get("content-length", "").strip()
    return int(text) if _LENGTH.fullmatch(text) else None


def is_coded(headers: Mapping[str, str]) -> bool:
    """Tell whether a body comes in a content coding, so that its bytes are not the file's."""
    return headers.get("content-encoding", "identity").strip().lower() != "identity"


def validator(headers: Mapping[str, str]) -> str | None:
    """Return what a later request may name in `If-Range`, or None.

    An entity tag must be strong. A date is taken where there is no tag, and only if it is strong:
    at least a second before the response's own, for else the file may have changed twice within it
    (RFC 9110 §8.8.2.2 and §13.1.5).
    """
    if is_coded(headers) or headers.get("accept-ranges", "").strip().lower() == "none":
        return None
    tag = headers.get("etag", "").strip()
    if tag:
        return None if tag.startswith("W/") else tag
    modified, date = _date(headers.get("last-modified")), _date(headers.get("date"))
    if modified is None or date is None or date - modified < _STRONG_AFTER:
        return None
    return headers["last-modified"]


def is_of(validator: str | None, headers: Mapping[str, str]) -> bool:
    """Tell whether a part may be of the file that *validator* is of: not if it says otherwise."""
    name = "last-modified" if validator is None or not validator.startswith('"') else "etag"
    return headers.get(name, validator) == validator


def _date(text: str | None) -> datetime | None:
    try:
        return None if text is None else parsedate_to_datetime(text)
    except ValueError:
        return None
