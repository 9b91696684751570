"""What the laws are stated over: every middleware alone, all of them, and scripts to try them."""

from __future__ import annotations

import inspect
import itertools
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio.lowlevel
import httpx

from penstock import Call, Stack, middleware
from penstock.stepping import run_now
from penstock.testing import Reply, Script, VirtualClock

from .telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BASE_URL = "https://api.example.com"
STANDARD = "the standard stack"
OBSERVED = "the standard stack, traced and logged"
PRODUCTION = "the production stack"

MIDDLEWARE: dict[str, Callable[[], Any]] = {
    **{name: getattr(middleware, name) for name in middleware.__all__},
    "Deadline": lambda: middleware.Deadline(600.0),
    "Headers": lambda: middleware.Headers({"X-Static": "always", "X-Asked": lambda: "each time"}),
    "UserAgent": lambda: middleware.UserAgent("laws/1.0"),
}
"""Every middleware that ships, as a stack might hold it."""

SUBJECTS = [*MIDDLEWARE, STANDARD, OBSERVED, PRODUCTION]
"""What the laws hold for: each middleware alone, and all of them together."""

ELSEWHERE = "https://else.example/there"
EVENTS = Reply(
    headers={"Content-Type": "text/event-stream"},
    chunks=[b"data: 1\n\n", b"data: 2\n\ndata: 3\n\n", b"data: [DONE]\n\n"],
)
LONG = b"x" * 50_000  # two chunks of it are more than anybody drains

SCRIPTS: dict[str, Callable[[], list[Any]]] = {
    "a plain answer": lambda: [Reply(json={"ok": True}, headers={"X-Server": "told"})],
    "no content": lambda: [204],
    "busy once": lambda: [Reply(503, text="busy"), 200],
    "busy for good": lambda: [503, 503, 503],
    "busy, with a long body": lambda: [Reply(503, chunks=[LONG, LONG, LONG]), 200],
    "slow down": lambda: [Reply(429, headers={"Retry-After": "7"}), 200],
    "moved": lambda: [Reply(302, headers={"Location": "/there"}), 200],
    "moved to another origin": lambda: [Reply(302, headers={"Location": ELSEWHERE}), 200],
    "moved to another scheme": lambda: [Reply(302, headers={"Location": "ftp://else.example/"})],
    "key refused": lambda: [Reply(401, text="expired"), 200],
    "every key refused": lambda: [401, Reply(401, json={"error": {"message": "who are you?"}})],
    "no such thing": lambda: [Reply(404, json={"error": {"message": "no such thing"}})],
    "unreachable": lambda: [httpx.ConnectError("no route") for _ in range(3)],
    "silent once": lambda: [httpx.ReadTimeout("silence"), 200],
    "cut off once": lambda: [Reply(chunks=[b"half", httpx.ReadError("cut")]), 200],
    "a body that lasts": lambda: [Reply(chunks=[b"a", 1000.0, b"b"]) for _ in range(3)],
    "all of it": lambda: [
        Reply(503, chunks=[LONG, LONG, LONG]),
        Reply(302, headers={"Location": "/there"}, chunks=[b"moved", b" there"]),
        Reply(401, chunks=[b"wrong", b" key"]),
        Reply(302, headers={"Location": "/there"}),
        EVENTS,
    ],
}
"""What servers do, send by send. A stack that repeats nothing plays the first reply alone."""


class Boom(Exception):
    """A stranger's error."""


def boom(*_: Any) -> Any:
    raise Boom


def supplier(*, is_async: bool) -> Callable[[], Any]:
    """Return a supplier of keys: a new one each time, so that another follows a refused one."""
    numbers = itertools.count()

    def supply() -> str:
        return f"sk-law-{next(numbers)}"

    async def supply_async() -> str:
        await anyio.lowlevel.checkpoint()
        return supply()

    return supply_async if is_async else supply


def stack_of(name: str) -> Stack:
    """Return the stack under law of that name: one middleware alone, or all of them."""
    if name in MIDDLEWARE:
        return Stack([MIDDLEWARE[name]()])
    return Stack.production() if name == PRODUCTION else Stack.standard()


async def done(result: Any) -> Any:
    """Return what a call of either colour gives."""
    return await result if inspect.isawaitable(result) else result


def run(colour: Any, scenario: Callable[[], Any]) -> Any:
    """Run an async scenario; a sync one never suspends, as all it awaits is `done(…)`."""
    return colour.run(scenario) if colour.is_async else run_now(scenario())


def sync_of(colour: Any) -> Any:
    """Return the sync colour, to compare another with."""
    return type(colour)("sync")


class Trial:
    """A client of one colour with one stack, over a script in virtual time.

    Args:
        colour: The colour.
        stack: The stack, or the name of one under law.
        replies: What the server does; by default it answers 200 to whatever comes.
        transport: Makes the script.
        clock: The clock of client and script.
        below: More middleware, innermost.
        **options: Arguments of the client.
    """

    def __init__(
        self,
        colour: Any,
        stack: Stack | str,
        replies: Sequence[Any] | None = None,
        transport: Callable[..., Script] = Script,
        clock: VirtualClock | None = None,
        below: Sequence[Any] = (),
        **options: Any,
    ) -> None:
        self.colour = colour
        self.clock = clock or VirtualClock()
        self.script = transport(
            [200] if replies is None else replies, clock=self.clock, forever=replies is None
        )
        self.facts: list[Any] = []
        self.telemetry = Telemetry()
        if stack == OBSERVED:
            options |= self.telemetry.options
        if isinstance(stack, str):
            stack = stack_of(stack)
        self.client = colour.client(
            BASE_URL,
            stack=Stack([self._watch, *stack, *below]),
            transport=self.script,
            clock=self.clock,
            **{"api_key": supplier(is_async=colour.is_async), **options},
        )

    async def _watch(self, request: Any, call_next: Any) -> Any:
        Call.of(request).subscribe(self._note)
        return await call_next(request)

    def _note(self, call: Call, fact: Any) -> None:
        self.facts.append((type(fact).__name__, *fact))

    async def send(self, method: str = "GET", path: str = "/it", **call: Any) -> Any:
        """Send one request and return its response."""
        return await done(self.client.request(method, path, **call))

    def outcome(self, call: Callable[[Trial], Any]) -> Any:
        """Run a call to its end and return what its caller can tell of it."""
        return run(self.colour, partial(settle, call, self))

    async def stream(self, look: Callable[[Any], Any]) -> Any:
        """Open a stream, read it, and return what *look* told of it before that, and the body."""
        opening = self.client.stream("GET", "/it")
        if not self.colour.is_async:
            with opening as response:
                return look(response), list(response.iter_bytes())
        async with opening as response:
            return look(response), [chunk async for chunk in response.aiter_bytes()]

    async def events(self) -> list[str]:
        """Read a stream of events to its end."""
        opening = self.client.stream_events("GET", "/it")
        if not self.colour.is_async:
            with opening as stream:
                return [event.raw for event in stream]
        async with opening as stream:
            return [event.raw async for event in stream]

    def play(self, *replies: Any) -> None:
        """Have the server do this instead of what is left of its script."""
        self.script._replies = list(replies)
        self.script._forever = False

    def forget(self) -> None:
        """Drop what the test itself recorded."""
        self.facts.clear()
        self.telemetry.forget()
        self.script.requests.clear()
        self.script.bodies.clear()
        self.script._open.clear()

    def trace(self) -> tuple[Any, ...]:
        """Return facts, requests as a server sees them, sleeps, log and spans."""
        requests = [
            (request.method, str(request.url), request.headers.multi_items(), body)
            for request, body in zip(self.script.requests, self.script.bodies, strict=True)
        ]
        return self.facts, requests, self.clock.sleeps, self.telemetry.told()


async def plain(trial: Trial) -> Any:
    response = await trial.send()
    return response.status_code, response.headers.multi_items(), response.content


async def stream(trial: Trial) -> Any:
    return await trial.stream(lambda response: response.status_code)


async def events(trial: Trial) -> Any:
    return await trial.events()


CALLS = [plain, stream, events]
"""The ways to call."""

TRIED = [(name, plain) for name in MIDDLEWARE]
TRIED += [(name, call) for name in SUBJECTS if name not in MIDDLEWARE for call in CALLS]
"""Which subject is tried with which call: a middleware alone with a plain one, stacks with all."""


async def settle(call: Callable[[Trial], Any], trial: Trial) -> Any:
    """Return the outcome of a call, or the class and the text of the error it raised."""
    try:
        return await call(trial)
    except Exception as error:  # noqa: BLE001 - every outcome counts
        return type(error), str(error)
