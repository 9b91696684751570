"""A critical section that an interruption cannot leave locked."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


def run_alone(
    lock: threading.RLock, change: Callable[P, T], *args: P.args, **options: P.kwargs
) -> T:
    """Return what *change* returns, called while no other thread holds *lock*.

    A `with` alone is not enough: what is raised between its last statement and its exit, as a
    tracer does there and a signal may, leaves the lock to nobody.

    Args:
        lock: The lock. It is reentrant because such a one alone knows whose it is.
        change: What to do. It must not come here again with the same lock and raise.
        *args: Its arguments.
        **options: Its keyword arguments.
    """
    try:
        with lock:
            return change(*args, **options)
    except BaseException:
        with contextlib.suppress(RuntimeError):  # this thread does not hold it: as it should be
            lock.release()
        raise
