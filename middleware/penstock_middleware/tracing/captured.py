"""Which headers spans show, as the application's environment says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from penstock import REDACTED, safe_header, scrub

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from penstock import Secret

_PREFIX = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_"

Pattern = re.Pattern[str]


class Captured:
    """Patterns of header names, compared whole and without case.

    Args:
        environ: `OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST`, `…_CLIENT_RESPONSE` and
            `…_SANITIZE_FIELDS` (whose values are hidden, besides those that always are) are read,
            in the form the Python instrumentations of OpenTelemetry have: regular expressions with
            commas between.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._request = _pattern(environ.get(f"{_PREFIX}CLIENT_REQUEST", ""))
        self._response = _pattern(environ.get(f"{_PREFIX}CLIENT_RESPONSE", ""))
        self._sanitized = _pattern(environ.get(f"{_PREFIX}SANITIZE_FIELDS", ""))

    def __bool__(self) -> bool:
        return self._request is not None or self._response is not None

    def of_request(
        self, headers: Mapping[str, str], secrets: Iterable[Secret]
    ) -> dict[str, list[str]]:
        """Return the attributes of a request's headers."""
        return self._shown("request", self._request, headers, secrets)

    def of_response(
        self, headers: Mapping[str, str], secrets: Iterable[Secret]
    ) -> dict[str, list[str]]:
        """Return the attributes of a response's headers."""
        return self._shown("response", self._response, headers, secrets)

    def _shown(
        self,
        side: str,
        pattern: Pattern | None,
        headers: Mapping[str, str],
        secrets: Iterable[Secret],
    ) -> dict[str, list[str]]:
        if pattern is None:
            return {}
        return {
            f"http.{side}.header.{name.lower()}": [
                REDACTED
                if self._sanitized and self._sanitized.fullmatch(name)
                else scrub(safe_header(name, value), secrets)
            ]
            for name, value in headers.items()
            if pattern.fullmatch(name)
        }


def _pattern(text: str) -> Pattern | None:
    """Return one pattern for all in *text*, a broken one taken as it is spelled; None for none."""
    patterns = [one for part in text.split(",") if (one := part.strip())]
    if not patterns:
        return None
    return re.compile("|".join(f"(?:{_valid(one)})" for one in patterns), re.IGNORECASE)


def _valid(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error:
        return re.escape(pattern)
    return pattern
