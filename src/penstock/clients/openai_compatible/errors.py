"""The errors of OpenAI-compatible APIs, and the one table that makes them.

```
OpenAIError
└── APIError                        message type code param body request_id
    ├── APIConnectionError          the wire failed, or the stream broke off
    │   └── APITimeoutError
    ├── APIResponseValidationError  the body is not what it should be
    └── APIStatusError              status_code response
        ├── BadRequestError 400 … RateLimitError 429
        └── InternalServerError 5xx
```

Each is the Penstock error of its kind too: `RateLimitError` is a `TooManyRequests`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock import (
    BadRequest,
    Conflict,
    ConnectionFailed,
    DecodeError,
    Forbidden,
    NotAnEventStream,
    NotFound,
    PenstockError,
    RedirectError,
    ResponseTooLarge,
    ServerError,
    StatusError,
    StreamError,
    StreamEventError,
    StreamTruncated,
    TimedOut,
    TooManyRequests,
    Unauthorized,
    UnprocessableContent,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock import DetachedResponse

_TEXT_SHOWN = 200  # characters of a plain-text body in a message


class OpenAIError(PenstockError):
    """Anything this client raises about a call, and a missing key."""


class APIError(OpenAIError):
    """The API, or the way to it, failed.

    Attributes:
        body: The error object the server sent, parsed; its text if it is not JSON; None if there
            was no response.
        type: The error's kind, such as `invalid_request_error`, if the server says it.
        code: Its code, such as `model_not_found`, as text.
        param: The parameter at fault.
    """

    type: str | None = None
    code: str | None = None
    param: str | None = None
    _body: Any = None

    @property
    def body(self) -> Any:
        """The error the server sent."""
        return self._body

    def _tell(self, body: Any) -> None:
        """Take over what the server said: `{"error": {…}}`, or the error without its wrapping."""
        error = body.get("error", body) if isinstance(body, dict) else body
        self._body = error
        if isinstance(error, dict):
            code = error.get("code")
            self.code = None if code is None else str(code)
            self.type, self.param = error.get("type"), error.get("param")


class APIConnectionError(APIError, ConnectionFailed):
    """The wire failed: `phase` says where."""


class APITimeoutError(APIConnectionError, TimedOut):
    """An attempt, or the whole call, took too long."""


class APIResponseValidationError(APIError, DecodeError):
    """The response succeeded and its body is not what it should be."""


class APIStatusError(APIError, StatusError):
    """The final response has a status of 400 or more.

    Args:
        message: What the server said.
        response: The detached response.

    Attributes:
        response: Status, headers and body (bounded), without the request.
    """

    def __init__(self, message: str = "", *, response: DetachedResponse) -> None:
        super().__init__(message, response=response)
        self._tell(response.body)


class BadRequestError(APIStatusError, BadRequest):
    """400."""


class AuthenticationError(APIStatusError, Unauthorized):
    """401: the key is missing or wrong."""


class PermissionDeniedError(APIStatusError, Forbidden):
    """403."""


class NotFoundError(APIStatusError, NotFound):
    """404."""


class ConflictError(APIStatusError, Conflict):
    """409."""


class UnprocessableEntityError(APIStatusError, UnprocessableContent):
    """422."""


class RateLimitError(APIStatusError, TooManyRequests):
    """429: too many requests, or no quota left (`code` is `insufficient_quota`; not retried)."""


class InternalServerError(APIStatusError, ServerError):
    """5xx."""


BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}
"""The error class of each status that has one of its own (OpenAI API reference, "Error codes")."""


def status_error(response: DetachedResponse) -> APIStatusError:
    """Return the error for a final response.

    Args:
        response: The detached response.
    """
    status = response.status_code
    kind = BY_STATUS.get(status) or (InternalServerError if status >= 500 else APIStatusError)  # noqa: PLR2004 - RFC 9110 §15.6
    said = said_in(response)
    reason = f"{status} {response.reason_phrase}".rstrip()
    return kind(f"{reason}: {said}" if said else reason, response=response)


def own_error(error: PenstockError) -> PenstockError:
    """Return this API's error for one of Penstock's; what is its own, or a mistake, comes back.

    Args:
        error: What went wrong.
    """
    for kind, make in _OWN:
        if isinstance(error, kind):
            return make(error)
    return error


def _failed(error: Any) -> APIError:
    failure = APIError(error.message)
    failure._tell(_body_of(error))
    return failure


_OWN: tuple[tuple[Any, Callable[[Any], PenstockError]], ...] = (
    (OpenAIError, lambda error: error),
    (StatusError, lambda error: status_error(error.response)),
    (TimedOut, lambda error: APITimeoutError(error.message, phase=error.phase)),
    (ConnectionFailed, lambda error: APIConnectionError(error.message, phase=error.phase)),
    (StreamTruncated, lambda error: APIConnectionError(error.message)),
    (DecodeError, lambda error: APIResponseValidationError(error.message)),
    ((StreamError, ResponseTooLarge, RedirectError), _failed),
)
"""The first that fits makes the error."""


def said_in(response: DetachedResponse) -> str:
    """Return what a response says went wrong, in the shapes servers use; empty if it says nothing.

    `{"error": {"message"}}`, `{"error": "…"}`, `{"message"}`, `{"detail": "…"}`, FastAPI's
    `{"detail": [{"loc", "msg"}]}`, or plain text. HTML says nothing.
    """
    body = response.body
    if isinstance(body, dict) and isinstance(body.get("detail"), list):
        return "; ".join(_problem(item) for item in body["detail"])
    is_text = response.headers.get("content-type", "").startswith("text/plain")
    if isinstance(body, str) and is_text:
        return body.strip()[:_TEXT_SHOWN]
    return response.message


def _problem(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    where = ".".join(map(str, item.get("loc") or ()))
    return f"{where}: {item.get('msg')}" if where else str(item.get("msg"))


def _body_of(error: PenstockError) -> Any:
    if isinstance(error, StreamEventError):
        return error.body
    if isinstance(error, NotAnEventStream) and error.response is not None:
        return error.response.body
    return None
