"""From an error of Penstock's to the API's own, about the same call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from penstock.errors import InvalidOption, PenstockError
from penstock.parsing import error_about

if TYPE_CHECKING:
    from penstock.messages import Response

Failures = Callable[[PenstockError], Exception]
"""From an error of Penstock's to the API's own; what is its own already comes back as it is."""

_ABOUT = ("method", "url", "operation", "request_id", "attempts", "elapsed")


def own_error(
    error: PenstockError, failures: Failures | None, response: Response | None = None
) -> Exception:
    """Return what *failures* makes of *error*, knowing the same call, with *error* as its cause.

    Args:
        error: What went wrong.
        failures: From it to the API's own, or None to leave it as it is.
        response: The response it is about, if the error does not know yet.
    """
    if error.method is None and response is not None:
        error_about(error, response)
    failure = error if failures is None else failures(error)
    if failure is error:
        return error
    if not isinstance(failure, Exception):
        kind = type(failure).__name__
        failure = InvalidOption(f"failures gave {kind} instead of an error: return what it leaves")
    if isinstance(failure, PenstockError):
        for name in _ABOUT:
            setattr(failure, name, getattr(failure, name) or getattr(error, name))
    failure.__cause__ = error
    return failure
