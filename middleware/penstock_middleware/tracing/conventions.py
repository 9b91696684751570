"""The names and values of OpenTelemetry's HTTP client telemetry (semantic conventions 1.44).

The strings stand here because `opentelemetry-semantic-conventions` pins the API to one version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock import Attempt, RetryScheduled, SendEnded, origin_of, safe_url, scrub

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from penstock import Call, Origin, Request, Response

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
TEMPLATE = "url.template"

MEASURED = ("http.request.method", "server.address", "server.port")
"""What every metric of a send has."""

MEASURED_AT_END = ("http.response.status_code", "network.protocol.version", "error.type")
"""What it has besides, where it is known."""

CALL = ("penstock.client.name", "penstock.operation.name", "error.type")
"""What a metric of a call has, where it is known."""

ACTIVE_REQUESTS = "http.client.active_requests"
REQUEST_SIZE = "http.client.request.body.size"
RESPONSE_SIZE = "http.client.response.body.size"

OPEN_CONNECTIONS = "http.client.open_connections"
POOL_WAIT = "penstock.client.pool.wait"

OPTIONAL_METRICS = (ACTIVE_REQUESTS, REQUEST_SIZE, RESPONSE_SIZE, OPEN_CONNECTIONS, POOL_WAIT)
"""Metrics that are recorded where they are asked for: the conventions' level Opt-In."""

_VERSIONS = {b"HTTP/1.1": "1.1", b"HTTP/2": "2", b"HTTP/1.0": "1.0"}

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


def target_attributes(request: Request, call: Call, known: Collection[str]) -> dict[str, Any]:
    """Return what is known of every send of a request like this one.

    Args:
        request: A request.
        call: Its call.
        known: The methods that are shown as they are.
    """
    method = request.method
    full = scrub(safe_url(request.url), call.scope.secrets)
    attributes: dict[str, Any] = {
        "http.request.method": method if method in known else "_OTHER",
        **server_attributes(origin_of(request.url)),
        "url.full": full,
    }
    if method not in known:
        attributes["http.request.method_original"] = method
    return attributes


def server_attributes(origin: Origin) -> dict[str, Any]:
    """Return what tells a server from others."""
    _, host, port = origin
    return {"server.address": host, "server.port": port}


def send_attributes(request: Request, call: Call, target: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of a send before it, which is what samplers see.

    Args:
        request: What is about to be sent.
        call: Its call.
        target: What is known of every send like it.
    """
    attributes = dict(target)
    if call.sends:
        attributes["http.request.resend_count"] = call.sends
    attempt = Attempt.of(request).number
    if attempt and (retry := _retry_before(call, attempt)):
        attributes["penstock.retry.wait"] = retry.wait
        attributes["penstock.retry.reason"] = retry.reason
        attributes["penstock.retry.source"] = retry.source
    return attributes


def response_attributes(response: Response) -> dict[str, Any]:
    """Return what the head of a response tells of its send."""
    attributes: dict[str, Any] = {"http.response.status_code": response.status_code}
    version = version_of(response)
    if version is not None:
        attributes["network.protocol.version"] = version
    peer = _peer_of(response.extensions.get("network_stream"))
    if isinstance(peer, tuple):  # a Unix socket's is a path
        attributes["network.peer.address"], attributes["network.peer.port"] = peer[:2]
    return attributes


def _peer_of(stream: Any) -> Any:
    try:
        return None if stream is None else stream.get_extra_info("server_addr")
    except OSError:  # a socket that was closed with the body has no peer any more
        return None


def version_of(response: Response) -> str | None:
    """Return the version of HTTP that was spoken, or None where the transport does not tell."""
    version = response.extensions.get("http_version")
    if version is None:
        return None
    return _VERSIONS.get(version) or version.decode("ascii", "replace").removeprefix("HTTP/")


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
