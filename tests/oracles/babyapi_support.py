"""Plays one script to the published babyapi package and to ours, and tells what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import babyapi
import httpx

from penstock.clients.babyapi import AsyncBabyAPI, BabyAPI, BabyAPIError
from penstock.testing import Script, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "baby-key-0123456789"
FIELDS = ("name", "message", "status", "code", "type", "details", "request_id")
_OF_THE_TRANSPORT = {"accept-encoding", "cache-control", "connection", "host", "user-agent"}


@dataclass
class Case:
    """A call, and the server's part in it.

    Attributes:
        name: Names the case.
        call: From a client to a result, or to a stream.
        replies: What each send gets: a `Reply` with a whole body, or an exception of httpx's.
        given: Arguments of the client.
        draw: What chance gives each time.
    """

    name: str
    call: Callable[[Any], Any]
    replies: list[Any] = field(default_factory=list)
    given: dict[str, Any] = field(default_factory=dict)
    draw: float = 0.5


@dataclass
class Played:
    """What came of a case.

    Attributes:
        sent: Method, path, body and the headers that matter of each request.
        waited: Seconds before each repeat.
        result: What the call gave: a value, or the events of a stream; None if it failed.
        error: The fields of the error it ended with, or None.
    """

    sent: list[Any] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    result: Any = None
    error: dict[str, Any] | None = None


def play_theirs(case: Case, monkeypatch: Any) -> Played:
    """Play *case* to the published package."""
    played = Played()
    replies = iter(case.replies)

    def answer(request: httpx.Request) -> httpx.Response:
        played.sent.append(_seen(request, request.content))
        reply = next(replies)
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(reply.status, headers=reply.headers, content=b"".join(reply.steps))

    monkeypatch.setattr(babyapi.client.time, "sleep", played.waited.append)
    monkeypatch.setattr(babyapi.client.random, "random", lambda: case.draw)
    monkeypatch.setattr(babyapi.client, "httpx", _httpx_on(httpx.MockTransport(answer)))
    client = babyapi.BabyAPI(**{"api_key": KEY, **case.given})
    try:
        called = case.call(client)
        played.result = called if _is_plain(called) else _events(list(called))
    except babyapi.BabyAPIError as error:
        played.error = _fields(error)
    client.close()
    return played


def play_ours(case: Case, colour: Any) -> Played:
    """Play *case* to our client of *colour*."""
    clock = VirtualClock(random=lambda: case.draw)
    script = Script(case.replies, clock=clock)
    kind: Any = AsyncBabyAPI if colour.is_async else BabyAPI
    client = kind(**{"api_key": KEY, **case.given}, transport=script, clock=clock)
    played = Played(waited=clock.sleeps)

    async def amain() -> Any:
        called = case.call(client)
        if hasattr(called, "__aiter__"):
            return _events([event async for event in called])
        return await called

    def main() -> Any:
        called = case.call(client)
        return called if _is_plain(called) else _events(list(called))

    try:
        played.result = colour.run(amain if colour.is_async else main)
    except BabyAPIError as error:
        played.error = _fields(error)
    for request, body in zip(script.requests, script.bodies, strict=True):
        played.sent.append(_seen(request, body))
    return played


def _httpx_on(transport: httpx.MockTransport) -> SimpleNamespace:
    """Return what the package uses of httpx, its clients on *transport*."""
    return SimpleNamespace(
        Client=partial(httpx.Client, transport=transport),
        RequestError=httpx.RequestError,
        TimeoutException=httpx.TimeoutException,
    )


def _seen(request: httpx.Request, body: bytes) -> Any:
    headers = sorted(
        (name.lower(), value)
        for name, value in request.headers.multi_items()
        if name.lower() not in _OF_THE_TRANSPORT
    )
    return request.method, str(request.url), body, headers


def _is_plain(called: Any) -> bool:
    return called is None or isinstance(called, dict | list | str | int | float)


def _events(events: list[Any]) -> list[Any]:
    return [(event.done, event.data, event.raw) for event in events]


def _fields(error: Any) -> dict[str, Any]:
    return {name: getattr(error, name) for name in FIELDS}
