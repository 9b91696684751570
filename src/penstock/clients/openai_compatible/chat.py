"""`chat.completions`: an answer to a conversation, whole or streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from penstock import Colour, Resource, overloaded, streaming_as
from penstock.clients.openai_compatible.arguments import arguments, listed
from penstock.clients.openai_compatible.objects import ChatCompletion, ChatCompletionChunk
from penstock.clients.openai_compatible.params import ChatParams, Message
from penstock.clients.openai_compatible.streams import (
    Answer,
    AsyncChatStream,
    AsyncCompletionStream,
    ChatStream,
    CompletionStream,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_OPERATION = "chat.completions.create"
_PATH = "/chat/completions"
_KNOWN = frozenset(ChatParams.__annotations__)
_EXAMPLE = '{"role": "user", "content": "…"}'


class Create:
    """The signatures of `create` in a sync client."""

    @overload
    def __call__(
        self,
        *,
        messages: Iterable[Message],
        model: str,
        stream: Literal[False] | None = False,
        **params: Unpack[ChatParams],
    ) -> ChatCompletion: ...
    @overload
    def __call__(
        self,
        *,
        messages: Iterable[Message],
        model: str,
        stream: Literal[True],
        **params: Unpack[ChatParams],
    ) -> ChatStream: ...
    @overload
    def __call__(
        self,
        *,
        messages: Iterable[Message],
        model: str,
        stream: bool,
        **params: Unpack[ChatParams],
    ) -> ChatCompletion | ChatStream: ...
    def __call__(self, **params: Any) -> Any:
        """See `ChatCompletions.create`."""


class AsyncCreate:
    """The signatures of `create` in an async client."""

    @overload
    async def __call__(
        self,
        *,
        messages: Iterable[Message],
        model: str,
        stream: Literal[False] | None = False,
        **params: Unpack[ChatParams],
    ) -> ChatCompletion: ...
    @overload
    async def __call__(
        self,
        *,
        messages: Iterable[Message],
        model: str,
        stream: Literal[True],
        **params: Unpack[ChatParams],
    ) -> AsyncChatStream: ...
    @overload
    async def __call__(
        self,
        *,
        messages: Iterable[Message],
        model: str,
        stream: bool,
        **params: Unpack[ChatParams],
    ) -> ChatCompletion | AsyncChatStream: ...
    async def __call__(self, **params: Any) -> Any:
        """See `ChatCompletions.create`."""


class ChatCompletions(Resource[Colour]):
    """`client.chat.completions`."""

    @overloaded(Create, AsyncCreate)
    async def create(
        self,
        *,
        messages: Iterable[Message],
        model: str,
        stream: bool | None = False,
        **params: Unpack[ChatParams],
    ) -> Any:
        """Answer a conversation.

        Args:
            messages: The conversation so far: dicts, or messages that were received.
            model: The model's name.
            stream: Whether the answer comes as it is made.
            **params: The fields of `ChatParams`, `extra_headers`, `extra_query`, `extra_body`,
                `timeout` and `request_options` among them.

        Returns:
            A `ChatCompletion`; with *stream*, a `ChatStream` (`AsyncChatStream`) that is open: its
            response has come.

        Raises:
            APIStatusError: The server refused; `RateLimitError` and its kin say what.
            APIConnectionError: The wire failed; `APITimeoutError` among them.
            InvalidOption: A parameter is unknown or cannot be sent, or *messages* is a single one;
                nothing was sent.
        """
        body = {"messages": listed("messages", messages, _EXAMPLE), "model": model}
        if stream:
            return await self._open(self._chunks(params, body))
        call = arguments(_OPERATION, _KNOWN, params, body)
        return await self._fetch(ChatCompletion, "POST", _PATH, **call)

    @streaming_as(ChatStream, AsyncChatStream)
    def stream(
        self, *, messages: Iterable[Message], model: str, **params: Unpack[ChatParams]
    ) -> Any:
        """Answer a conversation as the answer is made.

        The call happens when the stream is entered or first iterated; it is retried until its
        response has come and never afterwards.

        Args:
            messages: As in `create`.
            model: As in `create`.
            **params: As in `create`.

        Returns:
            A stream of `ChatCompletionChunk`, whose `final()` is the whole `ChatCompletion`.

        Raises:
            APIError: While iterating: what `create` raises, an error the server sends in the
                stream, or a stream that breaks off before its end.
        """
        body = {"messages": listed("messages", messages, _EXAMPLE), "model": model}
        return self._chunks(params, body)

    def _chunks(self, params: ChatParams, body: dict[str, Any]) -> ChatStream | AsyncChatStream:
        body["stream"] = True
        events = self._events("POST", _PATH, **arguments(_OPERATION, _KNOWN, params, body))
        answer = Answer(ChatCompletionChunk, ChatCompletion, "chat.completion")
        if self.is_async:
            return AsyncCompletionStream(events, answer)
        return CompletionStream(events, answer)


class Chat(Resource[Colour]):
    """`client.chat`."""

    @property
    def completions(self) -> ChatCompletions[Colour]:
        """Answers to conversations."""
        return self._sub(ChatCompletions)
