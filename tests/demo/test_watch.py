"""Watching calls from outside the stack."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

import penstock
from penstock import Stack
from penstock.demo.watch import Watch, Watched
from penstock.testing import Reply, Script, VirtualClock


class Watching:
    """A client of one colour whose calls are watched."""

    def __init__(self, colour: Any, *replies: Any, **options: Any) -> None:
        self.clock = VirtualClock()
        self.script = Script(replies, clock=self.clock)
        self.calls: list[Watched] = []
        stack = Stack([Watch(self.calls.append), *Stack.standard()])
        self.client = colour.client(
            "http://here", transport=self.script, clock=self.clock, stack=stack, **options
        )

    @property
    def seen(self) -> Watched:
        (watched,) = self.calls
        return watched


def test_a_plain_call(colour: Any) -> None:
    """Method, redacted URL and status are kept."""
    watching = Watching(colour, Reply(200, delay=1.5))
    colour.run(lambda: watching.client.get("/a?token=secret"))
    seen = watching.seen
    assert (seen.method, seen.url, seen.path) == ("GET", "http://here/a?token=REDACTED", "/a")
    assert (seen.outcome, seen.failed, seen.body) == ("200", False, None)


def test_it_names_itself() -> None:
    """A stack it is part of prints it."""
    assert repr(Watch(print)) == "Watch()"


def test_a_status_that_raises(colour: Any) -> None:
    """Both the status and the error are the outcome."""
    watching = Watching(colour, 404)
    with pytest.raises(penstock.NotFound):
        colour.run(lambda: watching.client.get("/a"))
    assert (watching.seen.outcome, watching.seen.failed) == ("404 NotFound", True)


def test_a_call_that_raises(colour: Any) -> None:
    """The error's class is the outcome."""
    cut = Reply(200, delay=0.5, chunks=[httpx.ReadError("cut")])
    watching = Watching(colour, cut, max_retries=0)
    with pytest.raises(penstock.ConnectionFailed):
        colour.run(lambda: watching.client.get("/a"))
    assert watching.seen.outcome == "ConnectionFailed"


def test_a_stream(colour: Any) -> None:
    """How its body ended is kept."""
    chunks = [b'{"n": 1}\n', 2.0, b'{"n": 2}\n']
    watching = Watching(colour, Reply(200, delay=1.0, chunks=chunks))
    events = colour.events(watching.client.stream_events("GET", "/a", format="ndjson"))
    body = watching.seen.body
    assert body is not None
    assert (len(events), body.outcome, body.size) == (2, "completed", 18)


def test_a_stream_that_breaks(colour: Any) -> None:
    """The error is part of the outcome."""
    broken = penstock.ConnectionFailed("cut")
    watching = Watching(colour, Reply(200, chunks=[b'{"n": 1}\n', broken]))
    with pytest.raises(penstock.StreamInterrupted):
        colour.events(watching.client.stream_events("GET", "/a", format="ndjson"))
    assert watching.seen.outcome == "200 ConnectionFailed"
