"""RetryBudget: repeats are paid for by calls that succeed, so that retries cannot make a storm."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING

from penstock import Alone, Call, InvalidOption, Key, Keywords, origin_of
from penstock_middleware.checks import is_number
from penstock_middleware.outcome import FIRST_SERVER_ERROR
from penstock_middleware.per_origin import MOST_ORIGINS

if TYPE_CHECKING:
    from penstock import Next, Request, Response, Scope

_UNIT = 1000  # tokens are counted in thousandths: ten times 0.1 is one, which floats do not hold to
_TOO_MANY_REQUESTS = 429  # RFC 6585 §4


class RetryBudget(Keywords):
    """Let `Retry` repeat as long as the origin's bucket has tokens.

    The bucket begins full. A call that succeeds at the first try puts `deposit` in, a repeat takes
    `cost` out, and the repeat that wins brings it back. So failures here and there are repeated as
    ever, while an origin that fails for good soon gets each call once: what would be repeated is
    returned or raised as it is, with the reason `budget`. A token whose repeat was never sent, as
    the caller left meanwhile, goes back.

    A call succeeds when it is answered with a status below 500 other than 429. Anything else that
    is not repeated neither fills nor drains. As in gRFC A6 and AWS's SDKs (retry mode "standard")
    it is successes that pay. There is no floor by time: that is what keeps a fleet of clients with
    little traffic each from ever calming down.

    Each client has one bucket an origin, which all its calls and views share.

    Args:
        capacity: Tokens in a full bucket.
        deposit: Tokens that a success at the first try puts in.
        cost: Tokens that a repeat takes out.
        shared: Whether all clients whose stacks hold this object share their buckets.

    Raises:
        InvalidOption: A number is negative, not finite, or too small: thousandths are counted.
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
        self._buckets = Key[Buckets]("retry budget")
        self._shared = self._full() if shared else None

    async def __call__(self, request: Request, call_next: Next) -> Response:
        call = Call.of(request)
        buckets = self._shared
        if buckets is None:
            buckets = call.once(self._buckets, self._full)
        call.set(BUDGET, buckets)
        succeeded = False
        try:
            response = await call_next(request)
            status = response.status_code
            succeeded = status < FIRST_SERVER_ERROR and status != _TOO_MANY_REQUESTS
            return response
        finally:
            if not buckets.are_full:
                buckets.settle(call, request.url, succeeded=succeeded)

    def _full(self, scope: Scope | None = None) -> Buckets:  # noqa: ARG002 - as `once` wants it
        return Buckets(self._capacity, self._deposit, self._cost)

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
        shown += [] if self._shared is None else ["shared=True"]
        return f"RetryBudget({', '.join(shown)})"


class Buckets:
    """The buckets of one client, by origin, in thousandths of a token; safe in many threads.

    One that is full is not kept, so while nothing fails there is none to look for.

    Args:
        capacity: How many fit, and are there at first.
        deposit: How many a success puts in.
        cost: How many a repeat takes out.
    """

    def __init__(self, capacity: int, deposit: int, cost: int) -> None:
        self._capacity = capacity
        self._deposit = deposit
        self._cost = cost
        self._left: OrderedDict[object, int] = OrderedDict()
        self._lock = Alone()

    @property
    def are_full(self) -> bool:
        """Whether nothing can be put in anywhere."""
        return not self._left

    def tokens(self, url: object) -> float:
        """Return how many whole tokens are left for the origin of *url*."""
        return self._left.get(origin_of(url), self._capacity) / _UNIT

    def withdraw(self, call: Call, url: object) -> bool:
        """Pay for one more repeat of *call*, and tell whether there was enough.

        Args:
            call: The call, which keeps how many were paid for.
            url: Where it goes.
        """
        is_paid = self._lock.run(self._take, origin_of(url))
        if is_paid:
            call.set(_PAID, call.get(_PAID, 0) + 1)
        return is_paid

    def _take(self, origin: object) -> bool:
        left = self._left.get(origin, self._capacity) - self._cost
        if left < 0:
            return False
        self._left[origin] = left
        self._left.move_to_end(origin)
        if len(self._left) > MOST_ORIGINS:
            self._left.popitem(last=False)
        return True

    def settle(self, call: Call, url: object, *, succeeded: bool) -> None:
        """Put in what the end of *call* brings.

        Args:
            call: The call; of its attempts, those after the first were paid for.
            url: Where it went.
            succeeded: Whether the last one did.
        """
        paid = call.get(_PAID, 0)
        if paid:
            unsent = paid + 1 - call.attempt_count
            self._lock.run(self._put, origin_of(url), self._cost * (unsent + succeeded))
        elif succeeded:
            self._lock.run(self._put, origin_of(url), self._deposit)

    def _put(self, origin: object, tokens: int) -> None:
        left = self._left.get(origin, self._capacity) + tokens
        if left < self._capacity:
            self._left[origin] = left
        else:
            self._left.pop(origin, None)


BUDGET = Key[Buckets]("retry budget")
"""Where a call has its client's: `Retry` withdraws when all else speaks for a repeat."""

_PAID = Key[int]("repeats paid for")


def _thousandths(name: str, value: float) -> int:
    if not is_number(value) or not 0 <= value < math.inf or (value and value * _UNIT < 1):
        raise InvalidOption(
            f"{name} must be a finite number of tokens, 0 or at least a thousandth, not {value!r}"
        )
    return round(value * _UNIT)
