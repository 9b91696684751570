"""BulkRequest: one of many requests, and what may stand for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

from penstock.errors import InvalidOption
from penstock.redact import hide_key, safe_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.options import CallArguments


@dataclass(frozen=True, slots=True, init=False, repr=False, eq=False)
class BulkRequest:
    """One of the requests of `client.map`.

    Args:
        method: Any HTTP method.
        url: As in `Client.request`.
        id: What tells it from the others; by default its number, from 0.
        **call: As in `Client.request`.

    Attributes:
        method: As given.
        url: As given.
        id: As given.
        call: As given.
    """

    method: str
    url: Any
    id: str | None
    call: Mapping[str, Any]

    def __init__(
        self, method: str, url: Any, *, id: str | None = None, **call: Unpack[CallArguments]
    ) -> None:
        given: dict[str, Any] = {**call}
        hide_key(given)
        if id is not None and not isinstance(id, str):
            msg = f"the id of a request must be a string, not {type(id).__name__}"
            raise InvalidOption(msg)
        for name, value in (("method", method), ("url", url), ("id", id), ("call", given)):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        named = "" if self.id is None else f", id={self.id!r}"
        return f"BulkRequest({self.method!r}, {safe_url(self.url)!r}{named})"


def id_of(item: Any, index: int) -> str:
    """Return what tells *item*, the one with number *index*, from the others."""
    named = item.id if isinstance(item, BulkRequest) else None
    return str(index) if named is None else named


def sending(client: Any, item: Any) -> Any:
    """Return what `client` gives for *item*: a response, or on an async client its awaitable.

    Raises:
        PenstockError: It failed, or *item* is no request.
    """
    if isinstance(item, str):
        return client.get(item)
    if isinstance(item, BulkRequest):
        return client.request(item.method, item.url, **item.call)
    if not hasattr(item, "method"):
        msg = (
            f"a request must be a BulkRequest, a URL or an httpx.Request, not {type(item).__name__}"
        )
        raise InvalidOption(msg)
    return client.send(item)


def check_requests(requests: Any) -> None:
    """Refuse what is not many requests: a text would be a URL for each of its letters."""
    many = hasattr(requests, "__iter__") or hasattr(requests, "__aiter__")
    if not many or isinstance(requests, (str, bytes)):
        msg = f"requests must be an iterable of requests, not {type(requests).__name__}"
        raise InvalidOption(msg)
