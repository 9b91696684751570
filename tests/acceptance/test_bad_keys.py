"""Credentials that cannot be sent, and secrets that are never shown."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import penstock
from penstock import ConfigurationError, InvalidOption, RequestOptions
from penstock.middleware import Auth
from penstock.testing import Reply, Script

from .reading import Reading
from .support import BASE_URL, KEY, in_colour, play
from .telling import SECRET, told, told_by_our_frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Rig


BAD_KEYS = {
    "carriage return": f"{SECRET}\r",
    "line feed": f"{SECRET}\nX-Injected: 1",
    "no ASCII": f"{SECRET}\u2019",
    "nul": f"{SECRET}\0",
    "leading space": f" {SECRET}",
    "trailing space": f"{SECRET} ",
    "tab": f"a\t{SECRET}",
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_key_no_header_can_carry(name: str, colour: Any) -> None:
    """It is refused where it is given, by its position; its value shows nowhere."""
    for make in (
        lambda: colour.client(BASE_URL, api_key=BAD_KEYS[name]),
        lambda: RequestOptions(api_key=BAD_KEYS[name]),
    ):
        with pytest.raises(
            InvalidOption, match=r"api_key has the character U\+[0-9A-F]{4}"
        ) as caught:
            make()
        assert SECRET not in told(caught.value)
        assert SECRET not in told_by_our_frames(caught.value)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        (name, how)
        for name in BAD_KEYS
        for how in ("call", "view", "provider", "middleware", "header")
        if how != "header" or name not in {"leading space", "trailing space", "tab"}
    ],
)
def test_a_key_that_comes_later(name: str, how: str, rig: Callable[..., Rig]) -> None:
    """The same holds for one that a call, a view, a provider, a middleware or a header brings."""
    bad = BAD_KEYS[name]
    server = rig()

    def act() -> Any:
        if how == "call":
            return server.client.get("/it", api_key=bad)
        if how == "view":
            return server.client.with_options(api_key=bad)
        if how == "provider":
            return server.client.get("/it", api_key=in_colour(server.colour, bad))
        if how == "middleware":
            return Auth(bad)
        return server.client.get("/it", headers={"Authorization": bad})

    with pytest.raises(InvalidOption) as caught:
        server.colour.run(act)
    assert SECRET not in told(caught.value)
    assert server.sent == 0


@pytest.mark.parametrize(
    "key",
    ["", 5, b"sk-bytes", ["sk"], object()],
    ids=["empty", "number", "bytes", "list", "object"],
)
def test_a_key_that_is_none(key: Any, colour: Any) -> None:
    """An empty key, or something that is neither text nor a supplier, is refused."""
    with pytest.raises(InvalidOption, match="api_key"):
        colour.client(BASE_URL, api_key=key)


@pytest.mark.parametrize("auth", ["sk-text", ("user", SECRET), 5, httpx.Auth], ids=repr)
def test_an_auth_that_is_none(auth: Any, rig: Callable[..., Rig]) -> None:
    """`auth=` is an `httpx.Auth`: a tuple, a key or a class is refused where it is given."""
    server = rig()
    for make in (lambda: rig(auth=auth), lambda: server.client.get("/it", auth=auth)):
        with pytest.raises(InvalidOption, match="auth") as caught:
            server.colour.run(make)
        assert SECRET not in told(caught.value)
    assert server.sent == 0


def test_what_a_middleware_breaks_is_refused_by_the_wire(demo: Any, colour: Any) -> None:
    """A header a middleware breaks is refused by the client's own transport, not shown."""

    def breaks(request: Any) -> None:
        request.headers["X-Token"] = f"{SECRET}\r\nX-Injected: 1"

    client = colour.client(
        demo.url,
        api_key=KEY,
        trust_env=False,
        stack=penstock.Stack.standard().append(penstock.on_request(breaks)),
    )
    before = len(demo.requests)
    with pytest.raises(InvalidOption) as caught:
        colour.run(lambda: client.get("/echo"))
    assert len(demo.requests) == before
    assert SECRET not in told(caught.value)
    assert KEY not in told(caught.value)


def test_a_key_without_an_origin(colour: Any) -> None:
    """Without a base URL a client's key is nobody's: it is sent nowhere, and the error says how."""
    script = Script([200])
    client = colour.client(api_key=KEY, transport=script)
    with pytest.raises(ConfigurationError, match="base_url") as caught:
        colour.run(lambda: client.get("https://api.example.com/it"))
    assert KEY not in told(caught.value)
    assert script.requests == []


def test_a_proxys_password_is_not_shown(colour: Any) -> None:
    """A proxy that cannot work is refused without its credentials."""
    with pytest.raises(InvalidOption) as caught:
        colour.client(BASE_URL, proxy=f"gopher://me:{SECRET}@proxy.example")
    assert SECRET not in told(caught.value)


def test_an_error_of_the_wire_shows_no_secret(rig: Callable[..., Rig]) -> None:
    """What an error of the transport quotes is shown without the key and without query values."""
    error = httpx.ConnectError(f"no route for https://me:{SECRET}@h/x?key={SECRET} with {KEY}")
    error.request = httpx.Request("GET", BASE_URL, headers={"Authorization": f"Bearer {KEY}"})
    server = rig([error], max_retries=0, api_key=KEY)
    with pytest.raises(penstock.ConnectionFailed) as caught:
        server.send("GET", "/it", params={"token": SECRET})
    assert SECRET not in str(caught.value)
    assert KEY not in str(caught.value)
    assert SECRET not in repr(pickle.dumps(caught.value))
    assert caught.value.url == f"{BASE_URL}/it?token=REDACTED"
    with pytest.raises(RuntimeError):
        _ = error.request


def test_an_echoed_key_is_not_shown(rig: Callable[..., Rig]) -> None:
    """A server that quotes the key in body and headers does not make the error show it."""
    reply = Reply(
        401,
        headers={"X-Debug": f"got {KEY}", "Set-Cookie": f"s={SECRET}", "WWW-Authenticate": SECRET},
        json={"error": {"message": f"Incorrect API key provided: {KEY}"}},
    )
    server = rig([reply], api_key=KEY)
    with pytest.raises(penstock.Unauthorized, match="Incorrect API key") as caught:
        server.send()
    for secret in (KEY, SECRET):
        assert secret not in told(caught.value)
        assert secret not in repr(caught.value.body)
        assert secret not in repr(dict(caught.value.response.headers))


ECHO = {"X-Request-Id": f"for {KEY}"}
EVENTS = {**ECHO, "Content-Type": "text/event-stream"}
ECHOES = {
    "a status": Reply(400, headers=ECHO),
    "a coding": Reply(headers={**ECHO, "Content-Encoding": "gzip"}, content=b"plain"),
    "too long": Reply(headers=ECHO, content=b"x" * 100),
    "cut": Reply(headers=ECHO, chunks=[b"x", httpx.ReadError("reset")]),
    "no stream": Reply(headers={**ECHO, "Content-Type": f"text/{KEY}"}),
    "cut events": Reply(headers=EVENTS, chunks=[b"data: 1\n\n"]),
    "broken events": Reply(headers=EVENTS, chunks=[b"data: 1\n\n", httpx.ReadError("reset")]),
    "an error": Reply(headers=EVENTS, chunks=[b'data: {"error": "no"}\n\n']),
}


@pytest.mark.parametrize("name", ECHOES)
@pytest.mark.parametrize("read", ["whole", "events", "pieces"])
def test_a_request_id_that_is_the_key(name: str, read: str, rig: Callable[..., Rig]) -> None:
    """A server that gives the key back as the request's id does not make any error show it."""
    server = rig([ECHOES[name]], api_key=KEY, max_retries=0, max_response_bytes=50)
    error: BaseException | None = None
    if read == "events":
        error = Reading(server).error
    else:
        try:
            if read == "whole":
                server.send().json()
            else:
                play(server.colour, lambda: _read(server.client))
        except penstock.PenstockError as raised:
            error = raised
    assert error is None or KEY not in told(error)
    assert getattr(error, "request_id", None) in {"for REDACTED", None}
    assert (error is None) == (read == "pieces" and name in {"cut events", "no stream", "an error"})


async def _read(client: Any) -> None:
    if client.runtime.is_async:
        async with client.stream("GET", "/it") as response:
            await response.aread()
        return
    with client.stream("GET", "/it") as response:
        response.read()
