"""The catalogue of faults, and the server for whoever tests a client of their own."""

from __future__ import annotations

import socket
import sys
from collections import Counter
from typing import TYPE_CHECKING

import httpx
import pytest

import penstock
from penstock.testing import faults
from penstock.testing.faults import CASES, GROUPS, Ask, Case, FaultServer, gives, raises
from penstock.testing.faults.case import either
from penstock.testing.faults.pieces import answer, say, turns

if TYPE_CHECKING:
    from tests.conftest import Colour

LEAST = {
    "conn": 10,
    "ka": 10,
    "head": 41,
    "body": 36,
    "json": 24,
    "ra": 38,
    "rd": 27,
    "sse": 25,
    "tls": 16,
    "px": 20,
}


def test_every_kind_is_there() -> None:
    """No group of faults has fewer cases than were known when it was begun."""
    counts = Counter(case.group for case in CASES.values())
    assert list(GROUPS) == list(LEAST)
    assert {group: count for group, count in LEAST.items() if counts[group] < count} == {}


def test_no_case_hides_another() -> None:
    """No two cases share an id, and none does and demands the same as another."""
    tables = [case for table in faults._TABLES for case in table.CASES]
    assert len(tables) == len(CASES)
    sentences = Counter(str(case).partition(": ")[2] for case in tables)
    assert [sentence for sentence, count in sentences.items() if count > 1] == []


@pytest.mark.parametrize(
    ("must", "says"),
    [
        (gives(), "gives {'ok': True}; one request"),
        (gives(sends=2, wait=(1, 1.5)), "gives {'ok': True}; 2 requests; waits 1 to 1.5 s"),
        (
            gives(sends=0, reuse=True),
            "gives {'ok': True}; no requests; the connection is used again",
        ),
        (
            raises("TimedOut/read", "DecodeError", sends=None, reuse=False),
            "raises TimedOut/read or DecodeError; the connection is closed",
        ),
        (either(b"", "RedirectError"), "gives b'' or raises RedirectError"),
    ],
)
def test_a_case_says_what_it_demands(must: faults.Must, says: str) -> None:
    """What a client must make of a fault can be read as a sentence."""
    assert str(must) == says


def test_a_case_of_ones_own(colour: Colour, server: FaultServer) -> None:
    """A case is one object; its run has the URL to call and what the server heard."""
    ours = Case("own-503", "is away once", gives(), turns(answer("503 Away"), answer()))
    with server.run(ours) as run:
        client = colour.client(run.url, clock=penstock.testing.VirtualClock())

        async def call() -> None:
            async with client:
                assert (await client.get("")).json() == {"ok": True}

        if colour.is_async:
            colour.run(call)
        else:
            with client:
                assert client.get("").json() == {"ok": True}
        assert [heard.method for heard in run.heard] == ["GET", "GET"]
        assert run.sends == 2


def test_a_server_that_has_recovered(server: FaultServer) -> None:
    """Once healed, a run's own port and its proxy answer well, whatever they did before."""
    with server.run(CASES["conn-refused"]) as run, httpx.Client(trust_env=False) as client:
        with pytest.raises(httpx.ConnectError):
            client.get(run.url)
        run.heal()
        assert client.get(run.good_url).json() == run.answer
    with (
        server.run(CASES["px-502"]) as run,
        httpx.Client(proxy=run.proxy, trust_env=False) as client,
    ):
        assert client.get(run.url).status_code == 502
        run.heal()
        assert client.get(run.good_url).json() == run.answer


def test_a_stranger_at_the_door(server: FaultServer) -> None:
    """A path that is no run's is a 404, and a port is closed with its run."""
    assert httpx.get(f"http://127.0.0.1:{server.port}/nobody/0", trust_env=False).is_client_error
    ours = Case("own-port", "has a port", gives(), say(b""), Ask(), accept=lambda peer: None)
    with server.run(ours) as run:
        port = run.port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_certificates_need_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without trustme the cases that need no TLS work; the others name the extra it is in."""
    monkeypatch.setitem(sys.modules, "trustme", None)
    monkeypatch.delitem(sys.modules, "penstock.testing.faults.certificates", raising=False)
    with FaultServer() as server:
        with server.run(CASES["json-empty"]):
            pass
        with (
            pytest.raises(penstock.ConfigurationError, match=r"penstock\[test\]"),
            server.run(CASES["tls-good"]),
        ):
            pass
