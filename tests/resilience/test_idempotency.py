"""The laws of idempotency keys: one a call, the same wherever it goes; the caller's stands."""

from __future__ import annotations

import itertools
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from penstock import InvalidOption, Stack
from penstock.middleware import Idempotency, Redirect, Retry
from penstock.testing import Reply

from .support import SYNC, Rig

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def counted() -> Any:
    numbers = itertools.count(1)
    return lambda: f"key-{next(numbers)}"


def keys(rig: Rig, header: str = "Idempotency-Key") -> list[str | None]:
    return [request.headers.get(header) for request in rig.script.requests]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_one_key_a_call(method: str, colour: Any) -> None:
    """A method that is not idempotent gets a key: one for all attempts, another the next time."""
    stack = [Idempotency(make_key=counted()), Retry(base_delay=0.0)]
    rig = Rig(colour, stack, [httpx.ReadTimeout("silence"), 500, 200, 200])
    assert [rig.ends(method, json={}), rig.ends(method, json={})] == [200, 200]
    assert keys(rig) == ["key-1"] * 3 + ["key-2"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "QUERY"])
def test_idempotent_methods_need_none(method: str, colour: Any) -> None:
    """Methods that may be repeated anyway get no key."""
    rig = Rig(colour, [Idempotency()])
    rig.send(method)
    assert keys(rig) == [None]


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_keeps_it(status: int, colour: Any) -> None:
    """A hop within the origin has the key of its call, and a repeat of the whole has it again."""
    moved = Reply(status, headers={"Location": "/there"})
    stack = [Idempotency(make_key=counted()), Retry(base_delay=0.0), Redirect()]
    rig = Rig(colour, stack, [moved, 503, moved, 200])
    assert rig.ends("POST", json={}) == 200
    assert keys(rig) == ["key-1"] * 4


def test_another_origin_does_not_get_it(colour: Any) -> None:
    """The key stays with the origin it was made for."""
    moved = Reply(302, headers={"Location": "https://else.example.com/there"})
    rig = Rig(colour, [Idempotency(make_key=counted()), Redirect()], [moved, 200])
    rig.send("POST")
    assert keys(rig) == ["key-1", None]


def test_a_key_is_random(colour: Any) -> None:
    """Unless told otherwise a key is a random UUID; the client's own chance plays no part in it."""
    rig = Rig(colour, [Idempotency()], forever=True)
    rig.clock._random = lambda: 0.0
    for _ in range(100):
        rig.send("POST")
    sent = [str(key) for key in keys(rig)]
    assert all(map(UUID4.fullmatch, sent))
    assert len(set(sent)) == 100


@pytest.mark.parametrize(
    "own",
    [
        {"headers": {"idempotency-KEY": "mine"}},
        {"headers": {"Idempotency-Key": ""}},
        {"idempotency_key": "mine"},
    ],
    ids=repr,
)
@pytest.mark.parametrize("place", ["call", "client"])
@pytest.mark.parametrize("quoted", [True, False])
def test_the_callers_own_stands(quoted: bool, place: str, own: dict[str, Any], colour: Any) -> None:
    """A key of the call's or the client's own goes out as it is, and lets the call be repeated."""
    stack = [Idempotency(quoted=quoted), Retry(base_delay=0.0)]
    rig = Rig(colour, stack, [500, 200])
    if place == "client":
        rig.client = rig.client.with_options(**own)
    assert rig.ends("POST", **(own if place == "call" else {})) == 200
    assert keys(rig) == ["" if "" in own.get("headers", {}).values() else "mine"] * 2


def test_a_call_may_do_without(colour: Any) -> None:
    """`idempotency_key=None` sends none, and the call is repeated as one without a key."""
    rig = Rig(colour, [Idempotency(), Retry()], [500])
    assert rig.ends("POST", idempotency_key=None) == 500
    assert keys(rig) == [None]


def test_another_header(colour: Any) -> None:
    """The key goes under the name it is told, the caller's too, and `Retry` knows of it."""
    stack = [Idempotency("X-Request-Key", make_key=counted()), Retry(base_delay=0.0)]
    rig = Rig(colour, stack, [500, 200, 500, 200, 500, 200])
    assert [
        rig.ends("POST"),
        rig.ends("POST", idempotency_key="mine"),
        rig.ends("POST", headers={"x-request-key": "mine too"}),
    ] == [200] * 3
    assert keys(rig, "x-request-key") == ["key-1"] * 2 + ["mine"] * 2 + ["mine too"] * 2


def test_without_a_key_nothing_changes(colour: Any) -> None:
    """`Retry` goes on refusing what it may not repeat where this middleware is not in the stack."""
    rig = Rig(colour, [Retry()], [500])
    assert (rig.ends("POST"), rig.sent) == (500, 1)


@pytest.mark.parametrize(
    ("key", "sent"), [("a-1", '"a-1"'), ('a"b', r'"a\"b"'), ("a\\b", r'"a\\b"')]
)
def test_quoted(key: str, sent: str, colour: Any) -> None:
    """Quoted, it is a structured field's string: in quotes, what would end it escaped."""
    rig = Rig(colour, [Idempotency(quoted=True, make_key=lambda: key)])
    rig.send("POST")
    assert keys(rig) == [sent]


@pytest.mark.parametrize(
    "arguments",
    [{"header": "no name"}, {"header": ""}, {"header": "Content-Length"}, {"make_key": "k"}],
    ids=repr,
)
def test_what_cannot_work_is_refused(arguments: dict[str, Any]) -> None:
    """A name that no request can carry, or a key that nobody makes, is refused at once."""
    with pytest.raises(InvalidOption):
        Idempotency(**arguments)


def test_a_key_no_header_can_carry_is_refused(colour: Any) -> None:
    """A key with a line end never reaches the wire."""
    rig = Rig(colour, [Idempotency(make_key=lambda: "a\r\nX-Evil: 1")])
    assert (rig.ends("POST"), rig.sent) == ("InvalidOption", 0)


def test_threads() -> None:
    """Calls of many threads have a key each."""
    rig = Rig(SYNC, Stack([Idempotency()]), forever=True)
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: rig.send("POST"), range(200)))
    assert len(set(keys(rig))) == 200
