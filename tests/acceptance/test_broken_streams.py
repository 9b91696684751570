"""Streams of events that go wrong: each way is one typed error, and nothing stays open."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from penstock import (
    NotAnEventStream,
    ServerError,
    ServiceUnavailable,
    StreamError,
    StreamEventError,
    StreamIdle,
    StreamInterrupted,
    StreamTooLarge,
    StreamTruncated,
)
from penstock.testing import Reply

from .reading import DONE, NDJSON, NUMBERS, SSE, Reading, event, sse
from .support import BASE_URL

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Rig


BROKEN = [
    (httpx.ReadTimeout("silence"), StreamIdle),
    (httpx.ReadError("reset"), StreamInterrupted),
    (httpx.RemoteProtocolError("cut"), StreamInterrupted),
    (ssl.SSLError("bad record"), StreamInterrupted),
    (anyio.EndOfStream(), StreamInterrupted),
]


@pytest.mark.parametrize("seen", [0, 2])
@pytest.mark.parametrize(("cause", "kind"), BROKEN)
def test_a_stream_that_breaks(
    cause: Exception, kind: type[StreamError], seen: int, rig: Callable[..., Rig]
) -> None:
    """Whatever breaks the body is one typed error with its cause; the request is not repeated."""
    server = rig([sse(*map(event, range(1, seen + 1)), b"data: {", cause), 200])
    reading = Reading(server)
    error = reading.error
    assert type(error) is kind
    assert isinstance(error, StreamError)
    assert (error.events, error.last_event_id) == (seen, str(seen or ""))
    assert (error.method, error.url, error.request_id) == ("POST", f"{BASE_URL}/it", "req-1")
    assert [record.status for record in error.attempts] == [200]
    causes = []
    chain: BaseException | None = error
    while chain is not None:
        causes.append(chain)
        chain = chain.__cause__
    assert cause in causes
    assert len(reading.events) == seen
    assert not reading.stream.completed
    assert (server.sent, server.script.open) == (1, 0)


@pytest.mark.parametrize(
    ("reply", "call"),
    [
        (sse(event(1), event(2)), {}),
        (sse(event(1), event(2), b'data: {"n"'), {}),
        (Reply(headers=NDJSON, chunks=[b'{"n": 1}\n{"n": 2}\n{"n"']), {"format": "ndjson"}),
    ],
    ids=["no terminal", "inside an event", "inside a record"],
)
def test_a_stream_that_is_cut_short(reply: Reply, call: Any, rig: Callable[..., Rig]) -> None:
    """An orderly end without the terminal, or within a record, is a truncated stream."""
    server = rig([reply])
    reading = Reading(server, **call)
    assert type(reading.error) is StreamTruncated
    assert reading.events == NUMBERS
    assert not reading.stream.completed
    assert server.script.open == 0


@pytest.mark.parametrize(
    "chunk",
    [
        b'data: {"error": {"message": "overloaded", "code": 7}}\n\n',
        b'event: error\ndata: {"message": "overloaded", "code": 7}\n\n',
        b"event: error\ndata: overloaded\n\n",
    ],
)
def test_an_error_in_the_stream(chunk: bytes, rig: Callable[..., Rig]) -> None:
    """An event that is an error is raised as one, with what it says."""
    server = rig([sse(event(1), chunk, event(2), DONE)])
    reading = Reading(server)
    assert type(reading.error) is StreamEventError
    assert "overloaded" in str(reading.error)
    assert reading.events == NUMBERS[:1]
    assert reading.error.events == 1
    assert server.script.open == 0


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(200, json={"error": {"message": "no such model"}}), "no such model"),
        (Reply(200, json={"choices": []}), "application/json"),
        (Reply(200, headers={"Content-Type": "text/html"}, text="<html>"), "text/html"),
    ],
)
def test_what_is_no_stream(reply: Reply, says: str, rig: Callable[..., Rig]) -> None:
    """A 200 that is no stream of events is an error with its body, which is bounded."""
    server = rig([reply])
    error = Reading(server).error
    assert isinstance(error, NotAnEventStream)
    assert says in str(error)
    assert error.response is not None
    assert error.response.content == reply.steps[0]
    assert (server.sent, server.script.open) == (1, 0)


def test_what_is_no_stream_is_bounded(rig: Callable[..., Rig]) -> None:
    """No more than 64 KiB of what is no stream is kept, or waited for."""
    html = {"Content-Type": "text/html"}
    server = rig([Reply(headers=html, chunks=[b"x" * 50_000] * 5 + [1e6, b"x"])])
    error = Reading(server, timeout=None).error
    assert isinstance(error, NotAnEventStream)
    assert len(error.response.content) == 65_536  # type: ignore[union-attr]  # there is one
    assert server.clock.now() == 1000.0


def test_the_handshake_is_repeated(rig: Callable[..., Rig]) -> None:
    """Until the head has come a stream is repeated like any call, and its body bounded."""
    server = rig([Reply(503, headers=SSE, chunks=[event(1)]), httpx.ConnectError("no"), sse(DONE)])
    reading = Reading(server)
    assert reading.stream.completed
    assert (server.sent, server.script.open) == (3, 0)
    server = rig([Reply(500, headers=SSE, chunks=[b"x" * 100_000] * 3)])
    error = Reading(server).error
    assert isinstance(error, ServerError)
    assert len(error.response.content) == 65_536
    assert server.script.open == 0
    server = rig([503], forever=True)
    assert isinstance(Reading(server).error, ServiceUnavailable)


def test_nothing_is_repeated_after_an_event(rig: Callable[..., Rig]) -> None:
    """What breaks after the head is the reader's, however often a call may be repeated."""
    server = rig([sse(event(1), httpx.ReadError("cut")), sse(DONE)], max_retries=5)
    assert isinstance(Reading(server, idempotency_key="k").error, StreamInterrupted)
    assert server.sent == 1


def test_an_event_too_long(rig: Callable[..., Rig]) -> None:
    """An event over the limit ends the stream; the limit holds for each event alone."""
    server = rig([sse(event(1), b"data: " + b"x" * 100, b"x" * 100)])
    reading = Reading(server, max_event_bytes=100)
    assert type(reading.error) is StreamTooLarge
    assert reading.events == NUMBERS[:1]
    server = rig([sse(*[event(1)] * 50, DONE)])
    assert Reading(server, max_event_bytes=100).stream.completed


def test_comments_keep_bytes_coming_but_no_events(rig: Callable[..., Rig]) -> None:
    """`event_timeout` bounds the silence between events, comments not counted."""
    comments = [b": ping\n\n", 4.0] * 5
    reply = [event(1), *comments, event(2), DONE]
    assert Reading(rig([sse(*reply)])).stream.completed
    reading = Reading(rig([sse(*reply)]), event_timeout=10.0)
    assert type(reading.error) is StreamIdle
    assert reading.events == NUMBERS[:1]
    assert Reading(rig([sse(*reply)]), event_timeout=30.0).stream.completed


def test_a_server_that_holds_on_is_not_waited_for(rig: Callable[..., Rig]) -> None:
    """The stream ends with its terminal event, whatever the connection does then."""
    server = rig([sse(event(1), DONE, 1e6, b": still here\n\n")], timeout=None)
    reading = Reading(server)
    assert reading.stream.completed
    assert server.clock.now() == 1000.0
    assert server.script.open == 0
