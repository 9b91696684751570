"""Retry: try again what is likely to pass and safe to repeat.

The loop only waits and sends. What is tried again, when it stops and how long it waits are
tenacity's strategies, asked after a failure and never before; the decision itself is the pure
function `decide`. Which outcomes are tried again by default stands in `rule` and `statuses`, for
how long in `backoff`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from penstock import UNSET, Call, InvalidOption, Keywords
from penstock_middleware.checks import check_seconds
from penstock_middleware.outcome import FIRST_ERROR
from penstock_middleware.replay import DRAINED_BYTES, Replay
from penstock_middleware.retry.jitter import JITTERS
from penstock_middleware.retry.statuses import STATUSES
from penstock_middleware.shown import shown

if TYPE_CHECKING:
    from collections.abc import Collection

    from tenacity import RetryCallState

    from penstock import Next, Request, Response
    from penstock_middleware.retry.jitter import Jitter
    from penstock_middleware.retry.rounds import Rounds

Rule = Callable[["RetryCallState"], Any]

_HOW_MANY = (
    "how many repeats may follow is the client's or the call's to say, as max_retries: "
    "Client(max_retries=3), client.get(url, max_retries=3)"
)


class Retry(Keywords):
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
        should_retry_header: A header, such as OpenAI's `x-should-retry`, by whose `true` or `false`
            the server decides itself whether the default rule tries a status of 400 or more again.
        unless: Asked about a response that would be tried again, its body read: True stops.
        base_delay: Seconds the backoff starts from; it doubles with each repeat.
        max_delay: The longest backoff, in seconds.
        jitter: How the backoff is spread: `full`, `equal`, `decorrelated`, `proportional` or
            `none`.
        retry_after_cap: The longest wait a server may ask for, in seconds.
        over_cap: What to do when it asks for more: `clamp` the wait, or `stop` and return its
            response.
        retry_after_spread: From what a server asks for, in seconds, and a function that gives
            numbers from [0, 1) to the wait. By default never less, and up to a tenth or a second
            more.

    Raises:
        InvalidOption: A value cannot work.
    """

    divides = True

    _elsewhere = dict.fromkeys(("max_retries", "retries", "max_attempts", "attempts"), _HOW_MANY)

    def __init__(
        self,
        *,
        retry: Rule | None = None,
        stop: Callable[[RetryCallState], bool] | None = None,
        wait: Callable[[RetryCallState], float] | None = None,
        statuses: Collection[int] = STATUSES,
        retry_unsafe_methods: bool = False,
        should_retry_header: str | None = None,
        unless: Callable[[Response], bool] | None = None,
        base_delay: float = 0.5,
        max_delay: float = 8.0,
        jitter: Jitter = "full",
        retry_after_cap: float = 30.0,
        over_cap: str = "clamp",
        retry_after_spread: Callable[[float, Callable[[], float]], float] | None = None,
    ) -> None:
        if over_cap not in {"clamp", "stop"}:
            raise InvalidOption(f"over_cap must be 'clamp' or 'stop', not {over_cap!r}")
        for name, seconds in (
            ("base_delay", base_delay),
            ("max_delay", max_delay),
            ("retry_after_cap", retry_after_cap),
        ):
            check_seconds(name, seconds)
        if jitter not in JITTERS:
            raise InvalidOption(f"jitter must be one of {', '.join(JITTERS)}, not {jitter!r}")
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
        self._header = should_retry_header
        self._unless = unless
        self._spread = base_delay, max_delay, jitter
        self._cap = retry_after_cap
        self._over_cap = over_cap
        self._hint_spread = retry_after_spread

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
                if by_status and not self._is_asked_about(response):
                    return response
                rounds = rounds or self._rounds(call, request, call_next, replay)
                try:
                    wait = await rounds.wait_after(fresh, response)
                except BaseException:
                    await call.runtime.close(response)
                    raise
                if wait is None:
                    return response
                await call.runtime.take(response, DRAINED_BYTES)
            await call.runtime.sleep(wait)

    def _rounds(self, call: Call, request: Request, call_next: Next, replay: Replay) -> Rounds:
        """Return what decides from the first failure on: only now is tenacity imported."""
        from tenacity import stop_after_attempt

        from penstock_middleware.retry.backoff import Backoff, retry_after_spread
        from penstock_middleware.retry.decide import Policy
        from penstock_middleware.retry.rounds import Rounds
        from penstock_middleware.retry.rule import RetryTransient

        max_retries = call.options.max_retries or 0
        policy = Policy(
            retry=self._rule(call)
            or RetryTransient(
                self._statuses,
                unsafe_methods=self._unsafe,
                should_retry_header=self._header,
            ),
            unless=self._unless,
            stop=self._stop if self._stop and max_retries else stop_after_attempt(max_retries + 1),
            wait=self._wait or Backoff(*self._spread),
            retry_after_cap=self._cap,
            over_cap=self._over_cap,
            spread=self._hint_spread or retry_after_spread,
        )
        return Rounds(call, request, call_next, policy, replay)

    def _is_asked_about(self, response: Response) -> bool:
        """Tell whether the default rule could want another attempt after *response*."""
        if response.status_code in self._statuses:
            return True
        return (
            self._header is not None
            and response.status_code >= FIRST_ERROR
            and self._header in response.headers
        )

    def _rule(self, call: Call) -> Rule | None:
        """Return the strategy the call or this `Retry` was given, or None for the default one."""
        return self._retry if call.options.retry is UNSET else call.options.retry

    def __repr__(self) -> str:
        base_delay, max_delay, jitter = self._spread
        return shown(
            "Retry",
            ("retry", self._retry, None),
            ("stop", self._stop, None),
            ("wait", self._wait, None),
            ("unless", self._unless, None),
            ("statuses", sorted(self._statuses), sorted(STATUSES)),
            ("retry_unsafe_methods", self._unsafe, False),
            ("should_retry_header", self._header, None),
            ("base_delay", base_delay, 0.5),
            ("max_delay", max_delay, 8.0),
            ("jitter", jitter, "full"),
            ("retry_after_cap", self._cap, 30.0),
            ("over_cap", self._over_cap, "clamp"),
        )
