"""Asking a request for a value of the right kind; a wrong one is the API's 400."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from penstock.demo.responses import APIError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SECONDS = 3600.0


def whole_number(text: str, name: str, *, low: int, high: int) -> int:
    """Read a whole number written in decimal digits.

    Args:
        text: What was written.
        name: The field it stands in, for the error.
        low: The smallest number allowed.
        high: The largest number allowed.

    Returns:
        The number.

    Raises:
        APIError: 400, when it is no such number.
    """
    if re.fullmatch(r"[0-9]{1,9}", text) and low <= int(text) <= high:
        return int(text)
    raise APIError(400, f"'{name}' must be a whole number from {low} to {high}", param=name)


def seconds(text: str, name: str) -> float:
    """Read a time span, such as `0.5`.

    Args:
        text: What was written, in seconds.
        name: The field it stands in, for the error.

    Returns:
        The seconds, from 0 to 3600.

    Raises:
        APIError: 400, when it is no such number.
    """
    if re.fullmatch(r"[0-9]{0,9}\.?[0-9]{1,9}", text) and float(text) <= MAX_SECONDS:
        return float(text)
    raise APIError(400, f"'{name}' must be seconds from 0 to {MAX_SECONDS:.0f}", param=name)


class Fields:
    """The fields of a JSON object, asked for by kind; `null` counts as absent.

    Args:
        values: The object.

    Attributes:
        values: As given.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def text(self, name: str) -> str:
        """Give a required text that is not empty, or raise `APIError` 400."""
        value = self.values.get(name)
        if isinstance(value, str) and value:
            return value
        raise self._wrong(name, "a text that is not empty")

    def texts(self, name: str) -> list[str]:
        """Give a required text or list of texts as a list, or raise `APIError` 400."""
        value = self.values.get(name)
        if isinstance(value, str):
            return [value]
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            return value
        raise self._wrong(name, "a text or a list of texts that is not empty")

    def objects(self, name: str) -> list[Fields]:
        """Give the fields of each object in a list, none when absent, or raise `APIError` 400."""
        value = self.values.get(name)
        if value is None:
            return []
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return [Fields(item) for item in value]
        raise self._wrong(name, "a list of objects")

    def section(self, name: str) -> Fields:
        """Give the fields of a nested object, empty when absent, or raise `APIError` 400."""
        value = self.values.get(name)
        if value is None:
            return Fields({})
        if isinstance(value, dict):
            return Fields(value)
        raise self._wrong(name, "an object")

    def count(self, name: str, *, high: int = 1_000_000) -> int | None:
        """Give a whole number from 1 to `high`, `None` when absent, or raise `APIError` 400."""
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= high:
            return value
        raise self._wrong(name, f"a whole number from 1 to {high}")

    def flag(self, name: str) -> bool:
        """Give a truth value, false when absent, or raise `APIError` 400."""
        value = self.values.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self._wrong(name, "true or false")

    def choice(self, name: str, *allowed: str) -> str:
        """Give one of the allowed texts, the first when absent, or raise `APIError` 400."""
        value = self.values.get(name)
        if value is None:
            return allowed[0]
        if isinstance(value, str) and value in allowed:
            return value
        raise self._wrong(name, "one of " + ", ".join(allowed))

    def _wrong(self, name: str, wanted: str) -> APIError:
        return APIError(400, f"'{name}' must be {wanted}", param=name)
