"""Plays one script to the published pareta package and to ours, and tells what came of it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pareta
import pareta._client
import pareta.resources.evals
from tests.clients.pareta_support import KEY, client_class, parts_of

from penstock.testing import Script, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

# What each transport adds by itself, and who each says it is.
_OF_THE_TRANSPORT = {"accept-encoding", "cache-control", "connection", "host", "user-agent"}


@dataclass
class Case:
    """A call, and the server's part in it.

    Attributes:
        name: Names the case.
        call: From a client to a result, or to a stream.
        replies: What each send gets.
        given: Arguments of the client.
    """

    name: str
    call: Callable[[Any], Any]
    replies: tuple[Any, ...] = ()
    given: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return self.name


@dataclass
class Played:
    """What came of a case.

    Attributes:
        sent: Method, URL, headers and body of each request.
        waited: Seconds before each repeat, and between two looks.
        result: What the call gave, told in full; the items of a stream in a list.
        error: The class and the fields of the error it ended with, or None.
    """

    sent: list[Any]
    waited: list[float]
    result: Any = None
    error: Any = None


def play_theirs(case: Case, *, is_async: bool, monkeypatch: Any) -> Played:
    """Play *case* to the published package, in time that only its sleeps let pass."""
    clock = VirtualClock()
    script = Script(case.replies)
    time = SimpleNamespace(sleep=clock.sleep, monotonic=clock.now)
    kind: Any = pareta.AsyncPareta if is_async else pareta.Pareta
    http_kind: Any = httpx.AsyncClient if is_async else httpx.Client

    async def asleep(seconds: float) -> None:
        clock.sleep(seconds)

    def handle(_: Any, request: httpx.Request) -> httpx.Response:
        return script.handle_request(request)

    async def handle_async(_: Any, request: httpx.Request) -> httpx.Response:
        return await script.handle_async_request(request)

    with monkeypatch.context() as patched:
        patched.setattr(pareta._client, "time", time)
        patched.setattr(pareta.resources.evals, "time", time)
        patched.setattr(pareta._client.random, "uniform", lambda low, _: low)
        patched.setattr(asyncio, "sleep", asleep)
        # Its uploads make an HTTP client of their own.
        patched.setattr(httpx.HTTPTransport, "handle_request", handle)
        patched.setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle_async)
        given = {"api_key": KEY, **(case.given or {})}
        client = kind(**given, http_client=http_kind(transport=script))
        run = _run_asyncio if is_async else _run_sync
        return _played(run, case, client, script, clock)


def play_ours(case: Case, colour: Any) -> Played:
    """Play *case* to our client of *colour*."""
    clock = VirtualClock(random=lambda: 0.0)
    script = Script(case.replies)
    given = {"api_key": KEY, **(case.given or {})}
    client = client_class(colour)(**given, transport=script, clock=clock)

    def run_async(case: Case, client: Any) -> Any:
        return colour.run(lambda: _called(case, client))

    return _played(run_async if colour.is_async else _run_sync, case, client, script, clock)


def _played(
    run: Callable[[Case, Any], Any], case: Case, client: Any, script: Script, clock: VirtualClock
) -> Played:
    played = Played([], clock.sleeps)
    try:
        played.result = told(run(case, client))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
        played.error = _fields(error)
    played.sent = [_seen(script, number) for number in range(len(script.requests))]
    return played


def _run_sync(case: Case, client: Any) -> Any:
    result = case.call(client)
    return list(result) if hasattr(result, "__next__") else result


def _run_asyncio(case: Case, client: Any) -> Any:
    return asyncio.run(_called(case, client))


async def _called(case: Case, client: Any) -> Any:
    result = await case.call(client)
    return [item async for item in result] if hasattr(result, "__aiter__") else result


def told(value: Any) -> Any:
    """Return all there is to say of a result: its JSON, and what each known attribute reads as."""
    if isinstance(value, list):
        return [told(item) for item in value]
    if not hasattr(value, "to_dict"):
        return value
    name = type(value).__name__.replace("ModelInfo", "Model")
    names = {
        name
        for cls in getattr(pareta, name).__mro__
        for name, member in vars(cls).items()
        if isinstance(member, property) and not name.startswith("_")
    }
    tale = {"class": name, "json": value.to_dict(), "true": bool(value)}
    if name == "ModelList":
        tale |= {"items": told(list(value)), "length": len(value)}
    return tale | {name: told(getattr(value, name)) for name in sorted(names)}


def _fields(error: Exception) -> Any:
    kind = type(error).__name__
    if not isinstance(error, pareta.APIStatusError) and not hasattr(error, "status_code"):
        # What the wire says differs; what the packages say themselves does not.
        says = getattr(error, "message", str(error)) if kind == "ParetaError" else None
        return kind, says
    response: Any = error.response  # type: ignore[attr-defined]  # one of either package
    return (
        kind,
        getattr(error, "message", str(error)),
        error.status_code,  # type: ignore[union-attr, attr-defined]  # as above
        error.detail,  # type: ignore[union-attr, attr-defined]  # as above
        error.request_id,  # type: ignore[union-attr, attr-defined]  # as above
        (response.status_code, response.text, response.headers.get("content-type")),
    )


def _seen(script: Script, number: int) -> Any:
    request, body = script.requests[number], script.bodies[number]
    headers = {
        name.lower(): value
        for name, value in request.headers.items()
        if name.lower() not in _OF_THE_TRANSPORT
    }
    content: Any = body
    kind = headers.get("content-type", "")
    if kind.startswith("multipart/"):
        content = parts_of(script, number)
        del headers["content-type"], headers["content-length"]  # of the boundary, drawn by chance
    elif kind == "application/json":
        content = json.loads(body)
        assert request.headers["content-length"] == str(len(body))
        del headers["content-length"]
    return request.method, str(request.url), headers, content
