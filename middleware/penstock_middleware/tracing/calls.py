"""Tracing: the span of the whole call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock import Call, CircuitChanged, InvalidOption, Keywords, RetryStopped
from penstock_middleware.outcome import attempts_made, of_status
from penstock_middleware.shown import shown
from penstock_middleware.tracing.client_telemetry import telemetry_of

if TYPE_CHECKING:
    from penstock import Next, Request, Response


class Tracing(Keywords):
    """Give each call one INTERNAL span, `penstock.call {operation}`, above those of its sends.

    From its start it has `penstock.client.name`, `penstock.operation.name` and the call's
    `attributes`; at its end `penstock.attempts`, `penstock.outcome` (`ok`, `error`, `cancelled`)
    and, if the call failed, `error.type`. `penstock.retry.stopped` says why a failure was not tried
    again, `penstock.circuit.state` what the call made of a circuit. Its status is Error only if the
    call raised or its final status is 400 or more: what a retry cured is no error of the call. It
    is current below this middleware and never in the code that reads a stream.

    Spans go to the client's `tracer_provider`, else to the global one. Only `opentelemetry-api` is
    needed; where the application has set no SDK up, next to nothing is done. Within somebody's
    `suppress_instrumentation` there is no span.

    Args:
        stream_span_end: When the span of a stream ends: with its `body`, also when the reader
            leaves (`penstock.stream.outcome`: `completed`, `closed`, `error`, or `abandoned`, and
            then at the last read), or already with its `headers`.

    Attributes:
        stream_span_end: As above.

    Raises:
        InvalidOption: *stream_span_end* is neither.
    """

    zone = "call"

    def __init__(self, stream_span_end: str = "body") -> None:
        check_span_end(stream_span_end)
        self.stream_span_end = stream_span_end

    async def __call__(self, request: Request, call_next: Next) -> Response:
        call = Call.of(request)
        span = telemetry_of(call).start_call(call)
        if span is None:
            return await call_next(request)
        try:
            with span:
                response = await call_next(request)
        except BaseException as error:
            span.fail(error, told_at_end(call))
            raise
        outcome = of_status(response.status_code)
        attributes = told_at_end(call)
        if call.stream and self.stream_span_end == "body":
            span.end_with_body(response, outcome, attributes)
        else:
            span.end(outcome, attributes)
        return response

    def __repr__(self) -> str:
        return shown("Tracing", ("", self.stream_span_end, "body"))


def told_at_end(call: Call) -> dict[str, Any]:
    """Return what a call's span has at its end beside its outcome."""
    attributes: dict[str, Any] = {"penstock.attempts": attempts_made(call)}
    for fact in call.facts:
        if type(fact) is CircuitChanged:
            attributes["penstock.circuit.state"] = fact.state
        elif type(fact) is RetryStopped and (fact.number or fact.reason != "attempts"):
            attributes["penstock.retry.stopped"] = fact.reason
    return attributes


def check_span_end(stream_span_end: str) -> None:
    """Refuse anything but `body` and `headers`."""
    if stream_span_end not in {"body", "headers"}:
        raise InvalidOption(f"stream_span_end must be 'body' or 'headers', not {stream_span_end!r}")
