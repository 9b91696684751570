"""What people assemble today: httpx, a retry transport, its OpenTelemetry instrumentation, a log.

The parts are the ones a search finds: `httpx-retries`, `opentelemetry-instrumentation-httpx` with
the stable HTTP conventions (the span and the duration metric Penstock records), and a response hook
that logs a line of JSON through the logger Penstock is given.
"""

from __future__ import annotations

import os
import time
from typing import Any

import httpx
from httpx_retries import Retry, RetryTransport

# Read once, when the first client is instrumented.
os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

_METHODS = (*Retry.RETRYABLE_METHODS, "POST")


def assembled(
    kind: type[httpx.Client | httpx.AsyncClient],
    transport: Any,
    *,
    tracer_provider: Any,
    meter_provider: Any,
    logger: Any,
    **values: Any,
) -> Any:
    """Return a client of *kind* with everything on.

    Args:
        kind: `httpx.Client` or `httpx.AsyncClient`.
        transport: What sends, below the retries.
        tracer_provider: As for `penstock.Client`.
        meter_provider: As for `penstock.Client`.
        logger: As for `penstock.Client`.
        **values: Arguments of the client, such as `base_url`.
    """
    retrying = RetryTransport(transport=transport, retry=Retry(total=2, allowed_methods=_METHODS))
    client = kind(transport=retrying, event_hooks=_hooks(kind, logger), **values)
    HTTPXClientInstrumentor.instrument_client(
        client, tracer_provider=tracer_provider, meter_provider=meter_provider
    )
    return client


def _hooks(kind: type[httpx.Client | httpx.AsyncClient], logger: Any) -> dict[str, list[Any]]:
    def start(request: httpx.Request) -> None:
        request.extensions["started"] = time.perf_counter()

    def log(response: httpx.Response) -> None:
        request = response.request
        logger.info(
            "http.request",
            method=request.method,
            host=request.url.host,
            path=request.url.path,
            status=response.status_code,
            request_id=response.headers.get("x-request-id"),
            duration_s=round(time.perf_counter() - request.extensions["started"], 6),
        )

    async def astart(request: httpx.Request) -> None:
        start(request)

    async def alog(response: httpx.Response) -> None:
        log(response)

    if issubclass(kind, httpx.AsyncClient):
        return {"request": [astart], "response": [alog]}
    return {"request": [start], "response": [log]}
