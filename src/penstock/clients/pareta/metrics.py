"""`endpoints.metrics(id)`: what is measured of an endpoint."""

from __future__ import annotations

from typing import Any

from penstock import Colour, operation
from penstock.clients.pareta.resource import Options, ParetaResource, query


class Metrics(ParetaResource[Colour]):
    """The metrics of one endpoint, each as the server's JSON.

    Every method takes:

    Args:
        request_options: See `penstock.RequestOptions`.
        **params: Query parameters, as the server knows them.

    Raises:
        NotFoundError: There is no such endpoint.
        APIStatusError: The server refused.
        APIConnectionError: The wire failed.
    """

    _path: str

    @operation
    async def performance(self, /, *, request_options: Options = None, **params: Any) -> Any:
        """Return how fast it answers."""
        return await self._dimension("performance", params, request_options)

    @operation
    async def uptime(self, /, *, request_options: Options = None, **params: Any) -> Any:
        """Return how much of the time it answers."""
        return await self._dimension("uptime", params, request_options)

    @operation
    async def cost(self, /, *, request_options: Options = None, **params: Any) -> Any:
        """Return what it costs."""
        return await self._dimension("cost", params, request_options)

    @operation
    async def quality(self, /, *, request_options: Options = None, **params: Any) -> Any:
        """Return how good its answers are."""
        return await self._dimension("quality", params, request_options)

    @operation
    async def activity(self, /, *, request_options: Options = None, **params: Any) -> Any:
        """Return what happens on it."""
        return await self._dimension("activity", params, request_options)

    async def _dimension(self, name: str, params: dict[str, Any], request_options: Options) -> Any:
        return await self._data(
            "GET",
            f"{self._path}/{name}",
            operation=f"endpoints.metrics.{name}",
            request_options=request_options,
            **query(**params),
        )
