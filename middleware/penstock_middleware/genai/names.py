"""Every name of OpenTelemetry's GenAI telemetry that is used, in the two versions there are.

`V1_41` is what shipping instrumentations emit: the GenAI conventions of OpenTelemetry's semantic
conventions 1.41. In 1.42 they moved to `open-telemetry/semantic-conventions-genai`, where they are
in development: `LATEST` is that, as of autumn 2026. All of it may change; it is changed here alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from penstock_middleware.genai import values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SCOPE = "penstock.genai"

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_ID = "gen_ai.response.id"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ = "gen_ai.usage.cache_read.input_tokens"
CACHE_CREATION = "gen_ai.usage.cache_creation.input_tokens"
CACHE_WRITE = "gen_ai.usage.cache_write.input_tokens"
REASONING = "gen_ai.usage.reasoning.output_tokens"
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
TOOL_DEFINITIONS = "gen_ai.tool.definitions"
DETAILS = "gen_ai.client.inference.operation.details"
OPENAI_API = "openai.api.type"
OPENAI_TIER = "openai.response.service_tier"
OPENAI_FINGERPRINT = "openai.response.system_fingerprint"

OPERATIONS = {
    "/chat/completions": "chat",
    "/completions": "text_completion",
    "/embeddings": "embeddings",
    "/rerank": "rerank",
}
"""What an operation is called, by the end of its path in OpenAI-shaped APIs. `rerank` has no name
in the conventions yet, which let it have one of ours; it is the one others use.
"""

NOT_INFERENCE = frozenset({"embeddings", "rerank"})
"""Operations that generate nothing: there is no event of what was said."""

OPENAI = "openai"

PROVIDERS = {
    "api.anthropic.com": "anthropic",
    "api.cohere.ai": "cohere",
    "api.cohere.com": "cohere",
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.moonshot.ai": "moonshot_ai",
    "api.moonshot.cn": "moonshot_ai",
    "api.perplexity.ai": "perplexity",
    "api.x.ai": "x_ai",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "openai.azure.com": "azure.ai.openai",
}
"""Providers the conventions have a name for, by their host or the domain it is in."""

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""Bucket boundaries of durations in either version."""

TOKENS = tuple(4**power for power in range(14))
"""Bucket boundaries of counts of tokens in either version: 1 to 67,108,864."""


class TokenMetric(NamedTuple):
    """A metric of tokens.

    Attributes:
        attribute: The span's attribute that has the count.
        name: The metric's.
        more: Attributes of its own.
        is_counter: Whether it is a counter, and not a histogram.
        counts_none: Whether a call of which no count is known counts as 0.
        tells_error: Whether it has `error.type`.
    """

    attribute: str
    name: str
    more: Mapping[str, str] = {}
    is_counter: bool = False
    counts_none: bool = False
    tells_error: bool = False


@dataclass(frozen=True, slots=True)
class Names:
    """One version of the conventions.

    Attributes:
        schema_url: Its schema's.
        requested: By the field of a request: the attribute, and what makes its value.
        requested_of_openai: The same for what only OpenAI's conventions know.
        used: By the field of a response's `usage`: the attribute of its count.
        used_in_detail: By the field of a `usage` that has more fields: the same of these.
        duration: The metric of how long an operation took.
        durations: Operations that have another.
        first_chunk: The metric of how long a stream's first chunk took.
        each_chunk: The metric of how long each further one took after the one before it.
        tokens: The metrics of tokens, by operation; those of any other are by the empty string.
        broken_reason: The finish reason of a choice whose stream broke before it had one, or None.
    """

    schema_url: str
    requested: Mapping[str, tuple[str, Callable[[Any], Any]]]
    requested_of_openai: Mapping[str, tuple[str, Callable[[Any], Any]]]
    used: Mapping[str, str]
    used_in_detail: Mapping[str, Mapping[str, str]]
    duration: str
    durations: Mapping[str, str]
    first_chunk: str
    each_chunk: str
    tokens: Mapping[str, tuple[TokenMetric, ...]]
    broken_reason: str | None


V1_41 = Names(
    schema_url="https://opentelemetry.io/schemas/1.41.0",
    requested={
        "dimensions": ("gen_ai.embeddings.dimension.count", values.whole),
        "encoding_format": ("gen_ai.request.encoding_formats", values.texts),
        "frequency_penalty": ("gen_ai.request.frequency_penalty", values.number),
        "max_completion_tokens": ("gen_ai.request.max_tokens", values.whole),
        "max_tokens": ("gen_ai.request.max_tokens", values.whole),
        "model": (REQUEST_MODEL, values.text),
        "modalities": ("gen_ai.output.type", values.modality),
        "n": ("gen_ai.request.choice.count", values.several),
        "presence_penalty": ("gen_ai.request.presence_penalty", values.number),
        "response_format": ("gen_ai.output.type", values.output_type),
        "seed": ("gen_ai.request.seed", values.whole),
        "stop": ("gen_ai.request.stop_sequences", values.texts),
        "stream": ("gen_ai.request.stream", values.true),
        "temperature": ("gen_ai.request.temperature", values.number),
        "top_k": ("gen_ai.request.top_k", values.number),
        "top_p": ("gen_ai.request.top_p", values.number),
    },
    requested_of_openai={"service_tier": ("openai.request.service_tier", values.tier)},
    used={
        "prompt_tokens": INPUT_TOKENS,
        "completion_tokens": OUTPUT_TOKENS,
        "input_tokens": INPUT_TOKENS,
        "output_tokens": OUTPUT_TOKENS,
        "cache_creation_input_tokens": CACHE_CREATION,
    },
    used_in_detail={
        "prompt_tokens_details": {"cached_tokens": CACHE_READ},
        "completion_tokens_details": {"reasoning_tokens": REASONING},
    },
    duration="gen_ai.client.operation.duration",
    durations={},
    first_chunk="gen_ai.client.operation.time_to_first_chunk",
    each_chunk="gen_ai.client.operation.time_per_output_chunk",
    tokens={
        "": (
            TokenMetric(INPUT_TOKENS, "gen_ai.client.token.usage", {"gen_ai.token.type": "input"}),
            TokenMetric(
                OUTPUT_TOKENS, "gen_ai.client.token.usage", {"gen_ai.token.type": "output"}
            ),
        )
    },
    broken_reason=None,
)


def _spent(attribute: str, *, counts_none: bool = False) -> TokenMetric:
    """Return the counter of tokens spent; which of them were text is not told apart."""
    name = attribute.replace("gen_ai.usage.", "gen_ai.client.inference.usage.")
    more = {"gen_ai.token.modality": "unknown"}
    return TokenMetric(attribute, name, more, is_counter=True, counts_none=counts_none)


_INFERENCE = (
    _spent(INPUT_TOKENS, counts_none=True),
    _spent(OUTPUT_TOKENS, counts_none=True),
    _spent(CACHE_READ),
    _spent(CACHE_WRITE),
    _spent(REASONING),
    TokenMetric(
        INPUT_TOKENS,
        "gen_ai.client.inference.operation.input_tokens",
        counts_none=True,
        tells_error=True,
    ),
    TokenMetric(
        OUTPUT_TOKENS,
        "gen_ai.client.inference.operation.output_tokens",
        counts_none=True,
        tells_error=True,
    ),
)

LATEST = replace(
    V1_41,
    schema_url="https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev",
    requested={
        **V1_41.requested,
        "reasoning_effort": ("gen_ai.request.reasoning.level", values.text),
        "top_k": ("gen_ai.request.top_k", values.whole),
    },
    used={**V1_41.used, "cache_creation_input_tokens": CACHE_WRITE},
    durations={
        "chat": "gen_ai.client.inference.duration",
        "text_completion": "gen_ai.client.inference.duration",
        "embeddings": "gen_ai.client.embeddings.duration",
    },
    first_chunk="gen_ai.client.inference.time_to_first_chunk",
    each_chunk="gen_ai.client.inference.time_per_output_chunk",
    tokens={
        "": (),
        "chat": _INFERENCE,
        "text_completion": _INFERENCE,
        "embeddings": (
            TokenMetric(
                INPUT_TOKENS,
                "gen_ai.client.embeddings.operation.input_tokens",
                counts_none=True,
                tells_error=True,
            ),
        ),
    },
    broken_reason="error",
)


def names_of(environ: Mapping[str, str]) -> Names:
    """Return the version the application wants.

    Args:
        environ: `gen_ai_latest_experimental` among what `OTEL_SEMCONV_STABILITY_OPT_IN` has in it,
            with commas between, is the latest; without it, it is 1.41.
    """
    wanted = environ.get("OTEL_SEMCONV_STABILITY_OPT_IN", "").split(",")
    return LATEST if "gen_ai_latest_experimental" in {one.strip() for one in wanted} else V1_41


def provider_of(host: str) -> str:
    """Return the provider at *host*; `openai`, whose API it is that they speak, of any other."""
    while host:
        if host in PROVIDERS:
            return PROVIDERS[host]
        host = host.partition(".")[2]
    return OPENAI
