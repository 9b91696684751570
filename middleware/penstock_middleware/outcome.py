"""How something ended, in the words that spans and logs share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from penstock import PenstockError, one_line, safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from penstock import BodyEnd, Call, Secret

FIRST_ERROR = 400
"""The first status that is an error (RFC 9110 §15.5)."""

FIRST_SERVER_ERROR = 500
"""The first status that is an error of the server's (RFC 9110 §15.6)."""


class Outcome(NamedTuple):
    """How a call, an attempt, a send or a body ended.

    Attributes:
        name: `ok`, `error` or `cancelled`.
        error_type: The value of `error.type`, or None where nothing failed: the status as text
            (`503`), or the qualified name of the error's class (`penstock.errors.TimedOut`). It is
            the class the caller catches, so it stays the same whatever engine sends. (OpenTelemetry
            semantic conventions 1.44, "Recording errors".)
        message: What the error says, redacted; None for a status.
    """

    name: str
    error_type: str | None = None
    message: str | None = None


OK = Outcome("ok")
CANCELLED = Outcome("cancelled")


def of_status(status: int) -> Outcome:
    """Return how something ended that has a response."""
    return OK if status < FIRST_ERROR else Outcome("error", str(status))


def of_error(error: BaseException, secrets: Iterable[Secret]) -> Outcome:
    """Return how something ended that raised. Who cancels or leaves has not failed."""
    if not isinstance(error, Exception):
        return CANCELLED
    text = one_line(error.message) if isinstance(error, PenstockError) else str(error)
    return Outcome("error", _qualified_name(type(error)), safe_text(text, secrets))


def of_body(end: BodyEnd, secrets: Iterable[Secret]) -> Outcome:
    """Return how a body ended. A reader who leaves early has not failed."""
    return OK if end.error is None else of_error(end.error, secrets)


def of_fact(status: int | None, error: str | None) -> Outcome:
    """Return how an attempt ended of which a fact tells the status, or an error's bare name."""
    if error is not None:
        cancelled = error in _CANCELLATIONS
        return CANCELLED if cancelled else Outcome("error", _own_errors().get(error, error))
    return OK if status is None else of_status(status)


def attempts_made(call: Call) -> int:
    """Return how many attempts there were: without `Retry` nobody counts the one there is."""
    return call.attempt_count or min(call.sends, 1)


_CANCELLATIONS = frozenset(
    {"Cancelled", "CancelledError", "GeneratorExit", "KeyboardInterrupt", "SystemExit"}
)


@cache
def _own_errors() -> dict[str, str]:
    """Return the qualified names of Penstock's errors by their bare ones."""
    names: dict[str, str] = {}
    classes: list[type[PenstockError]] = [PenstockError]
    while classes:
        cls = classes.pop()
        if cls.__module__ == PenstockError.__module__:
            names[cls.__name__] = _qualified_name(cls)
            classes.extend(cls.__subclasses__())
    return names


def _qualified_name(cls: type[BaseException]) -> str:
    name = cls.__qualname__
    return name if cls.__module__ == "builtins" else f"{cls.__module__}.{name}"
