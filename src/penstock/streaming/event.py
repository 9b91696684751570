"""Event: one event of a stream, its JSON parsed when it is first asked for."""

from __future__ import annotations

from typing import Any, TypeVar, overload

from penstock.codec import decode
from penstock.errors import DecodeError

T = TypeVar("T")

_MESSAGE_LIMIT = 500  # characters, as of an error about a body
_JSON_WHITESPACE = " \t\n\r"  # RFC 8259 §2


class Event:
    """One event of a stream.

    Its `repr` shows no content, so that a log line or a traceback cannot.

    Args:
        raw: The data as text.
        event: The event's type; `message` if the stream named none (HTML standard §9.2.6).
        id: The last event id in force, or the empty string.
        retry: The reconnection time this event itself asked for, in milliseconds, or None.

    Attributes:
        raw: As above.
        event: As above.
        id: As above.
        retry: As above.
    """

    __slots__ = ("_data", "event", "id", "raw", "retry")

    def __init__(
        self,
        raw: str,
        event: str = "message",
        id: str = "",
        retry: int | None = None,
    ) -> None:
        self.raw = raw
        self.event = event
        self.id = id
        self.retry = retry
        self._data: Any = ...  # not parsed yet: no JSON gives it

    @property
    def data(self) -> Any:
        """The data parsed as JSON, or None if it is not JSON."""
        data = self._data
        if data is ...:
            try:
                data = decode(self.raw)
            except (ValueError, RecursionError):
                data = None
            self._data = data
        return data

    @property
    def done(self) -> bool:
        """Whether the data is exactly `[DONE]`, the end marker of OpenAI's streams."""
        return self.raw.strip() == "[DONE]"

    def json(self) -> Any:
        """Return the data parsed as JSON.

        Raises:
            DecodeError: The data is not JSON, or is nested too deeply to parse.
        """
        data = self.data
        if data is None and self.raw.strip(_JSON_WHITESPACE) != "null":
            raise DecodeError(f"the event's data ({len(self.raw)} characters) is not JSON")
        return data

    @overload
    def parse(self, model: type[T]) -> T: ...
    @overload
    def parse(self, model: Any) -> Any: ...
    def parse(self, model: Any) -> Any:
        """Return the data as an instance of *model*, as `penstock.parse` makes it of a body.

        Args:
            model: A pydantic model, a dataclass, a TypedDict, or a type made of them.

        Raises:
            DecodeError: The data is not JSON, or does not fit *model*; it shows no value.
            InvalidOption: *model* is nothing pydantic can validate.
        """
        from penstock.parsing import fitted

        value, failure = fitted(self.raw, model, "event's data")
        if failure is None:
            return value
        if len(failure.message) > _MESSAGE_LIMIT:  # of keys; not cut, which might halve a secret
            failure = DecodeError("the event's data does not fit the model, in too many ways")
        try:
            raise failure
        finally:
            del failure  # it refers to this frame through its traceback

    def __repr__(self) -> str:
        return f"<Event {self.event!r} id={self.id!r} with {len(self.raw)} characters>"
