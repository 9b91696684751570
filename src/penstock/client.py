"""`Client` and `AsyncClient`: build the request, run the stack, hand over the response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, Unpack

from penstock.base import BaseClient
from penstock.runtime import AnyIO, Blocking
from penstock.stepping import run_now
from penstock.streaming.decoder import MAX_EVENT_BYTES
from penstock.streaming.reader import Reader
from penstock.streaming.stream import AsyncEventStream, AsyncOpenResponse, EventStream, OpenResponse
from penstock.transport.wire import Wire, async_wire, blocking_wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable
    from os import PathLike
    from types import TracebackType

    from penstock.bulk import AsyncBulk, Bulk
    from penstock.clock import Clock
    from penstock.download import Download
    from penstock.messages import Request, Response
    from penstock.options import CallArguments, Overrides
    from penstock.progress import Progress
    from penstock.runtime import Runtime


class Client(BaseClient):
    """A client whose every request flows down one visible stack of middleware.

    See `BaseClient` for its arguments. It may be shared between threads.
    """

    def request(self, method: str, url: Any, **call: Unpack[CallArguments]) -> Response:
        """Send a request and return its response, the body read.

        Args:
            method: Any HTTP method.
            url: A path below `base_url`, or an absolute URL on a client without one.
            **call: A body as `content`, `data`, `files` or `json`; `options=`; and any field of
                `RequestOptions`.

        Returns:
            The response.

        Raises:
            StatusError: Its final status is 400 or more (unless `raise_for_status=False`).
            ConnectionFailed: The wire failed; `TimedOut` and `DeadlineExceeded` among them.
            InvalidOption: Something in the call cannot be sent; nothing was.
        """
        return run_now(self._send(method, url, call))

    def get(self, url: Any, **call: Unpack[CallArguments]) -> Response:
        """Send a GET; see `request`."""
        return run_now(self._send("GET", url, call))

    def post(self, url: Any, **call: Unpack[CallArguments]) -> Response:
        """Send a POST; see `request`."""
        return run_now(self._send("POST", url, call))

    def put(self, url: Any, **call: Unpack[CallArguments]) -> Response:
        """Send a PUT; see `request`."""
        return run_now(self._send("PUT", url, call))

    def patch(self, url: Any, **call: Unpack[CallArguments]) -> Response:
        """Send a PATCH; see `request`."""
        return run_now(self._send("PATCH", url, call))

    def delete(self, url: Any, **call: Unpack[CallArguments]) -> Response:
        """Send a DELETE; see `request`."""
        return run_now(self._send("DELETE", url, call))

    def head(self, url: Any, **call: Unpack[CallArguments]) -> Response:
        """Send a HEAD; see `request`."""
        return run_now(self._send("HEAD", url, call))

    def options(self, url: Any, **call: Unpack[CallArguments]) -> Response:
        """Send an OPTIONS; see `request`."""
        return run_now(self._send("OPTIONS", url, call))

    def send(self, request: Request, **call: Unpack[CallArguments]) -> Response:
        """Send a request the caller built; the client's headers are added where it has none.

        Args:
            request: An `httpx.Request` (`httpx2.Request` on a client of that family).
            **call: `options=`, and any field of `RequestOptions`.

        Returns:
            The response, as `request` returns it.
        """
        return run_now(self._send_built(request, call))

    def stream(self, method: str, url: Any, **call: Unpack[CallArguments]) -> OpenResponse:
        """Send a request and hand over its response open, inside a `with` block that closes it.

        Args:
            method: Any HTTP method.
            url: As in `request`.
            **call: As in `request`.

        Returns:
            A context manager that gives the open response. The call happens when the block is
            entered.
        """
        return OpenResponse(lambda: run_now(self._send(method, url, call, stream=True)))

    def stream_events(
        self,
        method: str,
        url: Any,
        *,
        format: str = "sse",
        terminal: Any = "[DONE]",
        max_event_bytes: int | None = MAX_EVENT_BYTES,
        event_timeout: float | None = None,
        raise_errors: bool = True,
        **call: Unpack[CallArguments],
    ) -> EventStream:
        """Send a request and iterate over the events of its response.

        Args:
            method: Any HTTP method.
            url: As in `request`.
            format: `sse` (the HTML standard's event stream) or `ndjson` (a JSON document a line).
            terminal: The data of the event that ends the stream, a function that knows it, or None
                where streams just end.
            max_event_bytes: The longest event, or None for no limit.
            event_timeout: Seconds that may pass between two events, comments not counted, or None.
            raise_errors: Whether an event that reports an error is raised (one called `error`, or
                whose data has an `error`), or is given like any other.
            **call: As in `request`.

        Returns:
            A context manager and iterator of events. The call happens when it is entered or first
            iterated. An answer of 204 is a stream without events, at its proper end (HTML §9.2).

        Raises:
            StreamError: While iterating: interrupted, truncated, idle, too large, an error event,
                or not a stream of events.
        """
        reader = Reader(format, terminal, max_event_bytes, event_timeout, raise_errors=raise_errors)
        return EventStream(lambda: run_now(self._open_events(method, url, call, reader)), reader)

    def download(
        self,
        url: Any,
        path: str | PathLike[str],
        *,
        resume: bool = True,
        progress: Progress = None,
        **call: Unpack[CallArguments],
    ) -> Download:
        """GET a file and write it to *path*, where it appears whole or not at all.

        What came of it before a break is kept beside *path* and gone on from (RFC 9110 §14), by the
        next attempt and by the next download of the same URL, if the server has not changed it
        meanwhile. A `timeout` bounds each read and not the whole; `deadline` does.

        Args:
            url: As in `request`.
            path: The file; one that is there is replaced.
            resume: Whether to go on where an earlier download broke off.
            progress: A function of the bytes so far and of all (None if unknown), which must not
                block; True for a bar, False for none; by default a bar where standard error is a
                terminal and rich is installed (extra `cli`).
            **call: As in `request`.

        Returns:
            Where the file is, its size, how much of it was there before.

        Raises:
            StatusError: The final status brings no file, also with `raise_for_status=False`.
            ConnectionFailed: It broke off more often than `max_retries` allows.
            InvalidOption: *path* is a directory, a device or a pipe, or another download writes to
                it. Nothing was sent.
            OSError: The file cannot be written, and `filename` says which: *path*, or the one
                beside it that grows. A directory that is missing or may not be written to is found
                before anything is sent. On a full disk what came stays beside *path* if it can be
                gone on with, and is removed if not.
        """
        from penstock.download import download

        return run_now(download(self, url, path, call, resume=resume, progress=progress))

    def map(
        self,
        requests: Iterable[Any],
        *,
        concurrency: int = 8,
        ordered: bool = True,
        results: str | PathLike[str] | None = None,
        progress: Progress = None,
        **options: Unpack[Overrides],
    ) -> Bulk:
        """Send many requests, a few at a time, and iterate over what became of each.

        One that fails does not end the rest: its result has the error. At most twice *concurrency*
        requests are taken before their results were handed over.

        Args:
            requests: `BulkRequest`s, URLs to GET, and requests the caller built, in any iterable.
            concurrency: How many are under way at most.
            ordered: Whether results come in the order of the requests, or each as soon as it is
                there.
            results: A JSON Lines file to which each result is written as it comes. A run that is
                started again with it sends only what was not answered below 400, and gives the
                results of the rest from the file.
            progress: A function of the results so far and of all (None if unknown), which must not
                block; True for a bar, False for none; by default a bar where standard error is a
                terminal and rich is installed (extra `cli`).
            **options: Any field of `RequestOptions`, for every request.

        Returns:
            An iterator of `BulkResult`s and a context manager. Nothing is sent before it is
            iterated.

        Raises:
            InvalidOption: An argument cannot work. While iterating, before anything is sent:
                *results* holds something else, or is a directory, a device, a pipe or a link.
            OSError: While iterating: *results* cannot be read or written, and `filename` says so;
                before anything is sent if it cannot be opened. On a full disk the run ends, and
                the file has every result that was handed over, each whole.
        """
        from penstock.bulk import Bulk, Work

        return Bulk(
            Work(
                self.with_options(**options),
                requests,
                concurrency=concurrency,
                ordered=ordered,
                results=results,
                progress=progress,
            )
        )

    def close(self) -> None:
        """Close the connections. A view made by `with_options` leaves its parent's open."""
        if self._begin_close():
            self._wire.close()

    def _drop_wire(self) -> None:
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @staticmethod
    def _make_runtime(clock: Clock | None) -> Runtime:
        return Blocking(clock)

    @staticmethod
    def _make_wire(transport: Any, http_client: Any, pool: dict[str, Any]) -> Wire:
        return blocking_wire(transport, http_client, pool)


class AsyncClient(BaseClient):
    """The async twin of `Client`, on asyncio and trio. It may be shared between tasks."""

    async def request(self, method: str, url: Any, **call: Unpack[CallArguments]) -> Response:
        """Send a request and return its response, the body read. See `Client.request`."""
        return await self._send(method, url, call)

    async def get(self, url: Any, **call: Unpack[CallArguments]) -> Response:
        """Send a GET; see `request`."""
        return await self._send("GET", url, call)

    async def post(self, url: Any, **call: Unpack[CallArguments]) -> Response:
        """Send a POST; see `request`."""
        return await self._send("POST", url, call)

    async def put(self, url: Any, **call: Unpack[CallArguments]) -> Response:
        """Send a PUT; see `request`."""
        return await self._send("PUT", url, call)

    async def patch(self, url: Any, **call: Unpack[CallArguments]) -> Response:
        """Send a PATCH; see `request`."""
        return await self._send("PATCH", url, call)

    async def delete(self, url: Any, **call: Unpack[CallArguments]) -> Response:
        """Send a DELETE; see `request`."""
        return await self._send("DELETE", url, call)

    async def head(self, url: Any, **call: Unpack[CallArguments]) -> Response:
        """Send a HEAD; see `request`."""
        return await self._send("HEAD", url, call)

    async def options(self, url: Any, **call: Unpack[CallArguments]) -> Response:
        """Send an OPTIONS; see `request`."""
        return await self._send("OPTIONS", url, call)

    async def send(self, request: Request, **call: Unpack[CallArguments]) -> Response:
        """Send a request the caller built. See `Client.send`."""
        return await self._send_built(request, call)

    def stream(self, method: str, url: Any, **call: Unpack[CallArguments]) -> AsyncOpenResponse:
        """Hand over an open response inside an `async with` block: see `Client.stream`."""
        return AsyncOpenResponse(lambda: self._send(method, url, call, stream=True))

    def stream_events(
        self,
        method: str,
        url: Any,
        *,
        format: str = "sse",
        terminal: Any = "[DONE]",
        max_event_bytes: int | None = MAX_EVENT_BYTES,
        event_timeout: float | None = None,
        raise_errors: bool = True,
        **call: Unpack[CallArguments],
    ) -> AsyncEventStream:
        """Iterate over events with `async for`: see `Client.stream_events`."""
        reader = Reader(format, terminal, max_event_bytes, event_timeout, raise_errors=raise_errors)
        return AsyncEventStream(lambda: self._open_events(method, url, call, reader), reader)

    async def download(
        self,
        url: Any,
        path: str | PathLike[str],
        *,
        resume: bool = True,
        progress: Progress = None,
        **call: Unpack[CallArguments],
    ) -> Download:
        """GET a file and write it to *path*: see `Client.download`."""
        from penstock.download import download

        return await download(self, url, path, call, resume=resume, progress=progress)

    def map(
        self,
        requests: Iterable[Any] | AsyncIterable[Any],
        *,
        concurrency: int = 8,
        ordered: bool = True,
        results: str | PathLike[str] | None = None,
        progress: Progress = None,
        **options: Unpack[Overrides],
    ) -> AsyncBulk:
        """Iterate over many results with `async for`: see `Client.map`."""
        from penstock.bulk import AsyncBulk, Work

        return AsyncBulk(
            Work(
                self.with_options(**options),
                requests,
                concurrency=concurrency,
                ordered=ordered,
                results=results,
                progress=progress,
            )
        )

    async def aclose(self) -> None:
        """Close the connections. A view made by `with_options` leaves its parent's open."""
        if self._begin_close():
            await self._wire.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    @staticmethod
    def _make_runtime(clock: Clock | None) -> Runtime:
        return AnyIO(clock)

    @staticmethod
    def _make_wire(transport: Any, http_client: Any, pool: dict[str, Any]) -> Wire:
        return async_wire(transport, http_client, pool)
