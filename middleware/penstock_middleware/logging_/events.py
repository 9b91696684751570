"""What each event tells.

Names are static, fields are named as OpenTelemetry names attributes, texts are redacted, durations
and waits are in seconds, and what is not known is left out.

    http.call.completed      info, or as asked for; (call), penstock.attempts, duration_s, status,
                             request id
    http.call.failed         warning; the same, error.type, exception.message
    http.call.cancelled      debug; (call), duration_s, penstock.attempts
    http.attempt.completed   debug; (attempt), status, version, request id
    http.attempt.failed      debug; (attempt), status, version, request id, error.type
    http.retry.scheduled     info; (call), penstock.retry.reason, penstock.retry.wait,
                             penstock.retry.source, http.request.resend_count
    http.retry.exhausted     warning; (call), penstock.attempts, penstock.retry.reason (why not
                             again), error.type, duration_s
    auth.token.refreshed     info; (call)
    circuit.state.changed    warning; penstock.client.name, server.address, server.port,
                             penstock.circuit.state, penstock.circuit.open_for
    http.stream.opened       debug; (call), duration_s
    http.stream.closed       info, or warning if it broke; (call), stream.outcome, stream.chunks,
                             stream.bytes, time_to_first_chunk_s, duration_s, error.type,
                             exception.message

    (call)       penstock.client.name, penstock.operation.name, http.request.method,
                 server.address
    (attempt)    http.request.method, server.address, server.port, url.template,
                 http.request.resend_count, duration_s
    status       http.response.status_code
    version      network.protocol.version
    request id   penstock.request.id, the server's
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from penstock import (
    AttemptEnded,
    AuthRefreshed,
    CircuitChanged,
    Key,
    RetryScheduled,
    RetryStopped,
    SendEnded,
    origin_of,
    request_id_of,
    scrub,
)
from penstock_middleware.outcome import Outcome, attempts_made, of_fact
from penstock_middleware.tracing.conventions import TEMPLATE, template_of, version_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock import BodyEnd, Call, Request, Response

Fields = dict[str, Any]

ASKED = Key[tuple[str, Any]]("the method and the URL a call asks for")


def target_of(call: Call) -> Fields:
    """Return what every attempt tells of what is asked for, as it is kept under `ASKED`."""
    asked = call.get(ASKED)
    if asked is None:
        return {}  # nobody listened yet when it began
    method, url = asked
    _, host, port = origin_of(url)
    return {
        "http.request.method": method,
        "server.address": host,
        "server.port": port,
        TEMPLATE: template_of(call),
    }


def _of_call(call: Call, asked: tuple[str, Any] | None = None) -> Fields:
    """Return what tells whose event it is: where there is no span, there are no ids that would."""
    fields: Fields = {
        "penstock.client.name": call.client_name,
        "penstock.operation.name": call.operation,
    }
    asked = asked or call.get(ASKED)
    if asked is not None:
        method, url = asked
        fields |= {"http.request.method": method, "server.address": url.host}
    return fields


def call_ended(call: Call, request: Request, outcome: Outcome, response: Response | None) -> Fields:
    """Return the fields of `http.call.completed` and `http.call.failed`."""
    fields: Fields = {
        **_of_call(call, (request.method, request.url)),
        "penstock.attempts": attempts_made(call),
        "duration_s": _since_start(call),
    }
    if response is not None:
        fields["http.response.status_code"] = response.status_code
        fields["penstock.request.id"] = request_id_of(response.headers, call.scope.secrets)
    if outcome.error_type is not None:
        fields["error.type"] = outcome.error_type
        fields["exception.message"] = outcome.message
    return fields


def call_cancelled(call: Call) -> Fields:
    """Return the fields of `http.call.cancelled`."""
    return {
        **_of_call(call),
        "duration_s": _since_start(call),
        "penstock.attempts": attempts_made(call),
    }


def stream_opened(call: Call) -> Fields:
    """Return the fields of `http.stream.opened`."""
    return {**_of_call(call), "duration_s": _since_start(call)}


def stream_closed(call: Call, end: BodyEnd, outcome: Outcome) -> Fields:
    """Return the fields of `http.stream.closed`."""
    first = None if end.first_at is None else _rounded(end.first_at - call.started)
    return {
        **_of_call(call),
        "stream.outcome": end.outcome,
        "stream.chunks": end.chunks,
        "stream.bytes": end.size,
        "time_to_first_chunk_s": first,
        "duration_s": _since_start(call),
        "error.type": outcome.error_type,
        "exception.message": outcome.message,
    }


def _attempt_ended(call: Call, fact: AttemptEnded) -> tuple[str, Fields] | None:
    outcome = of_fact(fact.status, fact.error)
    if outcome.name == "cancelled":
        return None  # the call says so
    sends = [sent for sent in call.facts if type(sent) is SendEnded and sent.attempt == fact.number]
    name = "http.attempt.completed" if outcome.error_type is None else "http.attempt.failed"
    return name, {
        **target_of(call),
        "http.response.status_code": fact.status,
        **_of_answer(call),
        "http.request.resend_count": sends[-1].number or None if sends else None,
        "duration_s": _rounded(fact.elapsed),
        "error.type": outcome.error_type,
    }


def _of_answer(call: Call) -> Fields:
    """Return what is known of the server's side of the attempt that has just ended."""
    outcome: Any = call.ended_with
    if outcome is None or isinstance(outcome, BaseException):
        return {"penstock.request.id": _shown_id(getattr(outcome, "request_id", None), call)}
    return {
        "network.protocol.version": version_of(outcome),
        "penstock.request.id": request_id_of(outcome.headers, call.scope.secrets),
    }


def _shown_id(request_id: str | None, call: Call) -> str | None:
    return None if request_id is None else scrub(request_id, call.scope.secrets)


def _retry_scheduled(call: Call, fact: RetryScheduled) -> tuple[str, Fields]:
    return "http.retry.scheduled", {
        **_of_call(call),
        "penstock.retry.reason": fact.reason,
        "penstock.retry.wait": _rounded(fact.wait),
        "penstock.retry.source": fact.source,
        "http.request.resend_count": call.sends,
    }


def _retry_stopped(call: Call, fact: RetryStopped) -> tuple[str, Fields] | None:
    if fact.number == 0 and fact.reason == "attempts":
        return None  # no repeat was allowed, so none is exhausted
    last = [ended for ended in call.facts if type(ended) is AttemptEnded][-1]
    return "http.retry.exhausted", {
        **_of_call(call),
        "penstock.attempts": attempts_made(call),
        "penstock.retry.reason": fact.reason,
        "error.type": of_fact(last.status, last.error).error_type,
        "duration_s": _since_start(call),
    }


def _auth_refreshed(call: Call, fact: AuthRefreshed) -> tuple[str, Fields]:  # noqa: ARG001 - as the others
    return "auth.token.refreshed", _of_call(call)


def _circuit_changed(call: Call, fact: CircuitChanged) -> tuple[str, Fields]:
    _, host, port = fact.origin
    return "circuit.state.changed", {
        "penstock.client.name": call.client_name,
        "server.address": host,
        "server.port": port,
        "penstock.circuit.state": fact.state,
        "penstock.circuit.open_for": _rounded(fact.open_for) or None,
    }


FACTS: dict[type, tuple[int, Callable[[Call, Any], tuple[str, Fields] | None]]] = {
    AttemptEnded: (logging.DEBUG, _attempt_ended),
    RetryScheduled: (logging.INFO, _retry_scheduled),
    RetryStopped: (logging.WARNING, _retry_stopped),
    AuthRefreshed: (logging.INFO, _auth_refreshed),
    CircuitChanged: (logging.WARNING, _circuit_changed),
}
"""The facts that are told: at which level, and how."""

RARE = tuple(fact for fact, (level, _) in FACTS.items() if level > logging.DEBUG)
"""Those that a call without trouble does not have."""


def _since_start(call: Call) -> float:
    return _rounded(call.runtime.now() - call.started)


def _rounded(seconds: float) -> float:
    return round(seconds, 6)  # to microseconds: the rest is noise
