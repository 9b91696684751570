"""A task beside the one that runs, on whichever event loop that is."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine


def spawn(fn: Callable[[], Coroutine[Any, Any, None]]) -> Awaitable[None] | None:
    """Run `fn()` beside this task, in a copy of its context.

    It is for work that outlives a step of an iterator, which no task group can. *fn* raises
    nothing, and ends by itself or with its event loop.

    Returns:
        What must be kept until it has ended, if anything.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        import trio

        trio.lowlevel.spawn_system_task(fn, context=copy_context())
        return None
    return loop.create_task(fn())
