"""What Bayt's client tries again, how long it waits, and what errors it ends with."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from penstock import InvalidOption, PenstockError, TimedOut
from penstock.clients.bayt import (
    BaytAPIError,
    BaytAuthError,
    BaytNotFoundError,
    BaytRateLimitError,
    BaytValidationError,
)
from penstock.testing import Reply

from .bayt_support import KEY, PROMPT, Rig

if TYPE_CHECKING:
    from tests.conftest import Colour

CALLS: dict[str, Any] = {
    "get_prompt": (lambda client: client.get_prompt("@a/b:v1"), PROMPT),
    "list_prompts": (lambda client: client.list_prompts(), {"prompts": []}),
    "get_context_download_url": (
        lambda client: client.get_context_download_url("c"),
        {"url": "https://x.example.com"},
    ),
}


def get(client: Any) -> Any:
    return client.get_prompt("@a/b:v1")


@pytest.mark.parametrize("failure", [429, 500, 501, 502, 503, 504, 520, 599])
def test_these_statuses_are_tried_again(colour: Colour, failure: int) -> None:
    """429 and every 5xx are tried again, the POST of `get_prompt` among them."""
    rig = Rig(colour, [failure, PROMPT])
    assert rig.run(get) == PROMPT


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("name or service not known"),
        httpx.ConnectTimeout("late"),
        httpx.ReadTimeout("late"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("closed"),
    ],
    ids=lambda failure: type(failure).__name__,
)
@pytest.mark.parametrize("name", CALLS)
def test_network_errors_are_tried_again(colour: Colour, name: str, failure: Exception) -> None:
    """So are failed connections and timeouts, in every operation."""
    call, reply = CALLS[name]
    rig = Rig(colour, [failure, reply])
    assert rig.run(call) == reply


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 409, 410, 418, 422, 425])
def test_no_other_status_is_tried_again(colour: Colour, status: int) -> None:
    """No other 4xx is."""
    rig = Rig(colour, [status])
    with pytest.raises(BaytAPIError):
        rig.run(get)
    assert len(rig.sent) == 1


def test_the_waits_double(colour: Colour) -> None:
    """The waits are retry_delay times 2ⁿ, and three retries follow unless told otherwise."""
    rig = Rig(colour, [503] * 4)
    with pytest.raises(BaytAPIError):
        rig.run(get)
    assert rig.clock.sleeps == [1.0, 2.0, 4.0]
    assert rig.script.open == 0


@pytest.mark.parametrize(
    ("retries", "delay", "sleeps"),
    [(5, 1.0, [1, 2, 4, 8, 16]), (3, 0.25, [0.25, 0.5, 1.0]), (2, 0, [0, 0]), (0, 1.0, [])],
)
def test_how_often_and_how_long_can_be_said(
    colour: Colour, retries: int, delay: float, sleeps: list[float]
) -> None:
    """`max_retries` says how many repeats follow, none with 0, and `retry_delay` the first wait."""
    rig = Rig(colour, [500] * (retries + 1), max_retries=retries, retry_delay=delay)
    with pytest.raises(BaytAPIError):
        rig.run(get)
    assert rig.clock.sleeps == sleeps
    assert rig.script.left == 0


@pytest.mark.parametrize("seconds", [2, 45, 600])
def test_retry_after_is_respected(colour: Colour, seconds: int) -> None:
    """A 429 is tried again after its `Retry-After`: never earlier, by chance a little later."""
    rig = Rig(colour, [Reply(429, headers={"Retry-After": str(seconds)}), PROMPT])
    rig.run(get)
    assert len(rig.clock.sleeps) == 1
    assert seconds <= rig.clock.sleeps[0] <= seconds + min(0.1 * seconds, 1.0)


def test_nobody_waits_for_more_than_an_hour(colour: Colour) -> None:
    """A server that asks for more than an hour gets no repeat."""
    rig = Rig(colour, [Reply(429, headers={"Retry-After": "3601"})])
    with pytest.raises(BaytRateLimitError):
        rig.run(get)
    assert rig.clock.sleeps == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BaytValidationError),
        (401, BaytAuthError),
        (403, BaytAuthError),
        (404, BaytNotFoundError),
        (409, BaytAPIError),
        (422, BaytAPIError),
        (429, BaytRateLimitError),
        (500, BaytAPIError),
        (503, BaytAPIError),
    ],
)
@pytest.mark.parametrize("name", CALLS)
def test_each_status_has_its_error(
    colour: Colour, name: str, status: int, kind: type[BaytAPIError]
) -> None:
    """One table makes the errors of every operation; each is a `BaytAPIError`."""
    body = {"error": {"code": "a_code", "message": "what was wrong"}}
    rig = Rig(colour, [Reply(status, json=body, headers={"X-Request-Id": "r-7"})], max_retries=0)
    with pytest.raises(BaytAPIError, match="what was wrong") as caught:
        rig.run(CALLS[name][0])
    error = caught.value
    assert type(error) is kind
    assert isinstance(error, PenstockError)
    assert (error.status_code, error.code, error.body) == (status, "a_code", body)
    assert (error.request_id, error.method is not None, len(error.attempts)) == ("r-7", True, 1)
    assert error.response is not None
    assert error.response.status_code == status
    assert not hasattr(error.response, "request")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (Reply(404, json={"error": "Prompt not found"}), "Prompt not found"),
        (Reply(404, json={"message": "not here"}), "not here"),
        (Reply(404, json={}), "404"),
        (Reply(404, json=["x"]), "404"),
        (Reply(404, text="<html>"), "404"),
        (Reply(404), "404"),
    ],
)
def test_a_body_of_any_shape(colour: Colour, body: Reply, says: str) -> None:
    """An error is made of any body; what it says is in the message."""
    rig = Rig(colour, [body])
    with pytest.raises(BaytNotFoundError, match=says) as caught:
        rig.run(get)
    assert caught.value.code is None


def test_429_is_an_error_after_the_retries(colour: Colour) -> None:
    """`BaytRateLimitError` comes when the retries are used up, and knows them all."""
    rig = Rig(colour, [429] * 4)
    with pytest.raises(BaytRateLimitError) as caught:
        rig.run(get)
    assert [attempt.status for attempt in caught.value.attempts] == [429] * 4


@pytest.mark.parametrize(
    "failure",
    [httpx.ConnectError("refused"), httpx.ReadTimeout("late"), httpx.RemoteProtocolError("odd")],
    ids=lambda failure: type(failure).__name__,
)
def test_a_failed_connection_is_bayts_error(colour: Colour, failure: Exception) -> None:
    """A connection that fails for good is a `BaytAPIError` without a response."""
    rig = Rig(colour, [failure], max_retries=0)
    with pytest.raises(BaytAPIError) as caught:
        rig.run(get)
    error = caught.value
    assert (type(error), error.response, error.status_code, error.body, error.code) == (
        *(BaytAPIError, None, None, None),
        None,
    )
    assert isinstance(error.__cause__, PenstockError)
    assert error.operation == "prompts.get"


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("reply", [Reply(text="<html>"), Reply(json=[1]), Reply()])
def test_a_body_that_is_no_object(colour: Colour, name: str, reply: Reply) -> None:
    """A success whose body is not a JSON object is a `BaytAPIError` that knows the call."""
    rig = Rig(colour, [reply])
    with pytest.raises(BaytAPIError, match="JSON") as caught:
        rig.run(CALLS[name][0])
    assert caught.value.method in {"GET", "POST"}


def test_the_timeout_bounds_an_attempt(colour: Colour) -> None:
    """An attempt has 30 s unless told otherwise, by wall clock, and is then tried again."""
    rig = Rig(colour, [Reply(delay=31.0), PROMPT])
    assert rig.run(get) == PROMPT
    slow = Rig(colour, [Reply(json=PROMPT, delay=11.0)], timeout=10, max_retries=0)
    with pytest.raises(BaytAPIError) as caught:
        slow.run(get)
    assert isinstance(caught.value.__cause__, TimedOut)


def test_a_mistake_of_the_callers_stays_one(colour: Colour) -> None:
    """A wrong option is no error of Bayt's."""
    rig = Rig(colour, [])
    with pytest.raises(InvalidOption):
        rig.run(lambda client: client.get_prompt("@a/b:v1", request_options={"max_retires": 1}))


def test_errors_pickle_and_show_no_secret(colour: Colour) -> None:
    """An error survives pickling with everything it knows, and shows no key that was echoed."""
    reply = Reply(401, json={"error": f"bad key {KEY}"}, headers={"X-Request-Id": "r-1"})
    rig = Rig(colour, [reply])
    with pytest.raises(BaytAuthError) as caught:
        rig.run(get)
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is BaytAuthError
    assert (str(again), again.status_code, again.request_id, again.attempts) == (
        *(str(caught.value), 401, "r-1"),
        caught.value.attempts,
    )
    assert KEY not in repr((str(again), again.body, vars(again), dict(again.response.headers)))


@pytest.mark.parametrize(
    "kind",
    [BaytAPIError, BaytAuthError, BaytNotFoundError, BaytRateLimitError, BaytValidationError],
)
def test_errors_are_made_of_a_message_too(kind: type[BaytAPIError]) -> None:
    """A test double can raise one with a message alone."""
    error = kind("no")
    assert (str(error), error.message, error.response, error.status_code) == (
        "no",
        "no",
        None,
        None,
    )
