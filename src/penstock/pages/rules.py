"""Where the next page is: by cursor, offset, page number, Link header, or a URL in the body.

A rule is a function from a `Page` to the `PageRequest` that follows it, or None after the last
page. Any other such function will do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.errors import DecodeError, InvalidOption
from penstock.options import UNSET
from penstock.pages.links import link_of
from penstock.parsing import error_about

if TYPE_CHECKING:
    from penstock.pages.page import Page, PageRequest


@dataclass(frozen=True, slots=True)
class Cursor:
    """The body has a cursor, which goes into the query of the next request.

    Args:
        path: Where the cursor is, such as `next_cursor` or `data.-1.id` (see `Page.field`). Without
            one there, or with null, an empty text, 0 or false, the page is the last one.
        param: The query parameter it goes into.
        more: Where the body says whether there is more, such as `has_more`, if the cursor is there
            on the last page too.
    """

    path: str
    param: str = "cursor"
    more: str | None = None

    def __call__(self, page: Page[Any]) -> PageRequest | None:
        """Return the request for the page after *page*.

        Raises:
            DecodeError: The cursor is neither text nor a number, or is missing although there is
                more.
        """
        if _was_last(page, self.more):
            return None
        cursor = page.field(self.path)
        if not cursor and self.more is None:
            return None
        if not cursor or isinstance(cursor, bool) or not isinstance(cursor, (str, int, float)):
            raise _misplaced(page, "cursor", self.path, cursor)
        return page.asked.with_param(self.param, cursor)


@dataclass(frozen=True, slots=True)
class Offset:
    """The query says how many items to skip: as many as have come.

    The walk ends with an empty page; with *total* or *more* it is known one request earlier. A
    short page does not end it: servers give fewer items than they were asked for. It counts
    `Page.items`, so a function given as `items=` must leave none out.

    Args:
        param: The query parameter of the offset. The first page's is 0 unless the call gives
            another.
        total: Where the body has the number of all items, if it has.
        more: Where the body says whether there is more, if it does.
    """

    param: str = "offset"
    total: str | None = None
    more: str | None = None

    def __call__(self, page: Page[Any]) -> PageRequest | None:
        """Return the request for the page after *page*.

        Raises:
            DecodeError: The total is not a whole number.
        """
        following = _sent(page, self.param, 0) + len(page.items)
        if not page.items or _was_last(page, self.more):
            return None
        if following >= _count(page, self.total, following + 1):
            return None
        return page.asked.with_param(self.param, following)


@dataclass(frozen=True, slots=True)
class PageNumber:
    """The query has the number of the page.

    The walk ends with an empty page; with *pages* or *more* it is known one request earlier.

    Args:
        param: The query parameter of the number.
        start: The first page's number, unless the call gives another.
        pages: Where the body has the number of the last page, if it has.
        more: Where the body says whether there is more, if it does.
    """

    param: str = "page"
    start: int = 1
    pages: str | None = None
    more: str | None = None

    def __call__(self, page: Page[Any]) -> PageRequest | None:
        """Return the request for the page after *page*.

        Raises:
            DecodeError: The number of the last page is not a whole number.
        """
        following = _sent(page, self.param, self.start) + 1
        if not page.items or _was_last(page, self.more):
            return None
        if following > _count(page, self.pages, following):
            return None
        return page.asked.with_param(self.param, following)


@dataclass(frozen=True, slots=True)
class LinkHeader:
    """The response's Link header names the next page (RFC 8288).

    Args:
        relation: The link's relation type.
    """

    relation: str = "next"

    def __call__(self, page: Page[Any]) -> PageRequest | None:
        """Return the request for the page after *page*.

        Raises:
            PaginationError: The link is not a URL.
        """
        target = link_of(page.response.headers.get("link", ""), self.relation)
        return None if target is None else page.follow(target)


@dataclass(frozen=True, slots=True)
class NextURL:
    """The body has the URL of the next page.

    Args:
        path: Where it is, such as `next`, `links.next` or `@odata.nextLink` (see `Page.field`).
            Without one there, or with null or an empty text, the page is the last one.
    """

    path: str = "next"

    def __call__(self, page: Page[Any]) -> PageRequest | None:
        """Return the request for the page after *page*.

        Raises:
            DecodeError: What is there is not text.
            PaginationError: It is not a URL.
        """
        url = page.field(self.path)
        if not url:
            return None
        if not isinstance(url, str):
            raise _misplaced(page, "URL", self.path, url)
        return page.follow(url)


def _was_last(page: Page[Any], more: str | None) -> bool:
    """Tell whether the body says that nothing follows: false, or left out as protobuf does."""
    return more is not None and not page.field(more)


def _sent(page: Page[Any], param: str, start: int) -> int:
    """Return the number *page* was asked for with, from the URL sent: whoever gave it."""
    given = page.response.request.url.params.get(param)
    if given is None:  # a redirect may have dropped it
        given = page.asked.params.get(param, start)
    try:
        return int(given)
    except (TypeError, ValueError):
        msg = f"the parameter {param} must be a whole number to count on from, not {given!r}"
    raise InvalidOption(msg)


def _count(page: Page[Any], path: str | None, otherwise: int) -> int:
    count = UNSET if path is None else page.field(path)
    if count is UNSET or count is None:
        return otherwise
    if isinstance(count, bool) or not isinstance(count, int):
        raise _misplaced(page, "whole number", str(path), count)
    return count


def _misplaced(page: Page[Any], expected: str, path: str, found: object) -> DecodeError:
    what = "nothing" if found is UNSET else type(found).__name__
    return error_about(
        DecodeError(f"the body should have a {expected} at {path!r} and has {what}"), page.response
    )
