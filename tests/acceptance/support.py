"""What acceptance tests are told with: a client of one colour over a script, in virtual time."""

from __future__ import annotations

import inspect
import itertools
from typing import TYPE_CHECKING, Any

import anyio

from penstock import Call, Stack
from penstock.clock import SystemClock
from penstock.middleware import Auth, Retry
from penstock.testing import Script, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

BASE_URL = "https://api.example.com/v1"
KEY = "sk-acceptance-0123456789"


class Rig:
    """A client of one colour, the script it sends to, the clock it waits on, and its facts.

    Args:
        colour: The colour.
        replies: What the server answers, send by send.
        draw: What every draw of chance gives; 0 takes all chance out of a wait a server asked for.
        forever: Whether the last reply answers every further send.
        wall: The wall clock at the start.
        **options: Arguments of the client.
    """

    def __init__(
        self,
        colour: Any,
        replies: Iterable[Any] = (200,),
        *,
        draw: float = 0.0,
        forever: bool = False,
        wall: float = 1_800_000_000.0,
        **options: Any,
    ) -> None:
        self.colour = colour
        self.clock = VirtualClock(wall=wall, random=lambda: draw)
        self.script = Script(replies, clock=self.clock, forever=forever)
        self.facts: list[Any] = []
        stack = options.pop("stack", None) or Stack.standard()
        self.client = colour.client(
            **{
                "base_url": BASE_URL,
                "transport": self.script,
                "clock": self.clock,
                "stack": Stack([self._watch, *stack]),
                **options,
            }
        )

    async def _watch(self, request: Any, call_next: Any) -> Any:
        Call.of(request).subscribe(lambda _, fact: self.facts.append(fact))
        return await call_next(request)

    def send(self, method: str = "GET", url: Any = "/it", **call: Any) -> Any:
        """Send one request to its end and return its response."""
        return self.colour.run(lambda: self.client.request(method, url, **call))

    def status(self, *args: Any, **call: Any) -> int:
        """Send one request and return the status it ends with, raised or not."""
        status: int = self.send(*args, **{"raise_for_status": False, **call}).status_code
        return status

    def kinds(self, kind: type) -> list[Any]:
        """Return the facts of one kind, oldest first."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    @property
    def requests(self) -> list[Any]:
        return self.script.requests

    @property
    def sent(self) -> int:
        return len(self.script.requests)

    @property
    def sleeps(self) -> list[float]:
        return self.clock.sleeps


class Impatient(SystemClock):
    """The machine's time, but for waits: they take none."""

    def sleep(self, seconds: float) -> None:  # type: ignore[override]  # a static method there
        """Do not wait."""

    async def asleep(self, seconds: float) -> None:  # type: ignore[override]  # as above
        self.sleep(seconds)
        await anyio.lowlevel.checkpoint()


def with_retry(**options: Any) -> Stack:
    """Return the standard stack with another `Retry`."""
    return Stack.standard().replace(Retry, Retry(**options))


def play(colour: Any, scenario: Callable[[], Awaitable[Any]]) -> Any:
    """Run an async *scenario* in *colour*; in the sync one nothing in it may suspend."""
    if colour.is_async:
        return anyio.run(scenario, backend=colour.name)
    coroutine: Any = scenario()
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    coroutine.close()
    msg = "a sync scenario suspended"
    raise AssertionError(msg)


async def done(result: Any) -> Any:
    """Return *result*, awaited if it is awaitable: what a client of either colour gives."""
    return await result if inspect.isawaitable(result) else result


def in_colour(colour: Any, value: Any) -> Callable[[], Any]:
    """Return a supplier of *value*, async where the colour is."""

    def supply() -> Any:
        return value() if callable(value) else value

    async def asupply() -> Any:
        return supply()

    return asupply if colour.is_async else supply


def keys(server: Rig, name: str = "authorization") -> list[str | None]:
    """Return the credential each request was sent with."""
    return [request.headers.get(name) for request in server.requests]


def numbered(colour: Any, prefix: str = "key") -> Any:
    """Return a supplier of key-1, key-2, … in the colour."""
    numbers = itertools.count(1)
    return in_colour(colour, lambda: f"{prefix}-{next(numbers)}")


def auth(**options: Any) -> Stack:
    """Return the standard stack with another `Auth`."""
    return Stack.standard().replace(Auth, Auth(**options))
