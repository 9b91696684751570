"""How a stream of events is read, whatever the colour: when it is over, and what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.body import ObservedBody
from penstock.call import Call
from penstock.checks import check_seconds
from penstock.detached import BODY_LIMIT, DetachedResponse, media_type_of, request_id_of
from penstock.errors import (
    ConnectionFailed,
    DeadlineExceeded,
    InvalidOption,
    NotAnEventStream,
    PenstockError,
    StreamError,
    StreamEventError,
    StreamIdle,
    StreamInterrupted,
    StreamTruncated,
    TimedOut,
)
from penstock.redact import scrub
from penstock.streaming.event import Event
from penstock.streaming.ndjson import NDJSONDecoder
from penstock.streaming.observing import watch_of
from penstock.streaming.sse import SSEDecoder, is_event_stream
from penstock.taking import REST_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from penstock.messages import Response
    from penstock.streaming.observing import Watch

_ACCEPT = {"sse": "text/event-stream", "ndjson": "application/x-ndjson, application/jsonl"}
_DECODERS = {"sse": SSEDecoder, "ndjson": NDJSONDecoder}
_NO_CONTENT = 204


class Reader:
    """The rules one stream is read by.

    Args:
        format: `sse` or `ndjson`.
        terminal: The data of the event that ends the stream, a function that knows it, or None
            where streams just end.
        max_event_bytes: The longest event, or None for no limit.
        event_timeout: Seconds that may pass between two events, or None.
        raise_errors: Whether an event that reports an error is raised.

    Attributes:
        headers: What the request asks for.

    Raises:
        InvalidOption: The format is not one of the two, or a limit cannot work.
    """

    def __init__(
        self,
        format: str,
        terminal: Any,
        max_event_bytes: int | None,
        event_timeout: float | None,
        *,
        raise_errors: bool = True,
    ) -> None:
        if not isinstance(format, str) or format not in _DECODERS:
            msg = f"format must be 'sse' or 'ndjson', not {format!r}"
            raise InvalidOption(msg)
        if terminal is not None and not isinstance(terminal, str) and not callable(terminal):
            msg = f"terminal must be a string, a function or None, not {type(terminal).__name__}"
            raise InvalidOption(msg)
        check_seconds("event_timeout", event_timeout)
        self.format = format
        # A compressed stream may hold an event back until a block is full, so none is asked for.
        self.headers = {
            "Accept": _ACCEPT[format],
            "Cache-Control": "no-store",
            "Accept-Encoding": "identity",
        }
        self.event_timeout = event_timeout
        self.raise_errors = raise_errors
        self._terminal = terminal if format == "sse" or callable(terminal) else None
        self._max_event_bytes = max_event_bytes
        self.marker = self._terminal if isinstance(self._terminal, str) else ""
        self.decoder()  # refuses a limit that cannot work before anything is sent

    def decoder(self) -> Any:
        """Return a decoder for one response."""
        return _DECODERS[self.format](max_event_bytes=self._max_event_bytes)

    @property
    def expects_terminal(self) -> bool:
        """Whether a stream without a terminal event is a truncated one."""
        return self._terminal is not None

    def is_terminal(self, event: Event) -> bool:
        """Tell whether *event* ends the stream."""
        terminal: Any = self._terminal
        if terminal is None:
            return False
        return bool(terminal(event)) if callable(terminal) else event.raw.strip() == terminal

    def accepts(self, response: Response) -> bool:
        """Tell whether the body of *response* can be what was asked for."""
        content_type = response.headers.get("content-type")
        if self.format == "sse":
            return is_event_stream(content_type)
        return content_type is None or content_type.partition(";")[0].strip().lower() not in {
            "text/html",
            _ACCEPT["sse"],
        }


class Reading:
    """One response being read: decodes its chunks, and knows when and how it is over.

    Args:
        reader: The rules.
        response: The open response.
    """

    def __init__(self, reader: Reader, response: Response) -> None:
        self._reader = reader
        self._decoder = reader.decoder()
        self._call = Call.of(response.request)
        self._request = response.request
        self._headers = response.headers
        body = response.stream
        self._body = body if isinstance(body, ObservedBody) else None
        self._event_at = self._call.runtime.now()
        self._watched = watch_of(response)
        if self._watched is not None:
            self._watched.is_read = True
        self._begun = False
        self.events = 0
        self.is_empty = response.status_code == _NO_CONTENT
        self.completed = self.is_empty

    @property
    def last_event_id(self) -> str:
        """The last event id in force."""
        return getattr(self._decoder, "last_event_id", "")

    def begins(self, response: Response) -> bool:
        """Tell whether there is a body to read: not twice, nor one that was closed unread."""
        is_first, self._begun = not self._begun, True
        if not is_first or self.completed:
            return False
        try:
            return not response.is_closed or response.content is not None
        except RuntimeError:  # ResponseNotRead, in either family
            return False

    def feed(self, chunk: bytes) -> Iterable[Event]:
        """Give the events *chunk* completes, up to the terminal one.

        Raises:
            StreamEventError: One of them is an error.
            StreamIdle: None came for longer than `event_timeout`.
            StreamTooLarge: One is longer than the limit.
        """
        events: list[Event] = self._decoder.feed(chunk)
        reader = self._reader
        if reader.marker and reader.event_timeout is None and _are_plain(events, reader.marker):
            self.events += len(events)
            if self._watched is not None:
                return _told(events, self._watched)
            return events  # of nearly every chunk: no step of their own for each
        return self._watch(events)

    def _watch(self, events: Iterable[Event]) -> Iterator[Event]:
        yield from self._deliver(events)
        if self._reader.event_timeout is not None and not self.completed:
            silent = self._call.runtime.now() - self._event_at
            if silent > self._reader.event_timeout:
                msg = f"no event for {silent:.1f} s"
                raise StreamIdle(msg)

    def finish(self) -> Iterator[Event]:
        """Give what the end of the body completes.

        Raises:
            StreamTruncated: The terminal event never came, or a record was cut.
        """
        if self._reader.expects_terminal and self._reader.format == "sse":
            # A terminal event that lacks its last line ends is one all the same.
            tail = list(self._decoder.feed(b"\n\n"))
            yield from self._deliver(filter(self._reader.is_terminal, tail))
        yield from self._deliver(self._decoder.close())
        if self._reader.expects_terminal and not self.completed:
            msg = "the stream ended without its terminal event: the answer is not complete"
            raise StreamTruncated(msg)
        self.completed = True

    def failure(self, error: PenstockError) -> PenstockError:
        """Return the error a reader sees for one that ended the body."""
        failure = error
        says_it_all = isinstance(error, (StreamError, DeadlineExceeded))
        if isinstance(error, TimedOut) and not says_it_all:
            failure = StreamIdle("nothing came for longer than the timeout", phase="read")
        elif isinstance(error, ConnectionFailed) and not says_it_all:
            failure = StreamInterrupted(f"the stream broke off: {error.message}", phase=error.phase)
        if isinstance(failure, StreamError):
            failure.events, failure.last_event_id = self.events, self.last_event_id
        failure.request_id = request_id_of(self._headers, self._call.scope.secrets)
        self._call.complete(failure, self._request)
        if self._watched is not None:
            self._watched.fail(failure)
        return failure

    def fail(self, error: PenstockError) -> None:
        """Raise what a reader sees for *error*; return if that is *error* itself."""
        failure = self.failure(error)
        try:
            if failure is not error:
                raise failure from error
        finally:
            del failure  # it refers to this frame through its traceback

    def passes_over(self) -> bool:
        """Tell whether to read off what is left, and have that be quick.

        After its terminal event a stream has nothing but its own end, with which the connection can
        be used again.
        """
        body = self._body
        if body is None or not (self.completed and body.can_be_hurried):
            return False
        body.hurry(REST_SECONDS)
        return True

    def end(self) -> None:
        """Note that nobody reads on: the response is closed."""
        if self._watched is not None:
            self._watched.end_events(completed=self.completed)

    async def refuse(self, response: Response) -> NotAnEventStream:
        """Return the error for a response that is no stream of events, and close that.

        Args:
            response: The response.
        """
        start = await self._call.runtime.take(response, BODY_LIMIT)
        detached = DetachedResponse(
            response,
            start,
            method=self._request.method,
            url=response.url,
            secrets=self._call.scope.secrets,
        )
        got = media_type_of(detached.headers)
        said = f": {detached.message}" if detached.message else ""
        refusal = NotAnEventStream(
            f"the server answered with {got}, not with a stream of events{said}", response=detached
        )
        refusal.request_id = detached.request_id
        self._call.complete(refusal, self._request)
        if self._watched is not None:
            self._watched.fail(refusal)
        self.end()
        return refusal

    def _deliver(self, events: Iterable[Event]) -> Iterator[Event]:
        reader = self._reader
        for event in events:
            if reader.event_timeout is not None:
                self._event_at = self._call.runtime.now()
            if reader.raise_errors and _is_error(event):
                # It may echo a key.
                said = scrub(event.raw, self._call.scope.secrets)
                raise _error_of(Event(said, event.event))
            self.events += 1
            if self._watched is not None:
                self._watched.event(event)
            if reader.is_terminal(event):
                self.completed = True
                if self._body is not None:
                    self._body.is_complete = True
                yield event
                return
            yield event


def _told(events: Iterable[Event], watch: Watch) -> Iterator[Event]:
    for event in events:
        watch.event(event)
        yield event


def _is_error(event: Event) -> bool:
    if event.event == "error":
        return True
    # Looked for in the text first: parsing every event to find the rare error would cost more than
    # the rest.
    return '"error"' in event.raw and isinstance(event.data, dict) and bool(event.data.get("error"))


def _are_plain(events: Iterable[Event], marker: str) -> bool:
    """Tell whether no event can be an error or the terminal one, by a look at the text alone."""
    for event in events:
        raw = event.raw
        if '"error"' in raw or event.event == "error" or raw.strip() == marker:
            return False
    return True


def _error_of(event: Event) -> StreamEventError:
    body = event.data
    error = body.get("error", body) if isinstance(body, dict) else body
    said = error.get("message") if isinstance(error, dict) else error
    return StreamEventError(
        f"the server reported an error in the stream: {said or event.raw[:500]}", body=body
    )
