"""The stack of a Pareta client: the standard one with this product's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock import Stack
from penstock.clients.pareta.errors import own_error, status_error
from penstock.clients.pareta.overall import Overall
from penstock.middleware import GenAI, RaiseForStatus, Retry, Timeout

if TYPE_CHECKING:
    from penstock.clients.pareta.settings import ParetaSettings

STATUSES = frozenset({408, 409, 429, 500, 502, 503, 504})
"""What is tried again, whatever the method (Pareta's documentation, "max_retries")."""

JITTER = 0.25
"""Seconds that are at most added to a wait by chance, as the pareta package adds them."""

_POLICY = {"base_delay": 0.5, "max_delay": 8.0, "retry_after_cap": 30.0, "over_cap": "clamp"}


def standard_stack(settings: ParetaSettings | None = None, *, redirects: bool = True) -> Stack:
    """Return the stack a Pareta client has unless told otherwise.

    Args:
        settings: Where retry, tracing and logging take their policy from; their defaults without
            it.
        redirects: Whether it follows redirects; over a caller's own HTTP client, that one does.
    """
    policy: Any = _POLICY if settings is None else {n: getattr(settings.retry, n) for n in _POLICY}
    retry = Retry(
        statuses=STATUSES,
        retry_unsafe_methods=True,
        wait=Delay(policy["base_delay"], policy["max_delay"]),
        retry_after_cap=policy["retry_after_cap"],
        over_cap=policy["over_cap"],
    )
    stack = GenAI.instead_of_tracing(Stack.standard(settings, redirects=redirects), "pareta")
    stack = stack.replace(RaiseForStatus, RaiseForStatus(status_error, own_error))
    return stack.replace(Retry, retry).after(Timeout, Overall())


class Delay:
    """Wait `min(base·2ⁿ, longest)` and up to `JITTER` seconds before repeat *n*, 0 the first.

    A tenacity wait strategy for a Penstock stack, whose source of chance it draws from.

    Args:
        base: Seconds before the first repeat.
        longest: Seconds that a wait, less its share of chance, never exceeds.
    """

    def __init__(self, base: float, longest: float) -> None:
        self._base = base
        self._longest = longest

    def __call__(self, retry_state: Any) -> float:
        """Return the seconds to wait before the attempt that follows the one in *retry_state*."""
        doublings = min(retry_state.attempt_number - 1, 64)  # 2.0**1024 would be an error
        return float(
            min(self._base * 2.0**doublings, self._longest) + JITTER * retry_state.random()
        )

    def __repr__(self) -> str:
        return f"Delay({self._base!r}, {self._longest!r})"
