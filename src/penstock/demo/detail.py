"""What the drawings want to know beyond Penstock's own spans: a middleware that adds it.

It does what an application's may, and starts a span of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import StatusCode

from penstock.body import observe_body
from penstock.call import Call

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


def detailed(stack: Stack) -> Stack:
    """Return *stack* with it, where it traces calls."""
    from penstock.middleware import Tracing

    traces = any(type(layer) is Tracing for layer in stack)
    return stack.after(Tracing, BodySpan()) if traces else stack


def _ns(seconds: float) -> int:
    return int(seconds * 1e9)
