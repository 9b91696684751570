"""`embeddings`: texts as vectors."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from typing import Unpack

from penstock import Colour, Resource, operation
from penstock.clients.openai_compatible.arguments import arguments
from penstock.clients.openai_compatible.objects import CreateEmbeddingResponse
from penstock.clients.openai_compatible.params import EmbeddingParams

Input = str | Sequence[str] | Sequence[int] | Sequence[Sequence[int]]
"""A text, several, or the tokens of one or several."""

_KNOWN = frozenset(EmbeddingParams.__annotations__)
_FLOAT_BYTES = 4


class Embeddings(Resource[Colour]):
    """`client.embeddings`."""

    @operation
    async def create(
        self, *, input: Input, model: str, **params: Unpack[EmbeddingParams]
    ) -> CreateEmbeddingResponse:
        """Turn texts into vectors.

        Args:
            input: A text or several, or the tokens of either.
            model: The model's name.
            **params: The fields of `EmbeddingParams`: `dimensions`, `encoding_format`, `user`,
                `extra_headers`, `extra_query`, `extra_body`, `timeout`, `request_options`.

        Returns:
            The vectors as lists of floats, in the order of the texts, whichever way they travelled.

        Raises:
            APIError: As in `chat.completions.create`; `APIResponseValidationError` if a vector is
                not what was asked for.
            InvalidOption: A parameter is unknown or cannot be sent; nothing was.
        """
        body = {"input": input, "model": model}
        call = arguments("embeddings.create", _KNOWN, params, body)
        response = await self._request("POST", "/embeddings", **call)
        embeddings = self._object(CreateEmbeddingResponse, response)
        try:
            for item in embeddings.to_dict().get("data") or ():
                if isinstance(item["embedding"], str):
                    item["embedding"] = _floats(item["embedding"])
        except (LookupError, TypeError, ValueError, struct.error):
            bad = self._unfit(response, "an embedding is not a vector, nor base64 of one")
        else:
            return embeddings
        raise bad


def _floats(text: str) -> list[float]:
    """Return the 32-bit floats, little-endian, that *text* has in base64 (RFC 4648 §4)."""
    packed = base64.b64decode(text, validate=True)
    return list(struct.unpack(f"<{len(packed) // _FLOAT_BYTES}f", packed))
