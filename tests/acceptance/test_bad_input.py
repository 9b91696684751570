"""What cannot work is refused before anything is sent, by an error that shows no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest

from penstock import InvalidOption, Stack
from penstock.middleware import Headers
from penstock.testing import Script

from .support import BASE_URL
from .telling import SECRET, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Rig


BAD_HEADERS: list[Any] = [
    {"X-Token": f"{SECRET}\r\nX-Injected: 1"},
    {"X-Token": f"{SECRET}\n"},
    {"X-Token": f"{SECRET}\0"},
    {"X-Token": f"{SECRET}\u2019"},
    {"X-Token": SECRET.encode()},
    {"X-Token": None},
    {"X-Token": 5},
    {"X-Token": [SECRET]},
    {"X-Token\r\nX-Injected": SECRET},
    {"X Token": SECRET},
    {"X-Token:": SECRET},
    {"": SECRET},
    {5: SECRET},
    {"Content-Length": "5"},
    {"Transfer-Encoding": "chunked"},
    {"Host": "evil.example"},
    {"Connection": "close"},
    [("X-Token", SECRET)],
    SECRET,
]


@pytest.mark.parametrize(
    ("headers", "how"),
    [
        (headers, how)
        for headers in BAD_HEADERS
        for how in ("client", "call", "view", "callable", "middleware")
        if how != "callable" or isinstance(headers, dict)
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_header_that_cannot_be_sent(headers: Any, how: str, rig: Callable[..., Rig]) -> None:
    """A name or value no message can carry, or that frames it, is refused by its name alone."""
    server = rig()
    if how == "callable":
        headers = {name: lambda value=value: value for name, value in headers.items()}

    def act() -> Any:
        if how == "client":
            return rig(headers=headers)
        if how == "view":
            return server.client.with_options(headers=headers)
        if how == "middleware":
            stack = Stack.standard().replace(Headers, Headers(headers))
            return server.client.get("/it", stack=lambda _: stack)
        return server.client.get("/it", headers=headers)

    with pytest.raises(InvalidOption, match="header") as caught:
        server.colour.run(act)
    assert SECRET not in told(caught.value)
    assert server.sent == 0


@pytest.mark.parametrize("method", ["", "GE T", "GET\r\nX: 1", "GÉT", None, 5, b"GET"])
def test_a_method_that_is_none(method: Any, rig: Callable[..., Rig]) -> None:
    """A method that is no token of HTTP is refused."""
    server = rig()
    with pytest.raises(InvalidOption, match="method"):
        server.send(method)
    assert server.sent == 0


def test_a_built_request_with_a_line_end(rig: Callable[..., Rig]) -> None:
    """A request the caller built is looked through too."""
    server = rig()
    request = httpx.Request("GET", f"{BASE_URL}/it", headers={"X-Token": f"{SECRET}\r\nX: 1"})
    with pytest.raises(InvalidOption, match=r"(?i)x-token") as caught:
        server.colour.run(lambda: server.client.send(request))
    assert SECRET not in told(caught.value)
    assert server.sent == 0


@pytest.mark.parametrize("request_", ["GET", None, httpx2.Request("GET", BASE_URL)], ids=repr)
def test_a_built_request_that_is_none(request_: Any, rig: Callable[..., Rig]) -> None:
    """`send` takes a request of the client's own family."""
    server = rig()
    with pytest.raises(InvalidOption, match=r"httpx\.Request"):
        server.colour.run(lambda: server.client.send(request_))
    assert server.sent == 0


def test_two_ways_out(colour: Any) -> None:
    """A transport and a client, or one of them and options of our own pool, exclude each other."""
    kinds = (httpx.AsyncClient, httpx.Client)
    http_client = kinds[not colour.is_async]()
    with pytest.raises(InvalidOption, match="not both"):
        colour.client(transport=Script(), http_client=http_client)
    for option in ({"proxy": "http://localhost:1"}, {"http2": True}, {"limits": httpx.Limits()}):
        said = f"only the client's own transport takes {next(iter(option))}: set that on the object"
        with pytest.raises(InvalidOption, match=said):
            colour.client(transport=Script(), **option)
        with pytest.raises(InvalidOption, match=said):
            colour.client(http_client=http_client, **option)
