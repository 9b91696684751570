"""Headers put on a request: which can be sent, and one line for each name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from penstock.errors import InvalidOption
from penstock.options import REMOVE
from penstock.redact import is_sensitive_header

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from penstock.options import HeaderValue

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""What a method or the name of a header is (RFC 9110 §5.6.2)."""

_FIELD_VALUE = re.compile(r"[\t\x20-\x7e]*")
"""What the value of one is (RFC 9110 §5.5), without the obsolete bytes."""

_FRAMING = frozenset(
    {"connection", "content-length", "host", "proxy-connection", "transfer-encoding"}
)
"""Headers that say where a message goes or ends."""


def apply_headers(headers: Any, values: Mapping[str, HeaderValue]) -> None:
    """Set, or remove, each of *values* on *headers*; one line comes out for each name.

    Raises:
        InvalidOption: A name or value cannot be sent. The message shows no value.
    """
    for name, given in values.items():
        value = given() if callable(given) else given
        if value is REMOVE:
            if name in headers:
                del headers[name]
            continue
        check_header(name, value)
        headers[name] = value


def check_header(name: str, value: object) -> None:
    """Refuse a header that cannot be sent (RFC 9110 §5.5), or one that frames the message.

    Raises:
        InvalidOption: As said; the message names the header and never shows its value.
    """
    if not isinstance(name, str) or not TOKEN.fullmatch(name):
        msg = (
            f"{name!r} is not a header name"
            if not is_sensitive_header(str(name))
            else "a header name has illegal characters"
        )
        raise InvalidOption(msg)
    if not isinstance(value, str):
        msg = f"the header {name} must be a string, not {type(value).__name__}"
        raise InvalidOption(msg)
    if not _FIELD_VALUE.fullmatch(value):
        msg = (
            f"the header {name} has a line end, a control character or a non-ASCII character "
            "in its value"
        )
        raise InvalidOption(msg)
    if name.lower() in _FRAMING:
        msg = f"the header {name} frames the message and is set by the transport"
        raise InvalidOption(msg)
