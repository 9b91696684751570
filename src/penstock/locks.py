"""The locks of a runtime: one for each owner, of a client's threads or an event loop's tasks."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Generic, TypeVar

from anyio.lowlevel import RunVar

from penstock.alone import Alone

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from types import TracebackType

    import anyio

L = TypeVar("L")


class PerOwner(Generic[L]):
    """A lock for each owner, gone when the owner is."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[weakref.ref[object], L]] = {}
        self._guard = Alone()

    def of(self, owner: object, make: Callable[[], L]) -> L:
        """Return the lock of *owner*, made by *make* the first time."""
        return self._guard.run(self._of, owner, make)

    def _of(self, owner: object, make: Callable[[], L]) -> L:
        kept = self._kept.get(id(owner))
        if kept is None:
            number = id(owner)
            kept = weakref.ref(owner, lambda _: self._kept.pop(number, None)), make()
            self._kept[number] = kept
        return kept[1]


class BlockingLock:
    """One use of a lock. Dropped, as an interruption may drop it, it lets go of that."""

    _held = False

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock

    async def __aenter__(self) -> None:
        self._held = self._lock.acquire()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._let_go()

    def __del__(self) -> None:
        if self._held:
            self._let_go()

    def _let_go(self) -> None:
        # On one line, that an interruption finds both done or neither.
        self._held = bool(self._lock.release())  # type: ignore[func-returns-value]  # None: no more


# An event loop's locks go with it: one that died holding a lock must not hang the next.
LOOP_LOCKS: RunVar[PerOwner[anyio.Lock] | None] = RunVar("penstock.locks")
