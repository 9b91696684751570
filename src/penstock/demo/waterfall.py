"""The waterfall of one call: from the spans it recorded to rows on one scale of time.

How it looks is not decided here. The attributes it reads are those of the telemetry reference
(docs/telemetry-reference.md), so spans of any tracer that keeps them would do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from penstock.demo.detail import BODY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from penstock.demo.recording import RecordedSpan

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
"""Why a failure was not tried again: the values of `penstock.retry.stopped` in words."""


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
        attempts: How many attempts there were, those that sent nothing included.
        started: When the call began, in nanoseconds since the epoch.
    """

    rows: tuple[Row, ...] = ()
    total: float = 0.0
    attempts: int = 0
    started: int = 0


def waterfall(spans: Iterable[RecordedSpan]) -> Waterfall:
    """Draw up the waterfall of one call.

    Args:
        spans: The call's span and those below it, in the order they began. Those of others, and of
            a second call, are passed over.

    Returns:
        The model that the renderers draw; without rows where there is no span.
    """
    spans = list(spans)
    known = {span.span_id for span in spans}
    call = next((span for span in spans if span.parent_id not in known), None)
    if call is None:
        return Waterfall()
    return _Call(call, [span for span in spans if span.parent_id == call.span_id]).waterfall()


class _Call:
    """The span of a call, and what is right below it."""

    def __init__(self, call: RecordedSpan, below: Sequence[RecordedSpan]) -> None:
        self._call = call
        self._attempts: list[list[RecordedSpan]] = []
        self._body = next((span for span in below if span.name == BODY), None)
        for send in below:
            if "http.request.method" not in send.attributes:
                continue
            if not self._attempts or "penstock.retry.wait" in send.attributes:
                self._attempts.append([])
            self._attempts[-1].append(send)
        ends = [span.ended for span in (call, *below) if span.ended is not None]
        begins = [span.start for span in (call, *below)]
        self._ended = max(ends + begins)

    def waterfall(self) -> Waterfall:
        rows = tuple(self._rows())
        drawn = sum(row.kind == "attempt" for row in rows)
        attempts = self._call.attributes.get("penstock.attempts", drawn)
        total = (self._ended - self._call.start) / 1e9
        return Waterfall(rows, total, attempts, self._call.start)

    def _rows(self) -> Iterator[Row]:
        """Give each attempt with the wait before it and the sends in it; then a stream's body."""
        if not self._attempts:
            label, tone = _outcome(self._call)
            yield self._row("attempt", 0, self._call.start, self._ended, label, tone)
        for number, sends in enumerate(self._attempts):
            if number:
                yield self._wait(number, self._attempts[number - 1][-1], sends[0])
            yield from self._attempt(number, sends)
        if self._body is not None and (size := self._body.attributes.get(f"{BODY}.size")):
            error = self._body.attributes.get("error.type")
            label = f"{_bare(error)} after {size:,} bytes" if error else f"{size:,} bytes"
            tone = "failed" if error else "body"
            last = max(len(self._attempts) - 1, 0)
            yield self._row("body", last, self._body.start, self._end_of(self._body), label, tone)

    def _attempt(self, number: int, sends: Sequence[RecordedSpan]) -> Iterator[Row]:
        label, tone = _outcome(sends[-1])
        reason = self._call.attributes.get("penstock.retry.stopped")
        if reason and number == len(self._attempts) - 1:
            label = f"{label}, {STOPPED.get(reason, reason)}"
        yield self._row("attempt", number, sends[0].start, self._end_of(sends[-1]), label, tone)
        for send, following in zip(sends, (*sends[1:], None), strict=True):
            if len(sends) > 1:
                label, tone = _outcome(send)
                label += _sequel(send, following)
                count = send.attributes.get("http.request.resend_count", 0)
                yield self._row("send", count, send.start, self._end_of(send), label, tone)

    def _wait(self, number: int, before: RecordedSpan, after: RecordedSpan) -> Row:
        told = after.attributes
        sources = {"retry_after": "Retry-After", None: "wait"}
        source = told.get("penstock.retry.source")
        label = f"{told['penstock.retry.reason']}, {sources.get(source, source)} "
        label += f"{told['penstock.retry.wait']:.2f} s"
        return self._row("wait", number, self._end_of(before), after.start, label, "wait")

    def _end_of(self, span: RecordedSpan) -> int:
        """Return when *span* ended: a stream's send with its head, as its body is another row."""
        end = self._ended if span.ended is None else span.ended
        if self._body is None or span is self._body or end < self._body.start:
            return end
        return self._body.start

    def _row(self, kind: Kind, number: int, start: int, end: int, label: str, tone: Tone) -> Row:
        zero = self._call.start
        return Row(kind, number, (start - zero) / 1e9, (end - zero) / 1e9, label, tone)


def _outcome(span: RecordedSpan) -> tuple[str, Tone]:
    status = span.attributes.get("http.response.status_code")
    error = span.attributes.get("error.type")
    if error is None and status is None:
        if span.ended is None:
            return "unfinished", "failed"
        outcome = span.attributes.get("penstock.outcome", "no response")
        return outcome, "ok" if outcome == "ok" else "failed"
    if status is None:
        return _bare(str(error)), "failed"
    # RFC 9110 §15: 3xx asks for a further request, 4xx and 5xx are errors.
    tones: dict[int, Tone] = {3: "moved", 4: "failed", 5: "failed"}
    return str(status), tones.get(status // 100, "ok")


def _sequel(send: RecordedSpan, following: RecordedSpan | None) -> str:
    """Say what a send led to within its attempt."""
    status = send.attributes.get("http.response.status_code", 0)
    if following is None:
        return ""
    if status // 100 != 3:
        return ", key renewed"
    here, there = urlsplit(send.attributes["url.full"]), following.attributes["url.full"]
    return f" to {there.removeprefix(f'{here.scheme}://{here.netloc}')}"


def _bare(error: str) -> str:
    """Return an error's class without its module: `error.type` has both."""
    return error.rpartition(".")[2]
