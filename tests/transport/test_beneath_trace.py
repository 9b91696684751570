"""What happens beneath a client is what happens in a Penstock client, fact by fact."""

from __future__ import annotations

from functools import partialmethod
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import penstock
from penstock import Call, Stack
from penstock.testing import Reply, Script, VirtualClock

from .above import URL, beneath, client_above, play, played

if TYPE_CHECKING:
    from collections.abc import Callable

    from .colours import Colour

LONG = b"x" * 50_000

SCRIPTS: dict[str, Callable[[Colour], list[Any]]] = {
    "an answer": lambda colour: [Reply(json={"ok": True}, headers={"X-Request-Id": "req-1"})],
    "busy once": lambda colour: [Reply(503, chunks=[LONG, LONG, LONG]), 200],
    "busy for good": lambda colour: [503, 503, 503],
    "slow down": lambda colour: [Reply(429, headers={"Retry-After": "7"}), 200],
    "no such thing": lambda colour: [Reply(404, text="no such thing")],
    "silent once": lambda colour: [colour.error("ReadTimeout")("silence"), 200],
    "unreachable": lambda colour: [colour.error("ConnectError")("no route")] * 3,
    "too slow": lambda colour: [Reply(503, delay=4.0), Reply(503, delay=4.0), 200],
    "a cut body": lambda colour: [Reply(chunks=[b"half", colour.error("ReadError")("cut")])],
}


class Telemetry:
    """Remembers events and spans.

    Attributes:
        options: What a client or a transport is given of it.
    """

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self.options: dict[str, Any] = {"logger": self, "tracer_provider": provider}
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def _tell(self, level: str, event: str, **fields: Any) -> None:
        ids = {"trace_id", "span_id"}
        shown = {name: value for name, value in fields.items() if name not in ids}
        self.lines.append((level, event, shown))

    debug = partialmethod(_tell, "debug")
    info = partialmethod(_tell, "info")
    warning = partialmethod(_tell, "warning")
    error = partialmethod(_tell, "error")

    def spans(self) -> list[tuple[Any, ...]]:
        """Return each span with the name of its parent, in the order they ended."""
        spans: Any = self._spans.get_finished_spans()
        names = {span.context.span_id: span.name for span in spans}
        return [
            (
                span.name,
                span.parent and names[span.parent.span_id],
                span.start_time,
                span.end_time,
                dict(span.attributes),
                span.status.status_code,
            )
            for span in spans
        ]


class Run:
    """One request over a script, and everything it told."""

    def __init__(self, colour: Colour, script: str) -> None:
        self.colour = colour
        self.clock = VirtualClock(random=lambda: 0.5)
        self.script = Script(SCRIPTS[script](colour), clock=self.clock)
        self.telemetry = Telemetry()
        self.facts: list[Any] = []
        self.options: dict[str, Any] = {
            "transport": played(self.script, colour),
            "clock": self.clock,
            "deadline": 10,
            "name": "acme",
            **self.telemetry.options,
        }

    async def watch(self, request: Any, call_next: Any) -> Any:
        Call.of(request).subscribe(lambda _, fact: self.facts.append(fact))
        return await call_next(request)

    def through_a_client_of_ours(self) -> None:
        """Send it with a Penstock client, as a stream."""
        cls = penstock.AsyncClient if self.colour.is_async else penstock.Client
        stack = Stack([self.watch, *Stack.standard()])
        client = cls(stack=stack, raise_for_status=False, **self.options)
        play(self.colour, lambda: self._read(client.stream("GET", URL)))

    def through_the_familys_client(self) -> None:
        """Send it with the family's client, above a transport of ours."""
        stack = Stack([self.watch, *Stack.transport()])
        client = client_above(self.colour, beneath(self.colour, stack, **self.options))
        play(self.colour, lambda: self._read(client.stream("GET", URL)))

    async def _read(self, opening: Any) -> None:
        try:
            if self.colour.is_async:
                async with opening as response:
                    await response.aread()
            else:
                with opening as response:
                    response.read()
        except (penstock.PenstockError, self.colour.error("TransportError")):
            pass  # the class differs on purpose: the trace must not

    def trace(self) -> dict[str, Any]:
        """Return what was told and sent; each client names itself, and ours asks for no less."""
        return {
            "facts": self.facts,
            "sleeps": self.clock.sleeps,
            "lines": self.telemetry.lines,
            "spans": self.telemetry.spans(),
            "sent": [
                (sent.method, str(sent.url), sorted(set(sent.headers) - {"user-agent"}))
                for sent in self.script.requests
            ],
            "open": self.script.open,
        }


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_trace_is_that_of_a_client_of_ours(script: str, colour: Colour) -> None:
    """Facts, waits, requests, log and spans of a stream are the same above either client."""
    ours, theirs = Run(colour, script), Run(colour, script)
    ours.through_a_client_of_ours()
    theirs.through_the_familys_client()
    assert theirs.trace() == ours.trace()
    assert theirs.facts
    assert theirs.telemetry.spans()
