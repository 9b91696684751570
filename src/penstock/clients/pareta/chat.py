"""`chat.completions`: an answer to a conversation, whole or streamed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, overload

from penstock import (
    AsyncItemStream,
    Colour,
    Event,
    ItemStream,
    Model,
    overloaded,
    plain,
)
from penstock.clients.pareta.objects import ChatCompletion, ChatCompletionChunk
from penstock.clients.pareta.resource import Options, ParetaResource

_OPERATION = "chat.completions.create"
_PATH = "/v1/chat/completions"

Messages = Sequence[Mapping[str, Any] | Model]
"""A conversation: dicts, or messages that were received."""


class Create:
    """The signatures of `create` in a sync client."""

    @overload
    def __call__(
        self,
        *,
        model: str,
        messages: Messages,
        stream: Literal[False] = False,
        request_options: Options = None,
        **openai_params: Any,
    ) -> ChatCompletion: ...
    @overload
    def __call__(
        self,
        *,
        model: str,
        messages: Messages,
        stream: Literal[True],
        request_options: Options = None,
        **openai_params: Any,
    ) -> ItemStream[ChatCompletionChunk]: ...
    @overload
    def __call__(
        self,
        *,
        model: str,
        messages: Messages,
        stream: bool,
        request_options: Options = None,
        **openai_params: Any,
    ) -> ChatCompletion | ItemStream[ChatCompletionChunk]: ...
    def __call__(self, **params: Any) -> Any:
        """See `Completions.create`."""


class AsyncCreate:
    """The signatures of `create` in an async client."""

    @overload
    async def __call__(
        self,
        *,
        model: str,
        messages: Messages,
        stream: Literal[False] = False,
        request_options: Options = None,
        **openai_params: Any,
    ) -> ChatCompletion: ...
    @overload
    async def __call__(
        self,
        *,
        model: str,
        messages: Messages,
        stream: Literal[True],
        request_options: Options = None,
        **openai_params: Any,
    ) -> AsyncItemStream[ChatCompletionChunk]: ...
    @overload
    async def __call__(
        self,
        *,
        model: str,
        messages: Messages,
        stream: bool,
        request_options: Options = None,
        **openai_params: Any,
    ) -> ChatCompletion | AsyncItemStream[ChatCompletionChunk]: ...
    async def __call__(self, **params: Any) -> Any:
        """See `Completions.create`."""


class Completions(ParetaResource[Colour]):
    """`client.chat.completions`."""

    @overloaded(Create, AsyncCreate)
    async def create(
        self,
        *,
        model: str,
        messages: Messages,
        stream: bool = False,
        request_options: Options = None,
        **openai_params: Any,
    ) -> Any:
        """Answer a conversation. What succeeds is charged to the organization's balance.

        Args:
            model: The id of an endpoint: see `models.list()`.
            messages: The conversation so far: dicts, or messages that were received.
            stream: Whether the answer comes as it is made.
            request_options: See `penstock.RequestOptions`.
            **openai_params: Whatever else OpenAI's chat completions take: `temperature`,
                `max_tokens`, ….

        Returns:
            A `ChatCompletion`; with *stream*, an iterator of `ChatCompletionChunk`, whose request
            is sent when it is first iterated.

        Raises:
            ValueError: There is no model, or there are no messages.
            TypeError: *messages* is a text or a single message.
            InsufficientCreditsError: The balance is used up.
            EndpointNotReadyError: The endpoint is stopped or starting.
            APIStatusError: The server refused.
            APIConnectionError: The wire failed; while iterating, the stream broke off.
        """
        if not model:
            msg = "model is required: the id of an endpoint, from endpoints.deploy() or .list()"
            raise ValueError(msg)
        if not messages:
            msg = "messages is required and must not be empty"
            raise ValueError(msg)
        if isinstance(messages, (str, Mapping)):
            msg = 'messages must be a list of messages: [{"role": "user", "content": "…"}]'
            raise TypeError(msg)
        body = {"model": model, "messages": plain(messages), **openai_params}
        call: dict[str, Any] = {"operation": _OPERATION, "request_options": request_options}
        if not stream:
            return await self._one(ChatCompletion, "POST", _PATH, json=body, **call)
        body["stream"] = True
        return await self._begun(self._stream("POST", _PATH, _chunk, json=body, **call))


class Chat(ParetaResource[Colour]):
    """`client.chat`."""

    @property
    def completions(self) -> Completions[Colour]:
        """Answers to conversations."""
        return self._sub(Completions)


def _chunk(event: Event) -> ChatCompletionChunk | None:
    """Return the chunk an event carries; None for one that carries none."""
    data = event.data
    return ChatCompletionChunk(data) if type(data) is dict else None
