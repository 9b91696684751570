"""Which stack a client has: its own, its user's, or one that a function makes of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.errors import InvalidOption
from penstock.stack import Stack, is_async

if TYPE_CHECKING:
    from collections.abc import Callable


def choose_stack(
    given: Stack | Callable[[Stack], Stack] | None, standard: Callable[[], Stack]
) -> Stack:
    """Return the stack of a client.

    Args:
        given: What its user gave: a stack, or a function that makes one from what it would be
            otherwise, or None.
        standard: Makes what it would be otherwise.

    Raises:
        InvalidOption: *given* is neither.
    """
    if given is None:
        return standard()
    if callable(given) and not is_async(given):
        given = given(standard())
    return checked_stack(given)


def checked_stack(stack: Any) -> Stack:
    """Return *stack* if it is one."""
    if not isinstance(stack, Stack):
        kind = type(stack).__name__
        msg = f"stack must be a Stack, or a function that returns one, not {kind}"
        raise InvalidOption(msg)
    return stack
