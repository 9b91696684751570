"""Published SDKs above a transport of ours: nothing else is changed, and they get what it does.

OpenAI's is of the httpx2 family, Groq's of httpx; both are made by Stainless.
"""

from __future__ import annotations

import importlib
import itertools
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import penstock
from penstock import (
    ConnectionFailed,
    DeadlineExceeded,
    NestedRetriesWarning,
    PenstockError,
    Stack,
    TimedOut,
    on_request,
)
from penstock.demo import DemoServer
from penstock.demo.recording import Recorder, Recording, recording, recording_logger
from penstock.demo.watch import Watch, Watched
from penstock.demo.waterfall import waterfall
from penstock.stepping import run_now
from penstock.testing import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "sk-oracle-0123456789"
CHAT: dict[str, Any] = {
    "model": "demo-chat",
    "messages": [{"role": "user", "content": "good morning"}],
}
SAID = "You said: good morning"
_COUNTERS = itertools.count()


class SDK(NamedTuple):
    """A published SDK.

    Attributes:
        name: Its package.
        http: The HTTP library it sends with.
        client: Its client; the async one has `Async` before it.
        transport: Ours for its family; as above.
        prefix: What it puts before the paths the demo server has.
    """

    name: str
    http: str
    client: str
    transport: str
    prefix: str = ""


SDKS = [
    SDK("openai", "httpx2", "OpenAI", "Httpx2Transport"),
    SDK("groq", "httpx", "Groq", "HttpxTransport", prefix="/openai"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer]:
    with DemoServer(api_key=KEY) as server:
        yield server


@pytest.fixture(params=SDKS, ids=lambda sdk: sdk.name)
def rig(request: pytest.FixtureRequest, colour: Any, server: DemoServer) -> Rig:
    server.requests.clear()
    return Rig(request.param, colour, server)


class Rig:
    """An SDK's client above a transport of ours, in one colour.

    Attributes:
        seen: The calls that went through the transport.
        recorded: Their spans and log events.
    """

    def __init__(self, sdk: SDK, colour: Any, server: DemoServer) -> None:
        self.colour = colour
        self.sdk = importlib.import_module(sdk.name)
        self.clock = VirtualClock(random=lambda: 0.5)
        self.server = server
        self.seen: list[Watched] = []
        self.recorded = Recording()
        self._names = sdk
        self._key = f"{next(_COUNTERS)}"

    def client(self, *, retries_above: int = 0, timeout: float = 5.0, **options: Any) -> Any:
        """Return the SDK's client, told of nothing but the transport and its own switch."""
        prefix = self._names.prefix

        def to_the_demo(request: Any) -> None:
            request.url = request.url.copy_with(path=request.url.path.removeprefix(prefix))

        first = [Watch(self.seen.append), on_request(to_the_demo)]
        stack = Stack([*first, *Stack.transport()])
        is_async = "Async" * self.colour.is_async
        transport = getattr(penstock, is_async + self._names.transport)(
            stack,
            environ={},
            tracer_provider=Recorder(),
            logger=recording_logger(),
            **{"clock": self.clock, **options},
        )
        http = importlib.import_module(self._names.http)
        return getattr(self.sdk, is_async + self._names.client)(
            api_key=KEY,
            base_url=self.server.url if prefix else f"{self.server.url}/v1",
            max_retries=retries_above,
            timeout=timeout,
            http_client=getattr(http, f"{is_async}Client")(transport=transport),
        )

    def run(self, act: Callable[[Any], Any], **options: Any) -> Any:
        """Return what *act* makes of a client, which is closed afterwards."""

        async def scenario() -> Any:
            client = self.client(**options)
            with recording() as self.recorded:
                try:
                    result = act(client)
                    return await result if self.colour.is_async else result
                finally:
                    closing = client.close()
                    if self.colour.is_async:
                        await closing

        if self.colour.is_async:
            return self.colour.run(scenario)
        return run_now(scenario())

    def chat(self, client: Any, fault: str = "", **call: Any) -> Any:
        """Begin a chat of which *fault* goes wrong."""
        headers = {"X-Demo-Fault": fault, "X-Demo-Key": self._key} if fault else {}
        return client.chat.completions.create(**CHAT, **call, extra_headers=headers)

    def failed_chat(self, error: str, fault: str, **options: Any) -> Any:
        """Return the SDK's *error* that a chat ends with."""
        with pytest.raises(getattr(self.sdk, error)) as caught:
            self.run(lambda client: self.chat(client, fault), **options)
        return caught.value

    def repeats_above(self) -> list[str]:
        """Return how often the SDK itself had sent each request before."""
        return [sent.headers.get("x-stainless-retry-count") for sent in self.server.requests]


def ours(error: BaseException) -> PenstockError:
    """Return our error among the causes of an SDK's."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PenstockError):
            return cause
        cause = cause.__cause__
    msg = f"{error!r} is not of our making"
    raise AssertionError(msg)


def test_an_sdk_gets_retries(rig: Rig) -> None:
    """What fails twice is answered by one call, and the SDK has noticed nothing."""
    answer = rig.run(lambda client: rig.chat(client, "503;times=2"))
    assert answer.choices[0].message.content == SAID
    assert rig.repeats_above() == ["0", "0", "0"]
    assert rig.clock.sleeps == [0.25, 0.5]


def test_an_sdk_waits_as_the_server_asks(rig: Rig) -> None:
    """`Retry-After` is obeyed below the SDK."""
    rig.run(lambda client: rig.chat(client, "429;retry-after=7;times=1"))
    assert rig.clock.sleeps == [pytest.approx(7, abs=1)]


def test_an_sdk_has_spans_logs_and_a_waterfall(rig: Rig) -> None:
    """A call of the SDK has a span with one for each send below it, a log, and a waterfall."""
    rig.run(lambda client: rig.chat(client, "503;times=1"), name="acme")
    call, *sends = rig.recorded.spans
    assert (call.name, call.attributes["penstock.attempts"]) == ("penstock.call", 2)
    assert [(send.name, send.parent_id) for send in sends] == [("POST", call.span_id)] * 2
    statuses = [send.attributes["http.response.status_code"] for send in sends]
    assert (statuses, sends[1].attributes["http.request.resend_count"]) == ([503, 200], 1)
    assert None not in [span.ended for span in rig.recorded.spans]
    parents = [f"{send.span_id:016x}" for send in sends]
    travelled = [str(sent.headers.get("traceparent")) for sent in rig.server.requests]
    assert [traceparent.split("-")[2] for traceparent in travelled] == parents
    events = [line.event for line in rig.recorded.lines if line.level == "info"]
    assert events == ["http.retry.scheduled", "http.call.completed", "http.stream.closed"]
    rows = [(row.kind, row.label.split(",")[0]) for row in waterfall(rig.recorded.spans).rows]
    assert rows == [("attempt", "503"), ("wait", "503"), ("attempt", "200")]
    assert KEY not in repr([rig.recorded.lines, *(span.attributes for span in (call, *sends))])


# On trio openai leaves generators of its own half-way when it has read `[DONE]`.
@pytest.mark.filterwarnings("ignore:Async generator 'openai:ResourceWarning")
def test_a_stream_stays_a_stream(rig: Rig) -> None:
    """A stream of the SDK's, after a retry, is read chunk by chunk and given back at its end."""
    opened: list[Any] = []

    def read(client: Any) -> str:
        pieces = []
        for chunk in rig.chat(client, "503;times=1", stream=True):
            opened.append(rig.seen[0].body)
            pieces.extend(choice.delta.content or "" for choice in chunk.choices)
        return "".join(pieces)

    async def aread(client: Any) -> str:
        pieces = []
        async for chunk in await rig.chat(client, "503;times=1", stream=True):
            opened.append(rig.seen[0].body)
            pieces.extend(choice.delta.content or "" for choice in chunk.choices)
        return "".join(pieces)

    assert rig.run(aread if rig.colour.is_async else read) == SAID
    assert len(rig.server.requests) == 2
    assert len(opened) > 2
    assert opened[0] is None  # it was read while it was open
    body: Any = rig.seen[0].body
    assert (body.outcome, body.error) in [("completed", None), ("closed", None)]


def test_a_stream_that_is_left(rig: Rig) -> None:
    """Leaving the SDK's stream closes it, and our observers are told."""

    def leave(client: Any) -> None:
        with rig.chat(client, stream=True) as stream:
            next(iter(stream))

    async def aleave(client: Any) -> None:
        async with await rig.chat(client, stream=True) as stream:
            assert stream.response.status_code == 200

    rig.run(aleave if rig.colour.is_async else leave)
    body: Any = rig.seen[0].body
    assert body.outcome == "closed"


def test_a_stream_that_breaks_off(rig: Rig) -> None:
    """A stream cut off is an error the SDK's users know, is not begun anew, and names its cause."""

    def read(client: Any) -> None:
        for _ in rig.chat(client, "cut=2", stream=True):
            pass

    async def aread(client: Any) -> None:
        async for _ in await rig.chat(client, "cut=2", stream=True):
            pass

    known: Any = (
        rig.sdk.APIConnectionError
        if rig.sdk.__name__ == "openai"
        else importlib.import_module("httpx").RemoteProtocolError  # Groq's lets it through
    )
    with pytest.raises(known) as caught:
        rig.run(aread if rig.colour.is_async else read)
    assert type(ours(caught.value)) is ConnectionFailed
    assert len(rig.server.requests) == 1


def test_a_timeout_is_the_sdks_own(rig: Rig) -> None:
    """A server that says nothing is the SDK's `APITimeoutError`, by the SDK's own timeout."""
    error = rig.failed_chat("APITimeoutError", "hang", timeout=0.1)
    assert type(ours(error)) is TimedOut
    assert error.request.headers["authorization"] == f"Bearer {KEY}"
    assert len(rig.server.requests) == 1


def test_a_deadline_is_a_timeout(rig: Rig) -> None:
    """A deadline of the transport is the SDK's `APITimeoutError` too."""
    error = rig.failed_chat("APITimeoutError", "drip-head=0.01", deadline=0.1, clock=None)
    assert type(ours(error)) is DeadlineExceeded


def test_a_failed_connection_is_the_sdks_own(rig: Rig) -> None:
    """A dropped connection is the SDK's `APIConnectionError`, with what was tried below it."""
    error = rig.failed_chat("APIConnectionError", "drop")
    assert not isinstance(error, rig.sdk.APITimeoutError)
    assert [attempt.error for attempt in ours(error).attempts] == ["ConnectionFailed"]


def test_nobody_listens(rig: Rig) -> None:
    """A refused connection is tried again below, and is then the SDK's `APIConnectionError`."""
    with pytest.raises(rig.sdk.APIConnectionError) as caught:
        rig.run(lambda client: rig.chat(client.with_options(base_url="http://127.0.0.1:1")))
    assert len(ours(caught.value).attempts) == 3


@pytest.mark.parametrize(
    ("fault", "error", "sends"),
    [
        ("400", "BadRequestError", 1),
        ("404", "NotFoundError", 1),
        ("429;retry-after=1", "RateLimitError", 3),
        ("503", "InternalServerError", 3),
    ],
)
def test_a_status_is_the_sdks_own(fault: str, error: str, sends: int, rig: Rig) -> None:
    """A final status is the SDK's error of it, with its body, after our attempts and no more."""
    failure = rig.failed_chat(error, fault)
    assert failure.status_code == int(fault[:3])
    assert failure.body
    assert len(rig.server.requests) == sends


def test_a_wrong_key_is_not_our_business(rig: Rig) -> None:
    """The SDK signs its requests itself, and what is refused is refused once."""
    with pytest.raises(rig.sdk.AuthenticationError):
        rig.run(lambda client: rig.chat(client.with_options(api_key="wrong")))
    assert len(rig.server.requests) == 1


def test_the_sdks_own_retries_are_warned_of(rig: Rig) -> None:
    """When the SDK repeats too, one warning points at the code that called it, and all goes on."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        answer = rig.run(
            lambda client: rig.chat(client, "503;retry-after-ms=1;times=7"), retries_above=3
        )
    assert answer.choices[0].message.content == SAID
    assert rig.repeats_above() == ["0"] * 3 + ["1"] * 3 + ["2"] * 2
    (warning,) = [w for w in told if w.category is NestedRetriesWarning]
    assert "max_retries=0" in str(warning.message)
    assert warning.filename == __file__
