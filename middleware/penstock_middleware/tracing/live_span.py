"""A span that has started: where it is current, and how it ends; imported at a first call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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


class LiveSpan:
    """A span that has started. It is current inside `with`, and nowhere else.

    Args:
        span: The span.
        context: The context to make current.
        call: The call it is part of: its clock, its secrets.
        tells_outcome: Whether `penstock.outcome` is always told, or only for what was cancelled,
            where nothing else would tell.

    Attributes:
        context: As above.
    """

    __slots__ = ("_call", "_span", "_tells_outcome", "_token", "context")

    def __init__(self, span: Span, context: Context, call: Call, *, tells_outcome: bool) -> None:
        self._span = span
        self.context = context
        self._call = call
        self._tells_outcome = tells_outcome
        self._token: Token[Context]

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

    @property
    def is_recording(self) -> bool:
        """Whether attributes are worth gathering."""
        return self._span.is_recording()

    def fail(self, error: BaseException, attributes: dict[str, Any]) -> None:
        """End the span of what raised *error*."""
        self.end(of_error(error, self._call.scope.secrets), attributes)

    def end(self, outcome: Outcome, attributes: dict[str, Any], *, at: float | None = None) -> None:
        """End the span: Error if it failed, otherwise Unset, and never with an exception event.

        Args:
            outcome: How it ended.
            attributes: What is known now; added to.
            at: Seconds since the epoch; now unless given.
        """
        span = self._span
        if span.is_recording():
            if self._tells_outcome or outcome is CANCELLED:
                attributes["penstock.outcome"] = outcome.name
            if outcome.error_type is not None:
                attributes["error.type"] = outcome.error_type
                span.set_status(StatusCode.ERROR, outcome.message)
            span.set_attributes(attributes)
        span.end(nanoseconds(self._call.runtime.wall() if at is None else at))

    def end_with_body(self, response: Response, head: Outcome, attributes: dict[str, Any]) -> None:
        """End the span when the body of *response* ends, however it does.

        Args:
            response: An open response.
            head: How its head left the span: a status that is an error remains one.
            attributes: What is known now.
        """
        observe_body(response, _EndOfBody(self, self._call, head, attributes))


class _EndOfBody:
    """Ends a span when a body does."""

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
        self._span.end(outcome, self._attributes, at=self._left(end))

    def _left(self, end: BodyEnd) -> float | None:
        """Return when an abandoned body was last read: when it is collected means nothing."""
        if end.outcome != "abandoned":
            return None
        runtime = self._call.runtime
        last = self._opened if end.last_at is None else end.last_at
        return runtime.wall() - (runtime.now() - last)


def nanoseconds(seconds: float) -> int:
    """Return seconds since the epoch in OpenTelemetry's unit."""
    return int(seconds * 1e9)
