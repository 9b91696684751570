"""A client whose spans are kept, over a script in virtual time."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import anyio
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind, StatusCode

from penstock.testing import Script, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace.sampling import Sampler

BASE_URL = "https://api.example.com"


class Recorder:
    """An SDK that keeps its spans in the order they ended."""

    def __init__(self, sampler: Sampler = ALWAYS_ON) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self._exporter.get_finished_spans()

    @property
    def calls(self) -> list[ReadableSpan]:
        return [span for span in self.spans if span.kind is SpanKind.INTERNAL]

    @property
    def sends(self) -> list[ReadableSpan]:
        return [span for span in self.spans if span.kind is SpanKind.CLIENT]


class Rig:
    """A client in one colour, with its clock, its script and its spans.

    Args:
        colour: The colour.
        replies: What the server does, send by send.
        recorder: Keeps the spans.
        **options: Arguments of the client.
    """

    def __init__(
        self, colour: Any, replies: Sequence[Any], recorder: Recorder | None = None, **options: Any
    ) -> None:
        self.colour = colour
        self.clock = VirtualClock()
        self.script = Script(replies, clock=self.clock)
        self.recorder = recorder or Recorder()
        given = {"transport": self.script, "tracer_provider": self.recorder.provider, **options}
        self.client = colour.client(BASE_URL, clock=self.clock, **given)

    def get(self, path: str = "/v1/things", **call: Any) -> Any:
        """Send a GET and return its response, or the error it raised."""
        return self.request("GET", path, **call)

    def request(self, method: str, path: str, **call: Any) -> Any:
        """Send a request and return its response, or the error it raised."""
        try:
            return self.colour.run(lambda: self.client.request(method, path, **call))
        except Exception as error:  # noqa: BLE001 - outcomes are compared
            return error

    def cancelled(self) -> None:
        """Send a request that is cancelled on its way."""
        if self.colour.is_async:

            async def cancel() -> None:
                with anyio.CancelScope() as scope:
                    scope.cancel()
                    await self.client.get("/v1/things")

            self.colour.run(cancel)
        else:
            self.script.reply(_interrupt)
            try:
                self.client.get("/v1/things")
            except KeyboardInterrupt:
                return
            raise AssertionError("nobody was interrupted")

    def read(self, look: Callable[[bytes], Any] = lambda _: None, **call: Any) -> Any:
        """Stream to the end, giving each chunk to *look*; return the error that ended it."""

        def read() -> None:
            with self.client.stream("GET", "/v1/things", **call) as response:
                for chunk in response.iter_bytes():
                    look(chunk)

        async def aread() -> None:
            async with self.client.stream("GET", "/v1/things", **call) as response:
                async for chunk in response.aiter_bytes():
                    look(chunk)

        try:
            self.colour.run(aread if self.colour.is_async else read)
        except Exception as error:  # noqa: BLE001 - outcomes are compared
            return error
        return None

    def leave(self, **call: Any) -> None:
        """Open a stream and leave it unread."""

        def leave() -> None:
            with self.client.stream("GET", "/v1/things", **call):
                pass

        async def aleave() -> None:
            async with self.client.stream("GET", "/v1/things", **call):
                pass

        self.colour.run(aleave if self.colour.is_async else leave)

    def abandon(self) -> None:
        """Open a stream and drop it; a minute later it is collected."""

        def abandon() -> None:
            kept = [self.client.stream("GET", "/v1/things").__enter__()]
            self._drop(kept)

        async def aabandon() -> None:
            kept = [await self.client.stream("GET", "/v1/things").__aenter__()]
            self._drop(kept)

        self.colour.run(aabandon if self.colour.is_async else abandon)

    def _drop(self, kept: list[Any]) -> None:
        self.clock.advance(60)
        kept.clear()
        gc.collect()


def failed(span: ReadableSpan) -> bool:
    """Tell whether a span's status is Error; it is Unset otherwise, and never Ok."""
    assert span.status.status_code is not StatusCode.OK
    return span.status.status_code is StatusCode.ERROR


def seconds(span: ReadableSpan) -> float:
    """Return how long a span lasted, to the microsecond."""
    assert span.start_time is not None
    assert span.end_time is not None
    return round((span.end_time - span.start_time) / 1e9, 5)


def attributes(span: ReadableSpan) -> dict[str, Any]:
    """Return a span's attributes."""
    return dict(span.attributes or {})


def _interrupt(request: Any) -> None:
    raise KeyboardInterrupt
