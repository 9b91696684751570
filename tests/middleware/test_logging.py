"""The laws of the log: which events there are, what they tell, and to whom."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from penstock import PenstockError, Stack
from penstock.middleware import Auth, Logging, RaiseForStatus, Redirect, Retry
from penstock.testing import Reply

from .telemetry import Rig

Entries = list[Any]

WHOSE = {"http.request.method": "GET", "server.address": "api.example.com"}
CALL = {**WHOSE, "penstock.attempts": 1}
ATTEMPT = {
    "http.request.method": "GET",
    "server.address": "api.example.com",
    "server.port": 443,
}
ONCE = {"max_retries": 0}
REFUSED = {
    "error.type": "penstock.errors.ConnectionFailed",
    "exception.message": "the connection failed (connect): no route",
}
TIMED_OUT = {
    "error.type": "penstock.errors.TimedOut",
    "exception.message": "the server took too long to answer",
}


at_info = pytest.mark.parametrize("log", ["info"], indirect=True)


def untraced(*layers: Any) -> Stack:
    """Return a stack whose events have no ids."""
    return Stack([RaiseForStatus(), Logging(), *layers])


def told(event: str, level: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {"event": event, "log_level": level, **fields}


def test_one_event_a_call(log: Entries, colour: Any) -> None:
    """A call that succeeds is told in one event, attempts at debug before it."""
    reply = Reply(headers={"X-Request-Id": "req-1"}, delay=2.0)
    rig = Rig(colour, [reply], stack=untraced(Retry()), name="shop")
    rig.get(operation="things.list", attributes={"url.template": "/v1/things"})
    assert log == [
        told(
            "http.attempt.completed",
            "debug",
            {
                **ATTEMPT,
                "url.template": "/v1/things",
                "http.response.status_code": 200,
                "network.protocol.version": "1.1",
                "penstock.request.id": "req-1",
                "duration_s": 2.0,
            },
        ),
        told(
            "http.call.completed",
            "info",
            {
                **CALL,
                "penstock.client.name": "shop",
                "penstock.operation.name": "things.list",
                "http.response.status_code": 200,
                "penstock.request.id": "req-1",
                "duration_s": 2.0,
            },
        ),
    ]


@at_info
@pytest.mark.parametrize(
    ("reply", "fields"),
    [
        (Reply(404, delay=1.0), {"http.response.status_code": 404, "error.type": "404"}),
        (Reply(500, delay=1.0), {"http.response.status_code": 500, "error.type": "500"}),
        (Reply(delay=1.0, chunks=[httpx.ReadTimeout("silence")]), TIMED_OUT),
    ],
)
@pytest.mark.parametrize("raising", [True, False])
def test_a_call_that_fails(
    reply: Reply, fields: dict[str, Any], raising: bool, log: Entries, colour: Any
) -> None:
    """A failure or a final status of 400 or more is told once, as a warning, raised or not."""
    rig = Rig(colour, [reply], stack=untraced(Retry()), **ONCE)
    rig.get(raise_for_status=raising)
    assert log == [told("http.call.failed", "warning", {**CALL, **fields, "duration_s": 1.0})]


def test_an_attempt_that_fails(log: Entries, colour: Any) -> None:
    """An attempt tells its status or its failure, and how many sends came before its last one."""
    moved = Reply(302, headers={"Location": "/there"}, delay=1.0)
    replies = [httpx.ConnectError("no route"), moved, Reply(503, delay=2.0), 200]
    rig = Rig(colour, replies, stack=untraced(Retry(), Redirect()))
    rig.get()
    attempts = [entry for entry in log if entry["event"].startswith("http.attempt.")]
    connection = "penstock.errors.ConnectionFailed"
    status, resends = "http.response.status_code", "http.request.resend_count"
    failed = {"event": "http.attempt.failed", "log_level": "debug", **ATTEMPT}
    answered = {**failed, "network.protocol.version": "1.1"}
    assert attempts == [
        {**failed, "error.type": connection, "duration_s": 0.0},
        {**answered, "error.type": "503", status: 503, resends: 2, "duration_s": 3.0},
        {
            **answered,
            "event": "http.attempt.completed",
            status: 200,
            resends: 3,
            "duration_s": 0.0,
        },
    ]


NAMED = {"X-Request-Id": "req-1"}


@pytest.mark.parametrize(
    ("extensions", "chunks", "told"),
    [
        ({"http_version": b"HTTP/2"}, [], ("2", "req-1")),
        ({}, [], (None, "req-1")),
        ({"http_version": b"HTTP/2"}, [httpx.ReadError("cut")], (None, "req-1")),
    ],
    ids=["answered", "the transport does not tell", "broke off after its head"],
)
@pytest.mark.parametrize("layers", [[Retry()], []], ids=["with Retry", "without"])
def test_what_an_attempt_knows_of_the_server(
    extensions: Any, chunks: Any, told: Any, layers: Any, log: Entries, colour: Any
) -> None:
    """An attempt tells the protocol's version and the server's request id, where it knows them."""
    reply = Reply(headers=NAMED, chunks=chunks)

    async def speak(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        del response.extensions["http_version"]
        response.extensions.update(extensions)
        return response

    rig = Rig(colour, [reply], stack=untraced(*layers, speak), **ONCE)
    rig.get()
    (attempt,) = [entry for entry in log if entry["event"].startswith("http.attempt.")]
    assert (
        attempt.get("network.protocol.version"),
        attempt.get("penstock.request.id"),
    ) == told


def test_a_stream_s_attempt_knows_the_server(log: Entries, colour: Any) -> None:
    """An attempt whose body is still to come tells what its head told."""
    rig = Rig(colour, [Reply(headers=NAMED, chunks=[b"a"])], stack=untraced(Retry()))
    rig.read()
    assert log[0]["penstock.request.id"] == "req-1"


def test_a_secret_in_a_request_id(log: Entries, colour: Any) -> None:
    """A request id that repeats the key is told without it."""
    key = "sk-canary-0123456789"
    reply = Reply(headers={"X-Request-Id": f"for-{key}"})
    Rig(colour, [reply], stack=untraced(Retry()), api_key=key).get()
    assert [entry["penstock.request.id"] for entry in log] == ["for-REDACTED"] * 2


class Refused(PenstockError):
    """An error of an SDK's own."""


def test_an_error_of_somebody_elses(log: Entries, colour: Any) -> None:
    """A call's failure has the qualified name of its class; an attempt knows the bare one."""

    async def refuse(request: Any, call_next: Any) -> Any:
        raise Refused("not today")

    rig = Rig(colour, [], stack=untraced(Retry(), refuse))
    rig.get()
    errors = {entry["event"]: entry["error.type"] for entry in log}
    assert errors == {
        "http.attempt.failed": "Refused",
        "http.call.failed": f"{__name__}.Refused",
    }


@at_info
def test_retries(log: Entries, colour: Any) -> None:
    """A retry tells how long it waits, why, and who says so; the last failure that it is over."""
    replies = [Reply(429, headers={"Retry-After": "7"}), httpx.ConnectError("no route"), 503]
    rig = Rig(colour, replies, stack=untraced(Retry()))
    rig.get(operation="things.list")
    scheduled = {
        "event": "http.retry.scheduled",
        "log_level": "info",
        **WHOSE,
        "penstock.operation.name": "things.list",
    }
    waits = [round(wait, 6) for wait in rig.clock.sleeps]
    assert log[:3] == [
        {
            **scheduled,
            "penstock.retry.reason": "429",
            "penstock.retry.wait": waits[0],
            "penstock.retry.source": "retry_after",
            "http.request.resend_count": 1,
        },
        {
            **scheduled,
            "penstock.retry.reason": "ConnectionFailed",
            "penstock.retry.wait": waits[1],
            "penstock.retry.source": "backoff",
            "http.request.resend_count": 2,
        },
        told(
            "http.retry.exhausted",
            "warning",
            {
                **WHOSE,
                "penstock.operation.name": "things.list",
                "penstock.attempts": 3,
                "penstock.retry.reason": "attempts",
                "error.type": "503",
                "duration_s": round(sum(rig.clock.sleeps), 6),
            },
        ),
    ]
    assert [entry["event"] for entry in log[3:]] == ["http.call.failed"]


def test_whose_event_it_is(log: Entries, colour: Any) -> None:
    """Where there is no span, each event of a call still says which client, operation and host."""
    rig = Rig(colour, [503, Reply(chunks=[b"one"])], stack=untraced(Retry()), name="shop")
    rig.read(operation="things.list")
    whose = {**WHOSE, "penstock.client.name": "shop", "penstock.operation.name": "things.list"}
    events = [entry for entry in log if not entry["event"].startswith("http.attempt.")]
    assert [entry["event"] for entry in events] == [
        "http.retry.scheduled",
        "http.call.completed",
        "http.stream.opened",
        "http.stream.closed",
    ]
    assert [{name: entry.get(name) for name in whose} for entry in events] == [whose] * 4


@at_info
def test_a_renewed_key(log: Entries, colour: Any) -> None:
    """A renewed credential is told, without it."""
    keys = iter(["sk-stale", "sk-fresh"])

    async def supply_async() -> str:
        return next(keys)

    supply = supply_async if colour.is_async else lambda: next(keys)
    rig = Rig(colour, [401, 200], stack=untraced(Retry(), Auth()), api_key=supply, name="shop")
    rig.get(operation="things.list")
    assert log[0] == told(
        "auth.token.refreshed",
        "info",
        {**WHOSE, "penstock.client.name": "shop", "penstock.operation.name": "things.list"},
    )
    assert [entry["event"] for entry in log[1:]] == ["http.call.completed"]


def test_a_cancelled_call(log: Entries, colour: Any) -> None:
    """What its caller cancels is told at debug and is no failure."""
    rig = Rig(colour, [], stack=untraced(Retry()))
    rig.cancelled()
    fields = {**CALL, "duration_s": 0.0}
    assert log == [told("http.call.cancelled", "debug", fields)]


BODY = [1.0, b"one", 2.0, b"three", 3.0]


@pytest.mark.parametrize(
    ("chunks", "read", "level", "fields"),
    [
        (
            BODY,
            Rig.read,
            "info",
            {
                "stream.outcome": "completed",
                "stream.chunks": 2,
                "stream.bytes": 8,
                "time_to_first_chunk_s": 5.0,
                "duration_s": 10.0,
            },
        ),
        (
            BODY,
            Rig.leave,
            "info",
            {
                "stream.outcome": "closed",
                "stream.chunks": 0,
                "stream.bytes": 0,
                "duration_s": 4.0,
            },
        ),
        (
            [b"half", 2.0, httpx.ReadTimeout("silence")],
            Rig.read,
            "warning",
            {
                "stream.outcome": "error",
                "stream.chunks": 1,
                "stream.bytes": 4,
                "time_to_first_chunk_s": 4.0,
                "duration_s": 6.0,
                **TIMED_OUT,
            },
        ),
    ],
    ids=["to the end", "closed early", "broken"],
)
def test_a_stream(
    chunks: Any, read: Any, level: str, fields: dict[str, Any], log: Entries, colour: Any
) -> None:
    """A stream's call ends at its head; how its body ended is told when it does."""
    rig = Rig(colour, [Reply(delay=4.0, chunks=chunks)], stack=untraced(Retry()))
    read(rig)
    assert [entry["event"] for entry in log] == [
        "http.attempt.completed",
        "http.call.completed",
        "http.stream.opened",
        "http.stream.closed",
    ]
    assert log[2] == told("http.stream.opened", "debug", {**WHOSE, "duration_s": 4.0})
    assert log[3] == told("http.stream.closed", level, {**WHOSE, **fields})


@at_info
def test_a_stream_that_fails(log: Entries, colour: Any) -> None:
    """A stream answered with 400 or more is a failed call and nothing else."""
    rig = Rig(colour, [Reply(404, chunks=[b"no such thing"])], stack=untraced())
    rig.read()
    assert [entry["event"] for entry in log] == ["http.call.failed"]


@at_info
@pytest.mark.parametrize(("reason", "options"), [("body", {}), ("deadline", {"deadline": 3.0})])
def test_why_not_again(reason: str, options: Any, log: Entries, colour: Any) -> None:
    """A failure that is not tried again says what stood against it."""
    replies = [Reply(503, headers={"Retry-After": "7"})]
    rig = Rig(colour, replies, **options)
    body = _one_shot(colour) if reason == "body" else None
    rig.request("PUT", "/v1/things", content=body)
    exhausted = [entry for entry in log if entry["event"] == "http.retry.exhausted"]
    assert [entry["penstock.retry.reason"] for entry in exhausted] == [reason]


@at_info
def test_nothing_is_exhausted_that_was_not_allowed(log: Entries, colour: Any) -> None:
    """Where no repeats are allowed, a failure is just that."""
    rig = Rig(colour, [503], **ONCE)
    rig.get()
    assert [entry["event"] for entry in log] == ["http.call.failed"]


def _one_shot(colour: Any) -> Any:
    async def body_async() -> Any:
        yield b"once"

    def body() -> Any:
        yield b"once"

    return body_async() if colour.is_async else body()
