"""The decision after an attempt that failed: pure, so that every rule is a row in a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tenacity import RetryAction

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState

    from penstock import Response
    from penstock_middleware.retry.state import AttemptState


class Policy(NamedTuple):
    """The strategies and limits one call is decided by.

    Attributes:
        retry: A tenacity retry strategy; it may be async.
        unless: Says of a response, its body read, that it is not tried again after all; or None.
        stop: A tenacity stop strategy.
        wait: A tenacity wait strategy.
        retry_after_cap: The longest wait a server may ask for, in seconds.
        over_cap: What to do when it asks for more: `clamp` it, or `stop`.
        spread: From what a server asks for, in seconds, and a source of chance to the wait.
    """

    retry: Callable[[RetryCallState], Any]
    unless: Callable[[Response], bool] | None
    stop: Callable[[RetryCallState], bool]
    wait: Callable[[RetryCallState], float]
    retry_after_cap: float
    over_cap: str
    spread: Callable[[float, Callable[[], float]], float]


class Decision(NamedTuple):
    """Wait and try again, or stop.

    Attributes:
        wait: Seconds to wait, or None to stop.
        reason: Why it stops: `body`, `attempts`, `retry_after`, `deadline` or, as nothing else
            spoke against it, `budget`; empty when it goes on.
        source: What set the wait: `backoff` or `retry_after`.
    """

    wait: float | None
    reason: str = ""
    source: str = "backoff"


def decide(
    policy: Policy,
    state: AttemptState,
    *,
    can_resend: bool,
    hint: float | None,
    remaining: float | None,
) -> Decision:
    """Decide what follows an attempt that the retry rule wants repeated.

    Args:
        policy: The strategies.
        state: How the attempts went.
        can_resend: Whether the body can be sent once more.
        hint: Seconds the server, or the circuit to it, asked to wait, or None.
        remaining: Seconds until the call's deadline, or None.
    """
    if not can_resend:
        return Decision(None, "body")
    source = "retry_after" if hint else "backoff"
    if hint:
        wait = min(policy.spread(hint, state.random), policy.retry_after_cap)
    else:
        wait = max(0.0, policy.wait(state))
    # As in tenacity, a stop strategy may look at the wait that would follow.
    state.upcoming_sleep = wait
    state.next_action = RetryAction(wait)
    if policy.stop(state):
        return Decision(None, "attempts")
    # An open circuit means it: one that is asked too early refuses again.
    may_clamp = policy.over_cap == "clamp" and not state.outcome.failed
    if hint and hint > policy.retry_after_cap and not may_clamp:
        return Decision(None, "retry_after")
    if remaining is not None and wait >= remaining:
        return Decision(None, "deadline")
    return Decision(wait, source=source)
