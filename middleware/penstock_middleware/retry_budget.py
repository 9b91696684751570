"""RetryBudget: repeats are paid for by calls that succeed, so that retries cannot make a storm."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

from penstock import Call, InvalidOption, Key
from penstock_middleware.per_origin import PerOrigin

if TYPE_CHECKING:
    from penstock import Next, Request, Response

_UNIT = 1000  # tokens are counted in thousandths: ten times 0.1 is one, which floats do not hold to
_FIRST_SERVER_ERROR = 500  # RFC 9110 §15.6
_TOO_MANY_REQUESTS = 429  # RFC 6585 §4


class RetryBudget:
    """Let `Retry` repeat as long as the origin's bucket has tokens.

    The bucket begins full. A call that succeeds at the first try puts `deposit` in, a repeat takes
    `cost` out, and the repeat that wins brings it back. So failures here and there are repeated as
    ever, while an origin that fails for good soon gets each call once: what would be repeated is
    returned or raised as it is, with the reason `budget`. A token whose repeat was never sent, as
    the caller left meanwhile, goes back.

    A call succeeds when it is answered with a status below 500 other than 429. Anything else that
    is not repeated neither fills nor drains. It is the token bucket of AWS's SDKs ("standard" retry
    mode), of Finagle and of gRFC A6 in that successes fund repeats; there is no floor by time,
    because that is what keeps a fleet of clients with little traffic each from ever calming down.

    Each client has one bucket an origin, which all its calls and views share.

    Args:
        capacity: Tokens in a full bucket.
        deposit: Tokens that a success at the first try puts in.
        cost: Tokens that a repeat takes out.
        shared: Whether all clients whose stacks hold this object share their buckets.

    Raises:
        InvalidOption: A number is negative, not finite, or finer than a thousandth.
    """

    zone = "call"

    def __init__(
        self,
        capacity: float = 10.0,
        deposit: float = 0.1,
        cost: float = 1.0,
        *,
        shared: bool = False,
    ) -> None:
        self._capacity = _thousandths("capacity", capacity)
        self._deposit = _thousandths("deposit", deposit)
        self._cost = _thousandths("cost", cost)
        if not self._cost:
            raise InvalidOption("cost must be more than 0: leave the budget out to have none")
        self._is_shared = shared
        self._buckets = PerOrigin("retry budget", self._full, shared=shared)

    async def __call__(self, request: Request, call_next: Next) -> Response:
        call = Call.of(request)
        spending = Spending(self._buckets.of(request, call))
        call.set(SPENDING, spending)
        succeeded = False
        try:
            response = await call_next(request)
            status = response.status_code
            succeeded = status < _FIRST_SERVER_ERROR and status != _TOO_MANY_REQUESTS
            return response
        finally:
            spending.settle(call.attempt_count, succeeded=succeeded)

    def _full(self, call: Call) -> Bucket:  # noqa: ARG002 - as `PerOrigin` wants it
        return Bucket(self._capacity, self._deposit, self._cost)

    def __repr__(self) -> str:
        shown = [
            f"{name}={value / _UNIT:g}"
            for name, value, usual in (
                ("capacity", self._capacity, 10_000),
                ("deposit", self._deposit, 100),
                ("cost", self._cost, 1000),
            )
            if value != usual
        ]
        shown += ["shared=True"] if self._is_shared else []
        return f"RetryBudget({', '.join(shown)})"


class Bucket:
    """The tokens for one origin, in thousandths; safe to use from many threads.

    Args:
        capacity: How many fit, and are there at first.
        deposit: How many a success puts in.
        cost: How many a repeat takes out.
    """

    __slots__ = ("_capacity", "_cost", "_deposit", "_lock", "_tokens")

    def __init__(self, capacity: int, deposit: int, cost: int) -> None:
        self._capacity = self._tokens = capacity
        self._deposit = deposit
        self._cost = cost
        self._lock = threading.Lock()

    @property
    def tokens(self) -> float:
        """How many tokens are left, in whole ones."""
        return self._tokens / _UNIT

    def withdraw(self) -> bool:
        """Take the cost of a repeat out, and tell whether there was enough."""
        with self._lock:
            if self._tokens < self._cost:
                return False
            self._tokens -= self._cost
            return True

    def deposit(self) -> None:
        """Put in what a success at the first try brings."""
        if self._tokens != self._capacity:  # as it nearly always is
            self._add(self._deposit)

    def give_back(self, repeats: int = 1) -> None:
        """Put the cost of *repeats* back in."""
        self._add(self._cost * repeats)

    def _add(self, tokens: int) -> None:
        with self._lock:
            self._tokens = min(self._capacity, self._tokens + tokens)


class Spending:
    """What one call takes out of its origin's bucket.

    Args:
        bucket: The bucket.
    """

    __slots__ = ("_bucket", "_repeats")

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._repeats = 0

    def withdraw(self) -> bool:
        """Pay for one more repeat, and tell whether that was possible."""
        paid = self._bucket.withdraw()
        self._repeats += paid
        return paid

    def settle(self, attempts: int, *, succeeded: bool) -> None:
        """Give back, or put in, what the end of the call brings.

        Args:
            attempts: How many were begun.
            succeeded: Whether the last one did.
        """
        if not self._repeats:
            if succeeded:
                self._bucket.deposit()
            return
        unsent = self._repeats + 1 - attempts
        if succeeded or unsent:
            self._bucket.give_back(unsent + succeeded)


SPENDING = Key[Spending]("spending")
"""Where a call has its `Spending`: `Retry` withdraws from it when all else speaks for a repeat."""


def _thousandths(name: str, value: float) -> int:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value < math.inf or (value and value * _UNIT < 1):
        raise InvalidOption(
            f"{name} must be a finite number of tokens, 0 or at least a thousandth, not {value!r}"
        )
    return round(value * _UNIT)
