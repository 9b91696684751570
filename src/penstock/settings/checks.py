"""What a value must be: each check returns the value to keep, or raises without it."""

from __future__ import annotations

import math
import os
import re
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from penstock.errors import InvalidOption
from penstock.headers import TOKEN
from penstock.redact import Secret
from penstock.settings.errors import RefusedError
from penstock.settings.mask import is_masked

if TYPE_CHECKING:
    from collections.abc import Callable

Number = TypeVar("Number", int, float)

PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")
_UNPRINTABLE = re.compile(r"[^\t\x20-\x7e]")  # RFC 9110 §5.5, without the obsolete bytes
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})


def seconds(value: object) -> float:
    """Return a finite number of seconds >= 0, from a number or its text."""
    number = _number(value, float, "a number of seconds", "write a number such as 2.5")
    if not math.isfinite(number) or number < 0:
        msg = "must be a finite number of seconds >= 0"
        raise RefusedError(msg, "write a number such as 2.5")
    return number


def count(value: object) -> int:
    """Return a whole number >= 0, from an `int` or its text."""
    wanted, hint = "a whole number", "write a whole number such as 3; 0 means none"
    if isinstance(value, float):
        msg = f"must be {wanted}"
        raise RefusedError(msg, hint)
    number = _number(value, int, wanted, hint)
    if number < 0:
        msg = f"must be {wanted} >= 0"
        raise RefusedError(msg, hint)
    return number


def _number(
    value: object, kind: Callable[[int | float | str], Number], wanted: str, hint: str
) -> Number:
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return kind(value)
        except (ValueError, OverflowError):
            pass
    msg = f"must be {wanted}"
    raise RefusedError(msg, hint)


def api_key(value: object) -> SecretStr:
    """Return a key that a header can carry."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if isinstance(text, str) and is_masked(text):
        msg = "is a masked value, not the key itself"
        raise RefusedError(
            msg, "settings that were dumped as JSON hold no secrets: pass the key again"
        )
    try:
        return SecretStr(Secret(text, name="the key").reveal())  # type: ignore[arg-type]  # it checks
    except InvalidOption as error:
        refused = error.message
    raise RefusedError(refused)


def header_value(value: object) -> str:
    """Return a header's value that can go on the wire as it is."""
    if not isinstance(value, str):
        msg = "must be text"
        raise RefusedError(msg, "put the value in quotes")
    if is_masked(value):
        msg = "is a masked value, not the value itself"
        raise RefusedError(msg, "pass the header again")
    if _UNPRINTABLE.search(value):
        msg = "has a line end, a control character or a character outside ASCII"
        raise RefusedError(msg, "remove it, or percent-encode the value")
    return value


def is_header_name(name: str) -> bool:
    """Tell whether *name* can be a header's name (RFC 9110 §5.1)."""
    return TOKEN.fullmatch(name) is not None


def base_url(value: object) -> str:
    """Return an http or https URL with a host, without credentials, query or fragment."""
    hint = "write a URL such as https://api.example.com/v1"
    url = _url(value, ("http", "https"), hint)
    if "@" in url.netloc:
        msg = "has credentials in it"
        raise RefusedError(msg, "take out everything before the @; a key goes into api_key")
    if url.query or url.fragment:
        msg = "has a query or a fragment"
        raise RefusedError(msg, "a query belongs to the single requests")
    return str(value)


def proxy(value: object) -> str:
    """Return a proxy's URL: http, https, socks5 or socks5h, credentials allowed."""
    hint = "write a URL such as http://user:password@proxy.example.com:3128"
    url = _url(value, PROXY_SCHEMES, hint)
    if is_masked(str(value)):
        msg = "holds masked credentials, not the credentials themselves"
        raise RefusedError(msg, hint)
    if url.path.strip("/") or url.query or url.fragment:
        msg = "has a path, a query or a fragment"
        raise RefusedError(msg, hint)
    return str(value)


def _url(value: object, schemes: tuple[str, ...], hint: str) -> SplitResult:
    if not isinstance(value, str):
        msg = "must be text"
        raise RefusedError(msg, hint)
    if not value.isprintable() or " " in value or "\\" in value:
        msg = "has a space, a backslash or a control character"
        raise RefusedError(msg, hint)
    try:
        url = urlsplit(value)
        port_is_usable = url.port is None or url.port > 0
    except ValueError:  # its text holds the value
        url, port_is_usable = None, False
    if url is None or not port_is_usable:
        msg = "is not a URL"
        raise RefusedError(msg, hint)
    if url.scheme not in schemes:
        msg = f"must begin with {', '.join(f'{scheme}://' for scheme in schemes)}"
        raise RefusedError(msg, hint)
    if not url.hostname:
        msg = "has no host"
        raise RefusedError(msg, hint)
    return url


def verify(value: object) -> bool | str:
    """Return true, false, or the path of a CA bundle."""
    if isinstance(value, bool):
        return value
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(text, str) or not text.strip():
        msg = "must be true, false or the path of a CA bundle"
        raise RefusedError(msg, "write true, or a path such as /etc/ssl/ca.pem")
    folded = text.strip().lower()
    return True if folded in _TRUE else False if folded in _FALSE else text
