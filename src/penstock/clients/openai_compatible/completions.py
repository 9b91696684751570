"""`completions`: the continuation of a prompt, whole or streamed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Unpack, overload

from penstock import Colour, Resource, overloaded, streaming_as
from penstock.clients.openai_compatible.arguments import arguments
from penstock.clients.openai_compatible.objects import Completion
from penstock.clients.openai_compatible.params import CompletionParams
from penstock.clients.openai_compatible.streams import (
    Answer,
    AsyncCompletionStream,
    AsyncTextStream,
    CompletionStream,
    TextStream,
)

Prompt = str | Sequence[str] | Sequence[int] | Sequence[Sequence[int]] | None
"""A text, several, or the tokens of one or several."""

_OPERATION = "completions.create"
_PATH = "/completions"
_KNOWN = frozenset(CompletionParams.__annotations__)


class Create:
    """The signatures of `create` in a sync client."""

    @overload
    def __call__(
        self,
        *,
        model: str,
        prompt: Prompt,
        stream: Literal[False] | None = False,
        **params: Unpack[CompletionParams],
    ) -> Completion: ...
    @overload
    def __call__(
        self,
        *,
        model: str,
        prompt: Prompt,
        stream: Literal[True],
        **params: Unpack[CompletionParams],
    ) -> TextStream: ...
    @overload
    def __call__(
        self, *, model: str, prompt: Prompt, stream: bool, **params: Unpack[CompletionParams]
    ) -> Completion | TextStream: ...
    def __call__(self, **params: Any) -> Any:
        """See `Completions.create`."""


class AsyncCreate:
    """The signatures of `create` in an async client."""

    @overload
    async def __call__(
        self,
        *,
        model: str,
        prompt: Prompt,
        stream: Literal[False] | None = False,
        **params: Unpack[CompletionParams],
    ) -> Completion: ...
    @overload
    async def __call__(
        self,
        *,
        model: str,
        prompt: Prompt,
        stream: Literal[True],
        **params: Unpack[CompletionParams],
    ) -> AsyncTextStream: ...
    @overload
    async def __call__(
        self, *, model: str, prompt: Prompt, stream: bool, **params: Unpack[CompletionParams]
    ) -> Completion | AsyncTextStream: ...
    async def __call__(self, **params: Any) -> Any:
        """See `Completions.create`."""


class Completions(Resource[Colour]):
    """`client.completions`."""

    @overloaded(Create, AsyncCreate)
    async def create(
        self,
        *,
        model: str,
        prompt: Prompt,
        stream: bool | None = False,
        **params: Unpack[CompletionParams],
    ) -> Any:
        """Continue a prompt.

        Args:
            model: The model's name.
            prompt: The text, several texts, or the tokens of either.
            stream: Whether the continuation comes as it is made.
            **params: The fields of `CompletionParams`, `extra_headers`, `extra_query`,
                `extra_body`, `timeout` and `request_options` among them.

        Returns:
            A `Completion`; with *stream*, a `TextStream` (`AsyncTextStream`) that is open: its
            response has come.

        Raises:
            APIError: As in `chat.completions.create`.
            InvalidOption: A parameter is unknown or cannot be sent; nothing was.
        """
        body = {"model": model, "prompt": prompt}
        if stream:
            return await self._open(self._chunks(params, body))
        call = arguments(_OPERATION, _KNOWN, params, body)
        return await self._fetch(Completion, "POST", _PATH, **call)

    @streaming_as(TextStream, AsyncTextStream)
    def stream(self, *, model: str, prompt: Prompt, **params: Unpack[CompletionParams]) -> Any:
        """Continue a prompt as the continuation is made.

        Args:
            model: As in `create`.
            prompt: As in `create`.
            **params: As in `create`.

        Returns:
            A stream of `Completion`, each with a piece of the text; `final()` has the whole.

        Raises:
            APIError: While iterating, as in `chat.completions.stream`.
        """
        return self._chunks(params, {"model": model, "prompt": prompt})

    def _chunks(
        self, params: CompletionParams, body: dict[str, Any]
    ) -> TextStream | AsyncTextStream:
        body["stream"] = True
        events = self._events("POST", _PATH, **arguments(_OPERATION, _KNOWN, params, body))
        answer = Answer(Completion, Completion, "text_completion")
        if self.is_async:
            return AsyncCompletionStream(events, answer)
        return CompletionStream(events, answer)
