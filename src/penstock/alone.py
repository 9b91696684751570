"""A critical section that neither an interruption nor a fork leaves locked."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


class _Forks:
    """Counts how often this process is the child of a fork."""

    count = 0

    def note(self) -> None:
        self.count += 1


FORKS = _Forks()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=FORKS.note)


class Alone:
    """Lets one thread at a time change what many share.

    A `threading.Lock` in a `with` is not enough: what is raised between its last statement and its
    exit, as a tracer does there and a signal may, leaves it locked; and so does a fork while
    another thread holds it, as that thread is not there in the child.
    """

    __slots__ = ("_forks", "_lock")

    def __init__(self) -> None:
        self._forks = FORKS.count
        self._lock = threading.RLock()  # it alone knows whose it is

    def run(self, change: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Return what *change* returns, called while no other thread is in here.

        Args:
            change: What to do. It must not wait, nor come here again and raise.
            *args: Its arguments.
            **options: Its keyword arguments.
        """
        lock = self._own()
        try:
            with lock:
                return change(*args, **options)
        except BaseException:
            with contextlib.suppress(RuntimeError):  # this thread does not hold it: as it should
                lock.release()
            raise

    def run_if_free(self, change: Callable[[], object]) -> bool:
        """Call *change*, unless another thread is in here, and tell whether it was called."""
        lock = self._own()
        if not lock.acquire(blocking=False):
            return False
        try:
            change()
        finally:
            lock.release()
        return True

    def _own(self) -> threading.RLock:
        if self._forks != FORKS.count:
            self._lock, self._forks = threading.RLock(), FORKS.count
        return self._lock
