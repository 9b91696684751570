"""The laws of what a send's span says, and of what else is said meanwhile."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, NoOpTracerProvider, Tracer, TracerProvider

from penstock import Call, Stack
from penstock.middleware import AttemptTracing, Auth, Retry, Tracing
from penstock.testing import Reply

from .telemetry import Recorder, Rig, attributes

MOVED = Reply(302, headers={"Location": "/there"})


def test_a_send_says_where_it_goes(colour: Any) -> None:
    """Method, server, port and URL are those of the send, a redirect's target included."""
    elsewhere = Reply(302, headers={"Location": "https://else.example:8443/there?page=2"})
    rig = Rig(colour, [elsewhere, 200])
    rig.get("/v1/things?limit=5")
    assert [attributes(span) for span in rig.recorder.sends] == [
        {
            "http.request.method": "GET",
            "server.address": "api.example.com",
            "server.port": 443,
            "url.full": "https://api.example.com/v1/things?limit=5",
            "http.response.status_code": 302,
            "network.protocol.version": "1.1",
        },
        {
            "http.request.method": "GET",
            "server.address": "else.example",
            "server.port": 8443,
            "url.full": "https://else.example:8443/there?page=2",
            "http.request.resend_count": 1,
            "http.response.status_code": 200,
            "network.protocol.version": "1.1",
        },
    ]


def test_each_send_has_its_own_url(colour: Any) -> None:
    """However many URLs a client sends to, each once or again, a span has that of its send."""
    asked = [f"/v1/things?page={page}" for page in (*range(600), *range(600), 599, 0)]
    rig = Rig(colour, [200] * len(asked))
    for path in asked:
        rig.get(path)
        rig.script.requests.clear()  # URLs that nobody holds any more give way to others
    shown = [attributes(span)["url.full"] for span in rig.recorder.sends]
    assert shown == [f"https://api.example.com{path}" for path in asked]


def test_retries_tell_their_wait(colour: Any) -> None:
    """The first send of a retry tells how long was waited, why, and who says; no other does."""
    waits = ("penstock.retry.wait", "penstock.retry.reason", "penstock.retry.source")
    rig = Rig(colour, [Reply(503, headers={"Retry-After": "7"}), MOVED, httpx.ReadError("x"), 200])
    rig.get()
    told = [tuple(attributes(span).get(name) for name in waits) for span in rig.recorder.sends]
    assert told == [
        (None, None, None),
        (rig.clock.sleeps[0], "503", "retry_after"),
        (None, None, None),
        (rig.clock.sleeps[1], "ConnectionFailed", "backoff"),
    ]


def test_the_template_names_the_send(colour: Any) -> None:
    """`url.template` among the call's attributes belongs to its sends and names their spans."""
    rig = Rig(colour, [200])
    rig.get("/v1/things/8341", attributes={"url.template": "/v1/things/{id}"})
    (call,), (send,) = rig.recorder.calls, rig.recorder.sends
    assert send.name == "GET /v1/things/{id}"
    assert attributes(send)["url.template"] == "/v1/things/{id}"
    assert "url.template" not in attributes(call)


@pytest.mark.parametrize(
    ("known", "method", "name", "shown", "original"),
    [
        (None, "QUERY", "QUERY", "QUERY", None),
        (None, "PURGE", "HTTP", "_OTHER", "PURGE"),
        ("GET, PURGE", "PURGE", "PURGE", "PURGE", None),
        ("GET,PURGE", "POST", "HTTP", "_OTHER", "POST"),
        ("purge", "PURGE", "HTTP", "_OTHER", "PURGE"),
    ],
)
def test_known_methods(
    known: str | None,
    method: str,
    name: str,
    shown: str,
    original: str | None,
    colour: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A method that is not known is `_OTHER`; which are is the application's to say, in full."""
    if known is not None:
        monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", known)
    rig = Rig(colour, [200])
    rig.request(method, "/v1/things")
    (send,) = rig.recorder.sends
    said = attributes(send)
    assert (send.name, said["http.request.method"]) == (name, shown)
    assert said.get("http.request.method_original") == original


@pytest.mark.parametrize(
    ("extensions", "version"),
    [({}, None), ({"http_version": b"HTTP/1.1"}, "1.1"), ({"http_version": b"HTTP/2"}, "2")],
)
def test_protocol_version(extensions: Any, version: str | None, colour: Any) -> None:
    """The negotiated version is told where the transport tells it."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, extensions=extensions))
    rig = Rig(colour, [], transport=transport)
    rig.get()
    assert attributes(rig.recorder.sends[0]).get("network.protocol.version") == version


def test_a_failure_is_described(colour: Any) -> None:
    """An exception's text, redacted, is the status description; a status needs none."""
    rig = Rig(colour, [httpx.ConnectError("no route"), 503], max_retries=0)
    rig.get()
    rig.get()
    assert [span.status.description for span in rig.recorder.sends] == [
        "the connection failed (connect): no route",
        None,
    ]


async def twice(request: Any, call_next: Any) -> Any:
    """Make two attempts and tell nobody why."""
    call = Call.of(request)
    await call_next(call.new_attempt(request))
    return await call_next(call.new_attempt(request))


def test_a_repeat_that_tells_no_reason(colour: Any) -> None:
    """An attempt that nobody scheduled waited for nothing."""
    rig = Rig(colour, [200, 200], stack=Stack([twice, AttemptTracing()]))
    rig.get()
    assert attributes(rig.recorder.sends[1])["http.request.resend_count"] == 1
    assert "penstock.retry.wait" not in attributes(rig.recorder.sends[1])


class Watch:
    """A middleware that notes which span is current, and whether HTTP spans are suppressed."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, bool]] = []

    async def __call__(self, request: Any, call_next: Any) -> Any:
        span: Any = trace.get_current_span()
        suppressed = context.get_value(context._SUPPRESS_HTTP_INSTRUMENTATION_KEY) is True
        self.seen.append((getattr(span, "name", ""), suppressed))
        return await call_next(request)


def test_what_is_current(colour: Any) -> None:
    """Above sends the call's span is current; at a send its own is, and nothing else makes one."""
    above, below = Watch(), Watch()
    stack = Stack.standard().before(Auth, above).append(below)
    rig = Rig(colour, [503, 200], stack=stack)
    rig.get()
    assert above.seen == [("penstock.call", False)] * 2
    assert below.seen == [("GET", True)] * 2


@pytest.mark.parametrize(
    ("key", "calls"),
    [("_SUPPRESS_HTTP_INSTRUMENTATION_KEY", 1), ("_SUPPRESS_INSTRUMENTATION_KEY", 0)],
)
def test_suppressed_from_outside(key: str, calls: int, colour: Any) -> None:
    """Who suppresses HTTP spans gets none, and who suppresses all gets no other; traces go on."""
    recorder = Recorder()
    rig = Rig(colour, [200], recorder)
    with recorder.provider.get_tracer("app").start_as_current_span("outer") as outer:
        token = context.attach(context.set_value(getattr(context, key), value=True))
        rig.get()
        context.detach(token)
    own = [span for span in recorder.calls if span.name == "penstock.call"]
    assert (len(own), len(recorder.sends)) == (calls, 0)
    parent = own[0].context if calls else outer.get_span_context()
    assert parent is not None
    assert f"{parent.span_id:016x}" in rig.script.requests[0].headers["traceparent"]


class Off(TracerProvider, Tracer):
    """An SDK that is switched off: it answers with the identity of the parent."""

    def get_tracer(self, *_: Any, **more: Any) -> Tracer:
        return self

    def start_span(self, name: str, context: Any = None, *_: Any, **more: Any) -> trace.Span:
        return NonRecordingSpan(trace.get_current_span(context).get_span_context())

    start_as_current_span: Any = None


@pytest.mark.parametrize("provider", [NoOpTracerProvider, Off])
def test_a_tracer_switched_off(provider: Any, colour: Any) -> None:
    """A provider that makes no spans hides neither the caller's span nor other instrumentation."""
    recorder, watch = Recorder(), Watch()
    stack = Stack([Tracing(), Retry(), AttemptTracing(), watch])
    rig = Rig(colour, [200], stack=stack, tracer_provider=provider())
    with recorder.provider.get_tracer("app").start_as_current_span("checkout"):
        rig.get()
    assert watch.seen == [("checkout", False)]


def test_nothing_is_gathered_for_nobody(colour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an SDK, or with one that is off by its own word, no attribute is put together."""

    def refuse(*_: Any) -> None:
        raise AssertionError("nobody asked")

    monkeypatch.setattr("penstock_middleware.tracing.conventions.send_attributes", refuse)
    for provider in (None, NoOpTracerProvider()):
        rig = Rig(colour, [200], tracer_provider=provider)
        assert rig.get().status_code == 200
