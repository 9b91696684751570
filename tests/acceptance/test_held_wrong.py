"""What a newcomer holds wrong, and what the answer tells them."""

from __future__ import annotations

import copy
import gc
import pickle
import traceback
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.transport.server import Server, polite

import penstock
from penstock import InvalidOption, Settings, Stack
from penstock.middleware import Auth, Retry
from penstock.testing import Reply, VirtualClock

from .support import BASE_URL, KEY, Rig, done, play


def renewed() -> str:
    return "sk-renewed-0123456789"


@pytest.mark.parametrize("given", ["in the stack", "on the client"])
def test_a_key_that_does_not_change_is_refreshed_too(colour: Any, given: str) -> None:
    """`refresh` is asked after a 401 whatever kind of key was refused."""
    auth = Auth(KEY if given == "in the stack" else None, refresh=renewed)
    options = {} if given == "in the stack" else {"api_key": KEY}
    rig = Rig(colour, [401, 200], stack=Stack.standard().replace(Auth, auth), **options)
    assert rig.colour.run(lambda: rig.client.get("/x")).status_code == 200
    sent = [request.headers["authorization"] for request in rig.script.requests]
    assert sent == [f"Bearer {KEY}", f"Bearer {renewed()}"]


@pytest.mark.parametrize("second", ["content", "data", "files"])
def test_two_bodies_are_refused(colour: Any, second: str) -> None:
    """Of two bodies none is dropped in silence."""
    rig = Rig(colour)
    bodies = {"json": {"a": 1}, second: {"b": b"2"} if second != "content" else b"2"}
    with pytest.raises(InvalidOption, match="two bodies"):
        rig.colour.run(lambda: rig.client.post("/x", **bodies))
    assert rig.script.requests == []


@pytest.mark.parametrize("part", [None, Path(__file__), ("f", Path(__file__)), ("f",), bytearray()])
def test_a_part_of_a_form_is_content(colour: Any, part: Any) -> None:
    """The path of a file is not taken for the file, and is not found out about while sending."""
    rig = Rig(colour)
    with pytest.raises(InvalidOption, match=r"files=.*opened in binary mode, .*, not [A-z]+$"):
        rig.colour.run(lambda: rig.client.post("/x", files={"f": part}))
    assert rig.script.requests == []


@pytest.mark.parametrize("value", [{"b": 1}, b"x", {1}, [{"b": 1}], [[1]]], ids=repr)
@pytest.mark.parametrize("where", ["params", "data", "client"])
def test_a_value_is_not_sent_as_python_writes_it(colour: Any, where: str, value: Any) -> None:
    """Neither a query nor a form has a `{'b': 1}` in it, or a `b'x'`, to be guessed at."""
    rig = Rig(colour, params={"a": value} if where == "client" else {})
    given = {} if where == "client" else {where: {"a": value}}
    with pytest.raises(InvalidOption, match=r"(params|data)\['a'\] is a [a-z]+: write it as"):
        rig.colour.run(lambda: rig.client.post("/x", **given))
    assert rig.script.requests == []


def test_values_that_are_text(colour: Any) -> None:
    """What reads as one thing is sent as that, and of a list each item."""
    rig = Rig(colour, forever=True)
    value = [1, 2.5, True, None, "x", UUID(int=7), date(2026, 1, 2)]
    rig.colour.run(lambda: rig.client.post("/x", params={"a": value}, data={"a": value}))
    sent = "a=1&a=2.5&a=true&a=&a=x&a=00000000-0000-0000-0000-000000000007&a=2026-01-02"
    assert rig.script.requests[0].url.query == sent.encode()
    assert rig.script.bodies == [sent.encode()]


def test_a_stream_is_entered(colour: Any) -> None:
    """Who takes the block for the response hears what to write, and nothing was sent."""
    rig = Rig(colour)
    with pytest.raises(AttributeError, match=r"no 'status_code' yet: .*with client\.stream"):
        _ = rig.client.stream("GET", "/x").status_code
    assert rig.script.requests == []


@pytest.mark.parametrize("stack", [None, Stack.standard(), Stack])
def test_the_stack_of_a_call_is_a_function(colour: Any, stack: Any) -> None:
    """What is none is refused with what it has to be, in a view too."""
    rig = Rig(colour)
    for act in (
        lambda: rig.client.get("/x", stack=stack),
        lambda: rig.client.with_options(stack=stack),
    ):
        with pytest.raises(InvalidOption, match="a function from the client's stack"):
            rig.colour.run(act)
    assert rig.script.requests == []


def test_a_class_is_no_object_of_it(colour: Any) -> None:
    """Who passes a class in place of an object is told so."""
    with pytest.raises(
        InvalidOption, match="clock is the class VirtualClock: pass an object of it"
    ):
        colour.client(BASE_URL, clock=VirtualClock)


def test_a_copy_is_a_view(colour: Any) -> None:
    """Of what a program copies or drops, nothing takes the client's connections with it."""
    with Server(polite) as server:

        async def scenario() -> list[int]:
            client = colour.client(server.url, trust_env=False)
            statuses = [(await done(client.get("/x"))).status_code]
            for copied in (copy.copy, copy.deepcopy):
                holder = copied([client] if copied is copy.deepcopy else client)
                one = holder[0] if isinstance(holder, list) else holder
                statuses.append((await done(one.get("/x"))).status_code)
                await done(one.aclose() if colour.is_async else one.close())
                del holder, one
                copied(client)  # and dropped open
                gc.collect()
                statuses.append((await done(client.get("/x"))).status_code)
            await done(client.aclose() if colour.is_async else client.close())
            return statuses

        assert play(colour, scenario) == [200] * 5
        assert server.connections == 1


def test_a_client_does_not_pickle(colour: Any) -> None:
    """It says so, and what to do instead."""
    with pytest.raises(TypeError, match="make one in the process that uses it"):
        pickle.dumps(colour.client(BASE_URL, api_key=KEY))


def test_a_dropped_body_takes_its_headers_along(colour: Any) -> None:
    """After a 303 nothing that goes with a body is left (RFC 9110 §10.1.1, Fetch standard)."""
    rig = Rig(colour, [Reply(303, headers={"Location": "/v1/there"}), 200])
    headers = {"Expect": "100-continue", "Content-Language": "en", "X-Kept": "yes"}
    rig.colour.run(lambda: rig.client.post("/x", json={}, headers=headers))
    left = rig.script.requests[1].headers
    assert left["x-kept"] == "yes"
    assert {"expect", "content-language", "content-type", "content-length"}.isdisjoint(left)


@pytest.mark.parametrize(
    ("anchor", "cure"),
    [("Retry", "write Retry, not 'Retry'"), (Retry(), "pass the class Retry")],
    ids=["text", "another instance"],
)
def test_an_anchor_is_the_class_or_the_layer(anchor: Any, cure: str) -> None:
    """What looks like an anchor and is none is told how to be one."""
    with pytest.raises(penstock.ConfigurationError, match=cure):
        Stack.standard().before(anchor, Auth())


def test_an_absolute_url_within_the_base_is_called_absolute(colour: Any) -> None:
    """A link the server gave does not leave the base URL, and is not said to."""
    rig = Rig(colour)
    with pytest.raises(InvalidOption, match="is absolute: pass a path below it"):
        rig.colour.run(lambda: rig.client.get(f"{BASE_URL}/items?page=2"))


def test_no_strategy_is_not_a_strategy(colour: Any) -> None:
    """`retry=None` says neither yes nor no."""
    rig = Rig(colour)
    with pytest.raises(InvalidOption, match="max_retries=0"):
        rig.colour.run(lambda: rig.client.get("/x", retry=None))


def test_an_empty_argument_is_an_argument(colour: Any) -> None:
    """An argument wins over a setting, also where it says nothing."""
    rig = Rig(colour, settings=Settings(user_agent="set/1"), user_agent="")
    rig.colour.run(lambda: rig.client.get("/x"))
    assert rig.script.requests[0].headers["user-agent"].startswith("penstock/")


@pytest.mark.parametrize("where", [{"config_file": "p.toml"}, {"profile": "p"}, {"environ": {}}])
def test_loaded_settings_are_not_loaded_again(colour: Any, where: dict[str, Any]) -> None:
    """Settings come loaded, or with where to load them from."""
    client = penstock.AsyncClient if colour.is_async else penstock.Client
    with pytest.raises(InvalidOption, match="loaded already"):
        client.from_settings(Settings(), **where)


@pytest.mark.parametrize(
    "wrong",
    [{"timeout": "x"}, {"base_url": "api.example.com"}, {"stack": []}, {"transport": object()}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_no_frame_of_ours_holds_the_key_of_a_client(colour: Any, wrong: dict[str, Any]) -> None:
    """Whatever else is wrong, a traceback with locals does not show the key."""
    with pytest.raises(InvalidOption) as refused:
        colour.client(**{"base_url": BASE_URL, "api_key": KEY, **wrong})
    assert KEY not in locals_shown(refused.value)


@pytest.mark.parametrize(
    "wrong", [{}, {"timeot": 1}, {"timeout": "x"}], ids=["status", "name", "value"]
)
def test_no_frame_of_ours_holds_the_key_of_a_call(colour: Any, wrong: dict[str, Any]) -> None:
    """The same for a key that one call brings."""
    rig = Rig(colour, [404])
    with pytest.raises(penstock.PenstockError) as refused:
        rig.colour.run(lambda: rig.client.get("/x", api_key=KEY, **wrong))
    assert KEY not in locals_shown(refused.value)


def locals_shown(error: BaseException) -> str:
    """Return the locals of Penstock's own frames, as a traceback with locals shows them."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame for frame in told.stack if "/penstock" in frame.filename]
    return repr([frame.locals for frame in ours])
