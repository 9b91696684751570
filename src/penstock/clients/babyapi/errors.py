"""`BabyAPIError`, and the one table from what went wrong to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from penstock import (
    Call,
    DecodeError,
    DetachedResponse,
    PenstockError,
    StatusError,
    StreamEventError,
    TimedOut,
    one_line,
)

if TYPE_CHECKING:
    from penstock import Response

_REQUEST_IDS = ("x-request-id", "x-babyapi-request-id")


class BabyAPIError(PenstockError):
    """Anything that goes wrong in a call to BabyAPI.

    Args:
        message: What happened.
        status: The response's status.
        code: BabyAPI's code, or one of the client's own: `API_KEY_REQUIRED`, `TIMEOUT`,
            `STREAM_METHOD_REQUIRED`, `INVALID_TIMEOUT`, `INVALID_MAX_RETRIES`,
            `INVALID_REQUEST_OPTIONS`, `INVALID_HEADERS`, `INVALID_INFER_INPUT`, `INVALID_OPTIONS`,
            `PROMPT_REQUIRED`, `MODEL_REQUIRED`, `INVALID_MESSAGES`.
        type: BabyAPI's type of the error.
        details: The body: parsed if it is JSON, else its text.
        request_id: BabyAPI's id for the request.
        response: The detached response: status, headers and body, without the request.
        cause: The error underneath.

    Attributes:
        message: As above, and so are the others. Those of `PenstockError` (`method`, `url`,
            `operation`, `attempts`, `elapsed`) are there too.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        code: str | None = None,
        type: str | None = None,
        details: Any = None,
        request_id: str | None = None,
        response: DetachedResponse | None = None,
        cause: BaseException | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.type = type
        self.details = details
        self.request_id = request_id
        self.response = response
        self.cause = cause
        if cause is not None:
            self.__cause__ = cause

    @property
    def name(self) -> str:
        """The name of its class."""
        return type(self).__name__

    def __str__(self) -> str:
        message = one_line(self.message)
        about = super().__str__().removeprefix(message)
        status = "" if self.status is None else f" (status={self.status})"
        code = f" (code={one_line(self.code)})" if self.code else ""
        return f"{message}{status}{code}{about}"


def from_response(response: DetachedResponse) -> BabyAPIError:
    """Return the error of a final response: `{"error": {"message", "type", "code"}}`, or less.

    Args:
        response: The detached response.
    """
    message, code, kind = _said(response.body)
    return BabyAPIError(
        message or f"HTTP {response.status_code}",
        code=code,
        type=kind,
        details=response.body,
        **_of_response(response),
    )


def from_failure(error: PenstockError) -> BabyAPIError:
    """Return the error for one of Penstock's: a timeout, a failed connection, a stream cut short.

    Args:
        error: What went wrong.
    """
    if isinstance(error, BabyAPIError):
        return error
    if isinstance(error, StatusError):
        return from_response(error.response)
    if isinstance(error, StreamEventError):
        message, code, kind = _said(error.body)
        return BabyAPIError(
            message or error.message, code=code, type=kind, details=error.body, cause=error
        )
    response: DetachedResponse | None = getattr(error, "response", None)
    return BabyAPIError(
        error.message,
        code="TIMEOUT" if isinstance(error, TimedOut) else None,
        details=None if response is None else response.body,
        cause=error,
        **({} if response is None else _of_response(response)),
    )


def not_json(response: Response, said: str) -> BabyAPIError:
    """Return the error for a success whose body is not JSON.

    Args:
        response: The response, its body read.
        said: What is wrong with it, without a word of it.
    """
    request = response.request
    call = Call.of(request)
    detached = DetachedResponse(
        response,
        response.content,
        method=request.method,
        url=request.url,
        secrets=call.scope.secrets,
    )
    error = BabyAPIError(
        "Failed to parse JSON response",
        cause=DecodeError(said),
        **_of_response(detached),
    )
    call.complete(error, request)
    return error


def _of_response(response: DetachedResponse) -> dict[str, Any]:
    ids = (response.headers.get(name) for name in _REQUEST_IDS)
    return {
        "status": response.status_code,
        "request_id": next(filter(None, ids), None),
        "response": response,
    }


def _said(body: Any) -> tuple[str | None, str | None, str | None]:
    """Return the message, code and type of an error's body, as far as they are text."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return None, None, None
    message, code, kind = (
        value if isinstance(value := error.get(name), str) else None
        for name in ("message", "code", "type")
    )
    return message, code, kind
