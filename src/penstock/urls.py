"""Which URLs a client may send to, and what belongs to which origin."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from penstock.errors import InvalidOption
from penstock.redact import safe_url

if TYPE_CHECKING:
    from collections.abc import Callable

Origin = tuple[str, str, int | None]

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_CONTROL = re.compile(r"[\x00-\x20\x7f\\]")
_DOT_SEGMENT = re.compile(r"(^|/|%2f|%5c)(\.|%2e){1,2}(/|%2f|%5c|;|$)", re.IGNORECASE)
"""As servers read it that decode a path before they take it apart, or know parameters in it."""

_MAX_PORT = 65535
_CACHED_URLS = 256


def origin_of(url: Any) -> Origin:
    """Return scheme, host and port, the default port filled in (RFC 6454 §4)."""
    return url.scheme, url.host, url.port or _DEFAULT_PORTS.get(url.scheme)


def has_name(url: Any) -> bool:
    """Tell whether the host of *url* can be read: a name is decoded when it is asked for."""
    try:
        return bool(url.host)
    except UnicodeError:
        return False


class URLs:
    """Makes the URLs of one client.

    With a base URL, what a call names is a path below it, and nothing else unless `allow_absolute`
    says so: a path that came from outside must not carry the key to another host.

    Args:
        base: The base URL, or None when every call names an absolute one.
        make: The family's URL class.

    Attributes:
        prefix: The base URL without a slash at its end, or None.
        origin: The base URL's origin, or None.
        host: The `Host` header of requests to it, or None.

    Raises:
        InvalidOption: *base* is not an http or https URL with a host, or has userinfo, a query or a
            fragment.
    """

    def __init__(self, base: Any, make: Callable[[str], Any]) -> None:
        self._make = make
        self.prefix: str | None = None  # for a repr in a traceback, should the base be refused
        home = None if base is None else _checked_base(str(base), make)
        if home is not None:
            self.prefix = str(home).rstrip("/")
        self.origin: Origin | None = None if home is None else origin_of(home)
        self.host: str | None = None if home is None else home.netloc.decode("ascii")
        self._cache: dict[str, Any] = {}

    def resolve(self, url: Any, *, allow_absolute: bool) -> tuple[Any, bool]:
        """Return the absolute URL a call goes to, and whether that is the base URL's origin.

        Without a base URL every origin is as good as another.

        Args:
            url: A path below the base URL, or an absolute URL where that is allowed.
            allow_absolute: Whether *url* may be absolute although there is a base URL.

        Raises:
            InvalidOption: *url* would leave the base URL, or is not one that can be sent to.
        """
        text = _text_of(url)
        cached = self._cache.get(text)
        if cached is not None:
            return cached, True
        if self._is_absolute(text):
            if self.prefix is not None and not allow_absolute:
                within = text.startswith(f"{self.prefix}/")
                why = "is absolute" if within else f"leaves the base URL {self.prefix}"
                msg = (
                    f"{safe_url(text)!r} {why}: pass a path below it, or allow_absolute=True "
                    "(the key and the client's headers stay with the base URL's origin)"
                )
                raise InvalidOption(msg)
            target = _absolute(text, self._make)
            return target, self.origin is None or origin_of(target) == self.origin
        if self.prefix is None:
            msg = (
                f"{safe_url(text)!r} is not absolute and the client has no base_url: "
                "pass https://…, or base_url="
            )
            raise InvalidOption(msg)
        resolved = _made(self.prefix + _checked_path(text), self._make)
        if resolved is None:
            msg = f"the path {safe_url(text)[:80]!r} cannot be part of a URL"
            raise InvalidOption(msg)
        if len(self._cache) < _CACHED_URLS:
            self._cache[text] = resolved
        return resolved, True

    @staticmethod
    def _is_absolute(text: str) -> bool:
        return text.startswith("//") or _SCHEME.match(text) is not None

    def __repr__(self) -> str:
        return f"URLs({self.prefix!r})"


# A process has few bases, and many a process a client for each of its requests.
@lru_cache(maxsize=64)
def _checked_base(base: str, make: Callable[[str], Any]) -> Any:
    url = _absolute(base, make)
    if url.query or url.fragment or "?" in base:
        msg = (
            f"base_url {safe_url(base)!r} has a query or a fragment: pass what every call needs as "
            "params="
        )
        raise InvalidOption(msg)
    return url


def _absolute(text: str, make: Callable[[str], Any]) -> Any:
    if _CONTROL.search(text):
        msg = (
            "the URL has a space, a backslash or a control character: "
            f"{_CONTROL.sub('?', safe_url(text))!r}"
        )
        raise InvalidOption(msg)
    url = _made(text, make)
    if (
        url is None
        or url.scheme not in _DEFAULT_PORTS
        or not (url.port is None or 0 < url.port <= _MAX_PORT)
    ):
        msg = f"{safe_url(text)[:80]!r} is not an http:// or https:// URL with a host"
        raise InvalidOption(msg)
    if url.userinfo:
        msg = f"{safe_url(text)!r} has credentials in it: pass them as api_key= or auth="
        raise InvalidOption(msg)
    return url


def _text_of(url: Any) -> str:
    if isinstance(url, str):
        return url
    if not hasattr(url, "copy_with"):
        msg = f"a URL is a string or a URL object, not {type(url).__name__}"
        raise InvalidOption(msg)
    return str(url)


def _made(text: str, make: Callable[[str], Any]) -> Any:
    """Return *text* as a URL, or None if it cannot be one."""
    try:
        url = make(text)
    except Exception:  # noqa: BLE001 - InvalidURL, UnicodeError, ValueError: whatever it can break
        return None
    return url if has_name(url) else None


def _checked_path(text: str) -> str:
    path = re.split(r"[?#]", text, maxsplit=1)[0]
    rest = text[len(path) :]
    first = path.lstrip("/").partition("/")[0]
    if _CONTROL.search(text):
        why = "has a space, a backslash or a control character: quote it"
    elif not path.startswith("/") and "@" in first:
        why = "would put the base URL's host before an '@': begin it with '/'"
    elif _DOT_SEGMENT.search(path):
        why = "has a '.' or '..' segment, which would leave the base URL"
    elif path.startswith("//"):
        why = "names another host"
    else:
        return f"/{path.lstrip('/')}{rest}" if path else rest
    shown = _CONTROL.sub("?", safe_url(text))
    msg = f"the path {shown!r} {why}"
    raise InvalidOption(msg)
