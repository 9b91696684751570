"""Bayt's defaults, and its stack: the standard one with its error table and retry rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock import Stack
from penstock.clients.bayt.errors import own_error, status_error
from penstock.middleware import RaiseForStatus, Retry

if TYPE_CHECKING:
    from penstock.clients.bayt.settings import BaytSettings

BASE_URL = "https://api.baytos.ai"
MAX_RETRIES = 3
TIMEOUT = 30.0
"""Seconds for one attempt."""

RETRY_DELAY = 1.0
"""Seconds before the first repeat; each further one waits twice as long."""

STATUSES = frozenset({429, *range(500, 600)})
"""What is tried again (Bayt's documentation, "Retry Behavior")."""

LONGEST = 3600.0
"""Seconds: no wait is longer, and a server that asks for more gets no repeat. Bayt has no limit."""


def stack_of(retry_delay: float, settings: BaytSettings | None, *, redirects: bool) -> Stack:
    """Return the stack a Bayt client has unless told otherwise.

    Args:
        retry_delay: Seconds before the first repeat.
        settings: Where tracing, logging and what is left of the rules come from, or None.
        redirects: Whether it follows redirects; over a caller's own HTTP client, that one does.
    """
    limits: dict[str, Any] = {
        "max_delay": LONGEST,
        "retry_after_cap": LONGEST,
        "over_cap": "stop",
    }
    if settings is not None:
        limits = {name: getattr(settings.retry, name) for name in limits}
    retry = Retry(
        statuses=STATUSES,
        retry_unsafe_methods=True,  # the one POST reads
        base_delay=retry_delay,
        jitter="none",  # "retries occur at 1s, 2s, 4s", says Bayt's documentation
        **limits,
    )
    stack = Stack.standard(settings, redirects=redirects)
    stack = stack.replace(RaiseForStatus, RaiseForStatus(status_error, own_error))
    return stack.replace(Retry, retry)
