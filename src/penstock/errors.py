"""One hierarchy of errors: each names its request, what was tried, and shows no secret.

```
PenstockError
├── ConfigurationError          before anything is sent: a wrong option, setting, stack or URL
│   ├── InvalidOption           (also a ValueError and a TypeError)
│   ├── AsyncOnlyError          a middleware awaited an event loop inside a sync client
│   └── ClientClosed
├── ConnectionFailed            the wire failed: `phase` says where
│   ├── TimedOut                one attempt took too long
│   │   └── DeadlineExceeded    the whole call did
│   ├── UntrustedCertificate    the server's does not verify: another attempt would meet the same
│   ├── ProxyRefused            the proxy does not let the request through, nor another like it
│   └── CircuitOpen             nothing was sent: the origin failed too often lately
├── RedirectError               a redirect that must not be followed
├── StatusError                 a final status >= 400, with the detached response
│   ├── BadRequest 400 … TooManyRequests 429
│   └── ServerError 5xx > ServiceUnavailable 503
├── PaginationError             the next page leads in a circle, or away
├── DecodeError                 the body is not what it says it is (also a ValueError)
├── ResponseTooLarge
└── StreamError
    ├── StreamInterrupted       (also a ConnectionFailed)
    ├── StreamTruncated
    ├── StreamIdle              (also a TimedOut)
    ├── StreamTooLarge
    ├── StreamEventError        the server sent an error as an event
    └── NotAnEventStream
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from penstock.lines import one_line

if TYPE_CHECKING:
    from penstock.detached import DetachedResponse
    from penstock.facts import AttemptRecord

ErrorT = TypeVar("ErrorT", bound="PenstockError")


class PenstockError(Exception):
    """Anything Penstock raises.

    It pickles and copies with every attribute and never holds the live request. Its text is one
    line, whatever the server said.

    Args:
        message: What happened, and what to do about it.

    Attributes:
        message: The text it was made with.
        method: The request's method, if there was a request.
        url: Its URL, redacted.
        operation: The operation's name, such as `chat.completions.create`.
        request_id: The server's id for the request, from its response headers.
        attempts: What was tried: a record with number, status, error, wait and elapsed (both in
            seconds) for each attempt.
        elapsed: Seconds from the start of the call to this error.
    """

    method: str | None = None
    url: str | None = None
    operation: str | None = None
    request_id: str | None = None
    attempts: tuple[AttemptRecord, ...] = ()
    elapsed: float | None = None

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        parts = []
        if self.method:
            parts.append(f"{self.method} {self.url}")
        if len(self.attempts) > 1:
            parts.append(f"{len(self.attempts)} attempts")
        if self.elapsed is not None and parts:
            parts.append(f"{self.elapsed:.2f} s")
        if self.request_id:
            parts.append(f"request id {self.request_id}")
        return one_line(f"{self.message} ({', '.join(parts)})" if parts else self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls the class with `args`, which a subclass with another signature cannot
        # take.
        return _rebuild, (type(self), self.args, self.__dict__)

    def __copy__(self) -> Self:
        return _rebuild(type(self), self.args, self.__dict__)


def _rebuild(cls: type[ErrorT], args: tuple[Any, ...], state: dict[str, Any]) -> ErrorT:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class ConfigurationError(PenstockError):
    """Something was put together wrongly; nothing was sent."""


class InvalidOption(ConfigurationError, ValueError, TypeError):
    """An argument, option or header has a value or type that cannot work."""


class AsyncOnlyError(ConfigurationError):
    """A middleware awaited something that needs an event loop, inside a sync client."""


class ClientClosed(ConfigurationError):
    """The client was closed before this call, or in the midst of it."""

    def __init__(self, message: str = "the client is closed: make another") -> None:
        super().__init__(message)


class ConnectionFailed(PenstockError):
    """The wire failed.

    Args:
        message: What happened.
        phase: Where: `connect` (nothing was sent), `pool` (no connection came free), `write`,
            `read`, `protocol` (the peer broke the protocol), `proxy`, `circuit` (nobody tried).

    Attributes:
        phase: As above.
    """

    def __init__(self, message: str = "", *, phase: str = "read") -> None:
        super().__init__(message)
        self.phase = phase

    @property
    def unsent(self) -> bool:
        """Whether the server cannot have processed anything, because nothing was sent."""
        return self.phase in {"circuit", "connect", "pool", "proxy"}


class TimedOut(ConnectionFailed):
    """An attempt took longer than its timeout allows."""


class DeadlineExceeded(TimedOut):
    """The call, with its waits, took longer than its deadline allows."""


class UntrustedCertificate(ConnectionFailed):
    """The server's certificate does not verify, and another attempt would meet the same one.

    It has expired, is for another name, or its authority is not among those that are trusted
    (`verify=`).
    """


class ProxyRefused(ConnectionFailed):
    """The proxy does not let the request through: wrong credentials, or a server it forbids.

    Another attempt would be refused as well, and might have the account locked. A proxy that could
    not reach the server is a plain `ConnectionFailed`, of the same phase.
    """


class CircuitOpen(ConnectionFailed):
    """The circuit to the origin is open: it failed too often lately, and nothing was sent.

    Args:
        message: What happened.
        retry_after: Seconds until the circuit lets a call through; 0 while one is under way that
            decides.

    Attributes:
        retry_after: As above.
    """

    def __init__(self, message: str = "", *, retry_after: float = 0.0) -> None:
        super().__init__(message, phase="circuit")
        self.retry_after = retry_after


class RedirectError(PenstockError):
    """A redirect not to follow: one too many, a downgrade, a body for another origin."""


class StatusError(PenstockError):
    """The final response has a status of 400 or more.

    Args:
        message: What the server said.
        response: The detached response.

    Attributes:
        response: Status, headers and body (bounded), without the request.
    """

    def __init__(self, message: str = "", *, response: DetachedResponse) -> None:
        super().__init__(message)
        self.response = response
        self.method, self.url, self.request_id = response.method, response.url, response.request_id

    @property
    def status_code(self) -> int:
        """The response's status."""
        return self.response.status_code

    @property
    def body(self) -> Any:
        """The body: parsed if it is JSON, else its text."""
        return self.response.body


class BadRequest(StatusError):
    """400."""


class Unauthorized(StatusError):
    """401: the key is missing or wrong."""


class PaymentRequired(StatusError):
    """402."""


class Forbidden(StatusError):
    """403."""


class NotFound(StatusError):
    """404."""


class RequestTimeout(StatusError):
    """408: the server gave up waiting for the request."""


class Conflict(StatusError):
    """409."""


class ContentTooLarge(StatusError):
    """413."""


class UnprocessableContent(StatusError):
    """422."""


class TooManyRequests(StatusError):
    """429."""


class ServerError(StatusError):
    """5xx."""


class ServiceUnavailable(ServerError):
    """503."""


class PaginationError(PenstockError):
    """The next page was asked for already, or is where the call must not go."""


class DecodeError(PenstockError, ValueError):
    """The body is not the JSON, the content coding or the model it should be."""


class ResponseTooLarge(PenstockError):
    """The answer is longer than allowed.

    Its body by `max_response_bytes` or `max_decoded_bytes`, or its head by `max_header_bytes`.
    """


class StreamError(PenstockError):
    """Reading a stream of events failed.

    Attributes:
        events: How many events were delivered.
        last_event_id: The last event id in force.
    """

    events: int = 0
    last_event_id: str = ""


class StreamInterrupted(StreamError, ConnectionFailed):
    """The connection broke in the middle of a stream."""


class StreamTruncated(StreamError):
    """The stream ended before its terminal event, or in the middle of one."""


class StreamIdle(StreamError, TimedOut):
    """Nothing came for longer than the timeout allows."""


class StreamTooLarge(StreamError):
    """One event is longer than the limit."""


class StreamEventError(StreamError):
    """The server reported an error as an event of the stream.

    Args:
        message: What the server said.
        body: The event's parsed data.

    Attributes:
        body: As above.
    """

    def __init__(self, message: str = "", *, body: object = None) -> None:
        super().__init__(message)
        self.body = body


class NotAnEventStream(StreamError):
    """The response is not a stream of events.

    Args:
        message: What came instead.
        response: The detached response with its body (bounded).

    Attributes:
        response: As above.
    """

    def __init__(self, message: str = "", *, response: DetachedResponse | None = None) -> None:
        super().__init__(message)
        self.response = response


BY_STATUS: dict[int, type[StatusError]] = {
    400: BadRequest,
    401: Unauthorized,
    402: PaymentRequired,
    403: Forbidden,
    404: NotFound,
    408: RequestTimeout,
    409: Conflict,
    413: ContentTooLarge,
    422: UnprocessableContent,
    429: TooManyRequests,
    503: ServiceUnavailable,
}
"""The error class of each status that has one of its own (RFC 9110 §15, RFC 6585 §4)."""


def status_error(response: DetachedResponse) -> StatusError:
    """Return the error for a final response: the default error table.

    Args:
        response: The detached response.
    """
    status = response.status_code
    cls = BY_STATUS.get(status) or (ServerError if status >= 500 else StatusError)  # noqa: PLR2004 - RFC 9110 §15.6
    said = response.message
    reason = f"{status} {response.reason_phrase}".rstrip()
    return cls(f"{reason}: {said}" if said else reason, response=response)
