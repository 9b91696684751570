"""The operations of BabyAPI, grouped as on its client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from penstock import Colour, Items, Resource, operation, streamed
from penstock.clients.babyapi.calling import Calling
from penstock.clients.babyapi.endpoints import (
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    INFER,
    RERANK,
    ChatBody,
    CompletionBody,
    EmbeddingBody,
    RerankBody,
)
from penstock.clients.babyapi.inference import InferOptions, inference_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.clients.babyapi.events import SSEEvent
    from penstock.clients.babyapi.options import Options


class ChatCompletions(Calling[Colour]):
    """`client.chat.completions`."""

    @operation
    async def create(
        self, *, request_options: Options = None, **body: Unpack[ChatBody]
    ) -> dict[str, Any]:
        """Answer a conversation.

        Args:
            request_options: What this call overrides.
            **body: The fields of `ChatBody`, and any other that the model takes.

        Returns:
            The answer, as BabyAPI sends it: `["choices"][0]["message"]["content"]`, `["usage"]`.

        Raises:
            BabyAPIError: The call failed; `status` and `code` say how.
        """
        return await self._create(*CHAT, body, request_options)

    @streamed
    def stream(
        self, *, request_options: Options = None, **body: Unpack[ChatBody]
    ) -> Items[SSEEvent]:
        """Answer a conversation as the answer is made.

        The call happens at the first iteration. It has no time limit unless *request_options* has
        one, and is never retried.

        Args:
            request_options: What this call overrides.
            **body: As in `create`.

        Returns:
            The events; the last is the one that is `done`.

        Raises:
            BabyAPIError: While iterating too: the call failed, the server sent an error in the
                stream, or the stream broke off.
        """
        return self._stream_of(*CHAT, body, request_options)


class Chat(Resource[Colour]):
    """`client.chat`."""

    @property
    def completions(self) -> ChatCompletions[Colour]:
        """Answers to conversations."""
        return self._sub(ChatCompletions)


class Completions(Calling[Colour]):
    """`client.completions`."""

    @operation
    async def create(
        self, *, request_options: Options = None, **body: Unpack[CompletionBody]
    ) -> dict[str, Any]:
        """Continue a text.

        Args:
            request_options: What this call overrides.
            **body: The fields of `CompletionBody`, and any other that the model takes.

        Returns:
            The continuation, as BabyAPI sends it: `["choices"][0]["text"]`, `["usage"]`.

        Raises:
            BabyAPIError: The call failed; `status` and `code` say how.
        """
        return await self._create(*COMPLETIONS, body, request_options)

    @streamed
    def stream(
        self, *, request_options: Options = None, **body: Unpack[CompletionBody]
    ) -> Items[SSEEvent]:
        """Continue a text as the continuation is made; see `ChatCompletions.stream`.

        Args:
            request_options: What this call overrides.
            **body: As in `create`.

        Returns:
            The events; the last is the one that is `done`.

        Raises:
            BabyAPIError: As in `ChatCompletions.stream`.
        """
        return self._stream_of(*COMPLETIONS, body, request_options)


class Embeddings(Calling[Colour]):
    """`client.embeddings`."""

    @operation
    async def create(
        self, *, request_options: Options = None, **body: Unpack[EmbeddingBody]
    ) -> dict[str, Any]:
        """Turn texts into vectors.

        Args:
            request_options: What this call overrides.
            **body: The fields of `EmbeddingBody`, and any other that the model takes.

        Returns:
            The vectors, as BabyAPI sends them: `["data"][0]["embedding"]`, `["usage"]`.

        Raises:
            BabyAPIError: The call failed; `status` and `code` say how.
        """
        return await self._create(*EMBEDDINGS, body, request_options)


class Rerank(Calling[Colour]):
    """`client.rerank`."""

    @operation
    async def create(
        self, *, request_options: Options = None, **body: Unpack[RerankBody]
    ) -> dict[str, Any]:
        """Rank documents by how well they answer a query.

        Args:
            request_options: What this call overrides.
            **body: The fields of `RerankBody`, and any other that the model takes.

        Returns:
            The ranking, as BabyAPI sends it: `["results"]`, each with `["index"]` and
            `["relevance_score"]`.

        Raises:
            BabyAPIError: The call failed; `status` and `code` say how.
        """
        return await self._create(*RERANK, body, request_options)


class Baby(Calling[Colour]):
    """`client.baby`."""

    @operation
    async def infer(
        self,
        input: str | Mapping[str, Any],
        *,
        request_options: Options = None,
        **options: Unpack[InferOptions],
    ) -> dict[str, Any]:
        """Answer a prompt: text in, text out.

        Args:
            input: The prompt, or a mapping with `prompt` (or `input`, or `text`), `model` and the
                options, directly or under `options`.
            request_options: What this call overrides.
            **options: The fields of `InferOptions`, over those of *input*. Camel-case names
                (`maxTokens`) are taken everywhere; names that are no option are dropped.

        Returns:
            The answer, as BabyAPI sends it: `["output"]`, `["usage"]`.

        Raises:
            BabyAPIError: The call failed. Nothing was sent if `code` is `PROMPT_REQUIRED`,
                `MODEL_REQUIRED`, `INVALID_OPTIONS` or `INVALID_INFER_INPUT`.
        """
        body = inference_body(input, options, self._default_model)
        return await self._create(*INFER, body, request_options)
