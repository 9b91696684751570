"""How long a server asks its clients to wait, and how long they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from penstock import RetryScheduled, RetryStopped, TooManyRequests
from penstock.testing import Reply

from .support import with_retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Rig

NINES = "9" * 400
BACKOFF = 0.5

# What is asked for, and what is waited: at 1 800 000 000 s, Fri, 15 Jan 2027 08:00:00 GMT.
WAITS = {
    "seconds": ({"Retry-After": "20"}, 20.0),
    "zero": ({"Retry-After": "0"}, BACKOFF),
    "negative": ({"Retry-After": "-10"}, BACKOFF),
    "fraction": ({"Retry-After": "1.5"}, 1.5),
    "spaces": ({"Retry-After": "  7  "}, 7.0),
    "empty": ({"Retry-After": ""}, BACKOFF),
    "a word": ({"Retry-After": "abc"}, BACKOFF),
    "a unit": ({"Retry-After": "5s"}, BACKOFF),
    "hexadecimal": ({"Retry-After": "0x10"}, BACKOFF),
    "nan": ({"Retry-After": "nan"}, BACKOFF),
    "infinite": ({"Retry-After": "inf"}, BACKOFF),
    "plus infinity": ({"Retry-After": " +Infinity "}, BACKOFF),
    "an exponent": ({"Retry-After": "1e2"}, BACKOFF),
    "a negative exponent": ({"Retry-After": "-1e999"}, BACKOFF),
    "a great exponent": ({"Retry-After": "1e999"}, BACKOFF),
    "underscores": ({"Retry-After": "1_0"}, BACKOFF),
    "a sign": ({"Retry-After": "+5"}, BACKOFF),
    "a list": ({"Retry-After": "12, 6"}, 12.0),
    "at the cap": ({"Retry-After": "30"}, 30.0),
    "over the cap": ({"Retry-After": "31"}, 30.0),
    "far over the cap": ({"Retry-After": NINES}, 30.0),
    "a date": ({"Retry-After": "Fri, 15 Jan 2027 08:00:20 GMT"}, 20.0),
    "a date of RFC 850": ({"Retry-After": "Friday, 15-Jan-27 08:00:20 GMT"}, 20.0),
    "a date of asctime": ({"Retry-After": "Fri Jan 15 08:00:20 2027"}, 20.0),
    "now": ({"Retry-After": "Fri, 15 Jan 2027 08:00:00 GMT"}, BACKOFF),
    "a date that is past": ({"Retry-After": "Fri, 15 Jan 2027 07:59:30 GMT"}, BACKOFF),
    "in two days": ({"Retry-After": "Sun, 17 Jan 2027 08:00:30 GMT"}, 30.0),
    "no such weekday": ({"Retry-After": "Zri, 15 Jan 2027 08:00:20 GMT"}, BACKOFF),
    "no such day": ({"Retry-After": "Wed, 31 Feb 2027 10:00:00 GMT"}, BACKOFF),
    "the year 100000": ({"Retry-After": "Fri, 29 Sep 100000 16:26:57 GMT"}, BACKOFF),
    "ISO 8601": ({"Retry-After": "2027-01-15T08:00:20Z"}, BACKOFF),
    "a server ten minutes ahead": (
        {
            "Retry-After": "Fri, 15 Jan 2027 08:10:20 GMT",
            "Date": "Fri, 15 Jan 2027 08:10:00 GMT",
        },
        20.0,
    ),
    "milliseconds": ({"retry-after-ms": "1500"}, 1.5),
    "milliseconds before seconds": ({"retry-after-ms": "1500", "Retry-After": "9"}, 1.5),
    "no number of milliseconds": ({"retry-after-ms": "abc", "Retry-After": "9"}, 9.0),
    "infinite milliseconds": ({"retry-after-ms": "inf", "Retry-After": "90"}, 30.0),
    "an exponent of milliseconds": ({"retry-after-ms": "1e5"}, BACKOFF),
    "far too many milliseconds": ({"retry-after-ms": NINES}, 30.0),
}


@pytest.mark.parametrize("name", WAITS)
def test_what_is_waited(name: str, rig: Callable[..., Rig]) -> None:
    """A usable hint is waited out, up to the cap; any other leaves the backoff in force."""
    headers, wait = WAITS[name]
    busy = rig([Reply(429, headers=headers), 200], stack=with_retry(jitter="none"))
    assert busy.status() == 200
    assert busy.sleeps == [wait]
    source = "backoff" if wait == BACKOFF else "retry_after"
    assert [fact.source for fact in busy.kinds(RetryScheduled)] == [source]


@pytest.mark.parametrize(
    ("header", "within", "over"),
    [
        ("Retry-After", "120", "121"),
        ("Retry-After", "120.0", "120.001"),
        ("Retry-After", "120", NINES),
        ("retry-after-ms", "120000", "120001"),
        ("retry-after-ms", "120000", NINES),
        ("Retry-After", "Fri, 15 Jan 2027 08:02:00 GMT", "Fri, 15 Jan 2027 08:02:01 GMT"),
    ],
)
def test_over_the_cap_it_may_stop(
    header: str, within: str, over: str, rig: Callable[..., Rig]
) -> None:
    """With `over_cap="stop"` a wait over the cap is not begun: the response is returned."""
    for value, status, sleeps in ((within, 200, [120.0]), (over, 429, [])):
        stack = with_retry(retry_after_cap=120, over_cap="stop")
        busy = rig([Reply(429, headers={header: value}), 200], stack=stack)
        assert busy.status() == status
        assert busy.sleeps == sleeps
        stopped = [fact.reason for fact in busy.kinds(RetryStopped)]
        assert stopped == ([] if sleeps else ["retry_after"])


def test_the_error_of_a_stop_keeps_what_the_server_said(rig: Callable[..., Rig]) -> None:
    """Status, hint, body and request id of a response whose wait is too long are on the error."""
    headers = {"Retry-After": "9" * 5000, "X-Request-Id": "req-7"}
    reply = Reply(429, headers=headers, json={"error": {"message": "slow down"}})
    busy = rig([reply], stack=with_retry(over_cap="stop"))
    with pytest.raises(TooManyRequests, match="slow down") as caught:
        busy.send()
    error = caught.value
    assert (error.status_code, error.request_id) == (429, "req-7")
    assert error.response.headers["retry-after"] == "9" * 5000
    assert error.body == {"error": {"message": "slow down"}}


@pytest.mark.parametrize(
    ("status", "headers", "sends"),
    [
        (400, {"Retry-After": "Fri, 29 Sep 100000 16:26:57 GMT"}, 1),
        (401, {"Retry-After": "1", "x-should-retry": "true"}, 1),
        (404, {"Retry-After": "1"}, 1),
        (503, {"Retry-After": "1", "x-should-retry": "false"}, 2),
    ],
)
def test_a_hint_decides_no_retry(
    status: int, headers: dict[str, str], sends: int, rig: Callable[..., Rig]
) -> None:
    """What is tried again is the rule's to say: a server's hint only sets the wait."""
    server = rig([Reply(status, headers=headers), 200])
    server.status()
    assert server.sent == sends


def test_each_hint_is_waited_for(rig: Callable[..., Rig]) -> None:
    """Two hints of 3 s are two waits of 3 s."""
    busy = rig([Reply(429, headers={"Retry-After": "3"})] * 2 + [200])
    assert busy.status() == 200
    assert busy.sleeps == [3.0, 3.0]


@pytest.mark.parametrize(
    ("asked", "draw", "waited"), [("5", 0.5, 5.25), ("20", 0.5, 20.5), ("30", 1.0, 30.0)]
)
def test_a_hint_is_spread_upwards(
    asked: str, draw: float, waited: float, rig: Callable[..., Rig]
) -> None:
    """Chance adds up to a tenth and at most 1 s to a hint, and stays at the cap."""
    busy = rig([Reply(503, headers={"Retry-After": asked}), 200], draw=draw)
    assert busy.status() == 200
    assert busy.sleeps == [waited]


def test_a_clock_set_back_while_waiting_changes_nothing(rig: Callable[..., Rig]) -> None:
    """The wall clock only measures dates: a step of it moves no wait and no deadline."""

    def step(request: Any) -> Any:
        busy.clock.step_wall(-1e9)
        return 503

    busy = rig([step, step, 200], deadline=100, stack=with_retry(jitter="none"))
    assert busy.status() == 200
    assert busy.sleeps == [0.5, 1.0]
