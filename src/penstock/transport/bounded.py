"""An async engine of somebody else's, held to a request's own moment."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio

from penstock.transport.until import Until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


def time_left(request: Any) -> float | None:
    """Return the seconds until the moment after which nothing of *request* may run, or None.

    The moment may change between the head and the body.
    """
    until = request.extensions.get("timeout", {}).get("read")
    if not isinstance(until, Until) or until.at is None:
        return None
    return max(until.at - until.now(), 0.0)


@contextmanager
def ending(request: Any, late: type[Exception]) -> Iterator[None]:
    """Raise *late* when the moment of *request* comes first."""
    seconds = time_left(request)
    if seconds is None:
        yield
        return
    with anyio.move_on_after(seconds) as scope:
        yield
    if scope.cancelled_caught:
        msg = "no time is left"
        raise late(msg)


class BoundedBody:
    """An open body, each step of which ends by the request's moment.

    It is an iterator, not a generator: a reader that leaves in the middle leaves nothing to the
    garbage collector. The family's own stream class stands beside it in the class that is used.

    Args:
        stream: The engine's body.
        request: The request.
        late: What is raised when it is too late.
    """

    def __init__(self, stream: Any, request: Any, late: type[Exception]) -> None:
        self._stream = stream
        self._request = request
        self._late = late
        self._parts: Any = None
        self._reading = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._parts is None:
            self._parts = aiter(self._stream)
        self._reading = True
        try:
            with ending(self._request, self._late):
                chunk: bytes = await anext(self._parts)
        finally:
            self._reading = False
        return chunk

    async def aclose(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""
        await self._stream.aclose()
        if self._parts is None or self._reading:
            return  # another task's read fails now, which unwinds what it is in
        # The engine nests generators. A read of what is closed ends them from the inside out.
        try:
            async for _ in self._parts:
                pass
        except Exception:  # noqa: BLE001, S110 - whatever it is: the body is closed
            pass
