"""BabyAPI's endpoints: the name of each operation, its path, and the fields of its body.

Type checkers know these fields, and a body is sent with any others too: for a type checker, as
`**{"guided_json": schema}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Required, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CHAT = ("chat.completions.create", "/v1/chat/completions")
COMPLETIONS = ("completions.create", "/v1/completions")
EMBEDDINGS = ("embeddings.create", "/v1/embeddings")
RERANK = ("rerank.create", "/v1/rerank")
INFER = ("baby.infer", "/infer")


class Sampling(TypedDict, total=False):
    """How an answer is drawn; each model has defaults of its own.

    Attributes:
        max_tokens: The most tokens of the answer.
        temperature: How much chance there is in it: 0 for none.
        top_p: The share of likely tokens that is considered, from 0 to 1.
        top_k: How many likely tokens are considered.
        stop: Texts that end the answer.
        presence_penalty: From -2 to 2: how much tokens that came before are avoided.
        frequency_penalty: From -2 to 2: how much repeated tokens are avoided.
        n: How many answers to give.
        seed: The same seed tends to give the same answer.
    """

    max_tokens: int | None
    temperature: float | None
    top_p: float | None
    top_k: int | None
    stop: str | Sequence[str] | None
    presence_penalty: float | None
    frequency_penalty: float | None
    n: int | None
    seed: int | None


class ChatBody(Sampling, total=False):
    """A chat.

    Attributes:
        model: The model.
        messages: The conversation so far; content is text, or a list with texts and images.
        response_format: What form the answer must have, such as `{"type": "json_object"}`.
        tools: The functions the model may call.
        tool_choice: `none`, `auto`, `required`, or the function to call.
    """

    model: Required[str]
    messages: Required[Sequence[Mapping[str, Any]]]
    response_format: Mapping[str, Any] | None
    tools: Sequence[Mapping[str, Any]] | None
    tool_choice: str | Mapping[str, Any] | None


class CompletionBody(Sampling, total=False):
    """A text to continue.

    Attributes:
        model: The model.
        prompt: The text.
    """

    model: Required[str]
    prompt: Required[str | Sequence[str]]


class EmbeddingBody(TypedDict, total=False):
    """Texts to embed.

    Attributes:
        model: The embedding model.
        input: A text, or several.
        encoding_format: How vectors come back: `float` (JSON numbers) or `base64`.
        dimensions: How long each vector is to be.
        truncate_prompt_tokens: The most tokens of a text to keep (vLLM).
    """

    model: Required[str]
    input: Required[str | Sequence[str]]
    encoding_format: Literal["float", "base64"]
    dimensions: int
    truncate_prompt_tokens: int


class RerankBody(TypedDict, total=False):
    """Documents to rank.

    Attributes:
        model: The reranker model.
        query: What is asked.
        documents: The documents.
        top_n: How many of the best to give.
        return_documents: Whether the text of each comes back with its score.
        truncate_prompt_tokens: The most tokens to keep (vLLM).
    """

    model: Required[str]
    query: Required[str]
    documents: Required[Sequence[str]]
    top_n: int
    return_documents: bool
    truncate_prompt_tokens: int
