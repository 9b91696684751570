"""BabyAPI: what is tried again, after how long, and the error in the end."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import httpx
import pytest

from penstock import ConnectionFailed, DecodeError, PenstockError, TimedOut
from penstock.clients.babyapi import BabyAPIError
from penstock.testing import Reply

from .babyapi_support import KEY, VARIABLES, baby, create, sse, stream


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


# What is tried again


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529, 599])
def test_what_is_tried_again(colour: Any, status: int) -> None:
    """408, 429 and every 5xx are tried again."""
    kit = baby(colour, status, status, {"a": 1})
    assert kit.run(create) == {"a": 1}
    assert len(kit.script.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 413, 422])
def test_what_is_not(colour: Any, status: int) -> None:
    """No other status is: 400 and 422 in particular."""
    kit = baby(colour, status)
    assert kit.error(create).status == status


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError("x"), httpx.ReadError("x"), httpx.ReadTimeout("x"), httpx.PoolTimeout("x")],
)
def test_failures_of_the_wire(colour: Any, error: Exception) -> None:
    """Network errors and timeouts are tried again, also where something was sent."""
    kit = baby(colour, error, {"a": 1})
    assert kit.run(create) == {"a": 1}


@pytest.mark.parametrize("count", [0, 1, 3])
def test_how_often(colour: Any, count: int) -> None:
    """At most `max_retries` repeats follow the first attempt; the last error is raised."""
    kit = baby(colour, *[503] * (count + 1), max_retries=count)
    error = kit.error(create)
    assert (error.status, len(error.attempts)) == (503, count + 1)


# Delays


@pytest.mark.parametrize("draw", [0.0, 0.5, 0.999])
@pytest.mark.parametrize("base", [None, 1.0])
def test_delays(colour: Any, draw: float, base: float | None) -> None:
    """The delay before repeat n is base times 2 to the n, times U(0.8, 1.2)."""
    given = {} if base is None else {"retry_base_delay_s": base}
    kit = baby(colour, *[503] * 7, {}, draw=draw, max_retries=7, **given)
    kit.run(create)
    factor = (0.25 if base is None else base) * (0.8 + 0.4 * draw)
    assert kit.clock.sleeps == pytest.approx([factor * 2**n for n in range(7)])


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("2", 2), ("0.5", 0.5), ("Fri, 15 Jan 2027 08:00:10 GMT", 10), ("900", 30)],
)
@pytest.mark.parametrize("draw", [0.0, 0.5])
def test_the_servers_delay(colour: Any, value: str, seconds: float, draw: float) -> None:
    """A `Retry-After` in seconds or as a date goes before that, times U(0.8, 1.2), up to 30 s."""
    kit = baby(colour, Reply(429, headers={"Retry-After": value}), {}, draw=draw)
    kit.run(create)
    expected = seconds if value == "900" else seconds * (0.8 + 0.4 * draw)
    assert kit.clock.sleeps == pytest.approx([expected])


# should_retry


def test_the_applications_rule(colour: Any) -> None:
    """`should_retry` is told status, error and JSON body, and decides about each."""
    told: list[Any] = []

    def should_retry(status: Any, error: Any, body: Any) -> bool:
        told.append((status, type(error).__name__, body))
        return True

    replies = [
        Reply(400, json={"error": {"code": "x"}}),
        Reply(404, text="-"),
        Reply(401, json=[1]),
    ]
    kit = baby(
        colour, *replies, httpx.ReadTimeout("x"), {}, max_retries=5, should_retry=should_retry
    )
    kit.run(create)
    assert told == [
        (400, "NoneType", {"error": {"code": "x"}}),
        (404, "NoneType", None),
        (401, "NoneType", None),
        (None, "TimedOut", None),
    ]


@pytest.mark.parametrize("failure", [503, httpx.ConnectError("x")])
def test_the_applications_no(colour: Any, failure: Any) -> None:
    """When `should_retry` says no, nothing is tried again."""
    kit = baby(colour, failure, should_retry=lambda *_: 0)
    assert len(kit.error(create).attempts) == 1


@pytest.mark.parametrize(
    ("failure", "attempts"), [(503, 2), (400, 1), (httpx.ConnectError("x"), 2)]
)
def test_a_rule_that_fails(colour: Any, failure: Any, attempts: int) -> None:
    """When `should_retry` raises, the default rule holds."""

    def should_retry(*_: Any) -> bool:
        raise KeyError("broken")

    kit = baby(colour, failure, failure, should_retry=should_retry, max_retries=1)
    assert len(kit.error(create).attempts) == attempts


def test_a_success_asks_nobody(colour: Any) -> None:
    """`should_retry` is asked about failures alone."""
    told: list[Any] = []
    kit = baby(colour, {}, should_retry=lambda *given: told.append(given))
    kit.run(create)
    assert told == []


# Errors


@pytest.mark.parametrize(
    ("reply", "message", "code", "kind", "details"),
    [
        (
            Reply(404, json={"error": {"message": "no", "code": "c", "type": "t", "param": "p"}}),
            "no",
            "c",
            "t",
            {"error": {"message": "no", "code": "c", "type": "t", "param": "p"}},
        ),
        (
            Reply(404, json={"error": {"message": "", "code": 5, "type": None}}),
            "HTTP 404",
            None,
            None,
            {"error": {"message": "", "code": 5, "type": None}},
        ),
        (Reply(404, json={"error": "no"}), "HTTP 404", None, None, {"error": "no"}),
        (Reply(404, json={"detail": "no"}), "HTTP 404", None, None, {"detail": "no"}),
        (Reply(404, json=["no"]), "HTTP 404", None, None, ["no"]),
        (Reply(404, text="<h1>no</h1>"), "HTTP 404", None, None, "<h1>no</h1>"),
        (Reply(404), "HTTP 404", None, None, ""),
    ],
)
@pytest.mark.parametrize("streams", [False, True])
def test_error_bodies(
    colour: Any, reply: Any, message: str, code: Any, kind: Any, details: Any, streams: bool
) -> None:
    """Message, code and type are the error object's; `HTTP <status>` where it has no message."""
    kit = baby(colour, reply)
    error = kit.stream_error(stream) if streams else kit.error(create)
    assert (error.message, error.code, error.type) == (message, code, kind)
    assert (error.status, error.details, error.cause) == (404, details, None)


@pytest.mark.parametrize(
    ("headers", "request_id"),
    [
        ({}, None),
        ({"x-request-id": "a"}, "a"),
        ({"x-babyapi-request-id": "b"}, "b"),
        ({"x-request-id": "a", "x-babyapi-request-id": "b"}, "a"),
        ({"x-request-id": "", "x-babyapi-request-id": "b"}, "b"),
    ],
)
@pytest.mark.parametrize("status", [404, 200])
def test_request_ids(colour: Any, headers: Any, request_id: Any, status: int) -> None:
    """The request id is `x-request-id`, else `x-babyapi-request-id`."""
    kit = baby(colour, Reply(status, headers=headers, text="no JSON"))
    assert kit.error(create).request_id == request_id


@pytest.mark.parametrize("reply", [Reply(200, text="<html>"), Reply(204), Reply(201, text="{")])
def test_a_success_that_is_not_json(colour: Any, reply: Any) -> None:
    """A success that is not JSON is an error with its status; it is not tried again."""
    kit = baby(colour, reply)
    error = kit.error(create)
    assert (error.message, error.status) == ("Failed to parse JSON response", reply.status)
    assert (error.code, error.details) == (None, None)
    assert isinstance(error.cause, DecodeError)
    assert error.response is not None
    assert error.response.status_code == reply.status
    assert (error.operation, len(error.attempts)) == ("chat.completions.create", 1)


def test_timeouts(colour: Any) -> None:
    """A timeout has code `TIMEOUT` and no status; its cause is Penstock's error."""
    kit = baby(colour, httpx.ReadTimeout("x"), max_retries=0)
    error = kit.error(create)
    assert (error.code, error.status, error.response) == ("TIMEOUT", None, None)
    assert isinstance(error.cause, TimedOut)
    assert error.__cause__ is error.cause


def test_deadlines(colour: Any) -> None:
    """A deadline that passes has code `TIMEOUT` too."""
    kit = baby(colour, Reply(503, delay=5), {}, deadline=2)
    assert kit.error(create).code == "TIMEOUT"


def test_failed_connections(colour: Any) -> None:
    """A failed connection has no code and no status; its cause is Penstock's error."""
    kit = baby(colour, httpx.ConnectError("refused"), max_retries=0)
    error = kit.error(create)
    assert (error.code, error.status) == (None, None)
    assert isinstance(error.cause, ConnectionFailed)
    assert error.message != ""


def test_a_body_without_a_json_form(colour: Any) -> None:
    """A body that has no JSON form is an error of the client's own class; nothing is sent."""
    kit = baby(colour)
    error = kit.error(lambda client: client.completions.create(prompt=object()))
    assert (error.status, kit.script.requests) == (None, [])


def test_a_closed_client(colour: Any) -> None:
    """A call of a closed client is an error of the client's own class."""
    kit = baby(colour)
    kit.run(lambda client: client.aclose() if colour.is_async else client.close())
    assert "closed" in kit.error(create).message


# Errors of streams


def test_an_error_in_a_stream(colour: Any) -> None:
    """An error the server sends in a stream is raised, with its message, code and type."""
    body = {"error": {"message": "too long", "code": "c", "type": "t"}}
    text = '{"error": {"message": "too long", "code": "c", "type": "t"}}'
    kit = baby(colour, sse('{"a": 1}', text))
    error = kit.stream_error(stream)
    assert (error.message, error.code, error.type) == ("too long", "c", "t")
    assert (error.details, kit.script.open) == (body, 0)


def test_an_error_in_a_stream_that_echoes_the_key(colour: Any) -> None:
    """An error in a stream shows no key, whatever the server echoes."""
    kit = baby(colour, sse(f'{{"error": {{"message": "bad {KEY}", "key": "{KEY}"}}}}'))
    error = kit.stream_error(stream)
    assert error.message == "bad REDACTED"
    assert KEY not in f"{error!r} {vars(error)} {vars(error.cause)}"


def test_a_stream_that_is_cut(colour: Any) -> None:
    """A stream that ends before `[DONE]` is an error, after the events that came."""
    kit = baby(colour, sse('{"a": 1}', cut=True))
    events = stream(kit.client)

    async def first_two() -> tuple[Any, Any]:
        return await anext(events), await anext(events)

    def read(_: Any) -> Any:
        return first_two() if colour.is_async else (next(events), next(events))

    error = kit.error(read)
    assert (events.response.status_code, events.completed) == (200, False)
    assert (error.status, error.code) == (None, None)
    assert "terminal event" in error.message


@pytest.mark.parametrize(
    ("failure", "code"), [(httpx.ReadTimeout("x"), "TIMEOUT"), (httpx.ReadError("x"), None)]
)
def test_a_stream_that_breaks(colour: Any, failure: Exception, code: Any) -> None:
    """A stream that breaks off says so; silence for longer than its limit is a `TIMEOUT`."""
    headers = {"Content-Type": "text/event-stream"}
    kit = baby(colour, Reply(headers=headers, chunks=[b'data: {"a": 1}\n\n', failure]))
    error = kit.stream_error(stream)
    assert (error.code, len(kit.script.requests), kit.script.open) == (code, 1, 0)


def test_no_stream(colour: Any) -> None:
    """A success that is no stream of events is an error with its status and body."""
    kit = baby(colour, Reply(json={"a": 1}, headers={"x-request-id": "r"}))
    error = kit.stream_error(stream)
    assert (error.status, error.details, error.request_id) == (200, {"a": 1}, "r")


# The class


def failed(colour: Any) -> BabyAPIError:
    """Return the error of a response that echoes the key, after a repeat."""
    echo = Reply(
        503,
        json={"error": {"message": f"key {KEY}", "code": "busy", "type": "t"}},
        headers={"x-request-id": "req_1", "x-echo": KEY},
    )
    return baby(colour, 503, echo, max_retries=1).error(create)


def test_an_error_knows_its_call(colour: Any) -> None:
    """An error is a `PenstockError` that knows its call and its detached response."""
    error = failed(colour)
    assert isinstance(error, PenstockError)
    assert (error.name, error.method, error.operation) == (
        "BabyAPIError",
        "POST",
        "chat.completions.create",
    )
    assert error.url == "https://api.babyapi.org/v1/chat/completions"
    assert [attempt.status for attempt in error.attempts] == [503, 503]
    assert error.response is not None
    assert not hasattr(error.response, "request")


def test_an_error_as_text(colour: Any) -> None:
    """Its text begins as the published client's: message, status, code."""
    text = str(failed(colour))
    assert text.startswith(
        "key REDACTED (status=503) (code=busy) (POST https://api.babyapi.org/v1/"
    )
    assert "2 attempts" in text
    assert text.endswith("request id req_1)")


@pytest.mark.parametrize("duplicate", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
@pytest.mark.parametrize("of", ["status", "wire"])
def test_errors_pickle(colour: Any, duplicate: Any, of: str) -> None:
    """An error pickles and copies with everything it knows, and shows no key."""
    if of == "status":
        error = failed(colour)
    else:
        error = baby(colour, httpx.ReadTimeout(KEY), max_retries=0).error(create)
    twin = duplicate(error)
    assert (type(twin), str(twin)) == (BabyAPIError, str(error))
    known = vars(error).keys() - {"cause", "response"}
    assert {name: vars(twin)[name] for name in known} == {name: vars(error)[name] for name in known}
    assert type(twin.cause) is type(error.cause)
    assert KEY not in f"{error} {error!r} {vars(error)} {pickle.dumps(error)!r}"


def test_an_error_of_the_users() -> None:
    """The class is made as the published one is."""
    cause = KeyError("x")
    error = BabyAPIError(
        "no", status=400, code="c", type="t", details={}, request_id="r", cause=cause
    )
    assert (error.message, error.status, error.code, error.type) == ("no", 400, "c", "t")
    assert (error.details, error.request_id, error.response, error.cause) == ({}, "r", None, cause)
    assert error.__cause__ is cause
    assert str(error) == "no (status=400) (code=c) (request id r)"
