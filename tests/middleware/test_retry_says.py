"""The laws of a server that says itself whether to try again."""

from __future__ import annotations

from typing import Any

import pytest

import penstock
from penstock import ConnectionFailed, Stack
from penstock.middleware import Retry
from penstock.testing import Reply, Script, VirtualClock

HEADER = "x-should-retry"
BASE_URL = "https://api.example.com"


def sends(
    colour: Any, replies: list[Any], *, method: str = "POST", stream: bool = False, **retry: Any
) -> tuple[int, int]:
    """Return how many requests were sent, and the status it ended with."""
    clock = VirtualClock()
    script = Script(replies, clock=clock)
    stack = Stack.standard().replace(Retry, Retry(**retry))
    client = colour.client(BASE_URL, transport=script, clock=clock, stack=stack)

    async def streamed() -> int:
        async with client.stream(method, "/it", raise_for_status=False) as response:
            return int(response.status_code)

    def sync_streamed() -> int:
        with client.stream(method, "/it", raise_for_status=False) as response:
            return int(response.status_code)

    def plain() -> Any:
        return client.request(method, "/it", raise_for_status=False)

    if stream:
        status = colour.run(streamed if colour.is_async else sync_streamed)
    else:
        status = colour.run(plain).status_code
    assert script.open == 0
    return len(script.requests), status


def says(status: int, word: str) -> Reply:
    return Reply(status, headers={HEADER: word})


@pytest.mark.parametrize(
    ("first", "repeated"),
    [
        (says(400, "true"), True),
        (says(501, " TRUE "), True),
        (says(503, "true"), True),
        (says(503, "false"), False),
        (says(429, "False"), False),
        (says(503, "perhaps"), True),
        (says(400, "perhaps"), False),
        (503, True),
        (400, False),
    ],
)
def test_the_header_decides(first: Any, repeated: bool, colour: Any) -> None:
    """`true` and `false` win over status and method; any other word, or none, says nothing."""
    count, status = sends(colour, [first, 200], should_retry_header=HEADER)
    assert count == (2 if repeated else 1)
    assert status == (200 if repeated else getattr(first, "status", first))


@pytest.mark.parametrize("reply", [says(200, "true"), says(304, "true")])
def test_only_an_error_is_tried_again(reply: Reply, colour: Any) -> None:
    """A response that is no error is never sent again, whatever its header says."""
    assert sends(colour, [reply], should_retry_header=HEADER) == (1, reply.status)


def test_the_header_is_read_only_when_asked_for(colour: Any) -> None:
    """Without `should_retry_header` the header means nothing."""
    assert sends(colour, [says(400, "true")]) == (1, 400)
    assert sends(colour, [says(503, "false"), 200]) == (2, 200)


def is_final(response: penstock.Response) -> bool:
    return b"no quota" in response.content


NO_QUOTA, SLOW_DOWN = Reply(429, text="no quota"), Reply(429, text="slow down")
BROKEN_OFF = Reply(429, chunks=[b"no quo", ConnectionFailed("reset")])


@pytest.mark.parametrize(
    ("first", "stream", "expected"),
    [
        (NO_QUOTA, False, (1, 429)),
        (NO_QUOTA, True, (1, 429)),
        (SLOW_DOWN, False, (2, 200)),
        (SLOW_DOWN, True, (2, 200)),
        (BROKEN_OFF, True, (2, 200)),
    ],
)
def test_a_body_may_say_that_there_is_no_use(
    first: Reply, stream: bool, expected: tuple[int, int], colour: Any
) -> None:
    """`unless` sees the body, of a stream too, and stops; a body that breaks off says nothing."""
    assert sends(colour, [first, 200], stream=stream, unless=is_final) == expected


def test_unless_is_asked_only_about_what_would_be_repeated(colour: Any) -> None:
    """A response that is not tried again anyway is not looked into."""
    asked: list[int] = []

    def unless(response: penstock.Response) -> bool:
        asked.append(response.status_code)
        return False

    sends(colour, [400], unless=unless)
    sends(colour, [429, 503, 200], unless=unless)
    assert asked == [429, 503]
