"""Idempotency: a key by which a server tells a call that is repeated from a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock import Call, InvalidOption, Key, Keywords, apply_headers
from penstock_middleware.retry.statuses import IDEMPOTENT
from penstock_middleware.shown import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock import Next, Request, Response

_HEADER = "Idempotency-Key"


class Idempotency(Keywords):
    """Give each call of a method that is not idempotent a key of its own.

    Every attempt, redirect and hedge of the call has the same key, the next call another. With it,
    `Retry` repeats a POST or PATCH like any other request; so this is for servers that honour the
    header. A key of the caller's own is sent as it was given, whether among the headers or as
    `idempotency_key=`, which goes under `header` here. `idempotency_key=None` sends none.

    Args:
        header: The header's name, `Idempotency-Key` unless given.
        quoted: Whether a key made here is sent as a structured-field string, as
            draft-ietf-httpapi-idempotency-key-header-07 §2.1 has it. Most servers in use take it
            bare.
        make_key: Makes a key: a function that gives a new string each time. A random UUID (RFC 9562
            §5.4) unless given.

    Raises:
        InvalidOption: The name cannot be a header's, or *make_key* is no function.
    """

    zone = "call"

    def __init__(
        self,
        header: str = _HEADER,
        *,
        quoted: bool = False,
        make_key: Callable[[], str] | None = None,
    ) -> None:
        apply_headers({}, {header: ""})  # refuses what no request can carry
        if make_key is not None and not callable(make_key):
            raise InvalidOption(f"make_key must be a function, not {make_key!r}")
        self._header = header
        self._quoted = quoted
        self._make_key = make_key

    async def __call__(self, request: Request, call_next: Next) -> Response:
        call = Call.of(request)
        given = call.options.idempotency_key
        if request.method not in IDEMPOTENT and given is not None:
            if self._header not in request.headers:
                apply_headers(request.headers, {self._header: given or self._new()})
            call.set(KEYED, True)
        return await call_next(request)

    def _new(self) -> str:
        key = (self._make_key or _uuid)()
        return _as_string(key) if self._quoted else key

    def __repr__(self) -> str:
        return shown(
            "Idempotency",
            ("", self._header, _HEADER),
            ("quoted", self._quoted, False),
            ("make_key", self._make_key, None),
        )


KEYED = Key[bool]("has an idempotency key")
"""Set where a call's requests have a key, whatever header it is in: `Retry` may repeat them."""


def _uuid() -> str:
    from uuid import uuid4

    return str(uuid4())


def _as_string(key: str) -> str:
    r"""Return *key* as a String (RFC 9651 §3.3.3): in quotes, with `"` and `\` escaped."""
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
