"""An API client: a Penstock client with resources on it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, Unpack

from penstock.client import AsyncClient, Client
from penstock.keywords import Keywords, keywords_of
from penstock.sdk.colour import Async, Colour, Sync
from penstock.sdk.resource import Resource

if TYPE_CHECKING:
    from types import TracebackType

    from penstock.options import Overrides, RequestOptions
    from penstock.stack import Stack


CLIENT_ARGUMENTS: Final = keywords_of(Client.__init__) or frozenset()
"""What `Client` takes by keyword: the `_others` of a constructor that passes its `**` on to it."""


class BaseAPI(Keywords, Resource[Colour]):
    """What both colours of an API client share: the base of a product's own shared part.

    ```python
    class _Acme(BaseAPI[Colour]):
        def __init__(self, *, api_key: str) -> None:
            super().__init__(self._make_client("https://api.acme.example", api_key=api_key))

    class Acme(_Acme[Sync], API): ...
    class AsyncAcme(_Acme[Async], AsyncAPI): ...
    ```
    """

    _client_class: ClassVar[type[Client | AsyncClient]]

    def _make_client(self, *args: Any, **options: Any) -> Client | AsyncClient:
        """Return a Penstock client of this colour; the arguments are `Client`'s."""
        return self._client_class(*args, **options)

    @property
    def stack(self) -> Stack:
        """The middleware every call of this client goes through."""
        stack: Stack = self._client.stack
        return stack

    @property
    def options(self) -> RequestOptions:
        """What every call of this client starts from; its own `request_options` go over that."""
        options: RequestOptions = self._client._options
        return options

    @property
    def is_closed(self) -> bool:
        """Whether this client, or the one it is a view of, was closed."""
        closed: bool = self._client.is_closed
        return closed

    def with_options(self, **overrides: Unpack[Overrides]) -> Self:
        """Return a view of this client with other options; see `Client.with_options`."""
        view = copy.copy(self)
        view._client = self._client.with_options(**overrides)
        view._views = {None: view._client}
        return view


class API(BaseAPI[Sync]):
    """A sync API client: `with`, `close()`, `with_options()`."""

    _client_class = Client

    def close(self) -> None:
        """Close the connections. A view made by `with_options` leaves its parent's open."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncAPI(BaseAPI[Async]):
    """An async API client: `async with`, `aclose()`, `with_options()`."""

    _client_class = AsyncClient

    async def aclose(self) -> None:
        """Close the connections. A view made by `with_options` leaves its parent's open."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
