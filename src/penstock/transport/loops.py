"""Which event loop runs, asyncio's or trio's, and how another thread has something run on it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def running_loop() -> Any:
    """Return what tells one event loop from another: asyncio's loop, or a trio run's token."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        import trio

        return trio.lowlevel.current_trio_token()


def is_running(loop: Any) -> bool:
    """Tell whether *loop*, as `running_loop` returned it, is the one that runs here."""
    with suppress(Exception):
        return running_loop() is loop
    return False


def run_soon(loop: Any, change: Callable[[], None]) -> None:
    """Have *change* run on *loop*: an asyncio event loop, or the token of a trio run."""
    later = getattr(loop, "call_soon_threadsafe", None) or loop.run_sync_soon
    later(change)
