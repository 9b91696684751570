"""What Pareta's client tries again, how long it waits, and how long it lets an attempt take."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from penstock.clients.pareta import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ConflictError,
    RateLimitError,
)
from penstock.clients.pareta.policy import STATUSES
from penstock.testing import Reply

from .pareta_support import MESSAGES, Rig, chunk, sse


def create(client: Any) -> Any:
    """Make the plainest call."""
    return client.chat.completions.create(model="ep_1", messages=MESSAGES)


def stream(client: Any) -> Any:
    """Make the plainest call that streams."""
    return client.chat.completions.create(model="ep_1", messages=MESSAGES, stream=True)


@pytest.mark.parametrize("status", [*range(400, 432), 451, *range(500, 512), 529, 599])
@pytest.mark.parametrize("call", [create, lambda client: client.models.list()], ids=["POST", "GET"])
def test_exactly_these_statuses_are_tried_again(status: int, call: Any, colour: Any) -> None:
    """408, 409, 429, 500, 502, 503 and 504 are tried again, whatever the method, and no other."""
    rig = Rig(colour, status, forever=True)
    error = rig.error(call)
    assert len(rig.sent) == (3 if status in {408, 409, 429, 500, 502, 503, 504} else 1)
    assert (status in STATUSES, error.status_code) == (len(rig.sent) == 3, status)


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("garbage"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_failed_wire_is_tried_again(failure: Exception, colour: Any) -> None:
    """Timeouts and connection errors are tried again, also of a POST; the last one is raised."""
    rig = Rig(colour, failure, {"id": "c"})
    assert rig.run(create).id == "c"
    rig = Rig(colour, failure, forever=True)
    error = rig.error(create)
    assert len(rig.sent) == 3
    timed_out = isinstance(failure, httpx.TimeoutException)
    assert type(error) is (APITimeoutError if timed_out else APIConnectionError)


@pytest.mark.parametrize("draw", [0.0, 0.5, 0.999])
def test_waits_double_up_to_eight_seconds_and_chance_adds_a_quarter(
    draw: float, colour: Any
) -> None:
    """Before repeat n the wait is min(0.5 · 2ⁿ, 8) seconds and U(0, 0.25)."""
    rig = Rig(colour, 503, forever=True, max_retries=7, draw=draw)
    rig.error(create)
    assert rig.clock.sleeps == [
        pytest.approx(base + 0.25 * draw) for base in (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)
    ]


def test_a_thousand_repeats_wait_no_longer(colour: Any) -> None:
    """The wait stays at its limit however often a call is repeated."""
    rig = Rig(colour, 503, forever=True, max_retries=1100)
    rig.error(create)
    assert max(rig.clock.sleeps) == 8.0


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("30", 30.0),
        ("31", 30.0),
        ("86400", 30.0),
        ("Fri, 15 Jan 2027 08:00:12 GMT", 12.0),
        ("soon", 0.5),
        ("-3", 0.5),
    ],
)
def test_a_server_may_ask_for_thirty_seconds(asked: str, waited: float, colour: Any) -> None:
    """`Retry-After` is honoured instead of the own delay, up to 30 seconds."""
    rig = Rig(colour, Reply(429, headers={"Retry-After": asked}), {"id": "c"})
    rig.run(create)
    assert rig.clock.sleeps == [pytest.approx(waited)]


def test_what_stays_a_conflict_is_one_in_the_end(colour: Any) -> None:
    """A stable 409 uses up the repeats and raises `ConflictError`."""
    rig = Rig(colour, Reply(409, json={"detail": "a seed endpoint"}), forever=True)
    error = rig.error(lambda client: client.endpoints.start("ep_1"))
    assert (type(error), len(error.attempts)) == (ConflictError, 3)


def test_no_retries_fail_at_once(colour: Any) -> None:
    """`max_retries=0` surfaces the first failure, and a call may say so itself."""
    rig = Rig(colour, 429, 429, max_retries=0)
    assert type(rig.error(create)) is RateLimitError
    view = rig.client.with_options(max_retries=0)
    assert type(rig.error(lambda client: create(view))) is RateLimitError
    assert rig.clock.sleeps == []


@pytest.mark.parametrize("first", [503, httpx.ConnectError("refused")], ids=str)
def test_a_stream_is_tried_again_until_its_head_has_come(first: Any, colour: Any) -> None:
    """A stream's handshake is retried like any request."""
    rig = Rig(colour, first, sse(chunk("a"), chunk("b")))
    assert [c.choices[0].delta.content for c in rig.read(stream)] == ["a", "b"]
    assert len(rig.sent) == 2


@pytest.mark.parametrize(
    ("failure", "expected"),
    [(httpx.ReadError("reset"), APIConnectionError), (httpx.ReadTimeout("idle"), APITimeoutError)],
    ids=["dropped", "idle"],
)
def test_a_stream_that_flows_is_not_tried_again(
    failure: Exception, expected: type[Exception], colour: Any
) -> None:
    """Once events flow, a drop raises at once: a partial answer cannot be resumed."""
    head = {"Content-Type": "text/event-stream"}
    steps = [b'data: {"choices": []}\n\n', failure]
    rig = Rig(colour, Reply(headers=head, chunks=steps), sse())
    assert type(rig.stream_error(stream)) is expected
    assert (len(rig.sent), rig.script.open) == (1, 0)


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [
        (None, 60.0),
        (httpx.Timeout(60.0, connect=10.0), 60.0),
        (httpx.Timeout(5.0, read=20.0), 20.0),
        (25.0, 25.0),
    ],
    ids=str,
)
def test_a_body_that_drips_does_not_outlive_the_attempt(
    timeout: Any, seconds: float, colour: Any
) -> None:
    """A timeout bounds the whole attempt by wall clock, by its longest phase: 60 s by default."""
    within = Reply(chunks=[b'{"id": ', seconds - 1, b'"c"}'])
    assert Rig(colour, within, timeout=timeout).run(create).id == "c"
    beyond = Reply(chunks=[b'{"id": ', seconds / 2, b'"', seconds / 2 + 1, b'c"}'])
    rig = Rig(colour, beyond, timeout=timeout, max_retries=0)
    assert type(rig.error(create)) is APITimeoutError


def test_an_attempt_that_dripped_is_tried_again(colour: Any) -> None:
    """An attempt that took too long by wall clock is a failed attempt like others."""
    rig = Rig(colour, Reply(delay=61.0, json={}), {"id": "c"})
    assert rig.run(create).id == "c"
    assert len(rig.sent) == 2


def test_a_stream_may_take_longer_than_an_attempt(colour: Any) -> None:
    """A stream is bounded until its head, and afterwards by the time between two reads."""
    head = {"Content-Type": "text/event-stream"}
    steps = [b'data: {"id": "a"}\n\n', 59.0, b'data: {"id": "b"}\n\n', 59.0, b"data: [DONE]\n\n"]
    rig = Rig(colour, Reply(headers=head, chunks=steps))
    assert [c.id for c in rig.read(stream)] == ["a", "b"]
    late = Rig(colour, Reply(headers=head, delay=61.0), max_retries=0)
    assert type(late.stream_error(stream)) is APITimeoutError


def test_a_phase_without_limit_has_none(colour: Any) -> None:
    """Where a phase of an `httpx.Timeout` is unlimited, so is the attempt."""
    rig = Rig(colour, Reply(delay=1e6, json={"id": "c"}), timeout=httpx.Timeout(5.0, read=None))
    assert rig.run(create).id == "c"


def test_a_deadline_of_the_call_stands(colour: Any) -> None:
    """A deadline that is sooner than the timeout ends the call, and no repeat follows."""
    rig = Rig(colour, Reply(delay=11.0, json={}), forever=True)
    error = rig.error(lambda client: client.models.list(request_options={"deadline": 10.0}))
    assert (type(error), len(rig.sent)) == (APITimeoutError, 1)
    assert not isinstance(error, APIStatusError)
