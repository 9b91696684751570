"""One page of a list, and what asks for one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from penstock.errors import PaginationError
from penstock.options import UNSET
from penstock.parsing import error_about
from penstock.redact import safe_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.messages import Response

T = TypeVar("T")


@dataclass(frozen=True, slots=True, repr=False)
class PageRequest:
    """What asks for one page: `paginate(client, asked.url, params=asked.params, …)` resumes there.

    Args:
        url: A path below the client's `base_url`, or an absolute URL.
        params: The query parameters the call gives beside it.
        json: The JSON body, or None.
    """

    url: str
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None

    def with_param(self, name: str, value: Any) -> Self:
        """Return the same request with one query parameter set."""
        return replace(self, params={**self.params, name: value})

    @property
    def key(self) -> str:
        """What two requests for the same page have in common."""
        return repr((self.url, sorted(self.params.items()), self.json))

    def __repr__(self) -> str:
        return f"PageRequest({safe_url(self.url)!r}, params of {list(self.params)})"


@dataclass(frozen=True, slots=True, repr=False)
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        items: Its items; cut where the `limit` of `paginate` was reached.
        response: The response it came in.
        data: The parsed body; None for a 204.
        asked: What asked for it.
        next: What asks for the page after it, or None for the last one.
    """

    items: list[T]
    response: Response
    data: Any
    asked: PageRequest
    next: PageRequest | None = None

    @property
    def has_next(self) -> bool:
        """Whether the server has another page after this one."""
        return self.next is not None

    def field(self, path: str) -> Any:
        """Return what the body has at *path*, or `UNSET` when it has no such field.

        Args:
            path: Keys and list indices joined by dots, such as `meta.next` or `data.-1.id`. A key
                with a dot in it is found when it is the last one, such as `@odata.nextLink`.
        """
        return field_of(self.data, path)

    def follow(self, reference: str) -> PageRequest:
        """Return the request for a link in this page.

        Its query stands as the server wrote it: the parameters of the call are in it already.

        Args:
            reference: A URL, absolute or relative to this page's (RFC 3986 §5).

        Raises:
            PaginationError: It is no URL.
        """
        try:
            url = self.response.request.url.join(reference)
        except Exception:  # noqa: BLE001 - InvalidURL, UnicodeError, ValueError: whatever a link can break
            url = None
        if url is None:
            raise error_about(PaginationError("the next link is not a URL"), self.response)
        return PageRequest(str(url).partition("#")[0], json=self.asked.json)

    def __repr__(self) -> str:
        return f"<Page of {len(self.items)} items{', has next' if self.has_next else ''}>"


def field_of(data: Any, path: str) -> Any:
    """Return what *data* has at *path*, or `UNSET`; see `Page.field`."""
    while path:
        if isinstance(data, dict) and path in data:
            return data[path]
        step, _, path = path.partition(".")
        try:
            data = data[int(step)] if isinstance(data, list) else data[step]
        except (LookupError, TypeError, ValueError):
            return UNSET
    return data
