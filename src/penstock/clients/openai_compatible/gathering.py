"""The whole answer from the chunks of a stream: plain dicts are merged, no objects made."""

from __future__ import annotations

from typing import Any

_WHOLE = frozenset({"id", "type", "role", "name", "object", "model", "format", "finish_reason"})
"""Text that a chunk has whole. All other text comes in pieces."""

_OF_CHUNK = frozenset({"choices", "usage", "obfuscation"})
"""What a chunk has for itself; the rest of it is the answer's."""


class Gathering:
    """Merges chunks; linear in their number, whatever their length.

    Text is joined, but for the names and kinds of things, which some servers repeat in every chunk;
    numbers and truth values are replaced; objects are merged; of lists, entries with the same
    `index` are merged (also within one chunk) and others appended. Fields this client does not know
    follow the same rules.

    Args:
        kind: What the answer's `object` says.
    """

    __slots__ = ("_choices", "_first", "_kind", "_last", "_usage")

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._first: dict[str, Any] | None = None
        self._last: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}
        self._usage: Any = None

    def add(self, chunk: dict[str, Any]) -> None:
        """Merge one more chunk."""
        if self._first is None:
            self._first = chunk
        self._last = chunk
        for choice in chunk.get("choices") or ():
            if isinstance(choice, dict):
                index = choice.get("index")
                if type(index) is not int:
                    index = 0
                into = self._choices.get(index)
                if into is None:
                    into = self._choices[index] = {}
                _merge(into, choice)
        if chunk.get("usage"):
            self._usage = chunk["usage"]

    def answer(self) -> dict[str, Any]:
        """Return what was said so far, in the shape of an answer that was not streamed."""
        chunks = ((self._first or {}).items(), self._last.items())
        head = {
            key: value
            for chunk in chunks
            for key, value in chunk
            if key not in _OF_CHUNK and value is not None
        }
        choices = [_whole_choice(self._choices[index]) for index in sorted(self._choices)]
        return {**head, "object": self._kind, "choices": choices, "usage": self._usage}


class _Text(list[str]):
    """Text in pieces: joining them once is linear, adding one to another is not."""


class _Entries(dict[int, dict[str, Any]]):
    """The entries of a list by their `index`."""

    def of(self, piece: dict[str, Any]) -> dict[str, Any]:
        """Return the entry *piece* belongs to, new if it is the first.

        Some servers leave the index out: then a new id begins an entry, and a piece without one
        goes on with the last.
        """
        index = piece.get("index")
        if type(index) is not int:
            known = (at for at, entry in self.items() if entry.get("id") == piece.get("id"))
            last = max(self, default=-1)
            index = next(known, last + 1) if piece.get("id") else max(last, 0)
        return self.setdefault(index, {})


def _merge(into: dict[str, Any], piece: dict[str, Any]) -> None:
    for key, value in piece.items():
        kind = type(value)
        before = into.get(key)
        if value is None:
            into.setdefault(key, None)
        elif kind is str and key not in _WHOLE:
            if type(before) is _Text:
                before.append(value)
            else:
                into[key] = _Text((value,))
        elif kind is dict:
            if type(before) is not dict:
                before = into[key] = {}
            _merge(before, value)
        elif kind is list:
            _merge_list(into, key, value)
        elif value != "":
            into[key] = value


def _merge_list(into: dict[str, Any], key: str, pieces: list[Any]) -> None:
    objects = [piece for piece in pieces if isinstance(piece, dict)]
    before = into.get(key)
    if before is None and (key == "tool_calls" or any("index" in piece for piece in objects)):
        before = into[key] = _Entries()
    if isinstance(before, _Entries):
        for piece in objects:
            _merge(before.of(piece), piece)
    elif type(before) is list:
        before.extend(pieces)
    else:
        into[key] = list(pieces)


def _whole_choice(gathered: dict[str, Any]) -> dict[str, Any]:
    choice: dict[str, Any] = _settled(gathered)
    if "delta" in choice:
        said = choice.pop("delta")
        choice["message"] = message = {"role": "assistant", "content": None, **(said or {})}
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            call.pop("index", None)  # a whole message has its calls in order
    return choice


def _settled(value: Any) -> Any:
    """Return a copy of what was gathered, as plain JSON."""
    if isinstance(value, _Text):
        return "".join(value)
    if isinstance(value, _Entries):
        return [_settled(value[index]) for index in sorted(value)]
    if isinstance(value, dict):
        return {key: _settled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_settled(item) for item in value]
    return value
