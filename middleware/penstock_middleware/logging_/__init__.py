"""Logging: one event a call, and the steps between for those who ask."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from penstock import Call, InvalidOption, Key, Keywords, Scope, observe_body
from penstock_middleware.logging_ import events
from penstock_middleware.logging_.backends import BACKENDS, LEVELS
from penstock_middleware.logging_.log import Failures, Log, span_ids
from penstock_middleware.outcome import Outcome, of_body, of_error, of_status
from penstock_middleware.shown import shown

if TYPE_CHECKING:
    from penstock import BodyEnd, Next, Request, Response


class Logging(Keywords):
    """Tell each call in events with stable names and fields; `events` has the table.

    A call ends with one of `http.call.completed`, `http.call.failed` (it raised, or its final
    status is 400 or more) and `http.call.cancelled`. A stream's call ends at its head, for what
    comes later is its reader's time; `http.stream.closed` tells how its body ended. Attempts,
    retries and renewed credentials are told when they happen. Every event has the `trace_id` and
    `span_id` of the span it belongs to, and the call's `log_fields`.

    Events go to the client's `logger`, else to structlog where the application has configured it,
    else to the standard library's logger `penstock`. Nothing is configured from here, and nothing
    the application's logging raises reaches a request.

    Args:
        backend: `auto` as above; `structlog`, configured or not; `stdlib`; or `off`.
        level: The level of `http.call.completed`: `debug`, `info`, `warning` or `error`.

    Raises:
        InvalidOption: A value is none of these.
    """

    zone = "call"

    def __init__(self, backend: str = "auto", level: str = "info") -> None:
        if backend not in BACKENDS:
            raise InvalidOption(f"backend must be one of {', '.join(BACKENDS)}, not {backend!r}")
        if level not in LEVELS:
            raise InvalidOption(f"level must be one of {', '.join(LEVELS)}, not {level!r}")
        self._backend = backend
        self._level = level
        self._failures = Failures()
        self._log = Key[Log]("log")

    @property
    def failures(self) -> int:
        """How many events the application's processors or handlers failed on and lost."""
        return self._failures.count

    async def __call__(self, request: Request, call_next: Next) -> Response:
        call = Call.of(request)
        log = self._log_of(call)
        if log.enabled(logging.WARNING):
            kinds = events.FACTS if log.enabled(logging.DEBUG) else events.RARE
            call.subscribe(self._on_fact, *kinds)
            call.set(events.ASKED, (request.method, request.url))  # the request leads to the call
        try:
            response = await call_next(request)
        except BaseException as error:
            self._tell_end(log, call, request, of_error(error, call.scope.secrets), None)
            raise
        outcome = of_status(response.status_code)
        self._tell_end(log, call, request, outcome, response)
        if call.stream and outcome.error_type is None:
            _tell_stream(log, call, response)
        return response

    def _tell_end(
        self, log: Log, call: Call, request: Request, outcome: Outcome, response: Response | None
    ) -> None:
        if outcome.name == "cancelled":
            if log.enabled(logging.DEBUG):
                log.write(logging.DEBUG, "http.call.cancelled", call, events.call_cancelled(call))
            return
        failed = outcome.error_type is not None
        level = logging.WARNING if failed else LEVELS[self._level]
        if log.enabled(level):
            event = "http.call.failed" if failed else "http.call.completed"
            log.write(level, event, call, events.call_ended(call, request, outcome, response))

    def _on_fact(self, call: Call, fact: Any) -> None:
        level, describe = events.FACTS[type(fact)]
        log = self._log_of(call)
        if log.enabled(level) and (event := describe(call, fact)):
            log.write(level, event[0], call, event[1])

    def _log_of(self, call: Call) -> Log:
        return call.once(self._log, self._open)

    def _open(self, scope: Scope) -> Log:
        return Log(scope, self._backend, self._failures)

    def __repr__(self) -> str:
        return shown("Logging", ("backend", self._backend, "auto"), ("level", self._level, "info"))


def _tell_stream(log: Log, call: Call, response: Response) -> None:
    if log.enabled(logging.DEBUG):
        log.write(logging.DEBUG, "http.stream.opened", call, events.stream_opened(call))
    if log.enabled(logging.WARNING):
        observe_body(response, _EndOfBody(log, call, span_ids()))


class _EndOfBody:
    """Tells how a stream's body ended, with the ids of the span its call had."""

    __slots__ = ("_call", "_ids", "_log")

    def __init__(self, log: Log, call: Call, ids: dict[str, str]) -> None:
        self._log = log
        self._call = call
        self._ids = ids

    def __call__(self, end: BodyEnd) -> None:
        outcome = of_body(end, self._call.scope.secrets)
        level = logging.INFO if outcome.error_type is None else logging.WARNING
        if self._log.enabled(level):
            fields = events.stream_closed(self._call, end, outcome)
            self._log.write(level, "http.stream.closed", self._call, fields, self._ids)
