"""What telemetry costs at the least: the calls of OpenTelemetry and structlog, and no more.

A middleware that tells one plain, successful POST as Penstock does, with all the rest left out:
no failure, no stream, no redaction, no suppression. What ours costs beyond it is for us to answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.context import attach, detach, get_current
from opentelemetry.propagate import inject
from opentelemetry.trace import SpanKind, set_span_in_context

if TYPE_CHECKING:
    import penstock

SERVER = {"server.address": "api.example.com", "server.port": 443}
SEND = {
    "http.request.method": "POST",
    **SERVER,
    "url.full": "https://api.example.com/v1/chat/completions",
}
MEASURED = {
    "http.request.method": "POST",
    **SERVER,
    "http.response.status_code": 200,
    "network.protocol.version": "1.1",
}


def least_telemetry(tracer_provider: Any, meter_provider: Any, logger: Any) -> Any:
    """Return a middleware that makes two spans, one duration and one line of JSON."""
    tracer = tracer_provider.get_tracer("floor")
    duration = meter_provider.get_meter("floor").create_histogram(
        "http.client.request.duration", unit="s"
    )
    log = logger.bind()

    async def told(request: penstock.Request, call_next: penstock.Next) -> penstock.Response:
        above = get_current()
        call = tracer.start_span("penstock.call", above)
        around = set_span_in_context(call, above)
        outer = attach(around)
        send = tracer.start_span("POST", around, SpanKind.CLIENT, SEND)
        within = set_span_in_context(send, around)
        inner = attach(within)
        fields: dict[str, str] = {}
        inject(fields, within)
        request.headers["traceparent"] = fields["traceparent"]
        response = await call_next(request)
        detach(inner)
        send.set_attribute("http.response.status_code", response.status_code)
        send.set_attribute("network.protocol.version", "1.1")
        send.end()
        duration.record(0.01, MEASURED, within)
        ids = call.get_span_context()
        log.info(
            "http.call.completed",
            **{
                "http.request.method": "POST",
                "server.address": "api.example.com",
                "penstock.attempts": 1,
                "duration_s": 0.001234,
                "http.response.status_code": response.status_code,
                "penstock.request.id": "req_1",
                "trace_id": f"{ids.trace_id:032x}",
                "span_id": f"{ids.span_id:016x}",
            },
        )
        detach(outer)
        call.set_attribute("penstock.attempts", 1)
        call.set_attribute("penstock.outcome", "ok")
        call.end()
        return response

    return told
