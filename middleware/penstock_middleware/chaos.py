"""Chaos: have calls meet with what networks and servers do, on purpose and at a rate."""

from __future__ import annotations

import importlib
import math
import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from penstock import (
    Call,
    ConnectionFailed,
    DeadlineExceeded,
    InvalidOption,
    Key,
    Keywords,
    TimedOut,
    Until,
)
from penstock_middleware.checks import is_number
from penstock_middleware.shown import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from penstock import Next, Request, Response, Scope

_PHASES = frozenset({"connect", "pool", "write", "read", "protocol", "proxy"})
_STATUSES = range(200, 600)  # RFC 9110 §15: final ones
_BODY = b'{"error": {"message": "chaos"}}'


class Chaos(Keywords):
    """Delay a share of the requests, and answer others with a failure instead of sending them.

    Put it innermost, with `.append(Chaos(…))`, in the place of the network. What it raises is what
    a real failure raises: `ConnectionFailed` with a phase, `TimedOut` or `DeadlineExceeded` once
    the limit of the attempt has passed on the client's clock. A status is a response made up on the
    spot. Rates are shares of the requests, from 0 to 1; without any, nothing happens.

    Args:
        latency: Seconds a request is delayed by, or the shortest and the longest of them.
        latency_rate: The share that is delayed.
        error_rate: The share whose connection fails.
        timeout_rate: The share that is never answered; without a limit it fails at once.
        status_rate: The share that gets a status.
        statuses: Which; drawn from with equal chance.
        phases: Where a connection fails; drawn from with equal chance.
        seed: Makes each client meet the same again. Without it, chance is the client's own.
        when: Asked about each request: False leaves it alone, a number from 0 to 1 is what all
            rates are multiplied by.

    Raises:
        InvalidOption: A value cannot work.
    """

    zone = "attempt"

    def __init__(
        self,
        *,
        latency: float | tuple[float, float] = 0.0,
        latency_rate: float = 1.0,
        error_rate: float = 0.0,
        timeout_rate: float = 0.0,
        status_rate: float = 0.0,
        statuses: Collection[int] = (503,),
        phases: Collection[str] = ("connect", "read"),
        seed: int | None = None,
        when: Callable[[Request], float] | None = None,
    ) -> None:
        self._latency = _checked_latency(latency)
        rates = {"error_rate": error_rate, "timeout_rate": timeout_rate, "status_rate": status_rate}
        for name, rate in {"latency_rate": latency_rate, **rates}.items():
            if not is_number(rate) or not 0 <= rate <= 1:
                raise InvalidOption(f"{name} must be a share from 0 to 1, not {rate!r}")
        if sum(rates.values()) > 1:
            raise InvalidOption(f"{' + '.join(rates)} is more than 1")
        if not statuses or not all(status in _STATUSES for status in statuses):
            raise InvalidOption(f"statuses must be some of 200 to 599, not {statuses!r}")
        if not phases or not _PHASES.issuperset(phases):
            raise InvalidOption(f"phases must be some of {', '.join(sorted(_PHASES))}")
        self._is_idle = not self._latency[1] and not any(rates.values())
        self._latency_rate = latency_rate
        self._rates = rates
        self._statuses = tuple(statuses)
        self._phases = tuple(phases)
        self._seed = seed
        self._when = when
        self._draw = Key["Callable[[], float]"]("chance")

    async def __call__(self, request: Request, call_next: Next) -> Response:
        call = Call.of(request)
        share = float(self._when(request)) if self._when is not None else 1.0
        if not share or self._is_idle:
            return await call_next(request)
        draw = call.once(self._draw, self._chance)
        # All four are drawn each time: to change one rate moves nothing else.
        slow, how_slow, fault, which = draw(), draw(), draw(), draw()
        shortest, longest = self._latency
        if longest and slow < self._latency_rate * share:
            await _pause(request, call, shortest + (longest - shortest) * how_slow)
        for name, rate in self._rates.items():
            if fault < rate * share:
                return await self._fail(name, which, request, call)
            fault -= rate * share
        return await call_next(request)

    async def _fail(self, how: str, which: float, request: Request, call: Call) -> Response:
        if how == "error_rate":
            phase = self._phases[int(which * len(self._phases))]
            raise ConnectionFailed(f"the connection failed ({phase}): chaos", phase=phase)
        if how == "timeout_rate":
            raise await _timed_out(_left(request), call)
        return await _answer(self._statuses[int(which * len(self._statuses))], request, call)

    def _chance(self, scope: Scope) -> Callable[[], float]:
        if self._seed is None:
            return scope.runtime.random
        return random.Random(self._seed).random  # noqa: S311 - repeatable on purpose

    def __repr__(self) -> str:
        return shown(
            "Chaos",
            ("latency", self._latency, (0.0, 0.0)),
            ("latency_rate", self._latency_rate, 1.0),
            *((name, rate, 0.0) for name, rate in self._rates.items()),
            ("statuses", self._statuses, (503,)),
            ("phases", self._phases, ("connect", "read")),
            ("seed", self._seed, None),
            ("when", self._when, None),
        )


def _checked_latency(latency: Any) -> tuple[float, float]:
    bounds = latency if isinstance(latency, tuple) else (latency, latency)
    if len(bounds) == 2 and all(map(is_number, bounds)) and 0 <= bounds[0] <= bounds[1] < math.inf:  # noqa: PLR2004 - a pair
        return bounds
    raise InvalidOption(f"latency must be seconds, or the shortest and longest, not {latency!r}")


async def _pause(request: Request, call: Call, seconds: float) -> None:
    """Let *seconds* pass.

    Raises:
        TimedOut: The attempt has no more than that left.
    """
    left = _left(request)
    if left is not None and seconds >= left:
        raise await _timed_out(left, call)
    await call.runtime.sleep(seconds)


def _left(request: Request) -> float | None:
    """Return the seconds the server has for its answer, or None for no limit."""
    limit: float | None = request.extensions.get("timeout", {}).get("read")
    return limit.left() if isinstance(limit, Until) else limit


async def _timed_out(left: float | None, call: Call) -> TimedOut:
    """Return, once *left* seconds have passed, what a request that was not answered ends with."""
    if left is not None and left > 0:
        await call.runtime.sleep(left)
    if call.deadline is not None and call.runtime.now() >= call.deadline:
        return DeadlineExceeded("the deadline passed", phase="read")
    return TimedOut("the server took too long to answer", phase="read")


async def _answer(status: int, request: Request, call: Call) -> Response:
    family: Any = importlib.import_module(call.scope.family)
    headers = {"Content-Type": "application/json", "Content-Length": str(len(_BODY))}
    body = family.ByteStream(_BODY)
    response: Any = family.Response(status, headers=headers, stream=body, request=request)
    response.elapsed = timedelta()
    if not call.stream:
        await call.runtime.read(response)
    return response  # type: ignore[no-any-return]  # the family's response
