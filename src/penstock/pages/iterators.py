"""`paginate`, and the iterators of both colours: they send what a `Walk` asks and give its pages.

A rule is an object rather than a string (`by="cursor"`): its parameters are its own and checked
where they are written, an editor completes them, and any function from a `Page` to a `PageRequest`
is one more rule, so an API that pages in its own way needs no option here. Where a string says
enough, in the path of the items or of a cursor, it is a string.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, Unpack, overload

from penstock.client import AsyncClient, Client
from penstock.errors import InvalidOption
from penstock.options import UNSET, RequestOptions, options_of
from penstock.pages.page import Page, PageRequest
from penstock.pages.walk import Plan, Walk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping

    from penstock.options import Overrides

T = TypeVar("T")


class Pages(Generic[T]):
    """An iterator over the items of a list that comes in pages.

    Each page is fetched when its first item is asked for.
    After an error it may be asked again, and asks for the same page again. Nothing is open between
    two pages.
    """

    def __init__(self, client: Client, plan: Plan[T]) -> None:
        self._client = client
        self._plan = plan
        self._pages = self.pages()
        self._items: Iterator[T] = iter(())

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        while True:
            for item in self._items:
                return item
            self._items = iter(next(self._pages).items)

    def pages(self) -> Iterator[Page[T]]:
        """Return an iterator over the pages themselves; it begins at the first one."""
        return _ByPage(self._client, self._plan)


class AsyncPages(Generic[T]):
    """The async twin of `Pages`: `async for`, no `await` needed."""

    def __init__(self, client: AsyncClient, plan: Plan[T]) -> None:
        self._client = client
        self._plan = plan
        self._pages = self.pages()
        self._items: Iterator[T] = iter(())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while True:
            for item in self._items:
                return item
            self._items = iter((await anext(self._pages)).items)

    def pages(self) -> AsyncIterator[Page[T]]:
        """Return an iterator over the pages themselves; it begins at the first one."""
        return _AsyncByPage(self._client, self._plan)


class _ByPage(Generic[T]):
    def __init__(self, client: Client, plan: Plan[T]) -> None:
        self._request = client.request
        self._method = plan.method
        self._walk = Walk(plan)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Page[T]:
        asked = self._walk.ahead()
        if asked is None:
            raise StopIteration
        options = self._walk.options_of(asked)
        response = self._request(self._method, asked.url, json=asked.json, options=options)
        return self._walk.take(asked, response)


# No async generator: trio warns about one that is dropped before its end.
class _AsyncByPage(Generic[T]):
    def __init__(self, client: AsyncClient, plan: Plan[T]) -> None:
        self._request = client.request
        self._method = plan.method
        self._walk = Walk(plan)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Page[T]:
        asked = self._walk.ahead()
        if asked is None:
            raise StopAsyncIteration
        options = self._walk.options_of(asked)
        response = await self._request(self._method, asked.url, json=asked.json, options=options)
        return self._walk.take(asked, response)


@overload
def paginate(
    client: Client,
    url: str,
    *,
    by: Callable[[Page[Any]], PageRequest | None],
    items: str | None = None,
    method: str = "GET",
    json: Any = None,
    limit: int | None = None,
    max_pages: int | None = None,
    options: RequestOptions | Mapping[str, Any] | None = None,
    **call: Unpack[Overrides],
) -> Pages[Any]: ...
@overload
def paginate(
    client: Client,
    url: str,
    *,
    by: Callable[[Page[Any]], PageRequest | None],
    items: Callable[[Any], Iterable[T]],
    method: str = "GET",
    json: Any = None,
    limit: int | None = None,
    max_pages: int | None = None,
    options: RequestOptions | Mapping[str, Any] | None = None,
    **call: Unpack[Overrides],
) -> Pages[T]: ...
@overload
def paginate(
    client: AsyncClient,
    url: str,
    *,
    by: Callable[[Page[Any]], PageRequest | None],
    items: str | None = None,
    method: str = "GET",
    json: Any = None,
    limit: int | None = None,
    max_pages: int | None = None,
    options: RequestOptions | Mapping[str, Any] | None = None,
    **call: Unpack[Overrides],
) -> AsyncPages[Any]: ...
@overload
def paginate(
    client: AsyncClient,
    url: str,
    *,
    by: Callable[[Page[Any]], PageRequest | None],
    items: Callable[[Any], Iterable[T]],
    method: str = "GET",
    json: Any = None,
    limit: int | None = None,
    max_pages: int | None = None,
    options: RequestOptions | Mapping[str, Any] | None = None,
    **call: Unpack[Overrides],
) -> AsyncPages[T]: ...
def paginate(
    client: Client | AsyncClient,
    url: str,
    *,
    by: Callable[[Page[Any]], PageRequest | None],
    items: str | Callable[[Any], Iterable[Any]] | None = None,
    method: str = "GET",
    json: Any = None,
    limit: int | None = None,
    max_pages: int | None = None,
    options: RequestOptions | Mapping[str, Any] | None = None,
    **call: Unpack[Overrides],
) -> Pages[Any] | AsyncPages[Any]:
    """Iterate over the items of a list that comes in pages; `.pages()` iterates over the `Page`s.

    Each page is a call of the client through its whole stack: it is retried, traced and logged on
    its own, and a deadline bounds each. Links are followed to the origin of the first page alone;
    with `allow_absolute=True` elsewhere too, but without the headers, parameters and credentials of
    the call and the client.

    Example:
        ```python
        for item in paginate(client, "/items", by=Cursor("next_cursor"), items="data"):
            print(item["id"])
        ```

    Args:
        client: A `Client`, for an iterator; an `AsyncClient`, for an async iterator.
        url: The first page: a path below `base_url`, or an absolute URL where the client allows
            one.
        by: The rule that finds the next page: `Cursor`, `Offset`, `PageNumber`, `LinkHeader`,
            `NextURL`, or any function from a `Page` to the `PageRequest` after it or None.
        items: Where a body has its items: a path such as `data` (see `Page.field`), a function from
            the parsed body to the items, or None when the body is the list.
        method: The method of each call.
        json: The JSON body of each call; only a rule of your own changes it.
        limit: At most this many items. The size of a page is the API's affair: pass it in `params`.
        max_pages: At most this many pages.
        options: The options of each call, as an object or a dict.
        **call: Any field of `RequestOptions`. `raise_for_status` is true for pages unless given
            here.

    Returns:
        The iterator. Nothing is sent before its first item, or page, is asked for.

    Raises:
        InvalidOption: An argument cannot work; nothing was sent.
        DecodeError: While iterating: a body is not JSON, or has not what the rule or `items` looks
            for.
        PaginationError: While iterating: the server names a page again that was asked for already,
            or one at another origin.
    """
    _check_source(client, by, items)
    _check_bound("limit", limit)
    _check_bound("max_pages", max_pages)
    own = options_of(options, call) or RequestOptions()
    if own.raise_for_status is UNSET:
        own = replace(own, raise_for_status=True)
    plan: Plan[Any] = Plan(
        first=PageRequest(str(url), own.params or {}, json),
        method=method,
        by=by,
        items=items,
        limit=limit,
        max_pages=max_pages,
        own=own,
        inherited=client._options,
        base_url=client.base_url,
        make_url=client._wire.family.http.URL,
    )
    return AsyncPages(client, plan) if isinstance(client, AsyncClient) else Pages(client, plan)


def _check_source(client: object, by: object, items: object) -> None:
    problem = None
    if not isinstance(client, (Client, AsyncClient)):
        problem = f"client must be a Client or AsyncClient, not {type(client).__name__}"
    elif isinstance(by, type) or not callable(by):
        problem = f"by must be a rule such as Cursor('next_cursor') or LinkHeader(), not {by!r}"
    elif items is not None and not isinstance(items, str) and not callable(items):
        problem = f"items must be a path such as 'data', a function or None, not {items!r}"
    if problem is not None:
        raise InvalidOption(problem)


def _check_bound(name: str, value: object) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        msg = f"{name} must be an integer >= 0 or None for no limit, not {value!r}"
        raise InvalidOption(msg)
