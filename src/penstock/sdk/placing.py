"""Where a client's user puts middleware of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from penstock.stack import Middleware, Stack


def add_middleware(stack: Stack, middleware: Iterable[Middleware]) -> Stack:
    """Return *stack* with *middleware* around what divides calls from attempts.

    Each goes just outside it (`Retry`, in the standard stack), so that it sees a call once; one
    that says `zone = "attempt"` goes just inside. The first given is the outermost. In a stack that
    nothing divides, they go innermost.

    Args:
        stack: The client's stack.
        middleware: Its user's.

    Raises:
        InvalidOption: Something in it is not a middleware.
        ConfigurationError: The order cannot work.
    """
    own = list(middleware)
    divider = next((layer for layer in stack if getattr(layer, "divides", False) is True), None)
    if divider is None:
        return stack.append(*own)
    outside = [layer for layer in own if getattr(layer, "zone", None) != "attempt"]
    inside = [layer for layer in own if getattr(layer, "zone", None) == "attempt"]
    return stack.before(divider, *outside).after(divider, *inside)
