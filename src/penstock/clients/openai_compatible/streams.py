"""The streams of completions: chunks to iterate over, and the answer they add up to."""

from __future__ import annotations

from typing import Generic, TypeVar

from penstock import (
    AsyncEventStream,
    AsyncItemStream,
    Event,
    EventStream,
    ItemStream,
    Model,
    StreamTruncated,
)
from penstock.clients.openai_compatible.errors import own_error
from penstock.clients.openai_compatible.gathering import Gathering
from penstock.clients.openai_compatible.objects import (
    ChatCompletion,
    ChatCompletionChunk,
    Completion,
)

ChunkT = TypeVar("ChunkT", bound=Model)
AnswerT = TypeVar("AnswerT", bound=Model)

_LEFT = "the stream was left before its end: `snapshot` has what came until then"


class Answer(Generic[ChunkT, AnswerT]):
    """What a stream's chunks add up to.

    Args:
        chunk: The class of a chunk.
        whole: The class of the answer.
        kind: What the answer's `object` says.
    """

    def __init__(self, chunk: type[ChunkT], whole: type[AnswerT], kind: str) -> None:
        self._chunk = chunk
        self._whole = whole
        self._gathering = Gathering(kind)

    def take(self, event: Event) -> ChunkT | None:
        """Return the chunk *event* carries, now part of the answer; None if it carries none."""
        data = event.data
        if type(data) is dict:
            self._gathering.add(data)
            return self._chunk(data)
        if event.raw.strip() and not event.done:
            event.json()  # raises if it cannot be read: that is a hole in the answer
        return None

    @property
    def snapshot(self) -> AnswerT:
        """The answer as far as it was streamed."""
        return self._whole(self._gathering.answer())


class CompletionStream(ItemStream[ChunkT], Generic[ChunkT, AnswerT]):
    """The chunks of a completion: iterate over it, inside `with` or not.

    Args:
        events: The stream of events.
        answer: What the chunks add up to.
    """

    def __init__(self, events: EventStream, answer: Answer[ChunkT, AnswerT]) -> None:
        super().__init__(events, answer.take, own_error)
        self._answer = answer

    @property
    def snapshot(self) -> AnswerT:
        """The answer as far as it was streamed."""
        return self._answer.snapshot

    def final(self) -> AnswerT:
        """Read what is left of the stream and return the whole answer.

        Tool calls are merged by their index; usage is there if the server was asked for it
        (`stream_options={"include_usage": True}`).

        Raises:
            APIError: The stream fails, or was left before its end.
        """
        for _ in self:
            pass
        if not self.completed:
            raise own_error(StreamTruncated(_LEFT))
        return self.snapshot

    def get_final_completion(self) -> AnswerT:
        """Do as `final` does, under the openai package's name."""
        return self.final()


class AsyncCompletionStream(AsyncItemStream[ChunkT], Generic[ChunkT, AnswerT]):
    """The async twin of `CompletionStream`: `async with` and `async for`.

    Args:
        events: The stream of events.
        answer: What the chunks add up to.
    """

    def __init__(self, events: AsyncEventStream, answer: Answer[ChunkT, AnswerT]) -> None:
        super().__init__(events, answer.take, own_error)
        self._answer = answer

    @property
    def snapshot(self) -> AnswerT:
        """The answer as far as it was streamed."""
        return self._answer.snapshot

    async def final(self) -> AnswerT:
        """Read what is left of the stream and return the whole answer: see `CompletionStream`."""
        async for _ in self:
            pass
        if not self.completed:
            raise own_error(StreamTruncated(_LEFT))
        return self.snapshot

    async def get_final_completion(self) -> AnswerT:
        """Do as `final` does, under the openai package's name."""
        return await self.final()


ChatStream = CompletionStream[ChatCompletionChunk, ChatCompletion]
"""The chunks of a chat, adding up to a `ChatCompletion`."""

AsyncChatStream = AsyncCompletionStream[ChatCompletionChunk, ChatCompletion]
"""The async twin of `ChatStream`."""

TextStream = CompletionStream[Completion, Completion]
"""The chunks of a text completion, adding up to a `Completion`."""

AsyncTextStream = AsyncCompletionStream[Completion, Completion]
"""The async twin of `TextStream`."""
