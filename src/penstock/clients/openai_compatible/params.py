"""What the methods take: the parameters of OpenAI's API reference, and what each call may add."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from penstock import Model, RequestOptions, TimeoutValue

Message = Mapping[str, Any] | Model
"""A message of a chat: a dict, or one that was received."""


class CallArguments(TypedDict, total=False):
    """What every method takes beside its own parameters.

    Attributes:
        extra_headers: Headers of this call, over the client's.
        extra_query: Query parameters of this call, over the client's.
        extra_body: Fields of the body beyond those listed: what one server takes and others do not.
            They win over the parameters.
        timeout: Seconds for one attempt, an `httpx.Timeout`, or None for no limit.
        request_options: A `RequestOptions`, or a dict of its fields; wins over everything else.
    """

    extra_headers: Mapping[str, Any] | None
    extra_query: Mapping[str, Any] | None
    extra_body: Mapping[str, Any] | None
    timeout: TimeoutValue
    request_options: RequestOptions | Mapping[str, Any] | None


class ChatParams(CallArguments, total=False):
    """The parameters of a chat beside model and messages; a server may know fewer.

    Attributes:
        audio: How audio is to come: `{"voice", "format"}`.
        frequency_penalty: From -2 to 2: how much repeated tokens are avoided.
        function_call: The predecessor of `tool_choice`.
        functions: The predecessor of `tools`.
        logit_bias: From -100 to 100 for each token id: how much likelier it gets.
        logprobs: Whether the log probabilities of the tokens come along.
        max_completion_tokens: The most tokens of an answer, those of reasoning among them.
        max_tokens: The same under its older name, which most servers know.
        metadata: Up to 16 pairs of text kept with the answer.
        modalities: What the answer may be: `text`, `audio`.
        moderation: How inputs and answer are to be moderated.
        n: How many answers to give.
        parallel_tool_calls: Whether several tools may be called at once.
        prediction: What the answer will likely be, to have it sooner.
        presence_penalty: From -2 to 2: how much tokens that came before are avoided.
        prompt_cache_key: What similar requests have in common, for the server's cache.
        prompt_cache_options: How the server's cache is to be used.
        prompt_cache_retention: How long the server's cache keeps the prompt.
        reasoning_effort: How much to think: `none`, `minimal`, `low`, `medium`, `high`, ….
        response_format: `{"type": "json_object"}`, or `json_schema` with a schema.
        safety_identifier: Names the end user, hashed.
        seed: The same seed tends to give the same answer.
        service_tier: Which class of service to use.
        stop: Up to four texts that end the answer.
        store: Whether the server keeps the answer.
        stream_options: `{"include_usage": True}` has the usage come with the last chunk.
        temperature: From 0 to 2: how much chance there is in the answer.
        tool_choice: `none`, `auto`, `required`, or the tool to call.
        tools: The tools that may be called.
        top_logprobs: How many likely tokens `logprobs` gives for each place, 0 to 20.
        top_p: From 0 to 1: the share of likely tokens that is considered.
        user: The predecessor of `safety_identifier`.
        verbosity: How long the answer may get: `low`, `medium`, `high`.
        web_search_options: How the web is searched.
    """

    audio: Mapping[str, Any] | None
    frequency_penalty: float | None
    function_call: str | Mapping[str, Any]
    functions: Sequence[Mapping[str, Any]]
    logit_bias: Mapping[str, int] | None
    logprobs: bool | None
    max_completion_tokens: int | None
    max_tokens: int | None
    metadata: Mapping[str, str] | None
    modalities: Sequence[str] | None
    moderation: Mapping[str, Any] | None
    n: int | None
    parallel_tool_calls: bool
    prediction: Mapping[str, Any] | None
    presence_penalty: float | None
    prompt_cache_key: str | None
    prompt_cache_options: Mapping[str, Any]
    prompt_cache_retention: str | None
    reasoning_effort: str | None
    response_format: Mapping[str, Any]
    safety_identifier: str | None
    seed: int | None
    service_tier: str | None
    stop: str | Sequence[str] | None
    store: bool | None
    stream_options: Mapping[str, Any] | None
    temperature: float | None
    tool_choice: str | Mapping[str, Any]
    tools: Sequence[Mapping[str, Any]]
    top_logprobs: int | None
    top_p: float | None
    user: str
    verbosity: str | None
    web_search_options: Mapping[str, Any]


class CompletionParams(CallArguments, total=False):
    """The parameters of a text completion beside model and prompt.

    Attributes:
        best_of: How many continuations to choose the best from.
        echo: Whether the prompt comes back before the continuation.
        frequency_penalty: As in a chat.
        logit_bias: As in a chat.
        logprobs: How many likely tokens to give for each place, up to 5.
        max_tokens: The most tokens of a continuation.
        n: How many continuations of each prompt to give.
        presence_penalty: As in a chat.
        seed: As in a chat.
        stop: As in a chat.
        stream_options: As in a chat.
        suffix: What comes after the continuation.
        temperature: As in a chat.
        top_p: As in a chat.
        user: As in a chat.
    """

    best_of: int | None
    echo: bool | None
    frequency_penalty: float | None
    logit_bias: Mapping[str, int] | None
    logprobs: int | None
    max_tokens: int | None
    n: int | None
    presence_penalty: float | None
    seed: int | None
    stop: str | Sequence[str] | None
    stream_options: Mapping[str, Any] | None
    suffix: str | None
    temperature: float | None
    top_p: float | None
    user: str


class EmbeddingParams(CallArguments, total=False):
    """The parameters of an embedding beside model and input.

    Attributes:
        dimensions: How long each vector is to be.
        encoding_format: How vectors travel: `float`, as JSON numbers, or `base64`, as the bytes of
            32-bit floats, which is a fraction of the size. They come out as floats either way.
        user: As in a chat.
    """

    dimensions: int
    encoding_format: Literal["float", "base64"]
    user: str


class RerankParams(CallArguments, total=False):
    """The parameters of a ranking beside model, query and documents.

    Attributes:
        top_n: How many of the best to give; all unless given.
        return_documents: Whether the text of each document comes back with its score.
    """

    top_n: int | None
    return_documents: bool | None
