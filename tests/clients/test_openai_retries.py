"""The laws of what is tried again, and when."""

from __future__ import annotations

from typing import Any

import pytest

from penstock import ConnectionFailed, TimedOut
from penstock.clients.openai_compatible import RateLimitError
from penstock.testing import Reply

from .openai_support import ANSWER, CHAT, DONE, Rig, events, spoken

QUOTA = {"error": {"message": "pay up", "type": "insufficient_quota", "code": "insufficient_quota"}}


def create(client: Any) -> Any:
    return client.chat.completions.create(**CHAT)


@pytest.mark.parametrize(
    "first",
    [
        408,
        409,
        429,
        500,
        501,
        503,
        529,
        ConnectionFailed("reset", phase="read"),
        TimedOut("slow", phase="read"),
    ],
)
def test_what_passes_is_tried_again(first: Any, colour: Any) -> None:
    """408, 409, 429, every 5xx and failures of the wire are repeated, POST included."""
    rig = Rig(colour, first, ANSWER)
    assert rig.run(create) == ANSWER
    assert rig.script.bodies[0] == rig.script.bodies[1]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 418, 422])
def test_what_stays_is_not(status: int, colour: Any) -> None:
    """No other status is repeated."""
    rig = Rig(colour, status)
    assert rig.error(create).status_code == status
    assert len(rig.script.requests) == 1


@pytest.mark.parametrize(
    ("options", "sent"), [({}, 3), ({"max_retries": 0}, 1), ({"max_retries": 3}, 4)]
)
def test_there_are_two_repeats_unless_given(options: Any, sent: int, colour: Any) -> None:
    """Two repeats follow, unless the client is told another number; the last error is raised."""
    rig = Rig(colour, *([503] * 5), **options)
    assert len(rig.error(create).attempts) == sent
    assert len(rig.script.requests) == sent


@pytest.mark.parametrize(("first", "again"), [(400, True), (503, False)])
def test_the_server_may_decide(first: int, again: bool, colour: Any) -> None:
    """`x-should-retry` wins over the status, both ways."""
    reply = Reply(first, headers={"X-Should-Retry": str(again).lower()})
    rig = Rig(colour, reply, ANSWER)
    rig.run(create) if again else rig.error(create)
    assert len(rig.script.requests) == 1 + again


@pytest.mark.filterwarnings("ignore:a response was dropped open:ResourceWarning")
@pytest.mark.parametrize("stream", [False, True])
def test_an_empty_quota_is_not_tried_again(stream: bool, colour: Any) -> None:
    """429 with `insufficient_quota` is raised at once, of a stream too; another 429 is repeated."""
    reply = events(*spoken("Tall."), DONE) if stream else ANSWER
    rig = Rig(colour, Reply(429, json=QUOTA))
    error = rig.error(lambda client: client.chat.completions.create(**CHAT, stream=stream))
    assert (type(error), error.code, len(rig.script.requests)) == (
        RateLimitError,
        "insufficient_quota",
        1,
    )
    rig = Rig(colour, Reply(429, json={"error": {"code": "rate_limit_exceeded"}}), reply)
    rig.run(lambda client: client.chat.completions.create(**CHAT, stream=stream))
    assert len(rig.script.requests) == 2


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({}, [0.25, 0.5]),
        ({"Retry-After": "20"}, [20.0, 20.0]),
        ({"Retry-After": "120"}, [120.0, 120.0]),
        ({"Retry-After": "121"}, []),
        ({"Retry-After-Ms": "1500", "Retry-After": "90"}, [1.5, 1.5]),
        ({"Retry-After": "soon"}, [0.25, 0.5]),
    ],
)
def test_how_long_it_waits(headers: Any, waits: list[float], colour: Any) -> None:
    """The server's wait is honoured up to two minutes; over that nothing is tried again."""
    rig = Rig(colour, *(Reply(429, headers=headers) for _ in range(3)))
    rig.error(create)
    assert rig.clock.sleeps == waits


def test_a_call_may_have_its_own_number(colour: Any) -> None:
    """`request_options` and `with_options` say how often, for a call and for a view."""
    rig = Rig(colour, *([503] * 6))
    rig.error(lambda client: client.models.list(request_options={"max_retries": 0}))
    rig.error(lambda client: client.with_options(max_retries=1).models.list())
    rig.error(lambda client: client.models.list())
    assert len(rig.script.requests) == 1 + 2 + 3
