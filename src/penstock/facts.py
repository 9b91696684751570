"""What happened in a call, as small immutable objects: one does it and records, many may see.

Every `at`, the moment a fact became one, and every `started` is on the call's monotonic clock, in
seconds; every `elapsed` and `wait` is in seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from penstock.urls import Origin


class AttemptStarted(NamedTuple):
    """One pass below `Retry` begins."""

    number: int
    at: float


class AttemptEnded(NamedTuple):
    """One pass below `Retry` is over: with a status, or with an error's class name."""

    number: int
    at: float
    elapsed: float
    status: int | None = None
    error: str | None = None


class SendEnded(NamedTuple):
    """One request was on the wire; a plain call's body has been read.

    Of the seconds it took it *waited* some for a connection, as far as the transport tells.
    """

    number: int
    attempt: int
    started: float
    elapsed: float
    method: str
    status: int | None = None
    error: str | None = None
    waited: float = 0.0


class RetryScheduled(NamedTuple):
    """Attempt *number* follows after *wait*, which *source* set: `backoff` or `retry_after`."""

    number: int
    at: float
    wait: float
    reason: str
    source: str = "backoff"


class RetryStopped(NamedTuple):
    """A failure was not tried again.

    The reason is `attempts`, `deadline`, `retry_after`, `body` or `budget`.
    """

    number: int
    at: float
    reason: str


class Redirected(NamedTuple):
    """A redirect is followed; *url* is redacted."""

    at: float
    status: int
    url: str


class AuthRefreshed(NamedTuple):
    """The credential was renewed after a 401."""

    at: float


class CircuitChanged(NamedTuple):
    """The circuit to *origin* is `open` for *open_for*, `half_open` or `closed` from now on.

    This call brought it about: by how its attempt ended, or as the probe of a half-open one.
    """

    at: float
    origin: Origin
    state: str
    open_for: float = 0.0


class AttemptRecord(NamedTuple):
    """One attempt as an error or a raw response tells it.

    Attributes:
        number: 0 for the first.
        status: The response's status, or None.
        error: The error's class name, or None.
        elapsed: Seconds it took.
        wait: Seconds waited after it, or None if no other followed.
        reason: Why another followed, or None.
    """

    number: int
    status: int | None
    error: str | None
    elapsed: float
    wait: float | None = None
    reason: str | None = None
