"""One logical call, and one attempt of it: what middleware may know beyond the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from penstock.facts import AttemptEnded, AttemptRecord, AttemptStarted, RetryScheduled
from penstock.redact import safe_text, safe_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.errors import PenstockError
    from penstock.messages import Request, Response
    from penstock.options import RequestOptions
    from penstock.redact import Secret
    from penstock.runtime import Runtime
    from penstock.scope import Scope
    from penstock.urls import Origin

T = TypeVar("T")
D = TypeVar("D")
RequestT = TypeVar("RequestT", bound="Request")

CALL = "penstock.call"
ATTEMPT = "penstock.attempt"


class Key(Generic[T]):
    """A typed key for something a middleware keeps with a call or with a client.

    Args:
        name: Shown in reprs; two keys of the same name are different keys.
    """

    __slots__ = ("__weakref__", "name")

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"Key({self.name!r})"


class Call:
    """What one logical call carries through the stack.

    Attributes:
        operation: Its low-cardinality name, or None.
        options: The resolved options: the call's own over the client's.
        origin: The origin its credentials belong to, or None: then they go nowhere.
        json: What its JSON body was made of, as the caller gave it, or None; not to be changed.
        home: A URL object known to be of that origin, or None: it spares working the origin out.
        deadline: The moment on `runtime.now()` after which nothing of it may run, or None. Set by
            `Deadline`.
        runtime: How to wait, in the client's colour.
        stream: Whether the response is handed over open.
        opened: Of a stream, finds the response that was opened last; None until then.
        started: The moment it began.
        sends: Requests put on the wire so far.
        facts: What happened so far, oldest first.
    """

    __slots__ = (
        "_bag",
        "_ended_with",
        "_scope",
        "_subscribers",
        "attempt_count",
        "deadline",
        "facts",
        "home",
        "json",
        "opened",
        "operation",
        "options",
        "origin",
        "runtime",
        "sends",
        "started",
        "stream",
    )

    def __init__(self, options: RequestOptions, scope: Scope, *, stream: bool) -> None:
        self.options = options
        self.operation: str | None = options.operation or None
        self.deadline: float | None = None
        self.origin: Origin | None = None
        self.json: Any = None
        self.home: Any = None
        self.runtime: Runtime = scope.runtime
        self.stream = stream
        self.opened: Callable[[], Any] | None = None
        self.started: float = scope.runtime.now()
        self.sends = 0
        self.attempt_count = 0
        self.facts: list[Any] = []
        self._scope = scope
        self._subscribers: tuple[tuple[Callable[[Call, Any], None], tuple[type, ...]], ...] = ()
        self._bag: dict[Key[Any], Any] = {}
        self._ended_with: Response | BaseException | None = None

    @staticmethod
    def of(request: Request) -> Call:
        """Return the call *request* belongs to.

        Raises:
            LookupError: The request did not come through a Penstock client.
        """
        try:
            call: Call = request.extensions[CALL]
        except KeyError:
            msg = (
                "this request has no Call: it did not come through a penstock client, or a "
                "middleware passed on one of its own making (change the one it got, or "
                "copy_request() it)"
            )
            raise LookupError(msg) from None
        return call

    @property
    def client_name(self) -> str | None:
        """The client's `name=`."""
        return self._scope.name

    @property
    def scope(self) -> Scope:
        """What the client gives to every call: its telemetry providers, logger and secrets."""
        return self._scope

    @property
    def attempts(self) -> tuple[AttemptRecord, ...]:
        """What was tried so far, oldest first."""
        waits = {fact.number - 1: fact for fact in self.facts if isinstance(fact, RetryScheduled)}
        return tuple(
            AttemptRecord(
                fact.number,
                fact.status,
                fact.error,
                fact.elapsed,
                *_wait_after(waits.get(fact.number)),
            )
            for fact in self.facts
            if isinstance(fact, AttemptEnded)
        )

    @property
    def remaining(self) -> float | None:
        """Seconds until the deadline (negative when it has passed), or None without one."""
        return None if self.deadline is None else self.deadline - self.runtime.now()

    def new_attempt(self, request: RequestT) -> RequestT:
        """Return a fresh copy of *request* for one more attempt, and record that it starts.

        What the layers below do to the copy is gone with it: the next attempt begins from *request*
        again.
        """
        fresh = copy_request(request)
        now = self.runtime.now()
        if self.attempt_count:
            fresh.extensions[ATTEMPT] = Attempt(self, self.attempt_count, now)
        attempt: Attempt = fresh.extensions[ATTEMPT]  # the client has opened the first
        attempt.started = now  # what the call waited for until here is not the attempt's
        self.attempt_count += 1
        self.record(AttemptStarted(attempt.number, attempt.started))
        return fresh

    def end_attempt(self, request: Request, outcome: Response | BaseException) -> None:
        """Record that the attempt *request* belongs to is over.

        Args:
            request: The copy `new_attempt` gave.
            outcome: Its response, or the error that ended it.
        """
        attempt: Attempt = request.extensions[ATTEMPT]
        now = self.runtime.now()
        if isinstance(outcome, BaseException):
            ended = AttemptEnded(
                attempt.number, now, now - attempt.started, None, type(outcome).__name__
            )
        else:
            ended = AttemptEnded(attempt.number, now, now - attempt.started, outcome.status_code)
        self.record_end(ended, outcome)

    def complete(self, error: PenstockError, request: Request) -> None:
        """Tell an error on its way to the caller which call it belongs to."""
        if error.method is None:
            error.method, error.url = (
                request.method,
                safe_text(safe_url(request.url), self._scope.secrets),
            )
        error.operation = self.operation
        error.attempts = self.attempts
        error.elapsed = self.runtime.now() - self.started

    def record(self, fact: object) -> None:
        """Keep *fact* with the call and tell every subscriber."""
        self.facts.append(fact)
        for fn, kinds in self._subscribers:
            if not kinds or type(fact) in kinds:
                fn(self, fact)

    def record_end(self, ended: AttemptEnded, outcome: Response | BaseException) -> None:
        """Record how an attempt ended, with what.

        Args:
            ended: The fact.
            outcome: Its response, or the error that ended it.
        """
        if not self._subscribers:
            self.facts.append(ended)
            return
        # Not with the fact, which stays: the response leads to the call.
        self._ended_with = outcome
        try:
            self.record(ended)
        finally:
            self._ended_with = None

    @property
    def ended_with(self) -> Response | BaseException | None:
        """The response or error of an attempt, while subscribers are told that it ended."""
        return self._ended_with

    def subscribe(self, fn: Callable[[Call, Any], None], *kinds: type) -> None:
        """Call `fn(call, fact)` for every fact from now on, or for those of *kinds* alone.

        The call is an argument so that *fn* need not hold it: a closure over the call would be a
        reference cycle.
        """
        self._subscribers = (*self._subscribers, (fn, kinds))

    @overload
    def get(self, key: Key[T]) -> T | None: ...
    @overload
    def get(self, key: Key[T], default: D) -> T | D: ...
    def get(self, key: Key[T], default: D | None = None) -> T | D | None:
        """Return what was `set` under *key* in this call, or *default*."""
        return self._bag.get(key, default)

    def set(self, key: Key[T], value: T) -> None:
        """Keep *value* under *key* for the rest of this call."""
        self._bag[key] = value

    def once(self, key: Key[T], make: Callable[[Scope], T]) -> T:
        """Return what `make(scope)` gave the first time this client asked for *key*.

        For what is made once a client, at its first call: a tracer, a logger, a token cache.
        """
        return self._scope.once(key, make)

    def add_secret(self, secret: Secret) -> None:
        """Have *secret* taken out of whatever errors and logs of this client show."""
        self._scope.add_secret(secret)

    def __repr__(self) -> str:
        counts = f"{self.attempt_count} attempts, {self.sends} sends"
        return f"<Call {self.operation or 'unnamed'}: {counts}>"


class Attempt:
    """One pass below `Retry`.

    Two hedged ones may be under way at once, so none of this is ever on the call.

    Attributes:
        number: 0 for the first.
        started: The moment it began.
        deadline: The moment after which nothing of it may run, or None. Set by `Timeout`.
    """

    __slots__ = ("_call", "deadline", "number", "started")

    def __init__(self, call: Call, number: int, started: float) -> None:
        self._call = call
        self.number = number
        self.started = started
        self.deadline: float | None = None

    @staticmethod
    def of(request: Request) -> Attempt:
        """Return the attempt *request* belongs to.

        Raises:
            LookupError: The request did not come through a Penstock client.
        """
        try:
            attempt: Attempt = request.extensions[ATTEMPT]
        except KeyError:
            msg = "this request did not come through a penstock client: it has no Attempt"
            raise LookupError(msg) from None
        return attempt

    @property
    def sends(self) -> int:
        """Requests put on the wire so far, over the whole call."""
        return self._call.sends

    def __repr__(self) -> str:
        return f"<Attempt {self.number}>"


def copy_request(request: RequestT) -> RequestT:
    """Return a copy of *request* with headers and extensions of its own; the body is shared.

    It has what requests of both families have, and nothing else that was put on this one: what is
    to go along belongs into its extensions. `copy.copy` would leave out those and the stream, which
    the families drop when they pickle.
    """
    given: Any = request
    fresh: Any = object.__new__(type(request))
    # One by one: objects that are never asked for their `__dict__` do not have to make one.
    fresh.method, fresh.url, fresh.stream = given.method, given.url, given.stream
    if hasattr(given, "_content"):  # of a body that is in memory
        fresh._content = given._content
    headers = given.headers
    fresh.headers = type(headers)(headers, headers.encoding)  # else both would work it out again
    fresh.extensions = extensions = dict(given.extensions)
    if timeout := extensions.get("timeout"):
        extensions["timeout"] = dict(timeout)  # changed as the request goes on
    return fresh  # type: ignore[no-any-return]  # the same class as the request


def _wait_after(scheduled: RetryScheduled | None) -> tuple[float | None, str | None]:
    return (scheduled.wait, scheduled.reason) if scheduled else (None, None)
