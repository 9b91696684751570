"""Exit codes by the kind of outcome, so that a script can tell them apart."""

from __future__ import annotations

from penstock.errors import (
    ConfigurationError,
    ConnectionFailed,
    InvalidOption,
    PenstockError,
    StatusError,
    TimedOut,
)

UNEXPECTED = 1
USAGE = 2
CONFIGURATION = 3
CLIENT_ERROR = 4
SERVER_ERROR = 5
CONNECTION = 6
TIMEOUT = 7

# A TimedOut is a ConnectionFailed and an InvalidOption a ConfigurationError, so the order matters.
_BY_CLASS = (
    (InvalidOption, USAGE),
    (ConfigurationError, CONFIGURATION),
    (TimedOut, TIMEOUT),
    (ConnectionFailed, CONNECTION),
)


def exit_code(error: PenstockError) -> int:
    """Return the exit code for what a call raised."""
    if isinstance(error, StatusError):
        return exit_code_of_status(error.status_code)
    return next((code for cls, code in _BY_CLASS if isinstance(error, cls)), UNEXPECTED)


def exit_code_of_status(status: int) -> int:
    """Return the exit code for a final status: 0 below 400 (RFC 9110 §15)."""
    return {4: CLIENT_ERROR, 5: SERVER_ERROR}.get(status // 100, 0)
