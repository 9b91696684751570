"""The names and values of OpenTelemetry's HTTP client spans (semantic conventions 1.44).

The strings stand here because `opentelemetry-semantic-conventions` pins the API to one version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock import Attempt, RetryScheduled, SendEnded, origin_of, safe_url, scrub

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from penstock import Call, Request, Response

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
TEMPLATE = "url.template"

_METHODS = "CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE"
"""RFC 9110 §9, PATCH (RFC 5789), and QUERY."""


def known_methods(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the methods that are shown as they are; any other is `_OTHER`.

    Args:
        environ: `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS` in it replaces the list: names with
            commas between them, case-sensitive.
    """
    given = environ.get("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS")
    return frozenset(_METHODS.split() if given is None else given.replace(",", " ").split())


def send_name(method: str, template: str | None, known: Collection[str]) -> str:
    """Return the name of a send's span: `{method} {template}` or `{method}`, never the path."""
    shown = method if method in known else "HTTP"
    return f"{shown} {template}" if template else shown


def target_attributes(request: Request, call: Call) -> dict[str, Any]:
    """Return what a request's URL says of its send."""
    _, host, port = origin_of(request.url)
    full = scrub(safe_url(request.url), call.scope.secrets)
    return {"server.address": host, "server.port": port, "url.full": full}


def send_attributes(
    request: Request, call: Call, known: Collection[str], target: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is known of a send before it, which is what samplers see.

    Args:
        request: What is about to be sent.
        call: Its call.
        known: The methods that are shown as they are.
        target: Its `target_attributes`.
    """
    method = request.method
    attributes = {"http.request.method": method if method in known else "_OTHER", **target}
    if method not in known:
        attributes["http.request.method_original"] = method
    if template := template_of(call):
        attributes[TEMPLATE] = template
    if call.sends:
        attributes["http.request.resend_count"] = call.sends
    attempt = Attempt.of(request).number
    if attempt and (retry := _retry_before(call, attempt)):
        attributes["penstock.retry.wait"] = retry.wait
        attributes["penstock.retry.reason"] = retry.reason
    return attributes


def response_attributes(response: Response) -> dict[str, Any]:
    """Return what the head of a response tells of its send."""
    attributes: dict[str, Any] = {"http.response.status_code": response.status_code}
    if "http_version" in response.extensions:
        attributes["network.protocol.version"] = response.http_version.removeprefix("HTTP/")
    return attributes


def template_of(call: Call) -> str | None:
    """Return the low-cardinality path among the call's attributes, or None."""
    attributes = call.options.attributes
    return attributes.get(TEMPLATE) if attributes else None


def _retry_before(call: Call, attempt: int) -> RetryScheduled | None:
    """Return the retry that led to *attempt*, as long as nothing of it was sent."""
    for fact in reversed(call.facts):
        if isinstance(fact, SendEnded) and fact.attempt == attempt:
            return None
        if isinstance(fact, RetryScheduled):
            return fact
    return None
