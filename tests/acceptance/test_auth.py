"""The credential: whose it is, who is asked for it, and when it is renewed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from penstock import REMOVE, InvalidOption, Stack, on_request
from penstock.middleware import Auth, Retry
from penstock.testing import Reply, Script

from .support import BASE_URL, KEY, auth, keys, with_retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Rig

ELSEWHERE = "https://else.example/there"


@pytest.mark.parametrize(
    ("options", "name", "value"),
    [
        ({}, "authorization", f"Bearer {KEY}"),
        ({"scheme": None}, "authorization", KEY),
        ({"scheme": "Token"}, "authorization", f"Token {KEY}"),
        ({"header": "X-Api-Key", "scheme": None}, "x-api-key", KEY),
    ],
)
def test_where_the_key_goes(options: Any, name: str, value: str, rig: Callable[..., Rig]) -> None:
    """A bearer key by default; another header or scheme by `Auth`."""
    for given in ({"stack": auth(**options), "api_key": KEY}, {"stack": auth(key=KEY, **options)}):
        server = rig([503, 200], **given)
        assert server.status() == 200
        assert keys(server, name) == [value, value]


def test_nobody_above_sees_the_key(rig: Callable[..., Rig]) -> None:
    """The key is put on a copy: neither the request above nor the response's request has it."""
    above: list[Any] = []
    stack = Stack.standard().before(Auth, on_request(above.append))
    server = rig([200], api_key=KEY, stack=stack)
    response = server.send()
    assert "authorization" not in above[0].headers
    assert "authorization" not in response.request.headers
    assert keys(server) == [f"Bearer {KEY}"]


@pytest.mark.parametrize("how", ["client", "view", "call"])
@pytest.mark.parametrize("by", ["api_key", "auth"])
def test_explicit_headers_win_over_a_key(how: str, by: str, rig: Callable[..., Rig]) -> None:
    """A credential's header that client or call give themselves stands, and `REMOVE` sends none."""
    given = {"api_key": KEY} if by == "api_key" else {"stack": auth(key=KEY)}
    for value, sent in (("Basic abc", "Basic abc"), (REMOVE, None)):
        headers = {"AUTHORIZATION": value}
        server = rig([200], **given, **({"headers": headers} if how == "client" else {}))
        if how == "view":
            view = server.client.with_options(headers=headers)
            server.colour.run(lambda view=view: view.get("/it"))
        else:
            server.send(**({"headers": headers} if how == "call" else {}))
        assert keys(server) == [sent]


def test_a_key_stays_with_its_origin(rig: Callable[..., Rig]) -> None:
    """To another origin neither the key, nor the client's headers and params, nor cookies go."""
    options = {
        "api_key": KEY,
        "headers": {"X-Mine": "1", "X-Asked": lambda: "2"},
        "params": {"p": "1"},
        "cookies": {"c": "1"},
    }
    server = rig([503, 200, 200], **options)
    server.send("GET", ELSEWHERE, allow_absolute=True, headers={"X-Call": "3"}, params={"q": "2"})
    server.send("GET", f"{BASE_URL}/home", allow_absolute=True)
    away, again, home = server.requests
    for request in (away, again):
        assert request.url == f"{ELSEWHERE}?q=2"
        assert request.headers["x-call"] == "3"
        for name in ("authorization", "x-mine", "x-asked", "cookie"):
            assert name not in request.headers
    assert home.headers["authorization"] == f"Bearer {KEY}"
    assert (home.headers["x-mine"], home.headers["x-asked"]) == ("1", "2")


@pytest.mark.parametrize("url", ["https://api.example.com:8443/x", "http://api.example.com/x"])
def test_port_and_scheme_are_part_of_the_origin(url: str, rig: Callable[..., Rig]) -> None:
    """The same host by another port or scheme is another origin."""
    server = rig([200], api_key=KEY)
    server.send("GET", url, allow_absolute=True)
    assert keys(server) == [None]


def test_a_calls_own_key_without_a_base_url(colour: Any) -> None:
    """Without a base URL a call's own key belongs to the origin the call names."""
    script = Script([Reply(302, headers={"Location": ELSEWHERE}), 200])
    client = colour.client(transport=script)
    colour.run(lambda: client.get(f"{BASE_URL}/it", api_key=KEY))
    assert [r.headers.get("authorization") for r in script.requests] == [f"Bearer {KEY}", None]


def test_further_origins_can_be_named(rig: Callable[..., Rig]) -> None:
    """`auth_origins` may have the credential beside the base URL's."""
    stack = auth(auth_origins=["https://else.example"])
    server = rig([Reply(307, headers={"Location": ELSEWHERE}), 200], api_key=KEY, stack=stack)
    assert server.status() == 200
    assert keys(server) == [f"Bearer {KEY}"] * 2
    with pytest.raises(InvalidOption, match="auth_origins"):
        Auth(auth_origins=["else.example"])


class TwoSteps(httpx.Auth):
    """An auth that fetches a token from elsewhere, and answers a challenge."""

    requires_response_body = True

    def auth_flow(self, request: httpx.Request) -> Any:
        token = yield httpx.Request("POST", "https://login.example/token", content=b"grant")
        request.headers["Authorization"] = f"Bearer {token.json()['token']}"
        response = yield request
        if response.status_code == 401:
            request.headers["Authorization"] = "Bearer second"
            yield request


@pytest.mark.parametrize("family", ["plain", "stream"])
def test_any_httpx_auth(family: str, rig: Callable[..., Rig]) -> None:
    """An `httpx.Auth` may send requests of its own and see their responses; each is a send."""
    server = rig([{"token": "first"}, 401, {"ok": True}], auth=TwoSteps())
    if family == "plain":
        assert server.send("PUT", content=b"body").json() == {"ok": True}
        assert server.script.bodies == [b"grant", b"body", b"body"]
    else:
        statuses: list[int] = []

        async def read() -> None:
            async with server.client.stream("GET", "/it") as response:
                statuses.append(response.status_code)

        if server.colour.is_async:
            server.colour.run(read)
        else:
            with server.client.stream("GET", "/it") as response:
                statuses.append(response.status_code)
        assert statuses == [200]
    assert keys(server) == [None, "Bearer first", "Bearer second"]
    assert [str(r.url) for r in server.requests] == [
        "https://login.example/token",
        f"{BASE_URL}/it",
        f"{BASE_URL}/it",
    ]
    assert server.script.open == 0


def test_an_auth_begins_anew_with_each_attempt(rig: Callable[..., Rig]) -> None:
    """A flow runs once an attempt: what it put on the first is not on the second."""
    seen: list[str | None] = []

    class Count(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Any:
            seen.append(request.headers.get("authorization"))
            request.headers["Authorization"] = f"n {len(seen)}"
            yield request

    server = rig([503, 200], auth=Count(), stack=with_retry())
    assert server.status() == 200
    assert seen == [None, None]
    assert keys(server) == ["n 1", "n 2"]


def test_digest_and_basic(rig: Callable[..., Rig]) -> None:
    """httpx's own auths work, and a body that is one-shot is not sent to a challenge's answer."""
    challenge = Reply(401, headers={"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'})
    server = rig([challenge, 200], auth=httpx.DigestAuth("me", "secret"))
    assert server.status("PUT", content=b"body") == 200
    assert server.script.bodies == [b"body", b"body"]
    assert keys(server)[1].startswith("Digest ")  # type: ignore[union-attr]  # there is one

    def once() -> Any:
        yield b"once"

    async def aonce() -> Any:
        yield b"once"

    server = rig([challenge, 200], auth=httpx.DigestAuth("me", "secret"), stack=with_retry())
    assert server.status("PUT", content=aonce() if server.colour.is_async else once()) == 401
    assert server.script.bodies == [b"once"]
    server = rig([200], auth=httpx.BasicAuth("me", "secret"))
    assert server.status() == 200
    assert keys(server) == ["Basic bWU6c2VjcmV0"]


def test_an_auth_that_sends_nothing(rig: Callable[..., Rig]) -> None:
    """A flow that yields no request is told so."""

    class Nothing(httpx.Auth):
        def sync_auth_flow(self, request: httpx.Request) -> Any:
            yield from ()

        async def async_auth_flow(self, request: httpx.Request) -> Any:
            for nothing in ():
                yield nothing

    server = rig([200], auth=Nothing())
    with pytest.raises(InvalidOption, match="Nothing"):
        server.send()


def test_the_key_is_no_part_of_what_a_client_shows(rig: Callable[..., Rig]) -> None:
    """Client, stack, options and credential have reprs without the key."""
    server = rig(api_key=KEY, stack=auth(key=KEY))
    for shown in (server.client, server.client.stack, server.client._options, Auth(KEY), Retry()):
        assert KEY not in repr(shown)
