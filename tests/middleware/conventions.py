"""OpenTelemetry's HTTP client conventions (stable, 1.44) as a table, and a checker of traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler, SamplingResult
from opentelemetry.trace import SpanKind, StatusCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

CREATION = {"http.request.method", "server.address", "server.port", "url.full"}
"""What samplers must see (HTTP spans, "Attributes important for sampling decisions")."""


class Send(NamedTuple):
    """What is expected of the span of one send.

    Attributes:
        status: The response's, or None where there was none.
        error: `error.type`, or None for a span that is no error.
    """

    status: int | None = 200
    error: str | None = None


class Rule(NamedTuple):
    """One attribute of a send's span.

    Attributes:
        type: What it is.
        due: Whether it must be there, must not, or None where either is right.
    """

    type: type
    due: Callable[[Send, int], bool | None]


def _always(send: Send, number: int) -> bool:
    return True


def _answered(send: Send, number: int) -> bool:
    return send.status is not None


def _either(send: Send, number: int) -> None:
    return None


SEND = {
    "http.request.method": Rule(str, _always),
    "server.address": Rule(str, _always),
    "server.port": Rule(int, _always),
    "url.full": Rule(str, _always),
    "http.response.status_code": Rule(int, _answered),
    "network.protocol.version": Rule(str, _answered),
    "network.peer.address": Rule(str, _either),
    "network.peer.port": Rule(int, _either),
    "error.type": Rule(str, lambda send, _: send.error is not None),
    "http.request.resend_count": Rule(int, lambda _, number: number > 0),
    "http.request.method_original": Rule(str, _either),
    "url.template": Rule(str, _either),
    "penstock.retry.wait": Rule(float, _either),
    "penstock.retry.reason": Rule(str, _either),
    "penstock.retry.source": Rule(str, _either),
    "penstock.outcome": Rule(str, _either),
    "penstock.stream.outcome": Rule(str, _either),
}

CALL = {
    "penstock.client.name": str,
    "penstock.operation.name": str,
    "penstock.attempts": int,
    "penstock.outcome": str,
    "penstock.retry.stopped": str,
    "penstock.stream.outcome": str,
    "penstock.circuit.state": str,
    "error.type": str,
}

CALL_REQUIRED = {"penstock.attempts", "penstock.outcome"}


class SamplerSpy(Sampler):
    """Samples everything, and remembers what it was shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[SpanKind, set[str]]] = []

    def should_sample(
        self,
        parent_context: Any,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Any = None,
        links: Any = None,
        trace_state: Any = None,
    ) -> SamplingResult:
        assert kind is not None
        self.seen.append((kind, set(attributes or {})))
        return ALWAYS_ON.should_sample(parent_context, trace_id, name, kind, attributes, links)

    def get_description(self) -> str:
        return "SamplerSpy"


def check_trace(
    spans: Sequence[ReadableSpan], sends: Sequence[Send], *, outcome: str, error: str | None
) -> None:
    """Check the spans of one call against the conventions.

    Args:
        spans: All that ended.
        sends: What is expected of each send, in order.
        outcome: `penstock.outcome` of the call.
        error: `error.type` of the call, or None.
    """
    (call,) = [span for span in spans if span.kind is SpanKind.INTERNAL]
    clients = [span for span in spans if span.kind is SpanKind.CLIENT]
    assert len(spans) == 1 + len(clients)
    assert len(clients) == len(sends)
    _check_call(call, outcome, error)
    for number, (span, send) in enumerate(zip(clients, sends, strict=True)):
        _check_family(span, call)
        _check_send(span, send, number)


def _check_call(span: ReadableSpan, outcome: str, error: str | None) -> None:
    told = dict(span.attributes or {})
    assert span.name.startswith("penstock.call")
    assert told.keys() >= CALL_REQUIRED
    assert told.keys() <= CALL.keys()
    assert {name: type(value) for name, value in told.items()} == {n: CALL[n] for n in told}
    assert told["penstock.outcome"] == outcome
    _check_end(span, error)


def _check_send(span: ReadableSpan, send: Send, number: int) -> None:
    told = dict(span.attributes or {})
    assert told.keys() <= SEND.keys()
    assert {name: type(value) for name, value in told.items()} == {n: SEND[n].type for n in told}
    due = {name: rule.due(send, number) for name, rule in SEND.items()}
    assert {name for name, must in due.items() if must} <= told.keys()
    assert not {name for name, must in due.items() if must is False} & told.keys()
    assert told.get("http.response.status_code") == send.status
    assert told.get("http.request.resend_count", 0) == number
    assert ("network.peer.address" in told) == ("network.peer.port" in told)
    method = "HTTP" if told["http.request.method"] == "_OTHER" else told["http.request.method"]
    template = told.get("url.template")
    assert span.name == (f"{method} {template}" if template else method)
    _check_end(span, send.error)


def _check_end(span: ReadableSpan, error: str | None) -> None:
    assert dict(span.attributes or {}).get("error.type") == error
    expected = StatusCode.UNSET if error is None else StatusCode.ERROR
    assert span.status.status_code is expected
    if error is not None and error.isdigit():
        assert span.status.description is None  # the code tells it
    assert (list(span.events), list(span.links)) == ([], [])
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.end_time >= span.start_time


def _check_family(span: ReadableSpan, call: ReadableSpan) -> None:
    assert span.parent is not None
    assert call.context is not None
    assert span.context is not None
    assert (span.parent.span_id, span.context.trace_id) == (
        call.context.span_id,
        call.context.trace_id,
    )
