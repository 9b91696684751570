"""What tests of streams are told with: replies of events, and a reader that notes what it saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock import PenstockError
from penstock.testing import Reply

from .support import play

if TYPE_CHECKING:
    from .support import Rig


SSE = {"Content-Type": "text/event-stream; charset=utf-8", "X-Request-Id": "req-1"}
NDJSON = {"Content-Type": "application/x-ndjson"}
DONE = b"data: [DONE]\n\n"


def event(n: int) -> bytes:
    return b'id: %d\ndata: {"n": %d}\n\n' % (n, n)


def sse(*chunks: Any, **options: Any) -> Reply:
    return Reply(headers=SSE, chunks=chunks, **options)


class Reading:
    """What a reader of a stream saw: the events, the error that ended it, and the stream."""

    def __init__(self, server: Rig, leave_after: int | None = None, **call: Any) -> None:
        self.events: list[Any] = []
        self.error: PenstockError | None = None
        self.stream: Any = None
        self._leave_after = leave_after
        self._call = call
        self._server = server
        play(server.colour, self._read)

    async def _read(self) -> None:
        self.stream = stream = self._server.client.stream_events("POST", "/it", **self._call)
        try:
            if self._server.colour.is_async:
                async with stream:
                    async for each in stream:
                        if self._take(each):
                            break
            else:
                with stream:
                    for each in stream:
                        if self._take(each):
                            break
        except PenstockError as error:
            self.error = error

    def _take(self, each: Any) -> bool:
        self.events.append(each.data)
        return len(self.events) == self._leave_after


NUMBERS = [{"n": 1}, {"n": 2}]
