"""Retry: try again what is likely to pass and safe to repeat.

The loop only waits and sends. What is tried again, when it stops and how long it waits are
tenacity's strategies, asked after a failure and never before; the decision itself is the pure
function `decide`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from penstock import UNSET, Call, InvalidOption
from penstock_middleware.replay import Replay
from penstock_middleware.retry.statuses import STATUSES

if TYPE_CHECKING:
    from collections.abc import Collection

    from tenacity import RetryCallState

    from penstock import Next, Request, Response
    from penstock_middleware.retry.backoff import Jitter
    from penstock_middleware.retry.rounds import Rounds

Rule = Callable[["RetryCallState"], Any]

_JITTERS = (
    "full",
    "equal",
    "decorrelated",
    "proportional",
    "none",
)  # Backoff's, which imports tenacity
_DRAINED = 65_536  # bytes: reading so much is cheaper than a new connection, and more is not


class Retry:
    """Send a request again when what failed is likely to pass and safe to repeat.

    How many repeats may follow is a value of the client or the call (`max_retries`, 2 unless
    given). The last response is returned, or the last error raised, as it is.

    Args:
        retry: Any tenacity retry strategy: which outcomes are tried again. By default
            `RetryTransient`.
        stop: Any tenacity stop strategy, instead of `max_retries`; `max_retries=0` still means no
            repeats.
        wait: Any tenacity wait strategy. By default `Backoff(base_delay, max_delay, jitter)`.
        statuses: The statuses the default rule tries again.
        retry_unsafe_methods: Whether the default rule repeats POST and PATCH whatever happened.
        base_delay: Seconds the backoff starts from; it doubles with each repeat.
        max_delay: The longest backoff, in seconds.
        jitter: How the backoff is spread: `full`, `equal`, `decorrelated`, `proportional` or
            `none`.
        retry_after_cap: The longest wait a server may ask for, in seconds.
        over_cap: What to do when it asks for more: `clamp` the wait, or `stop` and return its
            response.

    Raises:
        InvalidOption: A value cannot work.
    """

    divides = True

    def __init__(
        self,
        *,
        retry: Rule | None = None,
        stop: Callable[[RetryCallState], bool] | None = None,
        wait: Callable[[RetryCallState], float] | None = None,
        statuses: Collection[int] = STATUSES,
        retry_unsafe_methods: bool = False,
        base_delay: float = 0.5,
        max_delay: float = 8.0,
        jitter: Jitter = "full",
        retry_after_cap: float = 30.0,
        over_cap: str = "clamp",
    ) -> None:
        if over_cap not in {"clamp", "stop"}:
            raise InvalidOption(f"over_cap must be 'clamp' or 'stop', not {over_cap!r}")
        for name, seconds in (
            ("base_delay", base_delay),
            ("max_delay", max_delay),
            ("retry_after_cap", retry_after_cap),
        ):
            if (
                isinstance(seconds, bool)
                or not isinstance(seconds, (int, float))
                or not 0 <= seconds < float("inf")
            ):
                raise InvalidOption(
                    f"{name} must be a finite number of seconds >= 0, not {seconds!r}"
                )
        if jitter not in _JITTERS:
            raise InvalidOption(f"jitter must be one of {', '.join(_JITTERS)}, not {jitter!r}")
        for name, strategy in (("retry", retry), ("stop", stop), ("wait", wait)):
            if strategy is not None and (isinstance(strategy, type) or not callable(strategy)):
                raise InvalidOption(f"{name} must be a strategy of tenacity, not {strategy!r}")
        if isinstance(statuses, int) or not all(isinstance(status, int) for status in statuses):
            raise InvalidOption(f"statuses must be a collection of integers, not {statuses!r}")
        self._retry = retry
        self._stop = stop
        self._wait = wait
        self._statuses = frozenset(statuses)
        self._unsafe = retry_unsafe_methods
        self._spread = base_delay, max_delay, jitter
        self._cap = retry_after_cap
        self._over_cap = over_cap

    async def __call__(self, request: Request, call_next: Next) -> Response:
        call = Call.of(request)
        replay = Replay.of(request)
        by_status = self._rule(call) is None
        rounds: Rounds | None = None
        while True:
            fresh: Any = call.new_attempt(request)
            fresh.stream = replay.stream
            try:
                response = await call_next(fresh)
            except BaseException as error:
                call.end_attempt(fresh, error)
                if not isinstance(error, Exception):
                    raise  # a cancellation is nobody's failure
                rounds = rounds or self._rounds(call, request, call_next, replay)
                wait = await rounds.wait_after(fresh, error)
                if wait is None:
                    raise
            else:
                call.end_attempt(fresh, response)
                if by_status and response.status_code not in self._statuses:
                    return response
                rounds = rounds or self._rounds(call, request, call_next, replay)
                try:
                    wait = await rounds.wait_after(fresh, response)
                except BaseException:
                    await call.runtime.close(response)
                    raise
                if wait is None:
                    return response
                await call.runtime.take(response, _DRAINED)
            await call.runtime.sleep(wait)

    def _rounds(self, call: Call, request: Request, call_next: Next, replay: Replay) -> Rounds:
        """Return what decides from the first failure on: only now is tenacity imported."""
        from tenacity import stop_after_attempt

        from penstock_middleware.retry.backoff import Backoff
        from penstock_middleware.retry.decide import Policy
        from penstock_middleware.retry.rounds import Rounds
        from penstock_middleware.retry.strategies import RetryTransient

        max_retries = call.options.max_retries or 0
        policy = Policy(
            retry=self._rule(call) or RetryTransient(self._statuses, unsafe_methods=self._unsafe),
            stop=self._stop if self._stop and max_retries else stop_after_attempt(max_retries + 1),
            wait=self._wait or Backoff(*self._spread),
            retry_after_cap=self._cap,
            over_cap=self._over_cap,
        )
        return Rounds(call, request, call_next, policy, replay)

    def _rule(self, call: Call) -> Rule | None:
        """Return the strategy the call or this `Retry` was given, or None for the default one."""
        return self._retry if call.options.retry is UNSET else call.options.retry

    def __repr__(self) -> str:
        return "Retry()"
