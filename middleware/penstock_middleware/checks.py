"""What a number among a middleware's arguments may be. A bool, an int to Python, is none here."""

from __future__ import annotations

import math

from penstock import InvalidOption


def is_number(value: object) -> bool:
    """Tell whether *value* is an integer or a float."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def check_seconds(name: str, value: object, *, above_zero: bool = False) -> None:
    """Refuse a duration that is not a finite number of seconds from 0 on.

    Args:
        name: The argument's name.
        value: What was given.
        above_zero: Whether 0 is refused too.

    Raises:
        InvalidOption: As said.
    """
    is_finite = is_number(value) and 0 <= value < math.inf  # type: ignore[operator]  # a number
    if not is_finite or (above_zero and not value):
        least = "> 0" if above_zero else ">= 0"
        raise InvalidOption(f"{name} must be a finite number of seconds {least}, not {value!r}")


def check_count(name: str, value: object, least: int = 0) -> None:
    """Refuse a count that is not an integer from *least* on.

    Raises:
        InvalidOption: As said.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidOption(f"{name} must be an integer >= {least}, not {value!r}")
