"""From a value of a request's or a response's JSON to that of an attribute; None for none."""

from __future__ import annotations

from typing import Any


def whole(value: Any) -> int | None:
    """Return a whole number."""
    return value if type(value) is int else None


def number(value: Any) -> float | None:
    """Return a number as the double the conventions want."""
    return float(value) if type(value) in {int, float} else None


def text(value: Any) -> str | None:
    """Return a text that says something."""
    return value if isinstance(value, str) and value else None


def texts(value: Any) -> list[str] | None:
    """Return texts, of which one alone is a list too."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return list(value)
    return None


def true(value: Any) -> bool | None:
    """Return True, and nothing for anything else."""
    return True if value is True else None


def several(value: Any) -> int | None:
    """Return a whole number that is not one."""
    return None if value == 1 else whole(value)


def tier(value: Any) -> str | None:
    """Return a service tier that was chosen: `auto` is none."""
    return None if value == "auto" else text(value)


def output_type(value: Any) -> str | None:
    """Return what a `response_format` asks for: `json` or `text`."""
    kind = value.get("type") if isinstance(value, dict) else None
    return {"json_object": "json", "json_schema": "json", "text": "text"}.get(str(kind))


def modality(value: Any) -> str | None:
    """Return what `modalities` ask for, if it is not plain text."""
    return "speech" if isinstance(value, (list, tuple)) and "audio" in value else None
