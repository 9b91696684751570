"""Watching calls from outside the stack: what was asked for and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from penstock.body import observe_body
from penstock.call import Call
from penstock.errors import StatusError
from penstock.redact import safe_text, safe_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.body import BodyEnd
    from penstock.messages import Request, Response
    from penstock.stack import Next


@dataclass(slots=True)
class Watched:
    """One call, seen from outside the stack.

    Attributes:
        call: The call.
        method: The request's method.
        url: Its URL, redacted.
        status: The final status, or None.
        error: The class name of what the call raised, or of what broke its stream; or None.
        body: How a stream's body ended.
        response: What came back, or None.
    """

    call: Call
    method: str
    url: str
    status: int | None = None
    error: str | None = None
    body: BodyEnd | None = None
    response: Response | None = None

    @property
    def outcome(self) -> str:
        """The status, the error, or both."""
        return " ".join(str(part) for part in (self.status, self.error) if part)

    @property
    def failed(self) -> bool:
        """Whether it ended with an error or a status of 400 or more (RFC 9110 §15)."""
        return self.error is not None or (self.status or 0) >= 400

    @property
    def path(self) -> str:
        """The URL's path."""
        return urlsplit(self.url).path or "/"


class Watch:
    """Keep every call that goes by. Put it outermost: `Stack([Watch(calls.append), *stack])`.

    Args:
        keep: Called with each call as it begins; the object is filled in as the call goes on.
    """

    zone = "call"

    def __init__(self, keep: Callable[[Watched], object]) -> None:
        self._keep = keep

    async def __call__(self, request: Request, call_next: Next) -> Response:
        """Keep the call, and send it on."""
        call = Call.of(request)
        url = safe_text(safe_url(request.url), call.scope.secrets)
        watched = Watched(call, request.method, url)
        self._keep(watched)
        try:
            response = await call_next(request)
        except BaseException as error:
            watched.error = type(error).__name__
            if isinstance(error, StatusError):
                watched.status = error.status_code
            raise
        watched.status, watched.response = response.status_code, response

        def end(body: BodyEnd) -> None:
            watched.body = body if call.stream else None
            if body.error is not None:
                watched.error = type(body.error).__name__

        observe_body(response, end)
        return response

    def __repr__(self) -> str:
        return "Watch()"
