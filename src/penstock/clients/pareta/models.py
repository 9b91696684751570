"""`models`: what can be called."""

from __future__ import annotations

from penstock import Colour, operation
from penstock.clients.pareta.objects import ModelList
from penstock.clients.pareta.resource import Options, ParetaResource


class Models(ParetaResource[Colour]):
    """`client.models`."""

    @operation
    async def list(self, *, request_options: Options = None) -> ModelList:
        """List the models the organization can call: its endpoints that are deployed.

        Args:
            request_options: See `penstock.RequestOptions`.

        Returns:
            The models: iterable and sized, with `data`. The `id` of each is an endpoint's.

        Raises:
            APIStatusError: The server refused.
            APIConnectionError: The wire failed.
        """
        return await self._one(
            ModelList,
            "GET",
            "/v1/models",
            operation="models.list",
            request_options=request_options,
        )
