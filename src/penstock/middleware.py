"""Every middleware that ships: `from penstock.middleware import Retry`."""

from penstock_middleware import (
    AttemptTracing,
    Auth,
    Chaos,
    CircuitBreaker,
    Deadline,
    GenAI,
    Headers,
    Idempotency,
    Logging,
    RaiseForStatus,
    Redirect,
    Retry,
    RetryBudget,
    Timeout,
    Tracing,
    UserAgent,
)

__all__ = [
    "AttemptTracing",
    "Auth",
    "Chaos",
    "CircuitBreaker",
    "Deadline",
    "GenAI",
    "Headers",
    "Idempotency",
    "Logging",
    "RaiseForStatus",
    "Redirect",
    "Retry",
    "RetryBudget",
    "Timeout",
    "Tracing",
    "UserAgent",
]
