"""Tracing: one span for the call, and under it one for every send."""

from penstock_middleware.tracing.attempts import AttemptTracing
from penstock_middleware.tracing.calls import Tracing

__all__ = ["AttemptTracing", "Tracing"]
