"""The law of what a middleware shows of itself: what it was made with, where that is not usual."""

from __future__ import annotations

from typing import Any

import pytest
import tenacity

from penstock.middleware import CircuitBreaker, Retry, RetryBudget


def rule(state: Any) -> bool:
    return False


SHOWN = [
    (Retry(), "Retry()"),
    (Retry(base_delay=0.1, max_delay=2.0), "Retry(base_delay=0.1, max_delay=2.0)"),
    (Retry(jitter="none"), "Retry(jitter='none')"),
    (Retry(statuses=[503, 429]), "Retry(statuses=[429, 503])"),
    (Retry(retry_unsafe_methods=True), "Retry(retry_unsafe_methods=True)"),
    (Retry(should_retry_header="X-Should"), "Retry(should_retry_header='X-Should')"),
    (
        Retry(retry_after_cap=9.0, over_cap="stop"),
        "Retry(retry_after_cap=9.0, over_cap='stop')",
    ),
    (Retry(retry=rule), "Retry(retry=rule)"),
    (Retry(unless=rule), "Retry(unless=rule)"),
    (
        Retry(stop=tenacity.stop_after_attempt(2), wait=tenacity.wait_fixed(1)),
        "Retry(stop=stop_after_attempt, wait=wait_fixed)",
    ),
    (RetryBudget(), "RetryBudget()"),
    (
        RetryBudget(capacity=5, deposit=0.2, cost=2),
        "RetryBudget(capacity=5, deposit=0.2, cost=2)",
    ),
    (RetryBudget(shared=True), "RetryBudget(shared=True)"),
    (CircuitBreaker(), "CircuitBreaker()"),
    (
        CircuitBreaker(failure_ratio=0.25, min_calls=3, window=9, open_for=2, max_open=7),
        "CircuitBreaker(failure_ratio=0.25, min_calls=3, window=9, open_for=2, max_open=7)",
    ),
    (CircuitBreaker(shared=True), "CircuitBreaker(shared=True)"),
]


@pytest.mark.parametrize(("layer", "shown"), SHOWN, ids=[shown for _, shown in SHOWN])
def test_a_layer_shows_what_is_unusual_about_it(layer: Any, shown: str) -> None:
    """Its repr is the call that would make it again."""
    assert repr(layer) == shown
