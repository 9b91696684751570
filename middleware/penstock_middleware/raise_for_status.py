"""RaiseForStatus: a final status of 400 or more becomes the typed error of the client's table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock import (
    BODY_LIMIT,
    Call,
    DetachedResponse,
    InvalidOption,
    Keywords,
    PenstockError,
    status_error,
)
from penstock_middleware.outcome import FIRST_ERROR
from penstock_middleware.shown import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock import Next, Request, Response


class RaiseForStatus(Keywords):
    """Raise the error a final response stands for.

    Outermost, so that everything inside sees the response itself.

    Off for a client or a call with `raise_for_status=False`.

    Args:
        errors: The error table: from a detached response to the error to raise. An SDK brings its
            own.
        failures: From an error of Penstock's (a timeout, a failed connection, …) to the SDK's own,
            or None to leave them.
    """

    zone = "call"

    def __init__(
        self,
        errors: Callable[[DetachedResponse], Exception] = status_error,
        failures: Callable[[PenstockError], Exception] | None = None,
    ) -> None:
        for name, table in (("errors", errors), ("failures", failures)):
            if not callable(table) and (table is not None or name == "errors"):
                raise InvalidOption(f"{name} must be a function, not {type(table).__name__}")
        self._errors = errors
        self._failures = failures

    async def __call__(self, request: Request, call_next: Next) -> Response:
        try:
            response = await call_next(request)
        except PenstockError as error:
            if self._failures is None:
                raise
            call = Call.of(request)
            call.complete(error, request)
            failure = _checked(self._failures(error), "failures")
            try:
                if failure is error:
                    raise
                raise failure from error
            finally:
                del failure  # it refers to this frame through its traceback
        if (
            response.status_code >= FIRST_ERROR
            and (call := Call.of(request)).options.raise_for_status
        ):
            raise _checked(self._errors(await _detached(request, response, call)), "errors")
        return response

    def __repr__(self) -> str:
        errors = ("errors", self._errors, status_error)
        return shown("RaiseForStatus", errors, ("failures", self._failures, None))


async def _detached(request: Request, response: Response, call: Call) -> DetachedResponse:
    # Not in the frame that raises: a traceback with locals would show a key the body echoes.
    content = await call.runtime.take(response, BODY_LIMIT)
    try:
        url = response.url
    except RuntimeError:  # a middleware made the response up: it answers this request
        url = request.url
    return DetachedResponse(
        response, content, method=request.method, url=url, secrets=call.scope.secrets
    )


def _checked(made: Exception, table: str) -> Exception:
    """Return what a table made, or who is to blame if that cannot be raised."""
    if isinstance(made, Exception):
        return made
    return InvalidOption(f"{table} gave {type(made).__name__} instead of an error")
