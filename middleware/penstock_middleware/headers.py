"""UserAgent and Headers: what every request says about itself."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

from penstock import Attempt, Call, InvalidOption, Key, Keywords, Scope, __version__, apply_headers
from penstock_middleware.shown import shown

if TYPE_CHECKING:
    from penstock import HeaderValue, Next, Request, Response


class UserAgent(Keywords):
    """Name the product: `penstock/1.0 httpx/0.28 python/3.11` (RFC 9110 §10.1.5).

    A `User-Agent` the client or the call gives in its headers stands.

    Args:
        prefix: Product tokens of the application's own, put first; after those of the client's
            `user_agent`.
    """

    zone = "attempt"

    def __init__(self, prefix: str | None = None) -> None:
        if prefix is not None:
            apply_headers({}, {"User-Agent": prefix})  # refuses what no header can carry
        self._prefix = prefix
        self._key = Key[str]("user agent")

    async def __call__(self, request: Request, call_next: Next) -> Response:
        if "user-agent" not in request.headers:
            request.headers["User-Agent"] = Call.of(request).once(self._key, self._text)
        return await call_next(request)

    def _text(self, scope: Scope) -> str:
        family = scope.family
        tokens = (
            scope.user_agent,
            self._prefix,
            f"penstock/{_short(__version__)}",
            f"{family}/{_short(version(family))}",
            f"python/{_short(platform.python_version())}",
        )
        return " ".join(token for token in tokens if token)

    def __repr__(self) -> str:
        return shown("UserAgent", ("", self._prefix or None, None))


class Headers(Keywords):
    """Put headers on every attempt; one line comes out for each name, compared without case.

    The client's and the call's own headers are on the request already. What is callable among them
    is asked anew for each attempt, here.

    Args:
        headers: More headers: a string, a callable that gives one, or `REMOVE`.
    """

    zone = "attempt"

    def __init__(self, headers: Mapping[str, HeaderValue] | None = None) -> None:
        if headers is not None and not isinstance(headers, Mapping):
            raise InvalidOption(f"headers must be a mapping, not {type(headers).__name__}")
        self._headers = dict(headers or {})
        apply_headers(
            {}, {name: value for name, value in self._headers.items() if not callable(value)}
        )

    async def __call__(self, request: Request, call_next: Next) -> Response:
        if Attempt.of(request).number > 0:
            _ask_again(request)
        if self._headers:
            apply_headers(request.headers, self._headers)
        return await call_next(request)

    def __repr__(self) -> str:
        return f"Headers({', '.join(self._headers)})"


def _ask_again(request: Request) -> None:
    # Not in the frame that waits for the response: a traceback with locals would show the values.
    given = Call.of(request).options.headers or {}
    # Those that are there alone: at another origin the client's own were left out.
    asked = {
        name: value for name, value in given.items() if callable(value) and name in request.headers
    }
    apply_headers(request.headers, asked)


def _short(number: str) -> str:
    """Return major and minor of a version: enough to tell, too little to fingerprint a machine."""
    return ".".join(number.split(".")[:2])
