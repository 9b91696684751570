"""What happens between two attempts: the rule, the decision, the facts."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from penstock import Attempt, CircuitOpen, PenstockError, RetryScheduled, RetryStopped
from penstock_middleware.retry.decide import Decision, Policy, decide
from penstock_middleware.retry.retry_after import parse_retry_after
from penstock_middleware.retry.state import AttemptState
from penstock_middleware.retry_budget import BUDGET

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
        self._request = request
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
            if not wanted or await self._is_refused(outcome):
                return None
            decision = decide(
                self._policy,
                self._state,
                can_resend=self._replay.can_resend(),
                hint=_hint(outcome, runtime.wall()),
                remaining=call.remaining,
            )
        finally:
            self._state.clear()
        if decision.wait is not None:
            decision = self._paid(decision)
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

    def _paid(self, decision: Decision) -> Decision:
        """Return *decision* if the body lets itself be rewound and, last, the budget has enough."""
        if not self._replay.rewind():
            return Decision(None, "body")
        budget = self._call.get(BUDGET)
        if budget is None or budget.withdraw(self._call, self._request.url):
            return decision
        return Decision(None, "budget")

    async def _is_refused(self, outcome: Response | Exception) -> bool:
        """Tell whether the body of a response says that there is no use in trying again."""
        unless = self._policy.unless
        if unless is None or isinstance(outcome, Exception):
            return False
        try:
            await self._call.runtime.read(outcome)
        except PenstockError:
            return False  # a body that breaks off says nothing
        return unless(outcome)


def _hint(outcome: Response | Exception, wall: float) -> float | None:
    """Return how long the server, or the circuit to it, asks to wait, in seconds, or None."""
    if isinstance(outcome, Exception):
        return outcome.retry_after if isinstance(outcome, CircuitOpen) else None
    return parse_retry_after(outcome.headers, wall)
