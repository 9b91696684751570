"""Timeout: how long one attempt may take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock import UNSET, Attempt, Call, DeadlineExceeded, Keywords, TimedOut, Until
from penstock_middleware.shown import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock import Next, Request, Response

_PHASES = ("connect", "read", "write", "pool")


class Timeout(Keywords):
    """Bound one attempt by the call's `timeout` and by what its deadline leaves.

    An attempt includes its redirects and a renewed credential.

    A number bounds each phase and, by wall clock, the whole attempt: the body of a plain call, the
    head of a stream. An `httpx.Timeout` bounds its phases alone. The limits travel in
    `request.extensions["timeout"]`, as httpx's own do, to the transport's sockets.

    Args:
        keep_phases: Whether limits that the request came with, from a client above, stand where
            they are tighter. Without it the call's `timeout` takes their place.
    """

    zone = "attempt"

    def __init__(self, *, keep_phases: bool = False) -> None:
        self._keep_phases = keep_phases

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
            is_late = call.deadline is not None and now() >= call.deadline
            error = DeadlineExceeded if is_late else TimedOut
            raise error("no time was left to send the request", phase="connect")
        kept = request.extensions.get("timeout") if self._keep_phases else None
        if not kept and (is_number or timeout is None):
            reading = timeout
            limits: dict[str, float | None] = dict.fromkeys(_PHASES, _limit(timeout, ends, now))
        else:
            phases = _phases(request, timeout)
            if kept:
                phases = {phase: _earlier(phases[phase], kept.get(phase)) for phase in _PHASES}
            reading = phases["read"]
            limits = {phase: _limit(phases[phase], ends, now) for phase in _PHASES}
        request.extensions["timeout"] = limits
        response = await call_next(request)
        if call.stream:
            # The head has come: what is read from now on is the reader's, bounded by the deadline.
            limits["read"] = _limit(reading, call.deadline, now)
        return response

    def __repr__(self) -> str:
        return shown("Timeout", ("keep_phases", self._keep_phases, False))


def _phases(request: Request, timeout: Any) -> dict[str, float | None]:
    """Return the limit of each phase: the call's own, or what a caller's client has set."""
    if timeout is UNSET:
        return {**dict.fromkeys(_PHASES), **request.extensions.get("timeout", {})}
    if timeout is None or isinstance(timeout, (int, float)):
        return dict.fromkeys(_PHASES, timeout)
    return {phase: getattr(timeout, phase) for phase in _PHASES}


def _limit(seconds: float | None, ends: float | None, now: Callable[[], float]) -> float | None:
    return None if seconds is None and ends is None else Until(seconds, ends, now)


def _earlier(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
