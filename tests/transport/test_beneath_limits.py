"""Time limits beneath a client: its own for the phases, the transport's for attempt and whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from penstock import DeadlineExceeded, InvalidOption, Stack, TimedOut, Until
from penstock.middleware import Timeout
from penstock.testing import Reply

from .above import URL, Rig, play

if TYPE_CHECKING:
    from .colours import Colour

OF_THE_CLIENT = {"connect": 1.0, "read": 2.0, "write": 3.0, "pool": 4.0}


def client_timeout(colour: Colour, **phases: Any) -> dict[str, Any]:
    return {"timeout": colour.family.http.Timeout(**{**OF_THE_CLIENT, **phases})}


def sent_limits(rig: Rig) -> dict[str, Any]:
    limits: dict[str, Any] = rig.script.requests[-1].extensions["timeout"]
    return limits


def test_the_clients_limits_stand(colour: Colour) -> None:
    """With no limit of the transport's own, the client's go down as they are."""
    rig = Rig(colour, above=client_timeout(colour))
    rig.send()
    assert sent_limits(rig) == OF_THE_CLIENT


@pytest.mark.parametrize(
    ("timeout", "sent"),
    [
        (10, OF_THE_CLIENT),
        (2.5, {"connect": 1.0, "read": 2.0, "write": 2.5, "pool": 2.5}),
        (None, OF_THE_CLIENT),
    ],
)
def test_the_tighter_limit_of_a_phase_holds(
    timeout: float | None, sent: dict[str, float], colour: Colour
) -> None:
    """A number bounds each phase, where the client above does not bound it more tightly."""
    rig = Rig(colour, above=client_timeout(colour), timeout=timeout)
    rig.send()
    assert sent_limits(rig) == sent


def test_a_family_timeout_bounds_phases(colour: Colour) -> None:
    """A `Timeout` of the family bounds its phases alone, together with the client's."""
    own = colour.family.http.Timeout(connect=0.5, read=None, write=9, pool=None)
    rig = Rig(colour, above=client_timeout(colour, pool=None), timeout=own)
    rig.send()
    assert sent_limits(rig) == {"connect": 0.5, "read": 2.0, "write": 3.0, "pool": None}


def test_a_request_has_limits_of_its_own(colour: Colour) -> None:
    """A limit that the client was given for one request stands, as SDKs give them."""
    rig = Rig(colour, above=client_timeout(colour), timeout=60)
    rig.send(timeout=0.25)
    assert sent_limits(rig) == dict.fromkeys(OF_THE_CLIENT, 0.25)


def test_a_number_bounds_the_attempt_by_wall_clock(colour: Colour) -> None:
    """`timeout` seconds after it began an attempt is over, whatever phase it is in."""
    rig = Rig(colour, [Reply(delay=6), Reply(delay=1)], timeout=5, max_retries=1, above={})
    assert rig.send().status_code == 200
    assert [type(limit) for limit in sent_limits(rig).values()] == [Until] * 4
    assert len(rig.script.requests) == 2


def test_a_head_that_came_too_late(colour: Colour) -> None:
    """An attempt that took too long is a read timeout above."""
    rig = Rig(colour, [Reply(delay=6)], timeout=5, max_retries=0)
    with pytest.raises(colour.error("ReadTimeout")) as caught:
        rig.send()
    assert type(caught.value.__cause__) is TimedOut


def test_a_body_may_take_longer_than_an_attempt(colour: Colour) -> None:
    """`timeout` ends with the head: whether a body is read at once is not known below a client."""
    rig = Rig(colour, [Reply(chunks=[b"a", 60.0, b"b"])], timeout=5)
    assert rig.send().content == b"ab"


def test_the_deadline_bounds_every_phase(colour: Colour) -> None:
    """A deadline goes down with each phase's limit, and bounds the reading of the body too."""
    rig = Rig(colour, [Reply(503, delay=1), 200], deadline=5, above=client_timeout(colour))
    end = rig.clock.now() + 5
    rig.send()
    assert [limit.at for limit in sent_limits(rig).values()] == [end] * 4


@pytest.mark.parametrize("name", ["ReadTimeout", "ConnectTimeout"])
def test_a_deadline_that_passes(name: str, colour: Colour) -> None:
    """When the deadline passes the timeout says so, and nothing is tried again."""

    def late(request: Any) -> Any:
        rig.clock.advance(6)
        raise colour.error(name)("too late")

    rig = Rig(colour, [late], forever=True, deadline=5)
    with pytest.raises(colour.error(name)) as caught:
        rig.send()
    assert type(caught.value.__cause__) is DeadlineExceeded
    assert len(rig.script.requests) == 1


def test_each_request_has_a_deadline_of_its_own(colour: Colour) -> None:
    """Each request of the client above begins anew."""
    rig = Rig(colour, [Reply(delay=4)], forever=True, deadline=5)
    assert [rig.send().status_code for _ in range(3)] == [200] * 3


def test_a_stack_may_replace_the_clients_limits(colour: Colour) -> None:
    """A stack with a plain `Timeout` puts its own limit in the place of the client's."""
    rig = Rig(colour, stack=Stack([Timeout()]), timeout=60, above=client_timeout(colour))
    rig.send()
    assert sent_limits(rig) == dict.fromkeys(OF_THE_CLIENT, 60.0)


@pytest.mark.parametrize("wrong", [{"timeout": -1}, {"deadline": "5"}, {"max_retries": None}])
def test_a_limit_that_cannot_work(wrong: dict[str, Any], colour: Colour) -> None:
    """A limit that cannot work is refused when the transport is made."""
    with pytest.raises(InvalidOption, match=next(iter(wrong))):
        Rig(colour, **wrong)


def test_each_attempt_has_limits_of_its_own(colour: Colour) -> None:
    """What hurries the body of a discarded response leaves the next attempt its time."""
    busy = Reply(503, chunks=[b"x" * 1000, 0.5, b"x"])
    rig = Rig(colour, [busy, 200], above=client_timeout(colour))
    request = rig.client.build_request("GET", URL)
    rig.run(lambda: rig.client.send(request))
    assert sent_limits(rig) == request.extensions["timeout"] == OF_THE_CLIENT


@pytest.mark.filterwarnings("ignore:a response was dropped open:ResourceWarning")
def test_no_client_above(colour: Colour) -> None:
    """A request that brings no limits is bounded by the transport's."""
    rig = Rig(colour, timeout=3)
    request = colour.family.http.Request("GET", URL)
    play(colour, lambda: colour.send(rig.transport, request))
    assert sent_limits(rig) == dict.fromkeys(OF_THE_CLIENT, 3.0)
