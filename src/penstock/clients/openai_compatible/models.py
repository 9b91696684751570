"""`models`: what the server has."""

from __future__ import annotations

from typing import Unpack
from urllib.parse import quote

from penstock import Colour, InvalidOption, Resource, operation
from penstock.clients.openai_compatible.arguments import arguments
from penstock.clients.openai_compatible.objects import ModelInfo, ModelList
from penstock.clients.openai_compatible.params import CallArguments

_KNOWN = frozenset(CallArguments.__annotations__)


class Models(Resource[Colour]):
    """`client.models`."""

    @operation
    async def list(self, **params: Unpack[CallArguments]) -> ModelList:
        """List the models.

        Args:
            **params: The fields of `CallArguments`: `extra_headers`, `extra_query`, `timeout`,
                `request_options`.

        Returns:
            The models: iterable and sized, with `data`.

        Raises:
            APIError: As in `chat.completions.create`.
        """
        call = arguments("models.list", _KNOWN, params)
        return await self._fetch(ModelList, "GET", "/models", **call)

    @operation
    async def retrieve(self, model: str, **params: Unpack[CallArguments]) -> ModelInfo:
        """Return one model.

        Args:
            model: Its name; a slash in it is part of the name.
            **params: As in `list`.

        Raises:
            NotFoundError: There is none of that name.
            APIError: As in `chat.completions.create`.
            InvalidOption: The name is empty.
        """
        if not model:
            msg = "model is empty: pass its name, or call models.list()"
            raise InvalidOption(msg)
        call = arguments("models.retrieve", _KNOWN, params)
        path = f"/models/{quote(model, safe='')}"
        return await self._fetch(ModelInfo, "GET", path, **call)
