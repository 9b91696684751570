"""The laws of a stream's spans: they last as long as its body, however that ends."""

from __future__ import annotations

import asyncio
import contextvars
import gc
from typing import Any

import httpx
import pytest
from opentelemetry import trace

from penstock import AsyncClient, Client, Stack
from penstock.middleware import AttemptTracing, Retry, Tracing
from penstock.testing import Reply, Script, VirtualClock

from .telemetry import BASE_URL, Recorder, Rig, attributes, failed, seconds

BODY = [b"one", 2.0, b"two", 3.0, b"three"]


def whole(rig: Rig) -> None:
    assert rig.read() is None


def broken(rig: Rig) -> None:
    assert rig.read() is not None


@pytest.mark.filterwarnings("ignore:a response was dropped open:ResourceWarning")
@pytest.mark.parametrize(
    ("chunks", "read", "outcome", "lasted", "error"),
    [
        (BODY, whole, "completed", 5.0, None),
        (BODY, Rig.leave, "closed", 0.0, None),
        (BODY, Rig.abandon, "abandoned", 0.0, None),
        ([], whole, "completed", 0.0, None),
        (
            [b"one", 2.0, httpx.ReadError("cut")],
            broken,
            "error",
            2.0,
            "penstock.errors.ConnectionFailed",
        ),
    ],
    ids=["to the end", "closed early", "abandoned", "empty", "broken"],
)
def test_a_streams_spans_end_with_its_body(
    chunks: Any, read: Any, outcome: str, lasted: float, error: str | None, colour: Any
) -> None:
    """Both spans end once, with the body, however it ends; only a body that broke is an Error."""
    rig = Rig(colour, [Reply(delay=1.0, chunks=chunks)])
    read(rig)
    (call,), (send,) = rig.recorder.calls, rig.recorder.sends
    for span in (call, send):
        assert attributes(span)["penstock.stream.outcome"] == outcome
        assert attributes(span).get("error.type") == error
        assert failed(span) is (error is not None)
        assert seconds(span) == 1.0 + lasted
    assert attributes(call)["penstock.outcome"] == ("ok" if error is None else "error")
    assert attributes(send)["http.response.status_code"] == 200


@pytest.mark.filterwarnings("ignore:a response was dropped open:ResourceWarning")
def test_an_abandoned_stream_ended_when_it_was_last_read() -> None:
    """The time between the last read and the collection of a stream is nobody's."""
    recorder, clock = Recorder(), VirtualClock()
    script = Script([Reply(delay=1.0, chunks=BODY)], clock=clock)
    client = Client(BASE_URL, transport=script, clock=clock, tracer_provider=recorder.provider)
    reading = client.stream("GET", "/v1/things").__enter__().iter_raw()
    assert [next(reading), next(reading)] == [b"one", b"two"]
    clock.advance(60)
    del reading
    gc.collect()
    assert [seconds(span) for span in recorder.spans] == [3.0, 3.0]


def test_spans_may_end_with_the_headers(colour: Any) -> None:
    """By option both spans end at the head, and what the body does is nobody's concern."""
    stack = Stack([Tracing("headers"), Retry(), AttemptTracing("headers")])
    rig = Rig(colour, [Reply(delay=1.0, chunks=[b"one", 2.0, httpx.ReadError("cut")])], stack=stack)
    assert rig.read() is not None
    assert [seconds(span) for span in rig.recorder.spans] == [1.0, 1.0]
    assert [failed(span) for span in rig.recorder.spans] == [False, False]


def test_the_reader_has_its_own_span(colour: Any) -> None:
    """While a stream is read its reader's span is current, not the stream's."""
    recorder = Recorder()
    rig = Rig(colour, [Reply(chunks=BODY)], recorder)
    seen: list[Any] = []
    with recorder.provider.get_tracer("app").start_as_current_span("reader") as own:
        rig.read(lambda _: seen.append(trace.get_current_span()))
        assert trace.get_current_span() is own
    assert seen == [own] * 3


def test_discarded_streams(colour: Any) -> None:
    """The spans of streams that a retry or a redirect discards end too, in their order."""
    moved = Reply(302, headers={"Location": "/there"}, chunks=[b"moved"])
    rig = Rig(colour, [Reply(503, chunks=[b"busy"]), moved, Reply(chunks=BODY)])
    assert rig.read() is None
    codes = [attributes(span)["http.response.status_code"] for span in rig.recorder.sends]
    assert codes == [503, 302, 200]
    assert len(rig.recorder.calls) == 1


def test_a_streams_status_counts(colour: Any) -> None:
    """A stream answered with a status of 400 or more failed, whatever its body does."""
    rig = Rig(colour, [Reply(404, chunks=[b"no such thing"])])
    rig.read()
    for span in rig.recorder.spans:
        assert failed(span)
        assert attributes(span)["error.type"] == "404"


class Stuck(httpx.AsyncBaseTransport):
    """A transport that waits for ever, for no event loop in particular."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        raise AssertionError("it does not come so far")


def test_a_call_nobody_awaits_any_more(caplog: pytest.LogCaptureFixture) -> None:
    """A call that is collected in another context ends its spans without a complaint."""
    recorder = Recorder()
    client = AsyncClient(BASE_URL, transport=Stuck(), tracer_provider=recorder.provider)
    call: Any = client.get("/v1/things")
    contextvars.copy_context().run(call.send, None)
    call.close()
    assert [attributes(span)["penstock.outcome"] for span in recorder.spans] == ["cancelled"] * 2
    assert [record for record in caplog.records if record.name.startswith("opentelemetry")] == []
