"""The open body of a response of aiohttp's."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from penstock.transport.aiohttp_errors import failure_of
from penstock.transport.alarm import Within
from penstock.transport.until import phase_left

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import aiohttp

    from penstock.transport.alarm import Alarm
    from penstock.transport.engine import SentBody
    from penstock.transport.family import Family
    from penstock.transport.places import Place


class AiohttpBody:
    """The open body of a response, as it comes off the wire.

    Args:
        response: aiohttp's response.
        request: The family's request.
        place: What it holds of the limits.
        sent: The body of the request, which may still be on its way, if it is made on the way.
        alarm: The event loop's.
    """

    family: ClassVar[Family]

    def __init__(
        self, response: Any, request: Any, place: Place, sent: SentBody | None, alarm: Alarm
    ) -> None:
        self._response = response
        self._request = request
        self._place = place
        self._sent = sent
        self._alarm = alarm
        self._closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        content = self._response.content
        if content.at_eof():
            await self.aclose()
            raise StopAsyncIteration
        try:
            if content.is_eof():  # many a body has come whole with its head
                chunk: bytes = content.read_nowait()
            else:
                chunk = await self._read(content)
        except BaseException as error:
            await self.aclose()
            failure = failure_of(error, self.family)
            if failure is None:
                raise
            raise failure from error
        if not chunk:
            await self.aclose()
            raise StopAsyncIteration
        return chunk

    async def _read(self, content: aiohttp.StreamReader) -> bytes:
        broken = content.exception()
        if broken is not None and not self._closed:
            return _come_before(broken, content)
        with Within(self._alarm, phase_left(self._request, "read")):
            return await content.readany()

    async def aclose(self) -> None:
        """Close the connection, unless the body has come whole. Once closed, again is nothing."""
        if self._closed:
            return
        self._closed = True
        if not self._response.closed:  # as it is from the body's end on
            self._response.close()
        self._place.leave()
        if self._sent is not None:
            await self._sent.aclose()


def _come_before(broken: BaseException, content: Any) -> bytes:
    """Return what had come of *content* before it broke off, or raise that.

    aiohttp raises it at once, whatever it holds still, so it is made to forget it for a moment.
    """
    content.set_exception(None)
    try:
        chunk: bytes = content.read_nowait()
    finally:
        content.set_exception(broken)
    if not chunk:
        raise broken
    return chunk


@cache
def body_class(family: Family) -> type:
    """Return the class of *family*, whose own stream class the family checks for."""
    return type("AiohttpBody", (AiohttpBody, family.http.AsyncByteStream), {"family": family})
