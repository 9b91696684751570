"""The model of a waterfall: what spans become, and that time is shown as it was."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanContext, SpanKind

import penstock
from penstock import ConnectionFailed, Stack
from penstock.demo.detail import BODY, BodySpan, detailed
from penstock.demo.recording import RecordedSpan, Recorder, recording
from penstock.demo.waterfall import STOPPED, Row, Waterfall, waterfall
from penstock.middleware import Retry
from penstock.testing import Reply, Script, VirtualClock

NS = st.integers(0, 5_000_000_000)
EPOCH = 1_700_000_000_000_000_000


def span(
    name: str,
    start: int,
    end: int | None,
    attributes: dict[str, Any] | None = None,
    parent: SpanContext = INVALID_SPAN_CONTEXT,
) -> RecordedSpan:
    made = RecordedSpan(name, parent, SpanKind.INTERNAL, attributes, EPOCH + start)
    if end is not None:
        made.end(EPOCH + end)
    return made


class Call:
    """Spans of one call, in seconds since it began.

    Args:
        end: When it was over, or None.
        **attributes: Of the call's own span, `_` for `.`.
    """

    def __init__(self, end: float | None, **attributes: Any) -> None:
        named = {f"penstock.{name.replace('_', '.')}": value for name, value in attributes.items()}
        self.call = span("penstock.call", 0, None if end is None else int(end * 1e9), named)
        self.spans = [self.call]

    def send(self, start: float, end: float | None, status: Any = None, **more: Any) -> Call:
        attributes = {"http.request.method": "GET", "url.full": "http://here/a"}
        if isinstance(status, int):
            attributes["http.response.status_code"] = status  # type: ignore[assignment]
        elif status is not None:
            attributes["error.type"] = status
        attributes.update({name.replace("_", "."): value for name, value in more.items()})
        return self.child("GET", start, end, attributes)

    def child(self, name: str, start: float, end: float | None, attributes: Any) -> Call:
        until = None if end is None else int(end * 1e9)
        parent = self.call.get_span_context()
        self.spans.append(span(name, int(start * 1e9), until, attributes, parent))
        return self

    @property
    def rows(self) -> list[Row]:
        return list(waterfall(self.spans).rows)


def retry(wait: float, reason: str = "503", source: str | None = "backoff") -> dict[str, Any]:
    told = {"penstock_retry_wait": wait, "penstock_retry_reason": reason}
    return told | ({"penstock_retry_source": source} if source else {})


TIMES = st.lists(st.tuples(NS, NS), min_size=1, max_size=5)


def attempts(times: list[tuple[int, int]], rest: int) -> list[RecordedSpan]:
    """Return spans of attempts one after another: how long before each, and how long it took."""
    call = span("penstock.call", now := 0, None)
    spans = [call]
    for number, (idle, took) in enumerate(times):
        told: dict[str, Any] = {"http.request.method": "GET", "http.response.status_code": 503}
        if number:
            told |= {"penstock.retry.wait": 0.5, "penstock.retry.reason": "503"}
        now += idle
        spans.append(span("GET", now, now + took, told, call.get_span_context()))
        now += took
    call.end(EPOCH + now + rest)
    return spans


@given(TIMES, NS)
def test_time_is_shown_as_it_was(times: list[tuple[int, int]], rest: int) -> None:
    """Each attempt lasts as long as its span, each wait fills what lies between two of them."""
    rows = waterfall(attempts(times, rest)).rows
    shown = {
        kind: [row.seconds for row in rows if row.kind == kind] for kind in ("attempt", "wait")
    }
    assert shown["attempt"] == pytest.approx([took / 1e9 for _, took in times], abs=1e-6)
    assert shown["wait"] == pytest.approx([idle / 1e9 for idle, _ in times[1:]], abs=1e-6)


@given(TIMES, NS)
def test_rows_follow_one_another_within_the_call(times: list[tuple[int, int]], rest: int) -> None:
    """In a call that does one thing after another no rows overlap, and none leaves the call."""
    fall = waterfall(attempts(times, rest))
    moments = [moment for row in fall.rows for moment in (row.start, row.end)]
    assert [0, *moments, fall.total] == sorted([0, *moments, fall.total])


def test_a_retried_call() -> None:
    """Each attempt has its status, the wait between them its reason and length."""
    call = Call(2.0, attempts=2)
    call.send(0.0, 1.0, 503).send(1.5, 2.0, 200, **retry(0.42))
    assert waterfall(call.spans) == Waterfall(
        (
            Row("attempt", 0, 0.0, 1.0, "503", "failed"),
            Row("wait", 1, 1.0, 1.5, "503, backoff 0.42 s", "wait"),
            Row("attempt", 1, 1.5, 2.0, "200", "ok"),
        ),
        2.0,
        2,
        EPOCH,
    )


@pytest.mark.parametrize(
    ("source", "label"),
    [
        ("retry_after", "429, Retry-After 1.00 s"),
        ("backoff", "429, backoff 1.00 s"),
        (None, "429, wait 1.00 s"),
    ],
)
def test_what_set_a_wait(source: str | None, label: str) -> None:
    """A wait says who asked for it, where that is known."""
    call = Call(2.0).send(0.0, 0.5, 429).send(1.5, 2.0, 200, **retry(1.0, "429", source))
    assert call.rows[1].label == label


@pytest.mark.parametrize(("reason", "words"), [*STOPPED.items(), ("whim", "whim")])
def test_why_a_failure_was_not_tried_again(reason: str, words: str) -> None:
    """The last attempt says why none followed."""
    (row,) = Call(1.0, retry_stopped=reason).send(0.0, 1.0, 503).rows
    assert row.label == f"503, {words}"


@pytest.mark.parametrize(
    ("status", "more", "label"),
    [
        ("penstock.errors.ConnectionFailed", {}, "ConnectionFailed"),
        ("TimeoutError", {}, "TimeoutError"),
        (None, {"penstock_outcome": "cancelled"}, "cancelled"),
        (None, {}, "no response"),
    ],
)
def test_a_send_without_a_status(status: str | None, more: dict[str, Any], label: str) -> None:
    """It shows the error's class, or how else it ended."""
    (row,) = Call(1.0).send(0.0, 1.0, status, **more).rows
    assert (row.label, row.tone) == (label, "failed")


def test_a_send_that_has_not_ended() -> None:
    """It reaches to the end of the call and says that it is unfinished."""
    (row,) = Call(2.0).send(0.5, None).rows
    assert (row.start, row.end, row.label) == (0.5, 2.0, "unfinished")


@pytest.mark.parametrize(("told", "expected"), [({}, 2), ({"attempts": 3}, 3)])
def test_how_many_attempts_there_were(told: dict[str, int], expected: int) -> None:
    """As many as the call says, for one may have sent nothing; else as many as are drawn."""
    call = Call(2.0, **told).send(0.0, 0.5, 503).send(1.5, 2.0, 200, **retry(1.0))
    assert waterfall(call.spans).attempts == expected


@pytest.mark.parametrize(
    ("end", "attributes", "expected"),
    [
        (0.5, {"error.type": "penstock.errors.CircuitOpen"}, ("CircuitOpen", "failed")),
        (0.5, {"penstock.outcome": "ok"}, ("ok", "ok")),
        (None, {}, ("unfinished", "failed")),
    ],
)
def test_a_call_that_sent_nothing(end: Any, attributes: Any, expected: tuple[str, str]) -> None:
    """It is one row, with what became of the call."""
    call = Call(end)
    call.call.attributes.update(attributes)
    (row,) = call.rows
    assert (row.number, row.label, row.tone) == (0, *expected)


def test_the_hops_of_a_redirect() -> None:
    """Every send of an attempt with several is a row, and says where it led."""
    call = Call(3.0)
    call.send(0.0, 1.0, 302)
    call.send(1.0, 2.0, 307, http_request_resend_count=1, url_full="http://here/b")
    call.spans[-1].attributes["http.request.resend_count"] = 1
    call.send(2.0, 3.0, 200, url_full="http://there/c")
    call.spans[-1].attributes["http.request.resend_count"] = 2
    assert call.rows == [
        Row("attempt", 0, 0.0, 3.0, "200", "ok"),
        Row("send", 0, 0.0, 1.0, "302 to /b", "moved"),
        Row("send", 1, 1.0, 2.0, "307 to http://there/c", "moved"),
        Row("send", 2, 2.0, 3.0, "200", "ok"),
    ]


def test_a_renewed_key() -> None:
    """The send that was refused says that the key was renewed."""
    rows = Call(3.0).send(0.0, 1.0, 401).send(2.0, 3.0, 200).rows
    assert [(row.label, row.tone) for row in rows] == [
        ("200", "ok"),
        ("401, key renewed", "failed"),
        ("200", "ok"),
    ]


@pytest.mark.parametrize(
    ("attributes", "label", "tone"),
    [
        ({f"{BODY}.size": 1234}, "1,234 bytes", "body"),
        (
            {f"{BODY}.size": 1234, "error.type": "a.ConnectionFailed"},
            "ConnectionFailed after 1,234 bytes",
            "failed",
        ),
    ],
)
def test_the_body_of_a_stream(attributes: dict[str, Any], label: str, tone: Any) -> None:
    """It follows its head up to the last byte, and says what was read."""
    call = Call(2.5).send(0.0, 2.5, 200).child(BODY, 1.0, 2.0, attributes)
    assert call.rows == [
        Row("attempt", 0, 0.0, 1.0, "200", "ok"),
        Row("body", 0, 1.0, 2.0, label, tone),
    ]


def test_the_body_after_a_retry() -> None:
    """It is that of the last attempt."""
    call = Call(2.0).send(0.0, 0.5, 503).send(1.0, 2.0, 200, **retry(0.5))
    last = call.child(BODY, 1.5, 2.0, {f"{BODY}.size": 9}).rows[-1]
    assert (last.kind, last.number) == ("body", 1)


def test_a_body_of_which_nothing_was_read() -> None:
    """It is no row."""
    assert len(Call(1.0).send(0.0, 1.0, 200).child(BODY, 1.0, 1.0, {f"{BODY}.size": 0}).rows) == 1


def test_the_spans_of_others() -> None:
    """Other spans below the call, and those of a second call, are passed over."""
    call = Call(1.0).child("cache.lookup", 0.0, 0.1, {}).send(0.1, 1.0, 200)
    other = Call(9.0).send(0.0, 9.0, 500)
    assert waterfall([*call.spans, *other.spans]) == waterfall(call.spans)
    assert [row.label for row in call.rows] == ["200"]


def test_no_span_at_all() -> None:
    """It is an empty waterfall."""
    assert waterfall([]) == Waterfall((), 0.0, 0, 0)


class Recorded:
    """A client of one colour, in virtual time, whose calls are drawn."""

    def __init__(self, colour: Any, *replies: Any, **options: Any) -> None:
        self.colour = colour
        self.clock = VirtualClock()
        stack = Stack.standard().replace(Retry, Retry(base_delay=2.0, jitter="none"))
        self.client = colour.client(
            "http://here",
            transport=Script(replies, clock=self.clock),
            clock=self.clock,
            stack=detailed(stack),
            tracer_provider=Recorder(),
            **options,
        )

    def rows(self, use: Any) -> list[Row]:
        with recording() as recorded:
            use(self.client)
        # Seconds since the epoch, as the virtual clock has them, are exact to a microsecond.
        return [
            replace(row, start=round(row.start, 6), end=round(row.end, 6))
            for row in waterfall(recorded.spans).rows
        ]


def test_the_spans_of_a_real_call(colour: Any) -> None:
    """What a client records comes out to the second, whatever its colour."""
    moved = Reply(302, headers={"Location": "/b"}, delay=0.5)
    recorded = Recorded(colour, Reply(503, delay=0.25), moved, Reply(200, delay=1.0))
    assert recorded.rows(lambda client: colour.run(lambda: client.get("/a"))) == [
        Row("attempt", 0, 0.0, 0.25, "503", "failed"),
        Row("wait", 1, 0.25, 2.25, "503, backoff 2.00 s", "wait"),
        Row("attempt", 1, 2.25, 3.75, "200", "ok"),
        Row("send", 1, 2.25, 2.75, "302 to /b", "moved"),
        Row("send", 2, 2.75, 3.75, "200", "ok"),
    ]


def test_a_wait_the_server_asked_for(colour: Any) -> None:
    """It is told from backoff by the span alone."""
    limited = Reply(429, headers={"Retry-After": "7"})
    recorded = Recorded(colour, limited, 200)
    rows = recorded.rows(lambda client: colour.run(lambda: client.get("/a")))
    assert rows[1].label.startswith("429, Retry-After 7")


def test_a_real_stream(colour: Any) -> None:
    """Its body is a row from its head to its last byte, however late it is closed."""
    chunks = [b'{"n": 1}\n', 2.0, b'{"n": 2}\n']
    recorded = Recorded(colour, Reply(200, delay=1.0, chunks=chunks))

    def read(client: Any) -> None:
        colour.events(client.stream_events("GET", "/a", format="ndjson"))

    assert recorded.rows(read) == [
        Row("attempt", 0, 0.0, 1.0, "200", "ok"),
        Row("body", 0, 1.0, 3.0, "18 bytes", "body"),
    ]


def test_a_real_stream_that_breaks(colour: Any) -> None:
    """Its body says how."""
    chunks = [b'{"n": 1}\n', 1.0, ConnectionFailed("cut")]
    recorded = Recorded(colour, Reply(200, chunks=chunks))

    def read(client: Any) -> None:
        with pytest.raises(penstock.StreamInterrupted):
            colour.events(client.stream_events("GET", "/a", format="ndjson"))

    rows = recorded.rows(read)
    assert (rows[-1].label, rows[-1].tone) == ("ConnectionFailed after 9 bytes", "failed")
    gc.collect()


def test_the_middleware_that_adds_detail() -> None:
    """It goes where the call's span is current, and nowhere in a stack that does not trace."""
    names = [repr(layer) for layer in detailed(Stack.standard())]
    assert names[names.index("Tracing()") + 1] == repr(BodySpan()) == "BodySpan()"
    assert detailed(Stack.bare()) == Stack.bare()
