"""What passes in a stream of events: observers of an open response whose events somebody reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from penstock.body import observe_body

if TYPE_CHECKING:
    from penstock.body import BodyEnd
    from penstock.errors import PenstockError
    from penstock.messages import Response
    from penstock.streaming.event import Event

_WATCH = "penstock.events"


class EventObserver(Protocol):
    """What `observe_events` tells. It must not raise or block, and must not hold the response."""

    def event(self, event: Event) -> None:
        """Hear of an event that its reader is about to get, the terminal one too.

        Its `data` is parsed once, whoever looks at it first.
        """
        ...

    def end(self, end: BodyEnd) -> None:
        """Hear, once, how the stream ended.

        Args:
            end: As of the body; but `error` is what the reader of the events sees, be it an event
                that reports one or an end that came too early, and what was read to its proper end
                is `completed`.
        """
        ...


def observe_events(response: Response, observer: EventObserver) -> None:
    """Tell *observer* of each event that is read from *response*, and of their end.

    They are the very events the reader gets: nothing is decoded twice. Where nobody reads events,
    the end is that of the body (`observe_body`).

    Args:
        response: A response that came up a Penstock stack.
        observer: What is told.
    """
    watch = watch_of(response)
    if watch is not None:
        watch.add(observer)
        return
    watch = response.extensions[_WATCH] = Watch()
    watch.add(observer)
    observe_body(response, watch.end_body)


def watch_of(response: Response) -> Watch | None:
    """Return what tells the observers of the events of *response*, or None if there are none."""
    watch: Watch | None = response.extensions.get(_WATCH)
    return watch


class Watch:
    """Tells the observers of one response.

    A body may end before its events do: what is missing shows when the last are decoded. So, while
    they are read, the end is theirs.

    Attributes:
        is_read: Whether somebody reads events.
    """

    __slots__ = ("_body", "_error", "_observers", "is_read")

    def __init__(self) -> None:
        self.is_read = False
        self._observers: list[EventObserver] = []
        self._body: BodyEnd | None = None
        self._error: PenstockError | None = None

    def add(self, observer: EventObserver) -> None:
        """Have *observer* told from now on; of the end at once, if it has been."""
        if self._body is None or self.is_read:
            self._observers.append(observer)
        else:
            observer.end(self._body)

    def event(self, event: Event) -> None:
        """Tell of an event."""
        for observer in self._observers:
            observer.event(event)

    def fail(self, error: PenstockError) -> None:
        """Note what the reader is about to see."""
        self._error = error

    def end_body(self, end: BodyEnd) -> None:
        """Note how the body ended; tell of it if nothing can follow."""
        self._body = end._replace(error=None)  # its traceback leads back to here
        if not self.is_read or end.outcome in {"error", "abandoned"}:
            self._tell(end)

    def end_events(self, *, completed: bool) -> None:
        """Tell of the end, now that nobody reads on.

        Args:
            completed: Whether they came to their proper end.
        """
        self.is_read = False
        error, self._error = self._error, None
        if self._body is None:
            return  # it will tell itself
        if error is not None:
            self._tell(self._body._replace(outcome="error", error=error))
        else:
            self._tell(self._body._replace(outcome="completed") if completed else self._body)

    def _tell(self, end: BodyEnd) -> None:
        observers, self._observers = self._observers, []
        for observer in observers:
            observer.end(end)

    def __del__(self) -> None:
        # Entered, never iterated, and closed by way of the response: nobody said that it was over.
        if self._body is not None:
            self._tell(self._body)
