"""Timeout: how long one attempt may take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock import UNSET, Attempt, Call, TimedOut, Until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock import Next, Request, Response

_PHASES = ("connect", "read", "write", "pool")


class Timeout:
    """Bound one attempt by the call's `timeout` and by what its deadline leaves.

    An attempt includes its redirects and a renewed credential.

    A number bounds each phase and, by wall clock, the whole attempt: the body of a plain call, the
    head of a stream. An `httpx.Timeout` bounds its phases alone. The limits travel in
    `request.extensions["timeout"]`, as httpx's own do, to the transport's sockets.
    """

    zone = "attempt"

    async def __call__(self, request: Request, call_next: Next) -> Response:
        call = Call.of(request)
        timeout: Any = call.options.timeout
        if timeout is UNSET and call.deadline is None:
            return await call_next(request)
        attempt = Attempt.of(request)
        now = call.runtime.now
        is_number = isinstance(timeout, (int, float))
        own_end = attempt.started + timeout if is_number else None
        attempt.deadline = ends = _earlier(own_end, call.deadline)
        if ends is not None and now() >= ends:
            raise TimedOut("no time was left to send the request", phase="connect")
        if is_number or timeout is None:
            limits: dict[str, float] = dict.fromkeys(_PHASES, Until(timeout, ends, now))
        else:
            phases = _phases(request, timeout)
            limits = {phase: Until(seconds, ends, now) for phase, seconds in phases}
        request.extensions["timeout"] = limits
        response = await call_next(request)
        if call.stream:
            # The head has come: what is read from now on is the reader's, bounded by the deadline.
            limits["read"] = Until(limits["read"], call.deadline, now)
        return response

    def __repr__(self) -> str:
        return "Timeout()"


def _phases(request: Request, timeout: Any) -> Iterator[tuple[str, float | None]]:
    """Give the limit of each phase: an `httpx.Timeout`'s, or what a caller's client has set."""
    given = request.extensions.get("timeout", {}) if timeout is UNSET else vars(timeout)
    for phase in _PHASES:
        yield phase, given.get(phase)


def _earlier(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
