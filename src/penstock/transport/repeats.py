"""Notices that an SDK above repeats requests by itself, which multiplies the attempts below it."""

from __future__ import annotations

import warnings
from typing import Any

from penstock.callers import level_above_sdk

_COUNT = "x-stainless-retry-count"
"""How often a request was sent before, in the SDKs that Stainless makes (OpenAI's, Groq's, …)."""


class NestedRetriesWarning(UserWarning):
    """An SDK's own retries multiply those of the transport beneath it."""


def is_repeated(request: Any) -> bool:
    """Tell whether *request* says that the SDK which made it has sent it before."""
    count = request.headers.get(_COUNT, "")
    return count.isdecimal() and int(count) > 0


def warn_of_repeats(transport: str, max_retries: int) -> None:
    """Warn that attempts multiply, where the application calls the SDK.

    Args:
        transport: The class of the transport beneath the SDK.
        max_retries: How many repeats it may add to each request.
    """
    warnings.warn(
        f"the SDK above {transport} repeats a request that may have been repeated {max_retries} "
        "times here already, so their attempts multiply: switch the SDK's retries off where it is "
        f"made (max_retries=0), or these with {transport}(max_retries=0)",
        NestedRetriesWarning,
        stacklevel=level_above_sdk(),
    )
