"""What happens between two attempts: the rule, the decision, the facts."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from penstock import Attempt, RetryScheduled, RetryStopped
from penstock_middleware.retry.decide import Decision, Policy, decide
from penstock_middleware.retry.retry_after import parse_retry_after
from penstock_middleware.retry.state import AttemptState

if TYPE_CHECKING:
    from penstock import Call, Next, Request, Response
    from penstock_middleware.replay import Replay


class Rounds:
    """The attempts of one call, from the first that failed on.

    Args:
        call: The call.
        request: Its request, before any attempt.
        call_next: What an attempt runs.
        policy: The strategies.
        replay: Its body.
    """

    def __init__(
        self, call: Call, request: Request, call_next: Next, policy: Policy, replay: Replay
    ) -> None:
        self._call = call
        self._policy = policy
        self._replay = replay
        self._state = AttemptState(call, request, call_next)

    async def wait_after(self, attempted: Request, outcome: Response | Exception) -> float | None:
        """Return the seconds to wait before the next attempt, or None for no other.

        Args:
            attempted: The request of the attempt.
            outcome: Its response, or the error that ended it.
        """
        call, runtime = self._call, self._call.runtime
        number = Attempt.of(attempted).number
        self._state.end(number, runtime.now(), outcome)
        try:
            wanted: Any = self._policy.retry(self._state)
            if inspect.isawaitable(wanted):
                wanted = await wanted
            if not wanted:
                return None
            decision = decide(
                self._policy,
                self._state,
                can_resend=self._replay.can_resend(),
                hint=None
                if isinstance(outcome, Exception)
                else parse_retry_after(outcome.headers, runtime.wall()),
                remaining=call.remaining,
            )
        finally:
            self._state.clear()
        if decision.wait is not None and not self._replay.rewind():
            decision = Decision(None, "body")
        if decision.wait is None:
            call.record(RetryStopped(number, runtime.now(), decision.reason))
            return None
        reason = (
            type(outcome).__name__ if isinstance(outcome, Exception) else str(outcome.status_code)
        )
        call.record(
            RetryScheduled(number + 1, runtime.now(), decision.wait, reason, decision.source)
        )
        self._state.idle_for += decision.wait
        return decision.wait
