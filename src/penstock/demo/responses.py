"""What a route answers: a plain body or a stream of events, and the shape of errors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HeaderPairs = tuple[tuple[str, str], ...]

_EVENT_HEADERS = (
    ("content-type", "text/event-stream; charset=utf-8"),
    ("cache-control", "no-cache"),
)


@dataclass(frozen=True, slots=True)
class DemoResponse:
    """What is sent back, before any fault touches it.

    Attributes:
        status: The status code.
        headers: The fields of the route's own; framing, `Date`, `Server` and `x-request-id` are
            added when it is sent.
        body: The whole body; empty when there are events.
        events: The pieces of a streamed body, each sent by itself; `None` for a plain body.
        delay: Seconds between the end of the request and the first byte of the response.
    """

    status: int = 200
    headers: HeaderPairs = ()
    body: bytes = b""
    events: tuple[bytes, ...] | None = None
    delay: float = 0.0


class APIError(Exception):
    """A request the server turns down.

    Args:
        status: The status code, 400 to 599.
        message: What is wrong, in a sentence for a person.
        param: The field of the request that is wrong, if one is.
        code: The error's machine-readable name, if it has one.
        headers: Fields to send along, such as `Allow`.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: HeaderPairs = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.headers = headers

    def response(self) -> DemoResponse:
        """Give the error in OpenAI's shape, `{"error": {"message", "type", "param", "code"}}`.

        Returns:
            The response; its `type` follows from the status as in OpenAI's API reference.
        """
        if self.status == 429:
            kind = "rate_limit_error"
        else:
            kind = "server_error" if self.status >= 500 else "invalid_request_error"
        error = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return json_response({"error": error}, status=self.status, headers=self.headers)


def to_json(value: object) -> bytes:
    """Write a value as compact UTF-8 JSON.

    Args:
        value: Anything `json.dumps` takes.

    Returns:
        The bytes; a lone surrogate, which UTF-8 cannot hold (RFC 3629 section 3), becomes `?`.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def json_response(value: object, *, status: int = 200, headers: HeaderPairs = ()) -> DemoResponse:
    """Answer with a JSON document.

    Args:
        value: What the document holds.
        status: The status code.
        headers: Fields besides the content type.

    Returns:
        The response.
    """
    content_type = ("content-type", "application/json")
    return DemoResponse(status, (content_type, *headers), to_json(value))


def event_stream(documents: Iterable[object]) -> DemoResponse:
    """Answer with server-sent events, one for each document, then `[DONE]` as OpenAI ends a stream.

    Args:
        documents: What each event's data holds, as JSON.

    Returns:
        A streamed response (HTML standard, section 9.2, for the framing of events).
    """
    events = [b"data: " + to_json(document) + b"\n\n" for document in documents]
    return DemoResponse(headers=_EVENT_HEADERS, events=(*events, b"data: [DONE]\n\n"))


def named_events(events: Iterable[tuple[str, object]]) -> DemoResponse:
    """Answer with server-sent events that have names, and nothing after the last.

    Args:
        events: The name of each, and what its data holds, as JSON.

    Returns:
        A streamed response (HTML standard, section 9.2, for the framing of events).
    """
    pieces = [
        b"event: " + name.encode() + b"\ndata: " + to_json(document) + b"\n\n"
        for name, document in events
    ]
    return DemoResponse(headers=_EVENT_HEADERS, events=tuple(pieces))
