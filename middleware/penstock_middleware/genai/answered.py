"""What an answer tells of itself, whether it comes whole or chunk by chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock_middleware.genai import names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from penstock_middleware.genai.names import Names

_HEAD = (("id", names.RESPONSE_ID), ("model", names.RESPONSE_MODEL))
_HEAD_OF_OPENAI = (
    *_HEAD,
    ("service_tier", names.OPENAI_TIER),
    ("system_fingerprint", names.OPENAI_FINGERPRINT),
)


class Answer:
    """Gathers what is told, and nothing of what is said.

    Args:
        operation: The operation's name.
        provider: The provider's.
        version: The names in force.
    """

    __slots__ = ("_first", "_head", "_is_embedding", "_last", "_reasons", "_usage", "_version")

    def __init__(self, operation: str, provider: str, version: Names) -> None:
        self._head = _HEAD_OF_OPENAI if provider == names.OPENAI else _HEAD
        self._version = version
        self._is_embedding = operation == "embeddings"
        self._first: dict[str, Any] | None = None
        self._last: dict[str, Any] = {}
        self._usage: Any = None
        self._reasons: dict[int, Any] = {}

    def take(self, document: dict[str, Any]) -> None:
        """Note a whole answer, or its next chunk."""
        if self._first is None:
            self._first = document
        self._last = document
        self._usage = document.get("usage") or self._usage
        for index, choice in choices_in(document):
            reason = choice.get("finish_reason")
            if reason or index not in self._reasons:
                self._reasons[index] = reason

    def attributes(self, *, failed: bool = False) -> dict[str, Any]:
        """Return the attributes of what was told until now.

        Args:
            failed: Whether no more will come, although there was more to say.
        """
        told: dict[str, Any] = {}
        last, first = self._last, self._first or {}
        for field, name in self._head:
            value = last.get(field) or first.get(field)
            if value and isinstance(value, str):
                told[name] = value
        broken = self._version.broken_reason if failed else None
        reasons = [self._reasons[index] or broken for index in sorted(self._reasons)]
        reasons = [reason for reason in reasons if reason and isinstance(reason, str)]
        if reasons:
            told[names.FINISH_REASONS] = reasons
        if isinstance(self._usage, dict):
            self._count(self._usage, told)
        return told

    def _count(self, usage: dict[str, Any], told: dict[str, Any]) -> None:
        version = self._version
        _put(usage, version.used, told)
        for field, used in version.used_in_detail.items():
            if isinstance(usage.get(field), dict):
                _put(usage[field], used, told)
        if self._is_embedding:
            told.pop(names.OUTPUT_TOKENS, None)  # some servers count none


def choices_in(document: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give the choices of an answer or a chunk, each with its index."""
    choices = document.get("choices")
    if isinstance(choices, list):
        for place, choice in enumerate(choices):
            if isinstance(choice, dict):
                index = choice.get("index")
                yield index if type(index) is int else place, choice


def _put(counts: dict[str, Any], used: Mapping[str, str], told: dict[str, Any]) -> None:
    for field, count in counts.items():
        if type(count) is int and field in used:
            told[used[field]] = count
