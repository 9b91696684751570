"""The request as the server saw it; what it is recorded as, and what may be shown of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from penstock.demo.fields import Fields
from penstock.demo.responses import APIError

if TYPE_CHECKING:
    from collections.abc import Sequence

MASK = "***"
_CREDENTIAL = re.compile(
    r"(?:proxy-)?authorization|cookie|(?:.*-)?(?:api-?key|token|secret)", re.IGNORECASE
)


class Headers(list[tuple[str, str]]):
    """Header fields as pairs, in the order and spelling they came; `repr` masks credentials."""

    def get(self, name: str) -> str | None:
        """Give the first value of a field, `None` when there is none; case does not matter."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> list[str]:
        """Give every value of a field, in order; case does not matter."""
        return [value for key, value in self if key.lower() == name.lower()]

    def mask(self, text: str) -> str:
        """Give a text with every credential these fields carry replaced by `***`.

        Args:
            text: Any text of the same request, such as its body.

        Returns:
            The text; of `Authorization: Bearer …` the scheme stays readable.
        """
        for name, value in self:
            if _CREDENTIAL.fullmatch(name):
                _, _, token = value.partition(" ")
                by_scheme = name.lower().endswith("authorization") and token
                text = text.replace((token.strip() if by_scheme else value) or MASK, MASK)
        return text

    def __repr__(self) -> str:
        return f"Headers({[(name, self.mask(value)) for name, value in self]!r})"


@dataclass(frozen=True, slots=True, repr=False)
class DemoRequest:
    """One request as the server read it; blank where it could not be read.

    Attributes:
        number: Counts the server's answers from 1; `x-request-id` carries it as `demo-N`.
        connection: Counts the server's connections from 1.
        method: The method, as sent.
        target: The request target as sent (RFC 9112 section 3.2): origin-form or absolute-form.
        path: The target's path, still percent-encoded.
        query: The target's query, decoded, as pairs in order.
        version: `HTTP/1.0` or `HTTP/1.1`.
        headers: The fields as pairs.
        body: The body, freed of any chunked framing.
    """

    number: int
    connection: int
    method: str = ""
    target: str = ""
    path: str = ""
    query: Sequence[tuple[str, str]] = ()
    version: str = "HTTP/1.1"
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    def __repr__(self) -> str:
        return (
            f"<DemoRequest demo-{self.number} {self.method} {self.path}, "
            f"connection {self.connection}, {len(self.body)} bytes>"
        )

    @property
    def bearer(self) -> str | None:
        """The bearer token sent along, if any (RFC 6750 section 2.1; the scheme in any case)."""
        scheme, _, token = (self.headers.get("authorization") or "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection outlives this exchange (RFC 9112 section 9.3)."""
        options = ",".join(self.headers.all("connection")).lower().split(",")
        wanted = {option.strip() for option in options}
        if self.version == "HTTP/1.0":
            return "keep-alive" in wanted
        return "close" not in wanted

    def param(self, name: str) -> str | None:
        """Give the first query value of a name, `None` when there is none."""
        return next((value for key, value in self.query if key == name), None)

    def fields(self) -> Fields:
        """Read the body as a JSON object.

        Returns:
            Its fields.

        Raises:
            APIError: 400, when the body is no JSON object.
        """
        try:
            values = json.loads(self.body)
        except (ValueError, RecursionError):
            raise APIError(400, "The body of the request is not valid JSON") from None
        if not isinstance(values, dict):
            raise APIError(400, "The body of the request must be a JSON object")
        return Fields(values)
