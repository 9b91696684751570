"""Every middleware that ships with Penstock, written with the rights of a stranger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock_middleware.auth import Auth
from penstock_middleware.chaos import Chaos
from penstock_middleware.circuit_breaker import CircuitBreaker
from penstock_middleware.deadline import Deadline
from penstock_middleware.genai import GenAI
from penstock_middleware.headers import Headers, UserAgent
from penstock_middleware.idempotency import Idempotency
from penstock_middleware.logging_ import Logging
from penstock_middleware.raise_for_status import RaiseForStatus
from penstock_middleware.redirect import Redirect
from penstock_middleware.retry import Retry
from penstock_middleware.retry_budget import RetryBudget
from penstock_middleware.timeout import Timeout
from penstock_middleware.tracing import AttemptTracing, Tracing

if TYPE_CHECKING:
    from penstock import Middleware, Settings

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
    "production",
    "standard",
    "transport",
]


def standard(settings: Settings | None = None, *, redirects: bool = True) -> list[Middleware]:
    """Return the middleware of the standard stack, outermost first.

    Args:
        settings: Where retry, tracing and logging take their policy from; their defaults without
            it.
        redirects: Whether `Redirect` is among them: a caller's own HTTP client follows redirects as
            it is told.
    """
    policy = _policy_of(settings)
    traced = settings is None or settings.tracing.enabled
    logged = settings is None or settings.logging.enabled
    layers: list[Middleware | None] = [
        RaiseForStatus(),
        Tracing(**policy["tracing"]) if traced else None,
        Logging(**policy["logging"]) if logged else None,
        Deadline(),
        Retry(**policy["retry"]),
        UserAgent(),
        Headers(),
        Redirect() if redirects else None,
        Auth(),
        AttemptTracing(**policy["tracing"]) if traced else None,
        Timeout(),
    ]
    return [layer for layer in layers if layer is not None]


def transport(settings: Settings | None = None) -> list[Middleware]:
    """Return the middleware of a transport beneath somebody else's client, outermost first.

    Args:
        settings: As for `standard`.
    """
    of_the_client_above = (Auth, RaiseForStatus, Redirect, Timeout, UserAgent)
    shared = [layer for layer in standard(settings) if not isinstance(layer, of_the_client_above)]
    return [*shared, Timeout(keep_phases=True)]


def production(settings: Settings | None = None, *, redirects: bool = True) -> list[Middleware]:
    """Return the middleware of the production stack: the standard one's, a budget and a breaker.

    Args:
        settings: As for `standard`.
        redirects: As for `standard`.
    """
    layers: list[Middleware] = []
    for layer in standard(settings, redirects=redirects):
        if isinstance(layer, Retry):
            layers.append(RetryBudget())
        elif isinstance(layer, Auth):
            layers.append(CircuitBreaker())
        layers.append(layer)
    return layers


def _policy_of(settings: Settings | None) -> dict[str, dict[str, Any]]:
    if settings is None:
        return {"retry": {}, "tracing": {}, "logging": {}}
    retry = settings.retry
    return {
        "retry": {
            "base_delay": retry.base_delay,
            "max_delay": retry.max_delay,
            "retry_after_cap": retry.retry_after_cap,
            "over_cap": retry.over_cap,
        },
        "tracing": {"stream_span_end": settings.tracing.stream_span_end},
        "logging": {"backend": settings.logging.backend, "level": settings.logging.level},
    }
