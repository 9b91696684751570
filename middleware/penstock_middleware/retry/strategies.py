"""The default rule for what is tried again: a tenacity strategy, which combines with any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenacity import retry_base

from penstock import ConnectionFailed, DeadlineExceeded
from penstock_middleware.retry.statuses import IDEMPOTENT, STATUSES, UNPROCESSED

if TYPE_CHECKING:
    from collections.abc import Collection

    from tenacity import RetryCallState

    from penstock import Request, Response


class RetryTransient(retry_base):
    """Try again what is likely to pass and safe to repeat.

    Statuses of `statuses`, failed connections and timeouts; where the method is not idempotent,
    only if nothing was processed (it was never sent, or the status says so) or the request has an
    `Idempotency-Key`.

    Args:
        statuses: The statuses to try again.
        unsafe_methods: Whether methods that are not idempotent are repeated like the others.
    """

    def __init__(
        self, statuses: Collection[int] = STATUSES, *, unsafe_methods: bool = False
    ) -> None:
        self._statuses = frozenset(statuses)
        self._unsafe_methods = unsafe_methods

    def __call__(self, retry_state: RetryCallState) -> bool:
        outcome = retry_state.outcome
        request: Request = retry_state.args[0]
        if outcome is None:
            return False
        error = outcome.exception() if outcome.failed else None
        if error is not None:
            if not isinstance(error, ConnectionFailed) or isinstance(error, DeadlineExceeded):
                return False
            return error.unsent or self.may_repeat(request)
        response: Response = outcome.result()
        if response.status_code not in self._statuses:
            return False
        return response.status_code in UNPROCESSED or self.may_repeat(request)

    def may_repeat(self, request: Request) -> bool:
        """Tell whether the request may reach the server twice."""
        return (
            self._unsafe_methods
            or request.method in IDEMPOTENT
            or "idempotency-key" in request.headers
        )
