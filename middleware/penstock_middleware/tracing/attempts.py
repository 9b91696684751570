"""AttemptTracing: the span of every send, and the trace's way to the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock import Call, InvalidOption, Keywords
from penstock_middleware.outcome import of_status
from penstock_middleware.shown import shown
from penstock_middleware.tracing.calls import check_span_end
from penstock_middleware.tracing.client_telemetry import telemetry_of
from penstock_middleware.tracing.conventions import OPTIONAL_METRICS, response_attributes

if TYPE_CHECKING:
    from collections.abc import Collection

    from opentelemetry.context import Context

    from penstock import Next, Request, Response
    from penstock_middleware.tracing.telemetry import Telemetry


class AttemptTracing(Keywords):
    """Give each send one CLIENT span, `{method}` or `{method} {url.template}`, and one duration.

    By the HTTP conventions of OpenTelemetry (stable, 1.44): method, server and redacted `url.full`
    are there from the start, for samplers; `http.response.status_code`, `network.protocol.version`
    and `error.type` come at the end. Retries, redirects' hops and requests with a renewed
    credential are sends of their own, told apart by `http.request.resend_count`; the first send of
    a retry has `penstock.retry.wait` (seconds), `penstock.retry.reason`, and in
    `penstock.retry.source` what set the wait. `url.template` is taken from the call's `attributes`.
    A status of 400 or more, a failure and a broken body are Error; a cancellation stays Unset, with
    `penstock.outcome`. The metric `http.client.request.duration` has what the span took, also where
    the span is not sampled.

    The trace goes to the server on the request's headers, with this span as the parent. HTTP
    instrumentation below is suppressed meanwhile. Where somebody else has suppressed it there is no
    span, and the trace travels all the same.

    Args:
        stream_span_end: When the span of a stream's send ends: with its `body` or its `headers`.
        propagate: What goes to the server: `trace`, `all` (baggage too) or `none`.
        metrics: Names of metrics to record besides: `http.client.active_requests`,
            `http.client.request.body.size`, `http.client.response.body.size`,
            `http.client.open_connections`, `penstock.client.pool.wait`.

    Raises:
        InvalidOption: A value is none of these.
    """

    zone = "attempt"

    def __init__(
        self,
        stream_span_end: str = "body",
        propagate: str = "trace",
        metrics: Collection[str] = (),
    ) -> None:
        check_span_end(stream_span_end)
        if propagate not in {"trace", "all", "none"}:
            raise InvalidOption(f"propagate must be 'trace', 'all' or 'none', not {propagate!r}")
        if isinstance(metrics, str) or not set(metrics) <= set(OPTIONAL_METRICS):
            known = ", ".join(OPTIONAL_METRICS)
            raise InvalidOption(f"metrics must be a list of {known}, not {metrics!r}")
        self._stream_span_end = stream_span_end
        self._metrics = frozenset(metrics)
        self._propagated = propagate

    async def __call__(self, request: Request, call_next: Next) -> Response:
        call = Call.of(request)
        telemetry = telemetry_of(call)
        span = telemetry.start_send(call, request, self._metrics)
        if span is None:
            self._propagate(request, telemetry, None)
            return await call_next(request)
        try:
            with span:
                self._propagate(request, telemetry, span.context)
                response = await call_next(request)
        except BaseException as error:
            span.fail(error, _captured(telemetry, request, None, call))
            raise
        attributes: dict[str, Any] = {}
        if span.wants_attributes:
            attributes = response_attributes(response)
            if telemetry.captured is not None:
                attributes |= _captured(telemetry, request, response, call)
        outcome = of_status(response.status_code)
        if call.stream and self._stream_span_end == "body":
            span.end_with_body(response, outcome, attributes)
        else:
            span.end(
                outcome, attributes, size=None if call.stream else response.num_bytes_downloaded
            )
        return response

    def _propagate(self, request: Request, telemetry: Telemetry, context: Context | None) -> None:
        if self._propagated != "none":
            telemetry.propagate(request.headers, context, baggage=self._propagated == "all")

    def __repr__(self) -> str:
        return shown(
            "AttemptTracing",
            ("", self._stream_span_end, "body"),
            ("propagate", self._propagated, "trace"),
            ("metrics", sorted(self._metrics), []),
        )


def _captured(
    telemetry: Telemetry, request: Request, response: Response | None, call: Call
) -> dict[str, Any]:
    """Return the attributes of the headers that the application's environment asks for."""
    captured, secrets = telemetry.captured, call.scope.secrets
    if captured is None:
        return {}
    shown: dict[str, Any] = captured.of_request(request.headers, secrets)
    return shown if response is None else shown | captured.of_response(response.headers, secrets)
