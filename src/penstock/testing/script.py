"""A transport that plays a script: one reply for each send, and a record of what was sent."""

from __future__ import annotations

import json as jsonlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import httpx

if TYPE_CHECKING:
    from penstock.testing.clock import VirtualClock

Step = bytes | float | Exception
"""A piece of a body: bytes that come, seconds that pass, or the error that breaks it."""


class Reply:
    """What the server answers to one send.

    Args:
        status: The status.
        headers: Its headers, as a mapping or as pairs.
        json: A body as JSON.
        text: A body as text.
        content: A body as bytes.
        chunks: A body in steps: bytes, seconds to pass, or an exception to raise.
        delay: Seconds that pass before the head.
    """

    def __init__(
        self,
        status: int = 200,
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        json: Any = None,
        text: str | None = None,
        content: bytes | None = None,
        chunks: Iterable[Step] | None = None,
        delay: float = 0.0,
    ) -> None:
        self.status = status
        self.headers = httpx.Headers(headers)  # type: ignore[arg-type]  # pairs are taken in any iterable
        self.delay = delay
        if json is not None:
            content = jsonlib.dumps(json).encode()
            self.headers.setdefault("Content-Type", "application/json")
        elif text is not None:
            content = text.encode()
            self.headers.setdefault("Content-Type", "text/plain; charset=utf-8")
        if chunks is None:
            self.headers.setdefault("Content-Length", str(len(content or b"")))
            chunks = [content] if content else []
        self.steps = list(chunks)

    def __repr__(self) -> str:
        return f"Reply({self.status})"


Scripted = Reply | int | dict[str, Any] | Exception | Callable[[httpx.Request], Any]


class Script(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport for `transport=` of either client: it plays *replies* in order.

    Args:
        replies: What each send gets: a `Reply`, a bare status, a dict (a JSON body), an exception
            to raise, or a function from the request to one of these. The last may be repeated with
            `forever`.
        clock: The clock that delays and pauses advance.
        forever: Whether the last reply answers every further send.

    Attributes:
        requests: The requests that were sent, oldest first, their bodies read.
        bodies: Their bodies.
    """

    def __init__(
        self,
        replies: Iterable[Scripted] = (),
        *,
        clock: VirtualClock | None = None,
        forever: bool = False,
    ) -> None:
        self._replies = list(replies)
        self._clock = clock
        self._forever = forever
        self._open: list[_Body] = []
        self.requests: list[httpx.Request] = []
        self.bodies: list[bytes] = []

    def reply(self, *replies: Scripted) -> Self:
        """Add to the script, and return it."""
        self._replies.extend(replies)
        return self

    @property
    def left(self) -> int:
        """How many replies have not been played."""
        return len(self._replies)

    @property
    def open(self) -> int:
        """How many responses were neither read to their end nor closed."""
        return sum(not body.closed for body in self._open)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Play the next reply."""
        self._record(request, b"".join(request.stream))  # type: ignore[arg-type]  # a sync client sends a sync stream
        return self._play(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Play the next reply."""
        body = b"".join([chunk async for chunk in request.stream])  # type: ignore[union-attr]  # as above, async
        self._record(request, body)
        if self._clock is not None:
            await self._clock.asleep(0)
            self._clock.sleeps.pop()
        return self._play(request)

    def _record(self, request: httpx.Request, body: bytes) -> None:
        self.requests.append(request)
        self.bodies.append(body)

    def _play(self, request: httpx.Request) -> httpx.Response:
        if not self._replies:
            msg = (
                f"the script has no reply for send number {len(self.requests)}: {request.method} "
                f"{request.url.path}"
            )
            raise AssertionError(msg)
        scripted = (
            self._replies[0] if self._forever and len(self._replies) == 1 else self._replies.pop(0)
        )
        if callable(scripted) and not isinstance(scripted, (Reply, Exception)):
            scripted = scripted(request)
        if isinstance(scripted, Exception):
            raise scripted
        reply = _as_reply(scripted)
        if self._clock is not None:
            self._clock.advance(reply.delay)
        body = _Body(reply.steps, self._clock)
        self._open.append(body)
        return httpx.Response(
            reply.status,
            headers=reply.headers,
            stream=body,
            extensions={"http_version": b"HTTP/1.1"},
        )


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, steps: list[Step], clock: VirtualClock | None) -> None:
        self._steps = steps
        self._clock = clock
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for step in self._steps:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, bytes):
                yield step
            elif self._clock is not None:
                self._clock.advance(step)

    def __aiter__(self) -> AsyncIterator[bytes]:
        # Not a generator: one that is left half-way would wait for the garbage collector.
        self._chunks = iter(self)
        return self

    async def __anext__(self) -> bytes:
        for chunk in self._chunks:
            return chunk
        raise StopAsyncIteration

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


def _as_reply(scripted: Any) -> Reply:
    if isinstance(scripted, Reply):
        return scripted
    return Reply(scripted) if isinstance(scripted, int) else Reply(json=scripted)
