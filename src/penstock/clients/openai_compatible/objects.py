"""What comes back: the objects of OpenAI's API reference, each with what a server adds to it."""

from __future__ import annotations

from typing import Any

from penstock import ListModel, Model


class CompletionUsage(Model):
    """How many tokens a call took."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: dict[str, Any] | None
    completion_tokens_details: dict[str, Any] | None


class Function(Model):
    """The function a tool call names, and its arguments as JSON text."""

    name: str
    arguments: str


class ToolCall(Model):
    """A call of a tool the model asks for. In a chunk, `index` says which one it is a piece of."""

    id: str
    type: str
    function: Function
    index: int | None


class ChatCompletionMessage(Model):
    """What the model says."""

    role: str
    content: str | None
    refusal: str | None
    tool_calls: list[ToolCall] | None
    annotations: list[dict[str, Any]] | None
    audio: dict[str, Any] | None


class Choice(Model):
    """One answer of several (`n=`), usually the only one."""

    index: int
    message: ChatCompletionMessage
    finish_reason: str
    logprobs: dict[str, Any] | None


class ChatCompletion(Model):
    """The answer to a chat."""

    id: str
    object: str
    created: int
    model: str
    choices: list[Choice]
    usage: CompletionUsage | None
    service_tier: str | None
    system_fingerprint: str | None


class ChoiceDelta(Model):
    """What one chunk adds to a message."""

    role: str | None
    content: str | None
    refusal: str | None
    tool_calls: list[ToolCall] | None


class ChunkChoice(Model):
    """What one chunk adds to a choice."""

    index: int
    delta: ChoiceDelta
    finish_reason: str | None
    logprobs: dict[str, Any] | None


class ChatCompletionChunk(Model):
    """One event of a streamed chat. With `stream_options={"include_usage": True}`, the last one has
    the usage and no choices.
    """  # noqa: D205 - one thought

    id: str
    object: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: CompletionUsage | None
    service_tier: str | None
    system_fingerprint: str | None


class CompletionChoice(Model):
    """One continuation of a prompt."""

    index: int
    text: str
    finish_reason: str | None
    logprobs: dict[str, Any] | None


class Completion(Model):
    """The continuation of a prompt, or one event of a streamed one."""

    id: str
    object: str
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: CompletionUsage | None
    system_fingerprint: str | None


class Embedding(Model):
    """The vector of one input."""

    index: int
    object: str
    embedding: list[float]


class EmbeddingUsage(Model):
    """How many tokens the inputs took."""

    prompt_tokens: int
    total_tokens: int


class CreateEmbeddingResponse(ListModel[Embedding]):
    """The vectors of the inputs, in their order: iterable and sized like `data`."""

    object: str
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


class RerankDocument(Model):
    """A document that was ranked."""

    text: str


class RerankResult(Model):
    """How well one document answers the query: `index` is its place among those given."""

    index: int
    relevance_score: float
    document: RerankDocument | None


class RerankResponse(Model):
    """The documents by relevance, best first."""

    id: str
    model: str
    results: list[RerankResult]
    usage: dict[str, Any] | None


class ModelInfo(Model):
    """A model the server has."""

    id: str
    object: str
    created: int
    owned_by: str


class ModelList(ListModel[ModelInfo]):
    """The models the server has: iterable and sized like `data`."""

    object: str
    data: list[ModelInfo]
