"""What all objects of Bayt's have: Bayt's names and Python's."""

from __future__ import annotations

from typing import Any

from penstock import Model


class BaytModel(Model):
    """A JSON object of Bayt's.

    An item is had by the name Bayt sends it under (`systemPrompt`), else by that of an attribute
    (`system`); what is neither reads as None. `in`, `keys()` and iteration go by what was sent.
    """

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        if key in self._data:
            return super().__getitem__(key)
        attribute = getattr(type(self), key, None)
        return attribute.__get__(self) if isinstance(attribute, property) else None

    def get(self, key: str, default: Any = None) -> Any:
        """Return the item *key*, or *default* if there is none."""
        value = self[key]
        return default if value is None and key not in self._data else value

    def to_dict(self) -> dict[str, Any]:
        """Return a copy of the JSON object as it came."""
        return dict(self._data)

    def _text(self, key: str, default: str = "") -> str:
        value = self._data.get(key)
        return default if value is None else str(value)
