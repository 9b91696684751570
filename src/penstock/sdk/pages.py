"""Lists that come in pages, as an API's own models and with its own errors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from penstock.errors import DecodeError, PenstockError
from penstock.sdk.failing import own_error
from penstock.sdk.model import Model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from penstock.pages import AsyncPages, Page, Pages
    from penstock.sdk.failing import Failures

ModelT = TypeVar("ModelT", bound=Model)


class ItemPages(Generic[ModelT]):
    """An iterator over the items of a list that comes in pages.

    Each page is fetched when its first item is asked for. When that fails, it may be asked for
    again. Nothing is open between two pages.

    Args:
        source: The pages as they come.
        kind: The class of the items.
        failures: From an error to the API's own, or None to leave it.
    """

    def __init__(
        self, source: Pages[Any], kind: type[ModelT], failures: Failures | None = None
    ) -> None:
        self._source = source
        self._own = kind, failures
        self._pages = self.pages()
        self._items: Iterator[ModelT] = iter(())

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ModelT:
        while True:
            for item in self._items:
                return item
            self._items = iter(next(self._pages).items)

    def pages(self) -> Iterator[Page[ModelT]]:
        """Return an iterator over the pages themselves; it begins at the first one."""
        return _ByPage(self._source.pages(), *self._own)


class AsyncItemPages(Generic[ModelT]):
    """The async twin of `ItemPages`: `async for`, no `await` needed."""

    def __init__(
        self, source: AsyncPages[Any], kind: type[ModelT], failures: Failures | None = None
    ) -> None:
        self._source = source
        self._own = kind, failures
        self._pages = self.pages()
        self._items: Iterator[ModelT] = iter(())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ModelT:
        while True:
            for item in self._items:
                return item
            self._items = iter((await anext(self._pages)).items)

    def pages(self) -> AsyncIterator[Page[ModelT]]:
        """Return an iterator over the pages themselves; it begins at the first one."""
        return _AsyncByPage(self._source.pages(), *self._own)


class _ByPage(Generic[ModelT]):
    def __init__(
        self, source: Iterator[Page[Any]], kind: type[ModelT], failures: Failures | None
    ) -> None:
        self._source = source
        self._own = kind, failures

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Page[ModelT]:
        try:
            page = next(self._source)
        except PenstockError as error:
            raise own_error(error, self._own[1])  # noqa: B904 - it sets the cause
        return _own_page(page, *self._own)


class _AsyncByPage(Generic[ModelT]):
    def __init__(
        self, source: AsyncIterator[Page[Any]], kind: type[ModelT], failures: Failures | None
    ) -> None:
        self._source = source
        self._own = kind, failures

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Page[ModelT]:
        try:
            page = await anext(self._source)
        except PenstockError as error:
            raise own_error(error, self._own[1])  # noqa: B904 - it sets the cause
        return _own_page(page, *self._own)


def _own_page(page: Page[Any], kind: type[ModelT], failures: Failures | None) -> Page[ModelT]:
    """Return *page* with items of *kind*."""
    odd = [type(item).__name__ for item in page.items if not isinstance(item, dict)]
    if odd:
        error = DecodeError(f"an item of the page is a JSON {odd[0]}, not an object")
        raise own_error(error, failures, page.response)
    return replace(page, items=[kind(item) for item in page.items])


PagesOf = ItemPages[ModelT] | AsyncItemPages[ModelT]
"""The items of a list in either colour."""
