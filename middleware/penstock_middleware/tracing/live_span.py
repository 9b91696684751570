"""What has started and is watched: its span, its duration, and how both end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry.context import attach, detach, get_current
from opentelemetry.trace import StatusCode

from penstock import observe_body
from penstock_middleware.outcome import CANCELLED, OK, Outcome, of_body, of_error

if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from penstock import BodyEnd, Call, Response


_FEW = 3


class Measure(Protocol):
    """Records what something took, for metrics."""

    def __call__(
        self, seconds: float, attributes: dict[str, Any], size: int | None, context: Context
    ) -> None:
        """Record an end.

        Args:
            seconds: How long it took: what the span says.
            attributes: What the span has besides since its end, `error.type` among it.
            size: Bytes of the response's body off the wire, or None if that is not known.
            context: With the span in it, which exemplars point to.
        """
        ...


class LiveSpan:
    """A span that has started, and the duration that goes with it.

    It is current inside `with`, and nowhere else. Its end is its start and what the monotonic clock
    says has passed since: a wall clock that is set meanwhile makes no span negative.

    Args:
        span: The span.
        context: The context to make current.
        call: The call it is part of: its clock, its secrets.
        at: When it started, in nanoseconds since the epoch.
        started: The same moment on the call's clock: not later, or the end would be too early.
        measure: Records the duration, or None where nobody measures.
        tells_outcome: Whether `penstock.outcome` is always told, or only for what was cancelled,
            where nothing else would tell.

    Attributes:
        context: As above.
        records: Whether what is known at the end goes onto the span.
        started: The moment it started, on the call's clock.
        wants_attributes: Whether what is known at the end is worth gathering.
    """

    __slots__ = (
        "_at",
        "_call",
        "_measure",
        "_span",
        "_tells_outcome",
        "_token",
        "context",
        "records",
        "started",
        "wants_attributes",
    )

    def __init__(
        self,
        span: Span,
        context: Context,
        call: Call,
        at: int,
        started: float,
        measure: Measure | None,
        *,
        tells_outcome: bool,
    ) -> None:
        self._span = span
        self.context = context
        self._call = call
        self._at = at
        self._measure = measure
        self._tells_outcome = tells_outcome
        self._token: Token[Context]
        self.started = started
        self.records = span.is_recording()
        self.wants_attributes = self.records or measure is not None

    def __enter__(self) -> None:
        self._token = attach(self.context)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A coroutine nobody awaits any more is closed by whoever collects it, in a context that
        # has never been ours.
        if kind is not GeneratorExit or get_current() is self.context:
            detach(self._token)

    def fail(self, error: BaseException, attributes: dict[str, Any]) -> None:
        """End the span of what raised *error*."""
        self.end(of_error(error, self._call.scope.secrets), attributes)

    def end(
        self,
        outcome: Outcome,
        attributes: dict[str, Any],
        *,
        size: int | None = None,
        at: float | None = None,
    ) -> None:
        """End the span: Error if it failed, otherwise Unset, and never with an exception event.

        Args:
            outcome: How it ended.
            attributes: What is known now; added to.
            size: Bytes of the response's body, if known.
            at: The moment it ended on the call's clock; now unless given.
        """
        span = self._span
        seconds = (self._call.runtime.now() if at is None else at) - self.started
        if self._tells_outcome or outcome is CANCELLED:
            attributes["penstock.outcome"] = outcome.name
        if outcome.error_type is not None:
            attributes["error.type"] = outcome.error_type
            span.set_status(StatusCode.ERROR, outcome.message)
        if self.records:
            if len(attributes) > _FEW:
                span.set_attributes(attributes)
            else:  # one by one is cheaper
                for name, value in attributes.items():
                    span.set_attribute(name, value)
            span.end(self._at + int(seconds * 1e9))
        if self._measure is not None:
            self._measure(seconds, attributes, size, self.context)

    def end_with_body(self, response: Response, head: Outcome, attributes: dict[str, Any]) -> None:
        """End the span when the body of *response* ends, however it does.

        Args:
            response: An open response.
            head: How its head left the span: a status that is an error remains one.
            attributes: What is known now.
        """
        observe_body(response, EndOfBody(self, self._call, head, attributes))


class EndOfBody:
    """Ends a span when a body does.

    Args:
        span: The span.
        call: The call it is part of.
        head: How the head of the response left it.
        attributes: What is known now.
    """

    __slots__ = ("_attributes", "_call", "_head", "_opened", "_span")

    def __init__(
        self, span: LiveSpan, call: Call, head: Outcome, attributes: dict[str, Any]
    ) -> None:
        self._span = span
        self._call = call
        self._head = head
        self._attributes = attributes
        self._opened = call.runtime.now()

    def __call__(self, end: BodyEnd) -> None:
        outcome = of_body(end, self._call.scope.secrets) if self._head is OK else self._head
        self._attributes["penstock.stream.outcome"] = end.outcome
        self._span.end(outcome, self._attributes, size=end.size, at=self._left(end))

    def _left(self, end: BodyEnd) -> float | None:
        """Return when an abandoned body was last read: when it is collected means nothing."""
        if end.outcome != "abandoned":
            return None
        return self._opened if end.last_at is None else end.last_at
