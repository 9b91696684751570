"""What the drawings want to know beyond Penstock's own spans: two middleware that add it.

They do what an application's may: one starts a span of its own, one adds an attribute to a send's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import StatusCode

from penstock.body import observe_body
from penstock.call import Attempt, Call
from penstock.facts import RetryScheduled

if TYPE_CHECKING:
    from penstock.body import BodyEnd
    from penstock.messages import Request, Response
    from penstock.stack import Next, Stack

BODY = "penstock.demo.body"
"""The name of the span of a stream's body."""


class BodySpan:
    """Give the body of a stream a span, from its head to its last byte. Right below `Tracing`."""

    zone = "call"

    async def __call__(self, request: Request, call_next: Next) -> Response:
        """Send the request on, and observe the body of what comes back open."""
        call = Call.of(request)
        response = await call_next(request)
        if not call.stream:
            return response
        provider = call.scope.tracer_provider or trace.get_tracer_provider()
        runtime = call.runtime
        span = provider.get_tracer("penstock.demo").start_span(BODY, start_time=_ns(runtime.wall()))

        def end(body: BodyEnd) -> None:
            span.set_attribute(f"{BODY}.size", body.size)
            if body.error is not None:
                span.set_attribute("error.type", type(body.error).__qualname__)
                span.set_status(StatusCode.ERROR)
            since = 0.0 if body.last_at is None else runtime.now() - body.last_at
            span.end(_ns(runtime.wall() - since))

        observe_body(response, end)
        return response

    def __repr__(self) -> str:
        return "BodySpan()"


class RetrySource:
    """Add to a send what set the wait before it, `backoff` or `retry_after`. The innermost."""

    zone = "attempt"

    async def __call__(self, request: Request, call_next: Next) -> Response:
        """Look for the retry that led here, and tell it to the current span."""
        number = Attempt.of(request).number
        for fact in Call.of(request).facts if number else ():
            if isinstance(fact, RetryScheduled) and fact.number == number:
                trace.get_current_span().set_attribute("penstock.retry.source", fact.source)
        return await call_next(request)

    def __repr__(self) -> str:
        return "RetrySource()"


def detailed(stack: Stack) -> Stack:
    """Return *stack* with both, where it traces at all."""
    from penstock.middleware import AttemptTracing, Tracing

    kinds = {type(layer) for layer in stack}
    if Tracing in kinds:
        stack = stack.after(Tracing, BodySpan())
    return stack.after(AttemptTracing, RetrySource()) if AttemptTracing in kinds else stack


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
