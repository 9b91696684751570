"""The response an error keeps: no request, no open connection, no secret."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from penstock.redact import Secret, safe_header, safe_text, safe_url, scrub, scrub_bytes

if TYPE_CHECKING:
    from penstock.messages import Response

BODY_LIMIT = 65_536
"""Bytes of a body that an error keeps: enough for any error document, too little to fill a disk."""

REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-amzn-requestid", "x-ms-request-id", "cf-ray")
"""Where servers put the id of a request, most usual first."""

_MESSAGE_LIMIT = 500


class HeaderView(Mapping[str, str]):
    """Response headers, read-only; names are compared without case, repeated ones joined.

    Args:
        pairs: Name and value of each header line.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs:
            folded = name.lower()
            before = self._values.get(folded)
            self._values[folded] = value if before is None else f"{before}, {value}"

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """Names and values in bytes, as live headers have them."""
        return [(name.encode(), value.encode()) for name, value in self._values.items()]

    def __repr__(self) -> str:
        return f"HeaderView({self._values!r})"


_REQUEST_ID_NAMES = [name.encode() for name in REQUEST_ID_HEADERS]


def request_id_of(headers: Any, secrets: Iterable[Secret] = ()) -> str | None:
    """Return the server's id for the request.

    Args:
        headers: Of its response. They are gone through once, as each look-up by name would.
        secrets: Credentials to take out of it should the server echo them.
    """
    found = {name.lower(): value for name, value in headers.raw}
    for name in _REQUEST_ID_NAMES:
        if name in found:
            value: bytes = found[name]
            return scrub(value.decode(errors="replace"), secrets)
    return None


def media_type_of(headers: Mapping[str, str]) -> str:
    """Return what a response with *headers* says its body is, for an error that it is not."""
    return headers.get("content-type") or "no content type"


class DetachedResponse:
    """A response without its request and connection: what a status error keeps.

    Args:
        response: The live response.
        content: Its body as far as it was read; at most `BODY_LIMIT` bytes are kept.
        method: The method of the request it answers.
        url: The URL of that request.
        secrets: Credentials to take out of body and headers should the server echo them.

    Attributes:
        status_code: The status.
        reason_phrase: Its phrase.
        headers: The headers, sensitive values redacted.
        content: The body's first bytes.
        method: The request's method.
        url: The request's URL, redacted.
    """

    def __init__(
        self,
        response: Response,
        content: bytes,
        *,
        method: str,
        url: object,
        secrets: Iterable[Secret] = (),
    ) -> None:
        secrets = tuple(secrets)
        self.status_code: int = response.status_code
        self.reason_phrase: str = scrub(response.reason_phrase, secrets)
        self.headers = HeaderView(
            (name, safe_text(safe_header(name, value), secrets))
            for name, value in response.headers.items()
        )
        self.content: bytes = scrub_bytes(content[:BODY_LIMIT], secrets)
        self.method = method
        self.url: str = safe_text(safe_url(url), secrets)

    @property
    def request_id(self) -> str | None:
        """The server's id for the request."""
        return request_id_of(self.headers)

    @property
    def text(self) -> str:
        """The body as UTF-8 text, bad bytes replaced."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the parsed body, or None when it is not JSON."""
        return self._parsed

    @property
    def body(self) -> Any:
        """The parsed body if it is JSON, else its text."""
        return self.text if self._parsed is None else self._parsed

    @property
    def message(self) -> str:
        """What the server says went wrong, in the shapes APIs use; empty if it says nothing."""
        said = self._parsed
        for key in ("error", "detail", "message", "title"):
            if isinstance(said, dict) and said.get(key):
                said = said[key]
                if isinstance(said, dict):
                    said = said.get("message") or said.get("detail")
                break
        return said[:_MESSAGE_LIMIT] if isinstance(said, str) else ""

    @cached_property
    def _parsed(self) -> Any:
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return None

    def __repr__(self) -> str:
        return f"<DetachedResponse [{self.status_code} {self.reason_phrase}]>"
