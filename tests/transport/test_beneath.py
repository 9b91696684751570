"""A stack beneath somebody else's client: what it does, and what it leaves to that client."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

import penstock
from penstock import (
    AttemptEnded,
    Call,
    DeadlineExceeded,
    RetryScheduled,
    Stack,
    on_request,
)
from penstock.middleware import AttemptTracing, Deadline, Headers, Logging, Retry, Timeout, Tracing
from penstock.settings import Settings
from penstock.testing import Reply

from .above import URL, Rig
from .colours import Colour

if TYPE_CHECKING:
    from penstock.transport import Family


def test_the_stack_of_a_transport() -> None:
    """It has what a client cannot do, and leaves it statuses, redirects, keys and its name."""
    kinds = [type(layer) for layer in Stack.transport()]
    assert kinds == [Tracing, Logging, Deadline, Retry, Headers, AttemptTracing, Timeout]


def test_settings_give_the_stack_its_policy() -> None:
    """`Stack.transport(settings)` takes policy from settings, as `Stack.standard` does."""
    off = {"enabled": False}
    settings = Settings(tracing=off, logging=off, retry={"base_delay": 3})
    shown = " ".join(repr(layer) for layer in Stack.transport(settings))
    assert shown == "Deadline() Retry(base_delay=3.0) Headers() Timeout(keep_phases=True)"


def test_a_failure_is_tried_again(colour: Colour) -> None:
    """What failed for a while is sent again, after a wait; what was discarded is closed."""
    rig = Rig(colour, [503, colour.error("ConnectError")("refused"), Reply(json={"ok": True})])
    assert rig.send().json() == {"ok": True}
    assert [fact.status for fact in rig.kinds(AttemptEnded)] == [503, None, 200]
    assert rig.clock.sleeps == [fact.wait for fact in rig.kinds(RetryScheduled)] == [0.25, 0.5]
    assert rig.script.open == 0


def test_the_server_is_waited_for(colour: Colour) -> None:
    """`Retry-After` is obeyed, for a POST too, whose body is sent again."""
    rig = Rig(colour, [Reply(429, headers={"Retry-After": "7"}), 200])
    assert rig.send("POST", content=b"hello").status_code == 200
    assert rig.clock.sleeps == [pytest.approx(7, abs=1)]
    assert rig.script.bodies == [b"hello", b"hello"]


@pytest.mark.parametrize("max_retries", [0, 1, 2])
def test_a_status_is_handed_up(max_retries: int, colour: Colour) -> None:
    """When no repeat is left the last response is handed up as it is: no status raises."""
    rig = Rig(colour, [Reply(503, text="busy")], forever=True, max_retries=max_retries)
    response = rig.send()
    assert (response.status_code, response.text) == (503, "busy")
    assert len(rig.script.requests) == 1 + max_retries


def test_a_deadline_ends_the_waiting(colour: Colour) -> None:
    """No attempt begins that the deadline forbids: the last response is handed up instead."""
    rig = Rig(colour, [Reply(503, headers={"Retry-After": "20"})], forever=True, deadline=10)
    assert rig.send().status_code == 503
    assert rig.clock.sleeps == []


def test_a_deadline_covers_the_body(colour: Colour) -> None:
    """A body that comes after the deadline is a read timeout above, with ours as its cause."""
    rig = Rig(colour, [Reply(chunks=[b"a", 11.0, b"b"])], deadline=10)
    with pytest.raises(colour.error("ReadTimeout")) as caught:
        rig.send()
    assert type(caught.value.__cause__) is DeadlineExceeded
    assert [(end.outcome, type(end.error)) for end in rig.ends] == [("error", DeadlineExceeded)]


def test_the_body_comes_raw_and_is_decoded_above(colour: Colour) -> None:
    """The body is handed up as it came, and decoded by the client above, once."""
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    rig = Rig(colour, [Reply(headers=headers, content=gzip.compress(b'{"n": 1}'))])
    response = rig.send()
    assert response.json() == {"n": 1}
    assert response.headers["content-encoding"] == "gzip"


def test_the_response_is_the_familys_own(colour: Colour) -> None:
    """The client above gets its own kind of response, with its own kind of errors."""
    rig = Rig(colour, [Reply(text="{")])
    response = rig.send()
    assert type(response) is colour.family.http.Response
    assert response.elapsed.total_seconds() < 5
    with pytest.raises(json.JSONDecodeError):
        response.json()


def test_a_body_that_does_not_decode_is_the_clients_to_report(family: Family) -> None:
    """A wrong content coding is noticed above, where the decoding is done."""
    spoilt = Reply(headers={"Content-Encoding": "gzip"}, content=b"no gzip")
    rig = Rig(Colour("sync", family), [spoilt])
    with pytest.raises(family.http.DecodingError):
        rig.send()
    assert [end.outcome for end in rig.ends] == ["closed"]
    assert len(rig.script.requests) == 1


def test_headers_come_as_they_were_sent(colour: Colour) -> None:
    """Each line of the response's head comes up, in its order and spelling."""
    lines = [("X-Two", "a"), ("x-two", "b"), ("Content-Length", "0")]
    rig = Rig(colour, [Reply(headers=lines)])
    shown = [(name.decode(), value.decode()) for name, value in rig.send().headers.raw]
    assert shown == lines


def test_what_a_middleware_has_read_is_handed_up(colour: Colour) -> None:
    """A body that a middleware has read reaches the client decoded, and says so."""

    async def peek(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        await Call.of(request).runtime.read(response)
        return response

    packed = gzip.compress(b"hello " * 100)
    headers = {"Content-Encoding": "gzip"}
    rig = Rig(colour, [Reply(headers=headers, content=packed)], stack=Stack([peek]))
    response = rig.send()
    assert response.content == b"hello " * 100
    assert response.headers.multi_items() == [("content-length", "600")]


def test_what_a_middleware_made_up_is_handed_up(colour: Colour) -> None:
    """A response that never was on the wire reaches the client like any other."""

    async def cached(request: Any, call_next: Any) -> Any:
        return colour.family.http.Response(200, json={"from": "cache"})

    rig = Rig(colour, [], stack=Stack([cached]))
    assert rig.send().json() == {"from": "cache"}
    assert rig.script.requests == []


def test_the_clients_request_is_not_touched(colour: Colour) -> None:
    """What the stack does to a request is done to a copy: the client may send its own again."""

    def stamp(request: Any) -> None:
        request.headers["X-Ours"] = "1"

    stack = Stack.transport().after(Retry, on_request(stamp))
    rig = Rig(colour, [503, 200], stack=stack, deadline=9, timeout=5)
    request = rig.client.build_request("POST", URL, json={"a": 1})
    before = (request.headers.multi_items(), {**request.extensions})
    response = rig.run(lambda: rig.client.send(request))
    assert response.request is request
    assert (request.headers.multi_items(), request.extensions) == before
    assert [sent.headers["x-ours"] for sent in rig.script.requests] == ["1", "1"]


def test_a_client_of_ours_may_stand_above(colour: Colour) -> None:
    """A Penstock client takes the transport like any other, and each keeps its own calls."""
    rig = Rig(colour, [503, 200], max_retries=1)
    cls = penstock.AsyncClient if colour.is_async else penstock.Client
    client = cls(transport=rig.transport, max_retries=0)
    assert rig.run(lambda: client.get(URL)).status_code == 200
    assert len(rig.script.requests) == 2


def test_closing_the_client_closes_what_is_below(colour: Colour) -> None:
    """The client above closes the transport, and with it the one below."""
    rig = Rig(colour)
    rig.run(rig.client.aclose if colour.is_async else rig.client.close)
    assert rig.below.closed
