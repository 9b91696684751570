"""The laws of the two families: a stack runs on either, and nobody above can tell."""

from __future__ import annotations

from functools import partial
from typing import Any

import httpx
import httpx2
import pytest

from penstock import Call, PenstockError, Response, Stack
from penstock.testing import VirtualClock

from .support import BASE_URL, OBSERVED, SUBJECTS, done, run, stack_of, supplier
from .telemetry import Telemetry

ANSWERS: dict[str, list[tuple[int, dict[str, str]]]] = {
    "a plain answer": [(200, {"X-Server": "told"})],
    "busy once": [(503, {}), (200, {})],
    "slow down": [(429, {"Retry-After": "7"}), (200, {})],
    "moved": [(302, {"Location": "/there"}), (200, {})],
    "moved to another origin": [(307, {"Location": "https://else.example/"}), (200, {})],
    "key refused": [(401, {}), (200, {})],
    "no such thing": [(404, {})],
}


@pytest.mark.parametrize("script", ANSWERS)
@pytest.mark.parametrize("name", SUBJECTS)
def test_either_family(name: str, script: str, colour: Any) -> None:
    """Facts, requests on the wire, log, spans and outcome are the same over httpx and httpx2."""
    here, there = (
        run(colour, partial(told_of, http, colour, name, script)) for http in (httpx, httpx2)
    )
    assert here == there


@pytest.mark.parametrize("http", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_a_response_has_what_both_families_have(http: Any) -> None:
    """`Response` promises each public member of either family's own, and no other."""
    assert public(Response) == public(http.Response(200))


def public(thing: Any) -> set[str]:
    """Return the names of the public members of a class or an object."""
    names = {*dir(thing), *getattr(thing, "__annotations__", {})}
    return {name for name in names if not name.startswith("_")}


async def told_of(http: Any, colour: Any, name: str, script: str) -> Any:
    """Run one call over a family's own mock transport and return all there is to tell of it."""
    answers = iter(ANSWERS[script])
    facts: list[Any] = []
    wire: list[Any] = []

    def answer(request: Any) -> Any:
        assert isinstance(request, http.Request)
        headers = request.headers.copy()
        headers["User-Agent"] = headers.get("User-Agent", "").replace(agent, "family")
        wire.append((request.method, str(request.url), headers.multi_items(), request.content))
        status, lines = next(answers)
        return http.Response(status, headers=lines, json={"status": status})

    async def watch(request: Any, call_next: Any) -> Any:
        Call.of(request).subscribe(lambda call, fact: facts.append((type(fact).__name__, *fact)))
        return await call_next(request)

    agent = f"{http.__name__}/{'.'.join(http.__version__.split('.')[:2])}"
    telemetry = Telemetry()
    client = colour.client(
        BASE_URL,
        stack=Stack([watch, *stack_of(name)]),
        transport=http.MockTransport(answer),
        clock=VirtualClock(),
        api_key=supplier(is_async=colour.is_async),
        **(telemetry.options if name == OBSERVED else {}),
    )
    try:
        response = await done(client.post("/it", json={"a": 1}, idempotency_key="once"))
    except PenstockError as error:
        return type(error), str(error), facts, wire, telemetry.told()
    outcome = response.status_code, response.headers.multi_items(), response.json()
    return outcome, type(response).__name__, facts, wire, telemetry.told()
