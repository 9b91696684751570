"""A client of a family, and a transport of ours beneath it over a script, in virtual time."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import anyio

import penstock
from penstock import Call, Stack, observe_body
from penstock.testing import Script, VirtualClock

from .colours import step

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from .colours import Colour

URL = "https://api.example.com/it"


def beneath(colour: Colour, *args: Any, **options: Any) -> Any:
    """Return a transport with a stack, of a colour and its family."""
    classes: dict[tuple[str, bool], Any] = {
        ("httpx", False): penstock.HttpxTransport,
        ("httpx", True): penstock.AsyncHttpxTransport,
        ("httpx2", False): penstock.Httpx2Transport,
        ("httpx2", True): penstock.AsyncHttpx2Transport,
    }
    return classes[colour.family.name, colour.is_async](*args, **options)


def client_above(colour: Colour, transport: Any, **options: Any) -> Any:
    """Return a client of the family that sends with *transport*."""
    http = colour.family.http
    return (http.AsyncClient if colour.is_async else http.Client)(transport=transport, **options)


def play(colour: Colour, scenario: Callable[[], Awaitable[Any]]) -> Any:
    """Run an async *scenario*; in the sync colour nothing in it may suspend."""
    if colour.is_async:
        return anyio.run(scenario, backend=colour.name)
    return step(scenario())


class Played:
    """A script as a transport of another family.

    Attributes:
        heads: Method, URL and headers of each request, as they were when it was sent.
        closed: Whether it was closed.
    """

    def __init__(self, script: Script, http: Any) -> None:
        self.script = script
        self.heads: list[Any] = []
        self.closed = False
        self._http = http

    def handle_request(self, request: Any) -> Any:
        self._note(request)
        return self._of_family(self.script.handle_request(request))

    async def handle_async_request(self, request: Any) -> Any:
        self._note(request)
        return self._of_family(await self.script.handle_async_request(request))

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True

    def _note(self, request: Any) -> None:
        # Now: a client's auth flow signs the very request that it has sent unsigned before.
        self.heads.append((request.method, str(request.url), request.headers.multi_items()))

    def _of_family(self, response: Any) -> Any:
        stream = response.stream
        stream.__class__ = _body_class(type(stream), self._http)
        return self._http.Response(
            response.status_code,
            headers=response.headers.raw,
            stream=stream,
            extensions=response.extensions,
        )


@cache
def _body_class(cls: type, http: Any) -> type:
    return type("Body", (cls, http.SyncByteStream, http.AsyncByteStream), {})


def played(script: Script, colour: Colour) -> Any:
    """Return a transport of the colour's family that plays *script*."""
    http = colour.family.http
    base = http.AsyncBaseTransport if colour.is_async else http.BaseTransport
    return type("Played", (Played, base), {})(script, http)


class Rig:
    """A client above a transport of ours, the script below, and what was told on the way.

    Args:
        colour: The colour, with a family.
        replies: What the server answers, send by send.
        stack: The transport's stack.
        forever: Whether the last reply answers every further send.
        above: Arguments of the client.
        **options: Arguments of the transport.

    Attributes:
        facts: What happened in each call.
        ends: How each body ended.
    """

    def __init__(
        self,
        colour: Colour,
        replies: Iterable[Any] = (200,),
        *,
        stack: Stack | None = None,
        forever: bool = False,
        above: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.colour = colour
        self.clock = VirtualClock(random=lambda: 0.5)
        self.script = Script(replies, clock=self.clock, forever=forever)
        self.facts: list[Any] = []
        self.ends: list[Any] = []
        self.below = played(self.script, colour)
        self.transport = beneath(
            colour,
            Stack([self._watch, *(Stack.transport() if stack is None else stack)]),
            transport=self.below,
            clock=self.clock,
            **options,
        )
        self.client = client_above(colour, self.transport, **(above or {}))

    async def _watch(self, request: Any, call_next: Any) -> Any:
        Call.of(request).subscribe(lambda _, fact: self.facts.append(fact))
        response = await call_next(request)
        observe_body(response, self.ends.append)
        return response

    def send(self, method: str = "GET", url: str = URL, **call: Any) -> Any:
        """Send one request through the client and return its response."""
        return self.run(lambda: self.client.request(method, url, **call))

    def run(self, act: Callable[[], Any]) -> Any:
        """Return what *act* gives, awaited where the colour awaits."""

        async def scenario() -> Any:
            result = act()
            return await result if self.colour.is_async else result

        return play(self.colour, scenario)

    def kinds(self, kind: type) -> list[Any]:
        """Return the facts of one kind, oldest first."""
        return [fact for fact in self.facts if isinstance(fact, kind)]
