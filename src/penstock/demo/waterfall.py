"""The waterfall of one call: from the facts it recorded to rows on one scale of time.

How it looks is not decided here.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from penstock.facts import (
    AttemptEnded,
    AttemptStarted,
    AuthRefreshed,
    Redirected,
    RetryScheduled,
    RetryStopped,
    SendEnded,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from penstock.body import BodyEnd

Kind = Literal["attempt", "send", "wait", "body"]
Tone = Literal["ok", "moved", "failed", "wait", "body"]

STOPPED = {
    "attempts": "no retries left",
    "body": "the body cannot be resent",
    "budget": "the retry budget is spent",
    "deadline": "no time left to retry",
    "method": "not safe to repeat",
    "retry_after": "Retry-After is over the cap",
}
"""Why a failure was not tried again: the reasons of `RetryStopped` in words."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that took time.

    Attributes:
        kind: `attempt`; `send`, one request on the wire, where an attempt had several; `wait`,
            between two attempts; `body`, the body of a stream after its head.
        number: Counted from 0: the attempt's or the send's; a wait has that of the attempt it
            leads to.
        start: Seconds since the call began.
        end: Seconds since the call began.
        label: What came of it, such as `503`; a wait's reason and length, such as
            `503, backoff 0.42 s`.
        tone: How it went: `ok`, `moved` (a redirect) or `failed`; a wait is `wait`, a body that
            did not break `body`.
    """

    kind: Kind
    number: int
    start: float
    end: float
    label: str
    tone: Tone

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Waterfall:
    """What one call spent its time on.

    Attributes:
        rows: In the order things began: a wait, the attempt it leads to, the attempt's sends.
        total: Seconds from the start of the call to its end, a stream's body included.
    """

    rows: tuple[Row, ...]
    total: float

    @property
    def attempts(self) -> int:
        """How many attempts there were."""
        return sum(row.kind == "attempt" for row in self.rows)


def waterfall(
    facts: Iterable[Any],
    *,
    started: float,
    ended: float | None = None,
    origin: str = "",
    body: BodyEnd | None = None,
) -> Waterfall:
    """Draw up the waterfall of one call.

    Args:
        facts: `Call.facts`, or the facts a subscriber saw; kinds it does not know are passed over.
        started: The moment the call began, on the clock of its facts.
        ended: The moment it was over; without it, the last moment a fact knows.
        origin: The call's own origin, such as `https://api.example.com`; redirects within it show
            their path alone.
        body: How a stream's body ended, if the call was one.

    Returns:
        The model that the renderers draw.
    """
    known = _Facts(facts)
    if ended is None:
        ended = max([started, *known.moments])
    return Waterfall(tuple(_Rows(known, started, ended, origin).all(body)), ended - started)


class _Facts:
    """The facts of a call, by what they tell of."""

    def __init__(self, facts: Iterable[Any]) -> None:
        self.begun: dict[int, float] = {}
        self.ended: dict[int, AttemptEnded] = {}
        self.sends: dict[int, list[SendEnded]] = defaultdict(list)
        self.followed: dict[int, Redirected | AuthRefreshed] = {}
        self.waits: dict[int, RetryScheduled] = {}
        self.stops: dict[int, str] = {}
        self.moments: list[float] = []
        last_send = 0
        for fact in facts:
            match fact:
                case AttemptStarted():
                    self.begun[fact.number] = fact.at
                case AttemptEnded():
                    self.ended[fact.number] = fact
                    self.begun.setdefault(fact.number, fact.at - fact.elapsed)
                case SendEnded():
                    self.sends[fact.attempt].append(fact)
                    last_send = fact.number
                    self.moments.append(fact.started + fact.elapsed)
                case Redirected() | AuthRefreshed():
                    self.followed[last_send] = fact
                case RetryScheduled():
                    self.waits[fact.number] = fact
                case RetryStopped():
                    self.stops[fact.number] = fact.reason
                case _:
                    continue
            self.moments.append(fact.started if isinstance(fact, SendEnded) else fact.at)


class _Rows:
    """The rows of one call, on the scale of the call."""

    def __init__(self, known: _Facts, started: float, ended: float, origin: str) -> None:
        self._known = known
        self._started = started
        self._ended = ended
        self._origin = origin

    def all(self, body: BodyEnd | None) -> Iterator[Row]:
        """Give each attempt with the wait before it and the sends in it; then a stream's body."""
        known = self._known
        for number in sorted({*known.begun, *known.waits}):
            if number in known.waits:
                yield self._wait(known.waits[number])
            if number in known.begun:
                yield from self._attempt(number)
        if body is not None and body.last_at is not None and known.ended:
            last = max(known.ended)
            label, tone = _of_body(body)
            yield self._row("body", last, known.ended[last].at, body.last_at, label, tone)

    def _attempt(self, number: int) -> Iterator[Row]:
        known = self._known
        outcome = known.ended.get(number)
        label, tone = _outcome(outcome)
        if number in known.stops:
            reason = known.stops[number]
            label = f"{label}, {STOPPED.get(reason, reason)}"
        end = self._ended if outcome is None else outcome.at
        yield self._row("attempt", number, known.begun[number], end, label, tone)
        sends = known.sends[number]
        for send in sends if len(sends) > 1 else ():
            label, tone = _outcome(send)
            label += _sequel(known.followed.get(send.number), self._origin)
            end = send.started + send.elapsed
            yield self._row("send", send.number, send.started, end, label, tone)

    def _wait(self, wait: RetryScheduled) -> Row:
        end = self._known.begun.get(wait.number, min(wait.at + wait.wait, self._ended))
        source = "Retry-After" if wait.source == "retry_after" else wait.source
        label = f"{wait.reason}, {source} {wait.wait:.2f} s"
        return self._row("wait", wait.number, wait.at, end, label, "wait")

    def _row(
        self, kind: Kind, number: int, start: float, end: float, label: str, tone: Tone
    ) -> Row:
        return Row(kind, number, start - self._started, end - self._started, label, tone)


def _outcome(ended: AttemptEnded | SendEnded | None) -> tuple[str, Tone]:
    if ended is None:
        return "unfinished", "failed"
    if ended.status is None:
        return ended.error or "no response", "failed"
    # RFC 9110 §15: 3xx asks for a further request, 4xx and 5xx are errors.
    tones: dict[int, Tone] = {3: "moved", 4: "failed", 5: "failed"}
    return str(ended.status), tones.get(ended.status // 100, "ok")


def _of_body(body: BodyEnd) -> tuple[str, Tone]:
    if body.error is not None:
        return f"{type(body.error).__name__} after {body.size:,} bytes", "failed"
    return f"{body.size:,} bytes", "body"


def _sequel(followed: Redirected | AuthRefreshed | None, origin: str) -> str:
    if followed is None:
        return ""
    if isinstance(followed, AuthRefreshed):
        return ", key renewed"
    url = urlsplit(followed.url)
    here = f"{url.scheme}://{url.netloc}" == origin
    return f" to {followed.url.removeprefix(origin) if here else followed.url}"
