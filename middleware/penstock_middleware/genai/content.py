"""What was said: only for whoever asks for it, by an argument or the application's environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from penstock import scrub
from penstock_middleware.genai import names
from penstock_middleware.genai.answered import choices_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from penstock import Secret

_DEEPEST = 32  # levels: a tool's parameters have a handful


def said_to_model(body: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return what a request says, by attribute: messages or a prompt, and tools.

    Args:
        body: Its JSON body.
    """
    messages = [_message(one) for one in _listed(body.get("messages")) if isinstance(one, dict)]
    prompt = body.get("prompt")
    prompts = [prompt] if isinstance(prompt, str) else _listed(prompt)
    messages += [_spoken("user", one) for one in prompts if isinstance(one, str)]
    said = {names.INPUT_MESSAGES: messages, names.TOOL_DEFINITIONS: _listed(body.get("tools"))}
    return {name: value for name, value in said.items() if value}


def as_texts(said: Mapping[str, Any], secrets: Iterable[Secret]) -> dict[str, str]:
    """Return what was said as JSON, which spans take.

    Args:
        said: By attribute.
        secrets: Credentials in use, which are taken out.
    """
    return {name: _json(value, secrets) for name, value in said.items()}


def as_values(said: Mapping[str, Any], secrets: Iterable[Secret]) -> dict[str, Any]:
    """Return what was said in structured form, which events must have; see `as_texts`.

    What is nested deeper than anybody looks is JSON all the same: an SDK walks it by recursion.
    """
    return {name: _clean(value, secrets) for name, value in said.items()}


class Said:
    """Gathers what a model says, whole or chunk by chunk."""

    __slots__ = ("_choices",)

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}

    def take(self, document: dict[str, Any]) -> None:
        """Note a whole answer, or its next chunk."""
        for index, choice in choices_in(document):
            self._choices.setdefault(index, _Choice()).take(choice)
        if isinstance(document.get("output"), str):  # of an API that has text in, text out
            self._choices.setdefault(0, _Choice()).take({"text": document["output"]})

    def by_model(self) -> dict[str, list[Any]]:
        """Return what was said, by attribute, if anything was."""
        messages = [self._choices[index].message() for index in sorted(self._choices)]
        return {names.OUTPUT_MESSAGES: messages} if messages else {}


class _Choice:
    __slots__ = ("_calls", "_reason", "_role", "_texts")

    def __init__(self) -> None:
        self._role = "assistant"
        self._texts: list[str] = []
        self._calls: dict[int, dict[str, Any]] = {}
        self._reason = "unknown"

    def take(self, choice: dict[str, Any]) -> None:
        said = choice.get("message") or choice.get("delta") or choice
        said = said if isinstance(said, dict) else {}
        self._role = said.get("role") or self._role
        self._reason = choice.get("finish_reason") or self._reason
        for field in ("content", "text", "refusal"):
            if isinstance(said.get(field), str):
                self._texts.append(said[field])
        for place, call in enumerate(_listed(said.get("tool_calls"))):
            if isinstance(call, dict):
                self._take_call(call.get("index", place), call)

    def _take_call(self, index: int, call: dict[str, Any]) -> None:
        known = self._calls.setdefault(index, {"type": "tool_call", "name": "", "arguments": ""})
        function = call.get("function") or {}
        if call.get("id"):
            known["id"] = call["id"]
        known["name"] = function.get("name") or known["name"]
        known["arguments"] += function.get("arguments") or ""

    def message(self) -> dict[str, Any]:
        said = _spoken(self._role, "".join(self._texts))
        said["parts"] += self._calls.values()
        return {**said, "finish_reason": self._reason}


def _message(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message in the conventions' form ("Input messages JSON schema")."""
    role, content = message.get("role"), message.get("content")
    if role == "tool":
        answer = {"id": message.get("tool_call_id"), "response": content}
        return {"role": role, "parts": [{"type": "tool_call_response", **answer}]}
    said = _spoken(role, content if isinstance(content, str) else "")
    said["parts"] += [_part(part) for part in _listed(content) if isinstance(part, dict)]
    calls = _Choice()
    calls.take({"message": {"tool_calls": message.get("tool_calls")}})
    said["parts"] += calls.message()["parts"]
    return said


def _part(part: dict[str, Any]) -> dict[str, Any]:
    """Return a text as it is, and of anything else, which may be long, what it is."""
    if part.get("type") == "text":
        return {"type": "text", "content": part.get("text")}
    return {"type": part.get("type")}


def _spoken(role: Any, said: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": said}] if said else []}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _clean(value: Any, secrets: Iterable[Secret], depth: int = 0) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (dict, list, tuple)) and depth == _DEEPEST:
        return _json(value, secrets)
    if isinstance(value, dict):
        return {
            scrub(str(key), secrets): _clean(one, secrets, depth + 1) for key, one in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_clean(one, secrets, depth + 1) for one in value]
    return scrub(str(value), secrets)


def _json(value: Any, secrets: Iterable[Secret]) -> str:
    return scrub(json.dumps(value, ensure_ascii=False, default=str), secrets)
