"""One walk through the pages of a list: what to ask next, given the last response."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlsplit

from penstock.errors import DecodeError, PaginationError
from penstock.options import REMOVE, UNSET, RequestOptions, merge
from penstock.pages.page import Page, PageRequest, field_of
from penstock.parsing import error_about
from penstock.redact import safe_url
from penstock.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from penstock.messages import Response
    from penstock.urls import Origin

T = TypeVar("T")

_NO_CONTENT = 204
_ALONG = frozenset({"accept", "accept-encoding", "accept-language", "user-agent"})
"""The headers that go along to another origin, as those `Redirect` takes there."""


@dataclass(frozen=True, slots=True)
class Plan(Generic[T]):
    """What a walk was asked for.

    Attributes:
        first: What asks for the first page.
        method: The method that asks for each.
        by: The rule that finds the next page.
        items: Where the items are: a path, a function of the parsed body, or None when the body is
            the list.
        limit: At most this many items, or None.
        max_pages: At most this many pages, or None.
        own: The options of each call, without its parameters.
        inherited: The client's options, which they are laid over.
        base_url: The client's, or None.
        make_url: The family's URL class.
    """

    first: PageRequest
    method: str
    by: Callable[[Page[Any]], PageRequest | None]
    items: str | Callable[[Any], Iterable[T]] | None
    limit: int | None
    max_pages: int | None
    own: RequestOptions
    inherited: RequestOptions
    base_url: str | None
    make_url: Callable[[Any], Any]


class Walk(Generic[T]):
    """The state of one walk. Until a response is taken, it asks for the same page again.

    Args:
        plan: What it was asked for.
    """

    def __init__(self, plan: Plan[T]) -> None:
        self._plan = plan
        self._following: PageRequest | None = plan.first
        self._page: Page[T] | None = None
        self._taken = 0
        self._left = plan.limit
        self._asked: set[str] = set()

    def ahead(self) -> PageRequest | None:
        """Return what to ask next, or None when the walk is over.

        Raises:
            PaginationError: It was asked before, or is at an origin the call must not go to.
        """
        following = self._following
        if following is None or self._left == 0 or self._taken == self._plan.max_pages:
            return None
        if self._page is not None:
            self._check(following, self._page.response)
        return following

    def options_of(self, asked: PageRequest) -> RequestOptions:
        """Return the options of the call that asks for a page."""
        plan = self._plan
        if asked.url == plan.first.url:
            return replace(plan.own, params=asked.params)
        crosses = self._crosses(asked)
        own = self._without_credentials() if crosses else plan.own
        # A URL the server gave is complete: nothing the client adds may replace a part of it.
        stays = [
            name for name in plan.inherited.params or {} if crosses or _has_param(asked.url, name)
        ]
        # `ahead` found its origin to be the first page's, or allowed.
        return replace(
            own, params={**dict.fromkeys(stays, REMOVE), **asked.params}, allow_absolute=True
        )

    def take(self, asked: PageRequest, response: Response) -> Page[T]:
        """Return the page in *response*, and go on behind it.

        Args:
            asked: What `ahead` gave.
            response: What came.

        Raises:
            DecodeError: The body is not JSON, or has no items where they should be.
            PaginationError: Its link to the next page is not a URL.
        """
        data = None if response.status_code == _NO_CONTENT else response.json()
        page: Page[T] = Page(self._items_in(data, response), response, data, asked)
        following = self._plan.by(page)
        page = replace(page, next=None if following is None else self._below_base(following))
        self._asked.add(asked.key)
        self._taken += 1
        self._following = page.next
        if self._left is not None:
            page = replace(page, items=page.items[: self._left])
            self._left -= len(page.items)
        self._page = page
        return page

    def _items_in(self, data: Any, response: Response) -> list[T]:
        where = self._plan.items
        if response.status_code == _NO_CONTENT:
            return []
        if callable(where):
            return list(where(data))
        found = data if where is None else field_of(data, where)
        if found is None:  # how some servers write an empty list
            return []
        if isinstance(found, list):
            return found
        status = response.status_code
        if where is None:
            msg = f"the body (status {status}) is not a list: say where its items are, items='…'"
        else:
            msg = f"the body (status {status}) has no list at {where!r}, where items= says it is"
        raise error_about(DecodeError(msg), response)

    def _check(self, following: PageRequest, response: Response) -> None:
        problem = None
        if following.key in self._asked:
            problem = (
                f"after {self._taken} pages the server names one as the next that was asked for "
                "already: the walk would never end"
            )
        elif self._crosses(following):
            there = safe_url(following.url)
            if merge(self._plan.inherited, self._plan.own).allow_absolute is not True:
                problem = (
                    f"the next page is at another origin, {there}: allow_absolute=True follows"
                )
            elif following.json is not None:
                problem = f"the next page is at another origin, {there}: a body is not sent there"
        if problem is not None:
            raise error_about(PaginationError(problem), response)

    def _below_base(self, following: PageRequest) -> PageRequest:
        """Return the request with a path in place of an absolute URL that is below the base URL."""
        base = self._plan.base_url
        if base is None or not following.url.startswith(base):
            return following
        rest = following.url[len(base) :]
        if rest.startswith("//") or rest[:1] not in {"", "/", "?"}:
            return following
        return replace(following, url=rest)

    def _crosses(self, asked: PageRequest) -> bool:
        """Tell whether a page is at another origin than the first one."""
        there = self._origin(asked.url)
        return there is not None and there != self._origin(self._plan.first.url)

    def _origin(self, url: str) -> Origin | None:
        """Return where *url* leads, or None for what the client will refuse with a better word."""
        base, make = self._plan.base_url, self._plan.make_url
        try:
            made = make(url)
            if not made.is_absolute_url and base is not None:
                made = make(base)
        except Exception:  # noqa: BLE001 - InvalidURL, UnicodeError, ValueError: whatever a URL can break
            return None
        return origin_of(made) if made.is_absolute_url else None

    def _without_credentials(self) -> RequestOptions:
        """Return the options of a call to another origin: no credential of the call, few headers.

        The client's own credential goes where its `Auth` lets it.
        """
        own = self._plan.own
        headers = merge(self._plan.inherited, own).headers or {}
        return replace(
            own,
            headers={n: v if n.lower() in _ALONG else REMOVE for n, v in headers.items()},
            api_key=UNSET if own.api_key is UNSET else None,
            auth=UNSET if own.auth is UNSET else None,
        )


def _has_param(url: str, name: str) -> bool:
    return any(name == given for given, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True))
