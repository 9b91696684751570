"""Network backends whose n-th operation fails, in a way of choice."""

from __future__ import annotations

import errno
import itertools
from typing import TYPE_CHECKING, Any

import anyio.lowlevel

if TYPE_CHECKING:
    from collections.abc import Callable

WAYS = ["timeout", "reset", "end", "broken pipe", "no memory", "cancelled"]


class Failure:
    """What goes wrong, and when; and what was opened, and is not closed yet.

    Args:
        core: The engine, `httpcore` or `httpcore2`.
        way: One of `WAYS`.
        at: At which operation, counted from 0.
        cancel: How to cancel an async call; a sync one is interrupted.

    Attributes:
        at: As above; None once it has struck, or for never.
        open: The streams that are open.
        breaks: Whether nothing more comes over a connection afterwards.
    """

    def __init__(self, core: Any, way: str, at: int, cancel: Callable[[], Any]) -> None:
        self._core = core
        self._way = way
        self._cancel = cancel
        self._operations = itertools.count()
        self.at: int | None = at
        self.open: set[Any] = set()
        self.breaks = way in {"reset", "end", "broken pipe"}

    def strikes(self) -> bool:
        """Tell, of one more operation, whether it fails."""
        struck = next(self._operations) == self.at
        if struck:
            self.at = None
        return struck

    def fail(self, operation: str) -> bytes:
        """Fail as the engine's own backend would in an operation, or as the system below it does.

        Args:
            operation: `Connect`, `Read` or `Write`.
        """
        if self._way == "timeout":
            raise getattr(self._core, f"{operation}Timeout")
        if self._way == "broken pipe":
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        if self._way == "no memory":
            raise MemoryError
        if self._way == "cancelled":
            raise KeyboardInterrupt
        if self._way == "end" and operation == "Read":
            return b""
        raise getattr(self._core, f"{operation}Error")

    async def fail_async(self, operation: str) -> bytes:
        """As `fail`, on an event loop."""
        if self._way == "cancelled":
            self._cancel()
            await anyio.lowlevel.checkpoint()
        return self.fail(operation)


class Stream:
    """A connection of either colour's engine, under a failure."""

    def __init__(self, inner: Any, failure: Failure) -> None:
        self._inner = inner
        self._failure = failure
        self._is_dead = False
        failure.open.add(self)

    def _strikes(self) -> bool:
        """Tell whether an operation fails; after a broken connection, all do."""
        if self._failure.strikes():
            self._is_dead = self._failure.breaks
            return True
        return self._is_dead

    def get_extra_info(self, info: str) -> Any:
        return None if info == "socket" else self._inner.get_extra_info(info)

    def close(self) -> None:
        self._failure.open.discard(self)
        self._inner.close()

    async def aclose(self) -> None:
        self._failure.open.discard(self)
        await self._inner.aclose()

    def _upgraded(self, inner: Any) -> Any:
        self._failure.open.discard(self)
        return type(self)(inner, self._failure)


class SyncStream(Stream):
    def read(self, size: int, timeout: Any = None) -> Any:
        strikes = self._strikes()
        return self._failure.fail("Read") if strikes else self._inner.read(size, timeout)

    def write(self, data: bytes, timeout: Any = None) -> None:
        if self._strikes():
            self._failure.fail("Write")
        self._inner.write(data, timeout)

    def start_tls(self, *args: Any, **options: Any) -> Any:
        if self._strikes():
            self._failure.fail("Connect")
        return self._upgraded(self._inner.start_tls(*args, **options))


class AsyncStream(Stream):
    async def read(self, size: int, timeout: Any = None) -> Any:
        if self._strikes():
            return await self._failure.fail_async("Read")
        return await self._inner.read(size, timeout)

    async def write(self, data: bytes, timeout: Any = None) -> None:
        if self._strikes():
            await self._failure.fail_async("Write")
        await self._inner.write(data, timeout)

    async def start_tls(self, *args: Any, **options: Any) -> Any:
        if self._strikes():
            await self._failure.fail_async("Connect")
        return self._upgraded(await self._inner.start_tls(*args, **options))


class SyncBackend:
    """The engine's backend, under a failure."""

    def __init__(self, inner: Any, failure: Failure) -> None:
        self._inner = inner
        self._failure = failure

    def connect_tcp(self, *args: Any, **options: Any) -> Any:
        if self._failure.strikes():
            self._failure.fail("Connect")
        return SyncStream(self._inner.connect_tcp(*args, **options), self._failure)


class AsyncBackend(SyncBackend):
    """As `SyncBackend`, on an event loop."""

    async def connect_tcp(self, *args: Any, **options: Any) -> Any:
        if self._failure.strikes():
            await self._failure.fail_async("Connect")
        return AsyncStream(await self._inner.connect_tcp(*args, **options), self._failure)
