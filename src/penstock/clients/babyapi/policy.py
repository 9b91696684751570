"""BabyAPI's stack: the standard one with its error table and its rules for repeats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from penstock import ConnectionFailed, Stack
from penstock.clients.babyapi.endpoints import INFER
from penstock.clients.babyapi.errors import from_response
from penstock.middleware import GenAI, RaiseForStatus, Retry

if TYPE_CHECKING:
    from tenacity import RetryCallState

    from penstock import Response, Settings

ShouldRetry = Callable[[int | None, Exception | None, Mapping[str, Any] | None], bool]
"""From a status, or from the error where there is none, and the JSON body, to whether to retry."""

STATUSES = frozenset({408, 429, *range(500, 600)})
"""The statuses that are tried again, as BabyAPI's own client has them."""

NO_LIMIT = 2.0**31
"""Seconds, about 68 years: BabyAPI's own client has no limit to a delay, and `Retry` wants one."""

_FIRST_ERROR = 400  # RFC 9110 §15.5
_LIMITS = {"max_delay": NO_LIMIT, "retry_after_cap": 30.0, "over_cap": "clamp"}


def stack_of(
    should_retry: ShouldRetry | None,
    base_delay: float,
    settings: Settings | None,
    *,
    redirects: bool,
) -> Stack:
    """Return the stack of a client.

    Args:
        should_retry: What decides instead of `STATUSES`, or None.
        base_delay: Seconds before the first repeat; each further one waits twice as long, and 20 %
            more or less by chance.
        settings: Where tracing, logging and what is left of the rules come from, or None.
        redirects: Whether it follows redirects.
    """
    limits: Any = _LIMITS
    if settings is not None:
        limits = {name: getattr(settings.retry, name) for name in _LIMITS}
    retry = Retry(
        retry=None if should_retry is None else _Asking(should_retry),
        statuses=STATUSES,
        retry_unsafe_methods=True,
        base_delay=base_delay,
        jitter="proportional",
        retry_after_spread=_within_a_fifth,
        **limits,
    )
    standard = Stack.standard(settings, redirects=redirects)
    stack = GenAI.instead_of_tracing(standard, "babyapi", operations={INFER[1]: "text_completion"})
    return stack.replace(RaiseForStatus, RaiseForStatus(from_response)).replace(Retry, retry)


def _within_a_fifth(seconds: float, random: Callable[[], float]) -> float:
    return seconds * (0.8 + 0.4 * random())


class _Asking:
    """A retry strategy for tenacity that asks the application, and itself when that fails."""

    def __init__(self, should_retry: ShouldRetry) -> None:
        self._should_retry = should_retry

    def __call__(self, retry_state: RetryCallState) -> bool:
        outcome: Any = retry_state.outcome
        if outcome.failed:
            error = outcome.exception()
            return self._answer(None, error, None, isinstance(error, ConnectionFailed))
        response: Response = outcome.result()
        status = response.status_code
        if status < _FIRST_ERROR:
            return False
        return self._answer(status, None, _object_in(response), status in STATUSES)

    def _answer(
        self,
        status: int | None,
        error: Exception | None,
        body: Mapping[str, Any] | None,
        default: bool,
    ) -> bool:
        try:
            return bool(self._should_retry(status, error, body))
        except Exception:  # noqa: BLE001 - whatever it raises
            return default


def _object_in(response: Response) -> Mapping[str, Any] | None:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, Mapping) else None
