"""Lists that come in pages, as an API's own models and with its own errors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from penstock.codec import encode
from penstock.errors import DecodeError, PenstockError
from penstock.parsing import fitted
from penstock.sdk.failing import own_error
from penstock.sdk.model import is_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from penstock.pages import AsyncPages, Page, Pages
    from penstock.sdk.failing import Failures

T = TypeVar("T")


class ItemPages(Generic[T]):
    """An iterator over the items of a list that comes in pages.

    Each page is fetched when its first item is asked for. When that fails, it may be asked for
    again. Nothing is open between two pages.

    Args:
        source: The pages as they come.
        kind: The class of the items: a `Model`, or what `penstock.parse` takes.
        failures: From an error to the API's own, or None to leave it.
    """

    def __init__(self, source: Pages[Any], kind: type[T], failures: Failures | None = None) -> None:
        self._source = source
        self._own = kind, failures
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
        return _ByPage(self._source.pages(), *self._own)


class AsyncItemPages(Generic[T]):
    """The async twin of `ItemPages`: `async for`, no `await` needed."""

    def __init__(
        self, source: AsyncPages[Any], kind: type[T], failures: Failures | None = None
    ) -> None:
        self._source = source
        self._own = kind, failures
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
        return _AsyncByPage(self._source.pages(), *self._own)


class _ByPage(Generic[T]):
    def __init__(
        self, source: Iterator[Page[Any]], kind: type[T], failures: Failures | None
    ) -> None:
        self._source = source
        self._own = kind, failures

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Page[T]:
        try:
            page = next(self._source)
        except PenstockError as error:
            raise own_error(error, self._own[1])  # noqa: B904 - it sets the cause
        return _own_page(page, *self._own)


class _AsyncByPage(Generic[T]):
    def __init__(
        self, source: AsyncIterator[Page[Any]], kind: type[T], failures: Failures | None
    ) -> None:
        self._source = source
        self._own = kind, failures

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Page[T]:
        try:
            page = await anext(self._source)
        except PenstockError as error:
            raise own_error(error, self._own[1])  # noqa: B904 - it sets the cause
        return _own_page(page, *self._own)


def _own_page(page: Page[Any], kind: type[T], failures: Failures | None) -> Page[T]:
    """Return *page* with items of *kind*."""
    items, error = _made(page.items, kind) if is_model(kind) else _validated(page.items, kind)
    if error is not None:
        raise own_error(error, failures, page.response)
    return replace(page, items=items)


def _made(items: list[Any], kind: Any) -> tuple[list[Any], PenstockError | None]:
    odd = [type(item).__name__ for item in items if not isinstance(item, dict)]
    if odd:
        return [], DecodeError(f"an item of the page is a JSON {odd[0]}, not an object")
    return [kind(item) for item in items], None


def _validated(items: list[Any], kind: Any) -> tuple[list[Any], PenstockError | None]:
    """Return items that pydantic makes, of JSON: what it says of JSON input holds in pages too."""
    try:
        content = encode(items)
    except ValueError:  # half a surrogate: no UTF-8 has it
        return [], DecodeError("an item of the page has text that is not Unicode")
    return fitted(content, list[kind], "list of items")


PagesOf = ItemPages[T] | AsyncItemPages[T]
"""The items of a list in either colour."""
