"""Every middleware that ships: `from penstock.middleware import Retry`."""

from penstock_middleware import (
    AttemptTracing,
    Auth,
    Deadline,
    Headers,
    Logging,
    RaiseForStatus,
    Redirect,
    Retry,
    Timeout,
    Tracing,
    UserAgent,
)

__all__ = [
    "AttemptTracing",
    "Auth",
    "Deadline",
    "Headers",
    "Logging",
    "RaiseForStatus",
    "Redirect",
    "Retry",
    "Timeout",
    "Tracing",
    "UserAgent",
]
