"""The faults of servers in real use: nginx and HAProxy as gateways, squid as a proxy."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest

import penstock
from penstock.testing import VirtualClock
from penstock.testing.faults import CASES, FaultServer

from . import peers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Colour

    from .peers import Peer

KEY = "sk-real-peers-51c0"
CALLS = 50


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def gateway(request: pytest.FixtureRequest, server: FaultServer) -> Iterator[Peer]:
    run: Callable[[int], Any] = getattr(peers, request.param)
    with run(server.port) as peer:
        yield peer


@pytest.fixture(scope="module")
def squid() -> Iterator[Peer]:
    with peers.squid() as peer:
        yield peer


class Calls:
    """One client's calls, in either colour."""

    def __init__(self, colour: Colour, base_url: str, **options: Any) -> None:
        self.clock = VirtualClock()
        self._colour = colour
        self._client = colour.client(
            base_url, api_key=KEY, clock=self.clock, trust_env=False, **options
        )

    def all(self, method: str, *paths: str, **call: Any) -> list[Any]:
        """Return what each of *paths* gives, on one event loop."""

        async def whole() -> list[Any]:
            async with self._client as client:
                return [await client.request(method, path, **call) for path in paths]

        if self._colour.is_async:
            return list(self._colour.run(whole))
        with self._client as client:
            return [client.request(method, path, **call) for path in paths]

    def error(self, kind: type[penstock.PenstockError], method: str, path: str, **call: Any) -> Any:
        """Return the error of that very class that *path* ends in; it shows no key."""
        with pytest.raises(kind) as caught:
            self.all(method, path, **call)
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        assert KEY not in shown
        assert peers.PASSWORD not in shown
        return caught.value


def test_idle_connections_that_are_closed(gateway: Peer, colour: Colour) -> None:
    """A gateway that drops idle connections after a millisecond costs no call, nor a repeat."""
    answers = Calls(colour, gateway.url, max_retries=0).all("GET", *["/ok"] * CALLS)
    assert [answer.json() for answer in answers] == [{"ok": True}] * CALLS


def test_a_rate_limit(gateway: Peer, colour: Colour) -> None:
    """429 is tried again after as long as the gateway asks for, and then is an error."""
    Calls(colour, gateway.url, raise_for_status=False).all("GET", "/limited")
    calls = Calls(colour, gateway.url)
    error = calls.error(penstock.TooManyRequests, "GET", "/limited")
    assert len(error.attempts) == len(calls.clock.sleeps) + 1 == 3
    if "retry-after" in error.response.headers:
        assert all(7 <= wait <= 8 for wait in calls.clock.sleeps)


def test_a_server_behind_that_is_gone(gateway: Peer, colour: Colour) -> None:
    """502 or 503 of a gateway is a server error, and its page is no message."""
    error = Calls(colour, gateway.url).error(penstock.ServerError, "GET", "/refused")
    assert error.status_code in {502, 503}
    assert len(error.attempts) == 3
    assert "<" not in str(error)


def test_a_server_behind_that_is_silent(gateway: Peer, colour: Colour, server: FaultServer) -> None:
    """504 of a gateway that waited in vain is a server error, repeated for a GET alone."""
    for method, attempts in (("GET", 3), ("POST", 1)):
        with server.run(CASES["conn-request-stall"]) as run:
            calls = Calls(colour, gateway.url)
            error = calls.error(penstock.ServerError, method, run.places["path"])
        assert (error.status_code, len(error.attempts)) == (504, attempts)
        assert len(run.heard) == attempts


def test_an_answer_that_is_cut(gateway: Peer, colour: Colour, server: FaultServer) -> None:
    """What breaks behind a gateway breaks before it: 502, or a body that ends too soon."""
    with server.run(CASES["body-short"]) as run:
        calls = Calls(colour, gateway.url, max_retries=0)
        error = calls.error(penstock.PenstockError, "GET", run.places["path"])
    assert isinstance(error, (penstock.ConnectionFailed, penstock.ServerError))


def test_what_nginx_does_besides(colour: Colour, server: FaultServer) -> None:
    """Its gzip is undone, its 413 is typed, and its redirect carries no key to another origin."""
    with peers.nginx(server.port) as gateway, server.run(CASES["json-text"]) as run:
        compressed = Calls(colour, gateway.url).all("GET", "/ok")[0]
        assert compressed.headers["content-encoding"] == "gzip"
        assert compressed.json() == {"ok": True}
        big = Calls(colour, gateway.url)
        big.error(penstock.ContentTooLarge, "POST", "/ok", content=b"x" * 100_000)
        away = Calls(colour, gateway.url).all("GET", f"/away?to={run.places['path']}")[0]
        assert away.json() == {"ok": True}
        assert [heard.header("authorization") for heard in run.heard] == [None]


@pytest.mark.parametrize("secure", [True, False], ids=["tunnel", "plain"])
def test_a_proxy_with_credentials(
    squid: Peer, colour: Colour, server: FaultServer, secure: bool
) -> None:
    """With its credentials squid carries a call; the origin never sees them."""
    with server.run(CASES["tls-good" if secure else "json-text"]) as run:
        proxy = squid.url.replace("://", f"://{peers.USER}:{peers.PASSWORD}@")
        trust = {"verify": server.certificates.authority} if secure else {}
        calls = Calls(colour, run.origin, proxy=proxy, **trust)
        answers = calls.all("GET", *[run.places["path"]] * 3)
        assert [answer.json() for answer in answers] == [{"ok": True}] * 3
        heard = run.heard
    assert [one.header("authorization") for one in heard] == [f"Bearer {KEY}"] * 3
    assert [one.header("proxy-authorization") for one in heard] == [None] * 3


@pytest.mark.parametrize("credentials", ["", f"{peers.USER}:wrong@"], ids=["none", "wrong"])
@pytest.mark.parametrize("secure", [True, False], ids=["tunnel", "plain"])
def test_a_proxy_that_refuses(
    squid: Peer, colour: Colour, server: FaultServer, credentials: str, secure: bool
) -> None:
    """Without the right credentials squid is a proxy error, or its 407; nothing reaches anybody."""
    with server.run(CASES["tls-good" if secure else "json-text"]) as run:
        proxy = squid.url.replace("://", f"://{credentials}")
        calls = Calls(colour, run.origin, proxy=proxy)
        error = calls.error(penstock.PenstockError, "GET", run.places["path"])
        assert run.heard == []
    if secure:
        assert (type(error), error.phase) == (penstock.ProxyRefused, "proxy")
        assert "407" in error.message
    else:
        assert error.status_code == 407
