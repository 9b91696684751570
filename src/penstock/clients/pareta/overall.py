"""Overall: an `httpx.Timeout` that bounds the whole attempt, not its phases alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock import Attempt, Call, Until

if TYPE_CHECKING:
    from penstock import Next, Request, Response

_PHASES = ("connect", "read", "write", "pool")


class Overall:
    """Bound an attempt by wall clock, by the longest phase of the call's `httpx.Timeout`.

    "Up to 10 seconds to establish the connection and 60 seconds overall", says Pareta's
    documentation of `httpx.Timeout(60.0, connect=10.0)`: a body that drips a byte a second must not
    outlive that. A stream is bounded until its head. Just inside `Timeout`, which does the same for
    a number of seconds.
    """

    zone = "attempt"

    async def __call__(self, request: Request, call_next: Next) -> Response:
        """Shorten what `Timeout` has put on the request."""
        call, attempt = Call.of(request), Attempt.of(request)
        seconds = _longest(call.options.timeout)
        if seconds is not None:
            ends = attempt.started + seconds
            if attempt.deadline is None or ends < attempt.deadline:
                attempt.deadline = ends
                limits = request.extensions["timeout"]
                for phase, limit in limits.items():
                    limits[phase] = Until(limit, ends, call.runtime.now)
        return await call_next(request)

    def __repr__(self) -> str:
        return "Overall()"


def _longest(timeout: Any) -> float | None:
    """Return the seconds of the longest phase; None where one is unlimited, or for a number."""
    phases: list[Any] = [getattr(timeout, phase, None) for phase in _PHASES]
    return None if None in phases else max(phases)
