"""Run a coroutine that never suspends, in one step: how the sync client runs middleware."""

from __future__ import annotations

import inspect
import traceback
from typing import TYPE_CHECKING, Any, TypeVar

from penstock.errors import AsyncOnlyError

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


def run_now(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run *coroutine* to its end in one step and return its result.

    Raises:
        AsyncOnlyError: It awaited something that needs an event loop. The message names the
            function, file and line.
    """
    try:
        waited_for = coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # a coroutine's return value is its T
    except (AttributeError, RuntimeError) as error:
        if not _needs_event_loop(error):
            raise
        where = _frame_of(error)
    else:
        where = _innermost(coroutine)
        coroutine.close()
        if hasattr(waited_for, "close"):
            waited_for.close()
    msg = (
        f"{where} awaits something that needs an event loop, inside a sync client: await what "
        "Call.of(request).runtime offers (sleep, lock, event, call, …), or use AsyncClient"
    )
    raise AsyncOnlyError(msg)


def _needs_event_loop(error: AttributeError | RuntimeError) -> bool:
    """Tell the errors asyncio, anyio and trio raise for a missing loop from any others."""
    if isinstance(error, AttributeError):  # asyncio's Event, Queue, … take None for the loop
        return error.obj is None and error.name == "create_future"
    text = str(error)
    return type(error).__name__ in {"AsyncLibraryNotFoundError", "NoEventLoopError"} or (
        "no running event loop" in text or "must be called from async context" in text
    )


def _frame_of(error: BaseException) -> str:
    """Name the innermost coroutine frame of user code that *error* passed through."""
    named = "a middleware"
    for frame, line in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_flags & inspect.CO_COROUTINE and not _is_library(
            frame.f_globals.get("__name__", "")
        ):
            named = _named(frame.f_code, frame.f_locals.get("self"), line)
    return named


def _innermost(coroutine: Any) -> str:
    """Name the innermost frame of user code a suspended coroutine waits in."""
    named = "a middleware"
    while coroutine is not None and getattr(coroutine, "cr_frame", None) is not None:
        frame = coroutine.cr_frame
        if not _is_library(frame.f_globals.get("__name__", "")):
            named = _named(frame.f_code, frame.f_locals.get("self"), frame.f_lineno)
        coroutine = coroutine.cr_await
    return named


def _is_library(module: str) -> bool:
    return module.partition(".")[0] in {"anyio", "asyncio", "sniffio", "trio", "penstock"}


def _named(code: Any, owner: object, line: int) -> str:
    name = f"{type(owner).__name__}.{code.co_name}" if owner is not None else code.co_qualname
    return f"{name} ({code.co_filename}:{line})"
