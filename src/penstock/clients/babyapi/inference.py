"""What `client.baby.infer` sends: one prompt, one model, options under either of their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from penstock.clients.babyapi.errors import BabyAPIError

_ALIASES = {
    "max_tokens": "max_tokens",
    "maxTokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "topP": "top_p",
    "top_k": "top_k",
    "topK": "top_k",
    "stop": "stop",
    "presence_penalty": "presence_penalty",
    "presencePenalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "frequencyPenalty": "frequency_penalty",
}
_PROMPTS = ("prompt", "input", "text")


class InferOptions(TypedDict, total=False):
    """What `client.baby.infer` takes by keyword, each option under both its names.

    Attributes:
        model: The model; the client's `default_model` unless given.
        prompt: The prompt, instead of the first argument's.
        text: The prompt where there is no other.
        max_tokens: The most tokens of the answer.
        temperature: How much chance there is in it: 0 for none.
        top_p: The share of likely tokens that is considered, from 0 to 1.
        top_k: How many likely tokens are considered.
        stop: Texts that end the answer.
        presence_penalty: How much tokens that came before are avoided.
        frequency_penalty: How much repeated tokens are avoided.
        options: A mapping of the same options; it wins.
    """

    model: str | None
    prompt: str | None
    text: str | None
    max_tokens: int | None
    maxTokens: int | None
    temperature: float | None
    top_p: float | None
    topP: float | None
    top_k: int | None
    topK: int | None
    stop: str | list[str] | None
    presence_penalty: float | None
    presencePenalty: float | None
    frequency_penalty: float | None
    frequencyPenalty: float | None
    options: Mapping[str, Any] | None


def inference_body(
    given: object, keywords: Mapping[str, Any], default_model: str | None
) -> dict[str, Any]:
    """Return the body of an inference.

    Args:
        given: The prompt, or a mapping with prompt, model and options.
        keywords: The same by keyword; they win, and None counts as absent.
        default_model: The model when none is named.

    Raises:
        BabyAPIError: `INVALID_INFER_INPUT`, `PROMPT_REQUIRED`, `MODEL_REQUIRED` or
            `INVALID_OPTIONS`.
    """
    if not isinstance(given, str | Mapping):
        msg = f"infer() takes a prompt or a mapping, not {type(given).__name__}"
        raise BabyAPIError(msg, code="INVALID_INFER_INPUT")
    merged = {"prompt": given} if isinstance(given, str) else dict(given)
    merged.update((name, value) for name, value in keywords.items() if value is not None)
    prompt = next(filter(None, (_text(merged.get(name)) for name in _PROMPTS)), None)
    if prompt is None:
        msg = "infer() needs a prompt, as `prompt`, `input` or `text`"
        raise BabyAPIError(msg, code="PROMPT_REQUIRED")
    model = _text(merged.get("model")) or default_model
    if not model:
        msg = "infer() needs a model: pass model=, or default_model= to the client"
        raise BabyAPIError(msg, code="MODEL_REQUIRED")
    options = merged.get("options")
    options = {} if options is None else options
    if not isinstance(options, Mapping):
        msg = f"options must be a mapping, not {type(options).__name__}"
        raise BabyAPIError(msg, code="INVALID_OPTIONS")
    direct = {name: merged[name] for name in _ALIASES if name in merged}
    found = {
        name: value
        for source in (direct, options)
        for name, value in source.items()
        if name in _ALIASES and value is not None
    }
    snake = {_ALIASES[name]: value for name, value in found.items()}
    return {"model": model, "prompt": prompt, **snake}


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
