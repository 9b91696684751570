"""The model of a waterfall: what facts become, and that time is shown as it was."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock import (
    AttemptEnded,
    AttemptStarted,
    AuthRefreshed,
    BodyEnd,
    ConnectionFailed,
    Redirected,
    RetryScheduled,
    RetryStopped,
    SendEnded,
    Stack,
)
from penstock.demo.watch import Watch, Watched
from penstock.demo.waterfall import STOPPED, Row, Waterfall, waterfall
from penstock.middleware import Retry
from penstock.testing import Reply, Script, VirtualClock

SECONDS = st.integers(0, 5_000).map(lambda count: count / 1024)  # exact in binary, and so are sums


@st.composite
def calls(draw: st.DrawFn) -> tuple[list[Any], float, float]:
    """Facts of attempts one after another, when they began, and the seconds between everything."""
    started = now = draw(SECONDS)
    overhead = 0.0
    facts: list[Any] = []
    last = draw(st.integers(0, 4))
    for number in range(last + 1):
        idle, took, more, wait = (draw(SECONDS) for _ in range(4))
        facts.append(AttemptStarted(number, now + idle))
        status = 200 if number == last else 503
        facts.append(SendEnded(number, number, now + idle, took, "GET", status))
        facts.append(AttemptEnded(number, now + idle + took, took, status))
        now += idle + took
        overhead += idle
        if number < last:
            now += more
            overhead += more
            facts.append(RetryScheduled(number + 1, now, wait, "503"))
            now += wait
    return facts, started, overhead


def drawn(*facts: Any, **named: Any) -> list[Row]:
    return list(waterfall(facts, started=0.0, **named).rows)


@given(calls())
def test_time_adds_up(call: tuple[list[Any], float, float]) -> None:
    """Attempts, waits and what lay between them are the total; a wait reaches to its attempt."""
    facts, started, overhead = call
    fall = waterfall(facts, started=started)
    waiting = [row for row in fall.rows if row.kind == "wait"]
    # What passes between the end of a wait and its attempt is shown as waiting.
    planned = {fact.number: fact.wait for fact in facts if isinstance(fact, RetryScheduled)}
    late = sum(row.seconds - planned[row.number] for row in waiting)
    assert sum(row.seconds for row in fall.rows) == fall.total - overhead + late


@given(calls())
def test_attempts_and_waits_never_overlap(call: tuple[list[Any], float, float]) -> None:
    """In a call that does one thing after another, each row begins where the last had ended."""
    facts, started, _ = call
    rows = waterfall(facts, started=started).rows
    assert all(before.end <= after.start for before, after in pairwise(rows))


@given(calls())
def test_every_row_lies_within_the_call(call: tuple[list[Any], float, float]) -> None:
    """No row begins before the call or ends after it, and none ends before it begins."""
    facts, started, _ = call
    fall = waterfall(facts, started=started)
    assert all(0 <= row.start <= row.end <= fall.total for row in fall.rows)


def _later(fact: Any, seconds: float) -> Any:
    moment = "started" if isinstance(fact, SendEnded) else "at"
    return fact._replace(**{moment: getattr(fact, moment) + seconds})


@given(calls(), st.integers(-1000, 1000))
def test_only_the_time_since_the_start_counts(
    call: tuple[list[Any], float, float], shift: int
) -> None:
    """The same call at another moment is the same waterfall."""
    facts, started, _ = call
    shifted = [_later(fact, shift) for fact in facts]
    assert waterfall(shifted, started=started + shift) == waterfall(facts, started=started)


def test_a_retried_call() -> None:
    """Each attempt has its status, the wait between them its reason and length."""
    fall = waterfall(
        [
            AttemptStarted(0, 10.0),
            SendEnded(0, 0, 10.0, 1.0, "GET", 503),
            AttemptEnded(0, 11.0, 1.0, 503),
            RetryScheduled(1, 11.0, 0.42, "503"),
            AttemptStarted(1, 11.5),
            SendEnded(1, 1, 11.5, 0.5, "GET", 200),
            AttemptEnded(1, 12.0, 0.5, 200),
        ],
        started=10.0,
    )
    assert fall == Waterfall(
        (
            Row("attempt", 0, 0.0, 1.0, "503", "failed"),
            Row("wait", 1, 1.0, 1.5, "503, backoff 0.42 s", "wait"),
            Row("attempt", 1, 1.5, 2.0, "200", "ok"),
        ),
        2.0,
    )
    assert fall.attempts == 2


def test_a_wait_the_server_asked_for() -> None:
    """It says so."""
    (row,) = drawn(RetryScheduled(1, 0.0, 1.0, "429", "retry_after"), ended=1.0)
    assert row.label == "429, Retry-After 1.00 s"


def test_a_wait_that_was_cut_short() -> None:
    """It ends with the call where no attempt followed."""
    (row,) = drawn(RetryScheduled(1, 0.0, 5.0, "503"), ended=2.0)
    assert (row.start, row.end) == (0.0, 2.0)


@pytest.mark.parametrize(("reason", "words"), [*STOPPED.items(), ("whim", "whim")])
def test_why_a_failure_was_not_tried_again(reason: str, words: str) -> None:
    """The last attempt says why none followed."""
    (row,) = drawn(AttemptEnded(0, 1.0, 1.0, 503), RetryStopped(0, 1.0, reason))
    assert row.label == f"503, {words}"


def test_an_attempt_that_failed_without_a_status() -> None:
    """It shows the error's class."""
    (row,) = drawn(AttemptEnded(0, 1.0, 1.0, None, "ConnectionFailed"))
    assert (row.label, row.tone) == ("ConnectionFailed", "failed")


def test_an_attempt_that_has_not_ended() -> None:
    """It reaches to the end of the call and says that it is unfinished."""
    (row,) = drawn(AttemptStarted(0, 0.5), ended=2.0)
    assert (row.start, row.end, row.label) == (0.5, 2.0, "unfinished")


def test_the_hops_of_a_redirect() -> None:
    """Every send of an attempt with several is a row, and says where it led."""
    rows = drawn(
        AttemptStarted(0, 0.0),
        SendEnded(0, 0, 0.0, 1.0, "GET", 302),
        Redirected(1.0, 302, "http://here/b"),
        SendEnded(1, 0, 1.0, 1.0, "GET", 307),
        Redirected(2.0, 307, "http://there/c"),
        SendEnded(2, 0, 2.0, 1.0, "GET", 200),
        AttemptEnded(0, 3.0, 3.0, 200),
        origin="http://here",
    )
    assert rows == [
        Row("attempt", 0, 0.0, 3.0, "200", "ok"),
        Row("send", 0, 0.0, 1.0, "302 to /b", "moved"),
        Row("send", 1, 1.0, 2.0, "307 to http://there/c", "moved"),
        Row("send", 2, 2.0, 3.0, "200", "ok"),
    ]


def test_a_renewed_key() -> None:
    """The send that was refused says that the key was renewed."""
    rows = drawn(
        AttemptStarted(0, 0.0),
        SendEnded(0, 0, 0.0, 1.0, "GET", 401),
        AuthRefreshed(1.5),
        SendEnded(1, 0, 2.0, 1.0, "GET", 200),
        AttemptEnded(0, 3.0, 3.0, 200),
    )
    assert [row.label for row in rows] == ["200", "401, key renewed", "200"]


@pytest.mark.parametrize(
    ("outcome", "error", "label", "tone"),
    [
        ("completed", None, "1,234 bytes", "body"),
        ("closed", None, "1,234 bytes", "body"),
        ("error", ConnectionFailed("cut"), "ConnectionFailed after 1,234 bytes", "failed"),
    ],
)
def test_the_body_of_a_stream(outcome: str, error: Exception | None, label: str, tone: str) -> None:
    """It follows its head up to the last byte, and says what was read."""
    end = BodyEnd(outcome, error, 1234, 3, 1.5, 2.0)
    rows = drawn(AttemptStarted(0, 0.0), AttemptEnded(0, 1.0, 1.0, 200), ended=2.5, body=end)
    assert rows[1:] == [Row("body", 0, 1.0, 2.0, label, tone)]  # type: ignore[arg-type]


def test_a_body_of_which_nothing_was_read() -> None:
    """It is no row."""
    unread = BodyEnd("closed", None, 0, 0, None, None)
    assert len(drawn(AttemptEnded(0, 1.0, 1.0, 200), body=unread)) == 1


def test_facts_of_others() -> None:
    """A fact of a kind it does not know is passed over."""
    assert drawn(object(), "a fact of an application's own") == []


def test_the_facts_of_a_real_call(colour: Any) -> None:
    """What a client records comes out to the second, whatever its colour."""
    clock = VirtualClock()
    moved = Reply(302, headers={"Location": "/b"}, delay=0.5)
    script = Script([Reply(503, delay=0.25), moved, Reply(200, delay=1.0)], clock=clock)
    watched: list[Watched] = []
    retry = Retry(base_delay=2.0, jitter="none")
    stack = Stack([Watch(watched.append), *Stack.standard().replace(Retry, retry)])
    client = colour.client("http://here", transport=script, clock=clock, stack=stack)
    colour.run(lambda: client.get("/a"))
    assert watched[0].waterfall() == Waterfall(
        (
            Row("attempt", 0, 0.0, 0.25, "503", "failed"),
            Row("wait", 1, 0.25, 2.25, "503, backoff 2.00 s", "wait"),
            Row("attempt", 1, 2.25, 3.75, "200", "ok"),
            Row("send", 1, 2.25, 2.75, "302 to /b", "moved"),
            Row("send", 2, 2.75, 3.75, "200", "ok"),
        ),
        3.75,
    )
