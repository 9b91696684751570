"""The one place that decides what may be shown.

Logs, spans, errors, reprs and pickles all come here before a value leaves the process. Query
values, credentials in URLs, fragments and sensitive headers are replaced; what stays keeps its
spelling and order.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote_plus

from penstock.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

REDACTED = "REDACTED"

SENSITIVE_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "x-auth-token",
        "x-amz-security-token",
        "x-csrf-token",
        "ocp-apim-subscription-key",
        "x-functions-key",
        "www-authenticate",
        "proxy-authenticate",
    }
)
"""Headers whose value is never shown, whatever the application asked to capture."""

SHOWN_QUERY_KEYS = frozenset(
    {
        "api-version",
        "after",
        "before",
        "cursor",
        "limit",
        "offset",
        "order",
        "page",
        "page-size",
        "sort",
        "version",
    }
)
"""Query keys whose values say nothing about a person or a credential; all others are hidden."""

_SENSITIVE_NAME = re.compile(
    r"token|secret|passw|credential|signature|session|(api|access)[-_]?key"
    r"|(^|[-_])(auth|key|jwt|sig)($|[-_])",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")  # to the last @: a password may hold one
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+")
_MIN_SECRET = 4  # shorter values would blank ordinary words out of a message


class Secret:
    """A credential that no repr, format, pickle or traceback shows.

    Args:
        value: The credential: printable ASCII, no white space at either end.
        name: What to call it in an error, such as `api_key`.

    Raises:
        InvalidOption: The value is empty or has characters that no header may carry. The message
            names the position and the code point, never the value.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str, *, name: str = "api_key") -> None:
        problem = key_problem(value, name)
        self._value = "" if problem else value
        if problem:
            del value  # a traceback with locals would show it
            raise InvalidOption(problem)

    def reveal(self) -> str:
        """Return the credential itself."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        msg = "a secret does not pickle: hand the key over in the process that uses it"
        raise TypeError(msg)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self


def key_problem(value: object, name: str = "api_key") -> str | None:
    """Return why *value* cannot be a credential, without showing it; None if it can be one."""
    if not isinstance(value, str):
        return f"{name} must be a string, not {type(value).__name__}"
    if not value:
        return f"{name} is empty: pass the key, or leave it out"
    for position, character in enumerate(value):
        is_inside = 0 < position < len(value) - 1
        if not "\x21" <= character <= "\x7e" and not (character == " " and is_inside):
            return (
                f"{name} has the character U+{ord(character):04X} at position {position}, which no "
                "HTTP header may carry there: was it copied with a line end, a space or a smart "
                "quote?"
            )
    return None


def hide_key(given: dict[str, Any]) -> None:
    """Put the `api_key` among *given* arguments into a `Secret`, in place.

    In place, because the frames that hold the dict would show the key in a traceback with locals.

    Raises:
        InvalidOption: It cannot be a credential; *given* is empty then.
    """
    if isinstance(given.get("api_key"), str):
        problem = key_problem(given["api_key"])
        if problem is not None:
            given.clear()
            raise InvalidOption(problem)
        given["api_key"] = Secret(given["api_key"])


def is_sensitive_header(name: str) -> bool:
    """Tell whether a header's value must not be shown."""
    name = name.lower()
    return name in SENSITIVE_HEADERS or _SENSITIVE_NAME.search(name) is not None


def safe_header(name: str, value: str) -> str:
    """Return *value* as it may be shown for the header *name*."""
    if is_sensitive_header(name):
        return REDACTED
    return safe_url(value) if name.lower() in {"location", "referer", "link"} else value


def safe_url(url: object, shown: Collection[str] = SHOWN_QUERY_KEYS) -> str:
    """Return a URL as it may be shown.

    Userinfo becomes `REDACTED:REDACTED@` and the fragment goes (OpenTelemetry HTTP conventions,
    `url.full`). A query value is hidden unless its key is allowed; keys are compared
    percent-decoded and folded, and kept as they were spelled.

    Args:
        url: Anything whose `str()` is the URL.
        shown: The query keys, folded (lower case, `-` for `_` and `.`), whose values may be shown.
    """
    text = str(url)
    if "@" in text:
        text = _USERINFO.sub(f"{REDACTED}:{REDACTED}@", text, count=1)
    text, _, _ = text.partition("#")
    head, mark, query = text.partition("?")
    if not mark:
        return text
    return f"{head}?{'&'.join(_safe_pair(pair, shown) for pair in query.split('&'))}"


def _safe_pair(pair: str, shown: Collection[str]) -> str:
    key, equals, _ = pair.partition("=")
    folded = unquote_plus(key).lower().replace("_", "-").replace(".", "-")
    return pair if not equals or folded in shown else f"{key}={REDACTED}"


def safe_text(text: str, secrets: Iterable[Secret] = ()) -> str:
    """Return free text, such as an exception's, with its URLs made safe and *secrets* taken out.

    Args:
        text: Any text about to be shown.
        secrets: Credentials in use, replaced wherever they appear verbatim.
    """
    if "://" in text:
        text = _URL.sub(lambda match: safe_url(match.group()), text)
    return scrub(text, secrets)


def scrub(text: str, secrets: Iterable[Secret]) -> str:
    """Replace each of *secrets* in *text*: a server that echoes a key must not make us print it."""
    for value in _values(secrets):
        if len(value) >= _MIN_SECRET and value in text:
            text = text.replace(value, REDACTED)
    return text


def scrub_bytes(content: bytes, secrets: Iterable[Secret]) -> bytes:
    """Replace each of *secrets* in a body."""
    for value in map(str.encode, _values(secrets)):
        if len(value) >= _MIN_SECRET and value in content:
            content = content.replace(value, REDACTED.encode())
    return content


def _values(secrets: Iterable[Secret]) -> list[str]:
    """Return what to take out, the longest first: one may begin like another."""
    return sorted([secret.reveal() for secret in secrets], key=len, reverse=True)
