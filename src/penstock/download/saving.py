"""The middleware that writes a body into a file, inside the attempt: `Retry` sees it break."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import anyio

from penstock.call import Call, copy_request
from penstock.chunks import achunks_of, chunks_of
from penstock.download.ranges import content_range, is_coded, is_of
from penstock.errors import ConnectionFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.download.part import Part
    from penstock.messages import Request, Response
    from penstock.progress import Report
    from penstock.stack import Next, Stack

_OK, _PARTIAL, _TRANSFORMED, _UNSATISFIABLE = 200, 206, 203, 416  # RFC 9110 §15
_WHOLE = frozenset({_OK, _TRANSFORMED})

_WRITTEN_AT_ONCE = 1024 * 1024
"""Bytes that are gathered for one write: on an event loop each is a trip to a worker thread."""


class Saving:
    """Have one call's body written to a file, going on where an attempt before broke off.

    It belongs to one call, in a view of the client made for it.

    Args:
        part: The file.
        report: Told how many bytes are there, and of how many.

    Attributes:
        begun_at: From which byte the last attempt went on.
        saved: Whether a whole file has come.
    """

    zone = "attempt"

    def __init__(self, part: Part, report: Report) -> None:
        self._part = part
        self._report = report
        self.begun_at = 0
        self.saved = False

    def into(self, stack: Stack) -> Stack:
        """Return *stack* with this just inside of what repeats, or innermost in one without."""
        divider = next((at for at, it in enumerate(stack) if getattr(it, "divides", False)), None)
        if divider is None:
            return stack.append(self)
        return stack.after(stack[divider], self)

    async def __call__(self, request: Request, call_next: Next) -> Response:
        """Ask for what is missing, and write what comes."""
        part, runtime = self._part, Call.of(request).runtime
        url = request.url
        # A coded body has no bytes of the file to count (RFC 9110 §14.2 ranges over the coded one).
        request.headers["Accept-Encoding"] = "identity"
        whole = copy_request(request)
        first = part.resumes_at(url)
        if first:
            request.headers["Range"] = f"bytes={first}-"
            request.headers["If-Range"] = part.resumable or ""
        response = await call_next(request)
        try:
            if first and not self._is_sensible(response, first):
                first = 0
                await runtime.close(response)
                response = await call_next(whole)
            if response.status_code in _WHOLE:
                first = 0
                await blocking(runtime, lambda: part.begin(url, response.headers))
            elif response.status_code == _PARTIAL:
                await blocking(runtime, lambda: self._go_on(response, first))
            else:
                return response
            self.begun_at = first
            await self._save(response, runtime)
        except BaseException:
            await runtime.close(response)
            raise
        self.saved = True
        return response

    def _is_sensible(self, response: Response, first: int) -> bool:
        """Tell whether *response* can be an answer to the request for the bytes from *first* on."""
        if response.status_code == _UNSATISFIABLE:
            return False
        if response.status_code != _PARTIAL:
            return True
        found = content_range(response.headers)
        total = self._part.total
        return (
            found is not None
            and found.first == first
            and (found.total is None or total is None or found.total == total)
            and is_of(self._part.resumable, response.headers)
            and not is_coded(response.headers)
        )

    def _go_on(self, response: Response, first: int) -> None:
        found = content_range(response.headers)
        if found is None or found.first != first or not first:
            msg = "the server sent a part of the file that was not asked for"
            raise ConnectionFailed(msg, phase="protocol")
        self._part.go_on(first, found.total)

    async def _save(self, response: Response, runtime: Any) -> None:
        part = self._part
        gathered = _Gathered(part, self._report)
        self._report(part.size, part.total)
        try:
            await runtime.call(
                lambda: _read(response, gathered), lambda: _read_async(response, gathered)
            )
        finally:
            gathered.write()  # what came before a break is there to go on from
        if part.total is not None and part.size != part.total:
            msg = f"the body ended after {part.size} of {part.total} bytes"
            raise ConnectionFailed(msg, phase="read")


class _Gathered:
    """Chunks on their way to the file."""

    def __init__(self, part: Part, report: Report) -> None:
        self._part = part
        self._report = report
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> bool:
        """Keep *chunk*, and tell whether it is time to write."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        self._report(self._part.size + self._size, self._part.total)
        return self._size >= _WRITTEN_AT_ONCE

    def write(self) -> None:
        """Write what was kept."""
        chunks, self._chunks, self._size = self._chunks, [], 0
        if chunks:
            self._part.write(chunks)


def _read(response: Response, gathered: _Gathered) -> None:
    for chunk in chunks_of(response):
        if gathered.add(chunk):
            gathered.write()


async def _read_async(response: Response, gathered: _Gathered) -> None:
    async with aclosing(achunks_of(response)) as chunks:
        async for chunk in chunks:
            if gathered.add(chunk):
                await anyio.to_thread.run_sync(gathered.write)


async def blocking(runtime: Any, fn: Callable[[], None]) -> None:
    """Run a function that waits for the disk, and no event loop with it."""

    async def in_thread() -> None:
        await anyio.to_thread.run_sync(fn)

    await runtime.call(fn, in_thread)
