"""Pareta's errors, and the one table that makes them.

```
ParetaError
├── APIConnectionError            the wire failed, or a stream broke off
│   └── APITimeoutError
└── APIStatusError                status_code detail request_id response
    ├── BadRequestError           400 422
    ├── AuthenticationError       401
    ├── InsufficientCreditsError  402
    ├── PermissionDeniedError     403
    ├── NotFoundError             404
    ├── ConflictError             409
    ├── RateLimitError            429
    └── EndpointNotReadyError     503
```

Those about the wire and about a status are also the Penstock errors of their kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock import (
    ConfigurationError,
    ConnectionFailed,
    PenstockError,
    StatusError,
    StreamTruncated,
    TimedOut,
)

if TYPE_CHECKING:
    from penstock import DetachedResponse

_MESSAGE_LIMIT = 500  # characters: `detail` and `response` have the rest of a long one


class ParetaError(PenstockError):
    """Anything this client raises about a call, and a missing key."""


class APIConnectionError(ParetaError, ConnectionFailed):
    """The wire failed, or a stream broke off.

    Args:
        message: What happened.
        phase: Where: see `penstock.ConnectionFailed`.
        cause: The error underneath.
    """

    def __init__(
        self,
        message: str = "connection error",
        *,
        phase: str = "read",
        cause: BaseException | None = None,
    ) -> None:
        super().__init__(message, phase=phase)
        self.__cause__ = cause


class APITimeoutError(APIConnectionError, TimedOut):
    """An attempt, or the whole call, took too long."""

    def __init__(
        self,
        message: str = "request timed out",
        *,
        phase: str = "read",
        cause: BaseException | None = None,
    ) -> None:
        super().__init__(message, phase=phase, cause=cause)


class APIStatusError(ParetaError, StatusError):
    """The final response has a status of 400 or more.

    Args:
        message: What the server said.
        status_code: The status.
        detail: What the body's `detail` holds; the body, where it is no JSON object.
        request_id: The server's id for the request.
        response: The detached response: status, headers and body (bounded), without the request.
            None in an error made by hand.

    Attributes:
        status_code: As above, and so are the others.
    """

    response: Any

    def __init__(
        self,
        message: str = "",
        *,
        status_code: int,
        detail: Any = None,
        request_id: str | None = None,
        response: DetachedResponse | None = None,
    ) -> None:
        PenstockError.__init__(self, message)  # a StatusError is made of its response alone
        self._status_code = status_code
        self.detail = detail
        self.request_id = request_id
        self.response = response
        if response is not None:
            self.method, self.url = response.method, response.url

    @property
    def status_code(self) -> int:
        """The status."""
        return self._status_code

    @property
    def body(self) -> Any:
        """The body: parsed if it is JSON, else its text."""
        return None if self.response is None else self.response.body


class BadRequestError(APIStatusError):
    """400, and 422: something in the request is wrong."""


class AuthenticationError(APIStatusError):
    """401: the key is wrong, or of another environment."""


class InsufficientCreditsError(APIStatusError):
    """402: the organization is out of credit, which is topped up in the dashboard alone."""


class PermissionDeniedError(APIStatusError):
    """403."""


class NotFoundError(APIStatusError):
    """404."""


class ConflictError(APIStatusError):
    """409, after the retries: what was asked contradicts how things are."""


class RateLimitError(APIStatusError):
    """429, after the retries."""


class EndpointNotReadyError(APIStatusError):
    """503, after the retries: the endpoint is stopped, starting, or its provider is down."""


BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: InsufficientCreditsError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: BadRequestError,
    429: RateLimitError,
    503: EndpointNotReadyError,
}
"""The class of each status that has one of its own; `APIStatusError` is that of all others."""


def status_error(response: DetachedResponse) -> APIStatusError:
    """Return the error for a final response, whose body is `{"detail": …}`.

    Args:
        response: The detached response.
    """
    parsed = response.json()
    if parsed is None:
        detail: Any = response.text.strip() or None
    else:
        detail = parsed.get("detail") if isinstance(parsed, dict) else parsed
    said = detail[:_MESSAGE_LIMIT] if isinstance(detail, str) else response.message
    status = response.status_code
    return BY_STATUS.get(status, APIStatusError)(
        said or f"HTTP {status}",
        status_code=status,
        detail=detail,
        request_id=response.request_id,
        response=response,
    )


def own_error(error: PenstockError) -> Exception:
    """Return Pareta's error for one of Penstock's; a mistake of the caller's stays what it is.

    Args:
        error: What went wrong.
    """
    if isinstance(error, ParetaError | ConfigurationError):
        return error
    if isinstance(error, StatusError):  # from a stack of the user's own
        return status_error(error.response)
    if isinstance(error, TimedOut):
        return APITimeoutError(error.message, phase=error.phase)
    if isinstance(error, ConnectionFailed):
        return APIConnectionError(error.message, phase=error.phase)
    if isinstance(error, StreamTruncated):
        return APIConnectionError(error.message)
    return ParetaError(error.message)
