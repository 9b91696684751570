"""The default rule for what is tried again: a tenacity strategy, which combines with any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenacity import retry_base

from penstock import (
    Call,
    CircuitOpen,
    ConnectionFailed,
    DeadlineExceeded,
    ProxyRefused,
    UntrustedCertificate,
)
from penstock_middleware.idempotency import KEYED
from penstock_middleware.outcome import FIRST_ERROR
from penstock_middleware.retry.statuses import IDEMPOTENT, STATUSES, UNPROCESSED

if TYPE_CHECKING:
    from collections.abc import Collection

    from tenacity import RetryCallState

    from penstock import Request, Response

_FINAL = (DeadlineExceeded, ProxyRefused, UntrustedCertificate)
_SAYS = {"true": True, "false": False}


class RetryTransient(retry_base):
    """Try again what is likely to pass and safe to repeat.

    Statuses of `statuses`, failed connections and timeouts, but for a certificate that does not
    verify, a proxy that refuses and a deadline that has passed; where the method is not idempotent,
    only if nothing was processed (it was never sent, or the status says so) or the request has an
    `Idempotency-Key`. An open circuit is waited for by calls that have a deadline.

    Args:
        statuses: The statuses to try again.
        unsafe_methods: Whether methods that are not idempotent are repeated like the others.
        should_retry_header: A header by whose `true` or `false` the server decides itself about a
            status of 400 or more, or None.
    """

    def __init__(
        self,
        statuses: Collection[int] = STATUSES,
        *,
        unsafe_methods: bool = False,
        should_retry_header: str | None = None,
    ) -> None:
        self._statuses = frozenset(statuses)
        self._unsafe_methods = unsafe_methods
        self._header = should_retry_header

    def __call__(self, retry_state: RetryCallState) -> bool:
        outcome = retry_state.outcome
        request: Request = retry_state.args[0]
        if outcome is None:
            return False
        error = outcome.exception() if outcome.failed else None
        if error is not None:
            if not isinstance(error, ConnectionFailed) or isinstance(error, _FINAL):
                return False
            if isinstance(error, CircuitOpen):
                # Nobody was asked. A call with a deadline has said how long it may wait for that.
                return Call.of(request).remaining is not None
            return error.unsent or self.may_repeat(request)
        response: Response = outcome.result()
        said = self._said_by(response)
        if said is None and response.status_code in self._statuses:
            return response.status_code in UNPROCESSED or self.may_repeat(request)
        return said is True

    def _said_by(self, response: Response) -> bool | None:
        """Return what the server itself says about trying again, or None."""
        if self._header is None or response.status_code < FIRST_ERROR:
            return None
        return _SAYS.get(response.headers.get(self._header, "").strip().lower())

    def may_repeat(self, request: Request) -> bool:
        """Tell whether the request may reach the server twice."""
        return (
            self._unsafe_methods
            or request.method in IDEMPOTENT
            or "idempotency-key" in request.headers
            or Call.of(request).get(KEYED) is True
        )
