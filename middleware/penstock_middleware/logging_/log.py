"""One client's log: events with ids and the call's own fields, which never fail a request."""

from __future__ import annotations

import contextlib
import itertools
import logging
import warnings
from typing import TYPE_CHECKING, Any

from penstock import current_span_context
from penstock_middleware.logging_.backends import Backend, Off, choose
from penstock_middleware.safe_values import safe_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock import Call, Scope

_TAKEN = frozenset(vars(logging.makeLogRecord({}))).union(
    ("asctime", "event", "extra", "message", "self", "stacklevel", "taskName")
)
"""Names a log record or a logger's method has for itself."""


class Failures:
    """Counts events that the application's logging failed on, and warns of the first."""

    def __init__(self) -> None:
        self.count = 0
        self._numbers = itertools.count(1)

    def __reduce__(self) -> tuple[type[Failures], tuple[()]]:
        return Failures, ()  # a copy of a middleware counts its own; a count does not pickle

    def note(self, lost: str, error: Exception) -> None:
        """Count one more.

        Args:
            lost: What is missing now.
            error: What the application's logging raised; its text is not shown.
        """
        number = self.count = next(self._numbers)
        if number == 1:
            # Where warnings are errors, this one must not become the request's.
            with contextlib.suppress(RuntimeWarning):
                warnings.warn(
                    f"{lost}: {type(error).__name__} in a logger, processor or handler of the "
                    "application's; requests go on, and Logging.failures counts",
                    RuntimeWarning,
                    stacklevel=2,
                )


class Log:
    """Where one client's events go.

    Args:
        scope: The client's.
        backend: One of `BACKENDS`.
        failures: Counts what goes wrong.
    """

    def __init__(self, scope: Scope, backend: str, failures: Failures) -> None:
        self._failures = failures
        try:
            self._backend: Backend = choose(backend, scope.logger)
        except Exception as error:  # noqa: BLE001 - whatever the application's logger raises
            failures.note("nothing is logged", error)
            self._backend = Off()
        self.enabled = self._backend.enabled

    def write(
        self,
        level: int,
        event: str,
        call: Call,
        fields: Mapping[str, Any],
        ids: Mapping[str, str] | None = None,
    ) -> None:
        """Hand an event over, with the call's `log_fields` where no field of ours has the name.

        Args:
            level: The standard library's number of it.
            event: Its static name.
            call: The call it tells of.
            fields: What it tells, redacted; what is None is left out.
            ids: Trace and span; the current span's unless given.
        """
        try:
            told = {name: value for name, value in fields.items() if value is not None}
            if call.options.log_fields:
                told = {**_given_fields(call), **told}
            told.update(span_ids() if ids is None else ids)
            self._backend.emit(level, event, told)
        except Exception as error:  # noqa: BLE001 - whatever a processor or handler raises
            self._failures.note(f"{event} was not logged", error)


def span_ids() -> dict[str, str]:
    """Return the current span's ids and flags in hexadecimal (W3C Trace Context §3.2), if any."""
    context = current_span_context()
    if context is None:
        return {}
    return {
        "trace_id": f"{context.trace_id:032x}",
        "span_id": f"{context.span_id:016x}",
        "trace_flags": f"{context.trace_flags:02x}",
    }


def _given_fields(call: Call) -> dict[str, Any]:
    fields = safe_values(call.options.log_fields or {}, call.scope.secrets)
    return {f"{name}_" if name in _TAKEN else name: value for name, value in fields.items()}
