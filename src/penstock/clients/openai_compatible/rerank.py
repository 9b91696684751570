"""`rerank`: documents by how well they answer a query, as vLLM, Jina and Cohere have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from penstock import Colour, Resource, operation
from penstock.clients.openai_compatible.arguments import arguments, listed
from penstock.clients.openai_compatible.objects import RerankResponse
from penstock.clients.openai_compatible.params import RerankParams

if TYPE_CHECKING:
    from collections.abc import Sequence

_KNOWN = frozenset(RerankParams.__annotations__)


class Rerank(Resource[Colour]):
    """`client.rerank`."""

    @operation
    async def create(
        self, *, model: str, query: str, documents: Sequence[str], **params: Unpack[RerankParams]
    ) -> RerankResponse:
        """Rank documents by how well they answer a query.

        Args:
            model: The model's name.
            query: What is asked.
            documents: The documents.
            **params: The fields of `RerankParams`: `top_n`, `return_documents`, `extra_headers`,
                `extra_query`, `extra_body`, `timeout`, `request_options`.

        Returns:
            The documents by relevance, best first.

        Raises:
            APIError: As in `chat.completions.create`.
            InvalidOption: A parameter is unknown or cannot be sent; nothing was.
        """
        body = {"model": model, "query": query, "documents": listed("documents", documents, '"…"')}
        call = arguments("rerank.create", _KNOWN, params, body)
        return await self._fetch(RerankResponse, "POST", "/rerank", **call)
