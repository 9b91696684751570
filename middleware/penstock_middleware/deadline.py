"""Deadline: how long a whole call may take, its waits included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock import UNSET, Call, Keywords, RequestOptions
from penstock_middleware.shown import shown

if TYPE_CHECKING:
    from penstock import Next, Request, Response


class Deadline(Keywords):
    """Give the call the moment by which it must be over.

    `Timeout` ends an attempt by it, `Retry` does not sleep past it, and on the client's own
    transport it holds at the socket, so that not even a server that drips can outlive it. What runs
    into it raises `DeadlineExceeded`.

    Args:
        seconds: For every call that has no `deadline` of its own, from client or call; None for no
            limit.
    """

    zone = "call"

    def __init__(self, seconds: float | None = None) -> None:
        RequestOptions(deadline=seconds)  # refuses what is no number of seconds
        self._seconds = seconds

    async def __call__(self, request: Request, call_next: Next) -> Response:
        call = Call.of(request)
        seconds = call.options.deadline
        if seconds is None or seconds is UNSET:
            seconds = self._seconds
        if seconds is not None:
            call.deadline = call.started + seconds
        return await call_next(request)

    def __repr__(self) -> str:
        return shown("Deadline", ("", self._seconds, None))
