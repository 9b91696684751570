"""CircuitBreaker: an origin that fails is left alone for a while, and tried with one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock import (
    Call,
    CircuitChanged,
    CircuitOpen,
    ConnectionFailed,
    InvalidOption,
    Key,
    Keywords,
    origin_of,
)
from penstock_middleware.checks import check_count, check_seconds, is_number
from penstock_middleware.circuit_breaker.circuit import Circuit, Phase, Rules
from penstock_middleware.outcome import FIRST_SERVER_ERROR
from penstock_middleware.per_origin import Origins
from penstock_middleware.shown import shown

if TYPE_CHECKING:
    from penstock import Next, Request, Response, Scope


class CircuitBreaker(Keywords):
    """Stop asking an origin that fails, so that callers hear at once and it can recover.

    The circuit to each origin is closed at first: attempts pass, and their outcomes are counted.
    When the share that failed reaches `failure_ratio` it opens, and an attempt raises `CircuitOpen`
    with nothing sent. After `open_for` seconds, 20 % more or less by chance, one attempt goes
    through as a probe while the others are refused still: if it succeeds the circuit closes, if it
    fails the circuit is open for twice as long. What comes back from an attempt that began before
    the last change counts for nothing.

    A failure is a connection that failed, a timeout, or a status of 500 or more. Any other answer,
    429 among them, comes from an origin that works. A cancellation is neither, nor is an attempt
    for which no connection came free, or an error of another kind. A stream counts by its head.

    Each client has one circuit an origin. It stands inside `Redirect`, so that each hop counts for
    where it goes, and outside `Auth`. Every change is a fact, `CircuitChanged`, of the call that
    brought it about.

    Args:
        failure_ratio: The share of failures it opens at, above 0 and at most 1.
        min_calls: The least number of attempts a share is made of.
        window: How many seconds of attempts are counted, in steps of a tenth.
        open_for: Seconds until the first probe.
        max_open: The longest time between probes, in seconds, before chance comes in.
        shared: Whether all clients whose stacks hold this object share their circuits.

    Raises:
        InvalidOption: A value cannot work.
    """

    zone = "attempt"

    def __init__(
        self,
        failure_ratio: float = 0.5,
        min_calls: int = 10,
        window: float = 30.0,
        open_for: float = 5.0,
        max_open: float = 60.0,
        *,
        shared: bool = False,
    ) -> None:
        if not is_number(failure_ratio) or not 0 < failure_ratio <= 1:
            raise InvalidOption(
                f"failure_ratio must be above 0 and at most 1, not {failure_ratio!r}"
            )
        check_count("min_calls", min_calls, least=1)
        for name, seconds in (("window", window), ("open_for", open_for), ("max_open", max_open)):
            check_seconds(name, seconds, above_zero=True)
        if max_open < open_for:
            raise InvalidOption(f"max_open={max_open!r} is shorter than open_for={open_for!r}")
        self._rules = Rules(failure_ratio, min_calls, window, open_for, max_open)
        self._circuits = Key[Origins[Circuit]]("circuits")
        self._shared = self._none_open() if shared else None

    async def __call__(self, request: Request, call_next: Next) -> Response:
        call = Call.of(request)
        now = call.runtime.now
        circuits = self._shared
        if circuits is None:
            circuits = call.once(self._circuits, self._none_open)
        circuit = circuits.of(request, call)
        ticket = circuit.closed or circuit.admit(now())
        if ticket is None:
            raise _refusal(request, circuit.retry_after(now()))
        failed: bool | None = None
        try:
            if ticket.state == "half_open":
                _tell(call, request, ticket)
            response = await call_next(request)
            failed = response.status_code >= FIRST_SERVER_ERROR
            return response
        except ConnectionFailed as error:
            failed = _blames_origin(error)
            raise
        finally:
            changed = circuit.settle(ticket, now(), failed=failed)
            if changed is not None:
                _tell(call, request, changed)

    def _none_open(self, scope: Scope | None = None) -> Origins[Circuit]:  # noqa: ARG002 - as `once` wants it
        return Origins(self._closed)

    def _closed(self, call: Call) -> Circuit:
        return Circuit(self._rules, call.runtime.random)

    def __repr__(self) -> str:
        rules = zip(Rules._fields, self._rules, Rules(), strict=True)
        return shown("CircuitBreaker", *rules, ("shared", self._shared is not None, False))


def _blames_origin(error: ConnectionFailed) -> bool | None:
    # The pool is ours, and so is another breaker: neither has asked the origin.
    return None if error.phase == "pool" or isinstance(error, CircuitOpen) else True


def _refusal(request: Request, retry_after: float) -> CircuitOpen:
    when = f"in {retry_after:.1f} s" if retry_after else "once the probe under way has succeeded"
    return CircuitOpen(
        f"too many calls to {request.url.host} failed lately: the next may go {when}",
        retry_after=retry_after,
    )


def _tell(call: Call, request: Request, phase: Phase) -> None:
    """Record that the circuit is in a new phase."""
    open_for = phase.lasts if phase.state == "open" else 0.0
    call.record(CircuitChanged(call.runtime.now(), origin_of(request.url), phase.state, open_for))
