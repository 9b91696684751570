"""One list of 23 items, paged three ways: by cursor, by Link header, by offset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.demo.fields import whole_number
from penstock.demo.responses import DemoResponse, json_response

if TYPE_CHECKING:
    from penstock.demo.requests import DemoRequest

ITEMS = tuple({"id": number, "name": f"item-{number}"} for number in range(1, 24))
PER_PAGE = 10
_PAGES = -(-len(ITEMS) // PER_PAGE)


def _limit(request: DemoRequest) -> int:
    return whole_number(request.param("limit") or str(PER_PAGE), "limit", low=1, high=100)


def by_cursor(request: DemoRequest) -> DemoResponse:
    """Give the items past `cursor`, at most `limit`, with the cursor of the next page or null."""
    cursor = (request.param("cursor") or "after-0").removeprefix("after-")
    start = whole_number(cursor, "cursor", low=0, high=len(ITEMS))
    end = start + _limit(request)
    more = end < len(ITEMS)
    return json_response(
        {
            "data": ITEMS[start:end],
            "next_cursor": f"after-{end}" if more else None,
            "has_more": more,
        }
    )


def by_link(request: DemoRequest) -> DemoResponse:
    """Give page `page` as a bare list, its neighbours in a Link header (RFC 8288)."""
    page = whole_number(request.param("page") or "1", "page", low=1, high=_PAGES)
    neighbours = {"first": 1, "prev": page - 1, "next": page + 1, "last": _PAGES}
    host = request.headers.get("host")
    base = f"http://{host}{request.path}" if host else request.path
    links = ", ".join(
        f'<{base}?page={number}>; rel="{relation}"'
        for relation, number in neighbours.items()
        if 1 <= number <= _PAGES
    )
    end = page * PER_PAGE
    return json_response(ITEMS[end - PER_PAGE : end], headers=(("link", links),))


def by_offset(request: DemoRequest) -> DemoResponse:
    """Give at most `limit` items from `offset` on, with the total."""
    offset = whole_number(request.param("offset") or "0", "offset", low=0, high=1_000_000)
    limit = _limit(request)
    return json_response(
        {
            "data": ITEMS[offset : offset + limit],
            "offset": offset,
            "limit": limit,
            "total": len(ITEMS),
        }
    )
