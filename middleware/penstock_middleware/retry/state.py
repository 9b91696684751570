"""What a tenacity strategy is shown: a `RetryCallState` on the call's own clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tenacity import RetryCallState

if TYPE_CHECKING:
    from penstock import Call, Next, Request, Response


class Outcome:
    """How an attempt ended, as the part of tenacity's `Future` that strategies use."""

    __slots__ = ("_outcome", "attempt_number")

    def __init__(self, attempt_number: int, outcome: Response | BaseException) -> None:
        self.attempt_number = attempt_number
        self._outcome = outcome

    @property
    def failed(self) -> bool:
        """Whether it raised."""
        return isinstance(self._outcome, BaseException)

    def exception(self) -> BaseException | None:
        """Return what it raised, or None."""
        return self._outcome if isinstance(self._outcome, BaseException) else None

    def result(self) -> Any:
        """Return the response, or raise what the attempt raised."""
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome


class AttemptState(RetryCallState):
    """The state of one call's attempts, made after the first failure.

    `fn` and `args` are the rest of the stack and the request, `random` the call's source of chance.
    """

    def __init__(self, call: Call, request: Request, call_next: Next) -> None:
        # Not the base's: it reads the machine's clock.
        self.retry_object: Any = None
        self.fn: Any = call_next
        self.args: Any = (request,)
        self.kwargs: Any = {}
        self.start_time = call.started
        self.attempt_number = 0
        self.outcome: Any = None
        self.outcome_timestamp: float | None = None
        self.idle_for = 0.0
        self.next_action: Any = None
        self.upcoming_sleep = 0.0
        self.random = call.runtime.random

    def end(self, number: int, at: float, outcome: Response | BaseException) -> None:
        """Note how attempt *number*, 0 for the first, ended at the moment *at*."""
        self.attempt_number = number + 1
        self.outcome = Outcome(self.attempt_number, outcome)
        self.outcome_timestamp = at

    def clear(self) -> None:
        """Forget the outcome: an error kept here would be in a cycle with its own traceback."""
        self.outcome = None
