"""What a client above a transport of ours sees fail: errors of its own family."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import anyio.lowlevel
import pytest

from penstock import (
    AsyncOnlyError,
    CircuitOpen,
    ConnectionFailed,
    DecodeError,
    InvalidOption,
    NotFound,
    PenstockError,
    ProxyRefused,
    RedirectError,
    ResponseTooLarge,
    Stack,
    TimedOut,
    UntrustedCertificate,
)
from penstock.middleware import RaiseForStatus
from penstock.testing import Reply, Script, VirtualClock

from .above import URL, Rig, beneath, play, played
from .colours import Colour

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.transport import Family

RAISED_BELOW = [
    ("ConnectTimeout", "ConnectTimeout", TimedOut, "connect"),
    ("PoolTimeout", "PoolTimeout", TimedOut, "pool"),
    ("WriteTimeout", "WriteTimeout", TimedOut, "write"),
    ("ReadTimeout", "ReadTimeout", TimedOut, "read"),
    ("ConnectError", "ConnectError", ConnectionFailed, "connect"),
    ("WriteError", "WriteError", ConnectionFailed, "write"),
    ("ReadError", "ReadError", ConnectionFailed, "read"),
    ("CloseError", "ReadError", ConnectionFailed, "read"),
    ("RemoteProtocolError", "RemoteProtocolError", ConnectionFailed, "protocol"),
    ("ProxyError", "ProxyError", ConnectionFailed, "proxy"),
]


@pytest.mark.parametrize(("below", "above", "ours", "phase"), RAISED_BELOW)
def test_a_failure_is_the_familys_own(
    below: str, above: str, ours: type, phase: str, colour: Colour
) -> None:
    """What failed on the wire is the family's error of that class, with ours as its cause."""
    rig = Rig(colour, [colour.error(below)("gone")], forever=True, max_retries=1)
    with pytest.raises(colour.error(above)) as caught:
        rig.send(headers={"Authorization": "Bearer sk-secret"})
    assert type(caught.value) is colour.error(above)
    cause: Any = caught.value.__cause__
    assert (type(cause), cause.phase, len(cause.attempts)) == (ours, phase, 2)
    assert str(caught.value) == str(cause)
    assert caught.value.request.url == URL
    assert "sk-secret" not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize(
    ("url", "name"),
    [(URL, "LocalProtocolError"), ("ftp://api.example.com/it", "UnsupportedProtocol")],
)
def test_a_request_that_cannot_be_sent(url: str, name: str, colour: Colour) -> None:
    """A request the engine refuses is an error of the family, and is not tried again."""
    rig = Rig(colour, [colour.error(name)("Illegal header value b'sk-secret'")])
    with pytest.raises(colour.error(name)) as caught:
        rig.send(url=url)
    assert type(caught.value.__cause__) is InvalidOption
    assert "sk-secret" not in str(caught.value)


def test_the_request_is_on_the_error_without_a_client(colour: Colour) -> None:
    """`.request` is set by the transport itself, not only by the client above."""
    rig = Rig(colour, [colour.error("ReadError")("cut")], max_retries=0)
    request = colour.family.http.Request("POST", URL)
    with pytest.raises(colour.error("ReadError")) as caught:
        play(colour, lambda: colour.send(rig.transport, request))
    assert caught.value.request is request


class Refused(PenstockError):
    """A middleware's own reason not to send."""


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (DecodeError("broken"), "DecodingError"),
        (RedirectError("around"), "TooManyRedirects"),
        (ResponseTooLarge("long"), "ReadError"),
        (ConnectionFailed("odd", phase="unheard of"), "ReadError"),
        (CircuitOpen("shut"), "ConnectError"),
        (UntrustedCertificate("a stranger", phase="connect"), "ConnectError"),
        (ProxyRefused("no", phase="proxy"), "ProxyError"),
        (TimedOut("odd", phase="protocol"), "ReadTimeout"),
        (Refused("no"), "TransportError"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_a_middleware_raises_of_ours(error: PenstockError, name: str, colour: Colour) -> None:
    """Any error of ours that ends a request is one that an SDK knows."""
    rig = Rig(colour, stack=Stack([raising(error)]))
    with pytest.raises(colour.error(name)) as caught:
        rig.send()
    assert type(caught.value) is colour.error(name)
    assert caught.value.__cause__ is error


def raising(error: Exception) -> Any:
    async def fail(request: Any, call_next: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize("error", [InvalidOption("wrong"), ValueError("a bug")])
def test_a_mistake_is_not_disguised(error: Exception, colour: Colour) -> None:
    """What was put together wrongly, and a bug, is raised as it is."""
    rig = Rig(colour, stack=Stack([raising(error)]))
    with pytest.raises(type(error)) as caught:
        rig.send()
    assert caught.value is error


def test_a_status_error_is_raised_where_it_is_asked_for(colour: Colour) -> None:
    """A stack with `RaiseForStatus` raises its own errors: no transport of the family has any."""
    rig = Rig(colour, [404], stack=Stack([RaiseForStatus(), *Stack.transport()]))
    with pytest.raises(NotFound):
        rig.send()


def test_a_middleware_that_needs_an_event_loop_is_named(family: Family) -> None:
    """Beneath a sync client a middleware that waits for an event loop is told so, by its name."""

    async def waits(request: Any, call_next: Any) -> Any:
        await anyio.lowlevel.checkpoint()
        return await call_next(request)

    rig = Rig(Colour("sync", family), stack=Stack([waits]))
    with pytest.raises(AsyncOnlyError, match="waits"):
        rig.send()


def test_a_body_that_breaks_off(colour: Colour) -> None:
    """A body is not asked for again; what broke it is the family's error, and ours to observers."""
    cut = Reply(chunks=[b"half", colour.error("ReadError")("cut")])
    rig = Rig(colour, [cut], forever=True)
    with pytest.raises(colour.error("ReadError")) as caught:
        rig.send()
    assert len(rig.script.requests) == 1
    assert type(caught.value.__cause__) is ConnectionFailed
    assert caught.value.request.url == URL
    assert [(end.outcome, type(end.error), end.size) for end in rig.ends] == [
        ("error", ConnectionFailed, 4)
    ]
    assert rig.script.open == 0


ENDS: dict[str, Callable[[Colour], list[Any]]] = {
    "an answer": lambda colour: [Reply(text="hello")],
    "retries": lambda colour: [503, 503, 503],
    "no connection": lambda colour: [colour.error("ConnectError")("refused")] * 3,
    "a cut body": lambda colour: [Reply(chunks=[b"half", colour.error("ReadError")("cut")])],
}


@pytest.mark.usefixtures("collector_off")
@pytest.mark.parametrize("end", ENDS)
def test_nothing_is_left_for_the_cycle_collector(end: str, colour: Colour) -> None:
    """What a request needed is gone when it is over, however it ended."""
    script = Script(2 * ENDS[end](colour))
    transport = beneath(colour, transport=played(script, colour), clock=VirtualClock())

    async def scenario() -> int:
        await exchange(transport, colour)  # some things are made once
        script.requests.clear()
        gc.collect()
        await exchange(transport, colour)
        script.requests.clear()
        return gc.collect()

    assert play(colour, scenario) == 0


async def exchange(transport: Any, colour: Colour) -> None:
    try:
        response = await colour.send(transport, colour.family.http.Request("GET", URL))
        await colour.read(response)
    except colour.error("TransportError"):
        return
    await colour.close(response)
