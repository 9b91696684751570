"""How a backoff can be spread; apart from `backoff`, which imports tenacity."""

from typing import Final, Literal, get_args

Jitter = Literal["full", "equal", "decorrelated", "proportional", "none"]

JITTERS: Final[tuple[str, ...]] = get_args(Jitter)
