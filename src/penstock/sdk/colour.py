"""The two colours, as types: they say whether a resource's methods are awaited."""

from __future__ import annotations

from typing import TypeVar


class Sync:
    """Methods return their result."""


class Async:
    """Methods return an awaitable of their result."""


Colour = TypeVar("Colour", Sync, Async)
"""The colour of a resource: `class Completions(Resource[Colour])`."""
