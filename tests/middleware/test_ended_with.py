"""The laws of what an attempt ended with: there while it is told, and kept nowhere."""

from __future__ import annotations

from typing import Any

import httpx

from penstock import AttemptEnded, Call, ConnectionFailed, PenstockError, Stack
from penstock.middleware import Retry

from .telemetry import Rig


def test_what_ended_an_attempt_is_gone_with_it(colour: Any) -> None:
    """What an attempt ended with is there while that is told, and kept nowhere afterwards."""
    seen: list[Any] = []

    async def listen(request: Any, call_next: Any) -> Any:
        call = Call.of(request)
        call.subscribe(lambda call, fact: seen.append((type(fact), call.ended_with)))
        response = await call_next(request)
        seen.append(("over", call.ended_with))
        return response

    Rig(colour, [httpx.ConnectError("no route"), 200], stack=Stack([listen, Retry()])).get()
    ends = [outcome for kind, outcome in seen if kind is AttemptEnded]
    assert [type(ends[0]), ends[1].status_code] == [ConnectionFailed, 200]
    assert {outcome for kind, outcome in seen if kind is not AttemptEnded} == {None}


def test_a_subscriber_that_fails(colour: Any) -> None:
    """What an attempt ended with is gone too where a subscriber raises."""
    calls: list[Any] = []

    def refuse(call: Call, fact: Any) -> None:
        raise PenstockError("no")

    async def listen(request: Any, call_next: Any) -> Any:
        calls.append(Call.of(request))
        calls[0].subscribe(refuse, AttemptEnded)
        return await call_next(request)

    assert "no" in str(Rig(colour, [200], stack=Stack([listen, Retry()])).get())
    assert calls[0].ended_with is None
