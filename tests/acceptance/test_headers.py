"""What every request says, and the URL it says it to."""

from __future__ import annotations

import itertools
import platform
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import penstock
from penstock import REMOVE, Stack
from penstock.middleware import Headers, UserAgent
from penstock.testing import Script

from .support import BASE_URL

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Rig


def short(version: str) -> str:
    return ".".join(version.split(".")[:2])


OWN = (
    f"penstock/{short(penstock.__version__)} httpx/{short(httpx.__version__)} "
    f"python/{short(platform.python_version())}"
)


@pytest.mark.parametrize(
    ("options", "call", "agent"),
    [
        ({}, {}, OWN),
        ({"user_agent": "mine/2"}, {}, f"mine/2 {OWN}"),
        ({"stack": Stack([UserAgent("sdk/3")])}, {}, f"sdk/3 {OWN}"),
        (
            {"stack": Stack([UserAgent("sdk/3")]), "user_agent": "mine/2"},
            {},
            f"mine/2 sdk/3 {OWN}",
        ),
        ({"headers": {"user-agent": "whole"}}, {}, "whole"),
        ({"headers": {"User-Agent": "client"}}, {"headers": {"USER-AGENT": "call"}}, "call"),
    ],
)
def test_the_user_agent(options: Any, call: Any, agent: str, rig: Callable[..., Rig]) -> None:
    """Product tokens, prefixable; what client or call give as a header stands instead."""
    server = rig([200], **options)
    server.send(**call)
    assert server.requests[0].headers.get_list("user-agent") == [agent]


def test_generic_headers_are_the_familys(rig: Callable[..., Rig]) -> None:
    """Beside `User-Agent` a request has what httpx's own client would send, in one line each."""
    server, theirs = rig([200, 200]), Script([200, 200])
    for body in ({}, {"json": {"a": 1}}):
        server.send("POST", **body)
        httpx.Client(transport=theirs, headers={"User-Agent": OWN}).post(f"{BASE_URL}/it", **body)
    assert [sorted(r.headers.multi_items()) for r in server.requests] == [
        sorted(r.headers.multi_items()) for r in theirs.requests
    ]


@pytest.mark.parametrize("where", ["client", "call", "middleware", "view"])
def test_a_callable_value_is_asked_for_each_attempt(where: str, rig: Callable[..., Rig]) -> None:
    """Its first answer goes with the first attempt, its second with the second; one line each."""
    numbers = itertools.count(1)
    headers = {"X-Request-Token": lambda: f"t{next(numbers)}"}
    options: dict[str, Any] = {}
    if where == "client":
        options = {"headers": headers}
    elif where == "middleware":
        options = {"stack": Stack.standard().replace(Headers, Headers(headers))}
    server = rig([503, 200], **options)
    client = server.client.with_options(headers=headers) if where == "view" else server.client
    call = {"headers": headers} if where == "call" else {}
    server.colour.run(lambda: client.get("/it", **call))
    assert [r.headers.get_list("x-request-token") for r in server.requests] == [["t1"], ["t2"]]


def test_a_callable_value_can_be_replaced(rig: Callable[..., Rig]) -> None:
    """A call's plain value takes the place of the client's callable, on every attempt."""
    server = rig([503, 200, 503, 200], headers={"X-A": lambda: "asked"})
    server.send(headers={"x-a": "plain"})
    server.send(headers={"x-a": REMOVE})
    assert [r.headers.get("x-a") for r in server.requests] == ["plain", "plain", None, None]


def test_a_middlewares_headers(rig: Callable[..., Rig]) -> None:
    """`Headers` sets and removes on every attempt, and leaves one line for each name."""
    stack = Stack.standard().replace(Headers, Headers({"X-A": "policy", "accept": REMOVE}))
    server = rig([503, 200], headers={"x-a": "client"}, stack=stack)
    server.send()
    assert [r.headers.get_list("x-a") for r in server.requests] == [["policy"]] * 2
    assert ["accept" in r.headers for r in server.requests] == [False] * 2


def test_an_explicit_value_is_left_alone(rig: Callable[..., Rig]) -> None:
    """A retry-count header of the caller's stays what it is; none of ours is sent."""
    server = rig([503, 200, 503, 200])
    server.send(headers={"x-stainless-retry-count": "42"})
    server.send()
    assert [r.headers.get("x-stainless-retry-count") for r in server.requests] == [
        "42",
        "42",
        None,
        None,
    ]


def test_cookies(rig: Callable[..., Rig]) -> None:
    """A client's cookies go with every request; those a server sets are not kept."""
    reply = httpx.Response(200, headers={"Set-Cookie": "theirs=1"})
    server = rig(
        transport=httpx.MockTransport(lambda request: (seen.append(request), reply)[1]),
        cookies={"a": "1", "b": "2"},
    )
    seen: list[Any] = []
    server.send()
    server.send()
    assert [request.headers.get_list("cookie") for request in seen] == [["a=1; b=2"]] * 2


@pytest.mark.parametrize("method", ["post", "Post", "POST"])
def test_a_method_in_any_case(method: str, rig: Callable[..., Rig]) -> None:
    """A method is sent in capitals, and says that it has no body where one is expected."""
    server = rig([200])
    server.send(method)
    assert server.requests[0].method == "POST"
    assert server.requests[0].headers["content-length"] == "0"


@pytest.mark.parametrize("verb", ["get", "post", "put", "patch", "delete", "head", "options"])
def test_the_verbs(verb: str, rig: Callable[..., Rig]) -> None:
    """Each verb is a method of the client."""
    server = rig([200])
    response = server.colour.run(lambda: getattr(server.client, verb)("/it", params={"a": "1"}))
    assert response.status_code == 200
    assert (server.requests[0].method, str(server.requests[0].url)) == (
        verb.upper(),
        f"{BASE_URL}/it?a=1",
    )


URLS = [
    ("https://h.example", "/x", "https://h.example/x"),
    ("https://h.example/", "/x", "https://h.example/x"),
    ("https://h.example", "x", "https://h.example/x"),
    ("https://h.example/v1", "/x", "https://h.example/v1/x"),
    ("https://h.example/v1/", "x", "https://h.example/v1/x"),
    ("https://h.example/v1/", "/x/", "https://h.example/v1/x/"),
    ("https://h.example/v1", "", "https://h.example/v1"),
    ("https://h.example/v1", "?q=1", "https://h.example/v1?q=1"),
    ("https://h.example:8443/v1", "/x", "https://h.example:8443/v1/x"),
    ("https://h.example:443", "/x", "https://h.example/x"),
    ("HTTPS://H.example", "/X", "https://h.example/X"),
    ("https://[::1]:8000", "/x", "https://[::1]:8000/x"),
    ("https://h.example", "/a%2Fb", "https://h.example/a%2Fb"),
    ("https://h.example", "/a/me@host", "https://h.example/a/me@host"),
    ("https://h.example", "/@me", "https://h.example/@me"),
    ("https://h.example", "/a:b", "https://h.example/a:b"),
    ("https://h.example", "/v1/models/gpt:generate", "https://h.example/v1/models/gpt:generate"),
    ("https://h.example", "/...", "https://h.example/..."),
    ("https://h.example", "/a..b", "https://h.example/a..b"),
    ("https://h.example", "/caf\u00e9", "https://h.example/caf%C3%A9"),
    (
        "https://h.example",
        "/x?u=https://e.example/..",
        "https://h.example/x?u=https://e.example/..",
    ),
    (None, "https://h.example/x?q=1", "https://h.example/x?q=1"),
    (None, httpx.URL("https://h.example/x"), "https://h.example/x"),
]


@pytest.mark.parametrize(("base_url", "path", "sent"), URLS)
def test_urls(base_url: Any, path: Any, sent: str, rig: Callable[..., Rig]) -> None:
    """A path is put below the base URL, with a slash between them whatever either has."""
    server = rig([200], base_url=base_url)
    server.send("GET", path)
    assert str(server.requests[0].url) == sent


@pytest.mark.parametrize("base_url", ["https://h.example/v1", "https://h.example/v1/"])
def test_a_clients_base_url(base_url: str, colour: Any) -> None:
    """`base_url` reads the same with and without a slash at its end."""
    assert colour.client(base_url, transport=Script()).base_url == "https://h.example/v1"


@pytest.mark.parametrize(
    ("path", "client", "call", "sent"),
    [
        ("/foo?beta=true", {}, {"limit": 5, "page": 2}, b"/v1/foo?beta=true&limit=5&page=2"),
        ("/foo", {"q": "bar"}, {"q": "baz"}, b"/v1/foo?q=baz"),
        ("/foo?q=path", {"q": "client"}, {}, b"/v1/foo?q=client"),
        ("/files/a%2Fb?beta=true", {}, {"limit": 5}, b"/v1/files/a%2Fb?beta=true&limit=5"),
        ("/foo", {}, {"a": [1, 2]}, b"/v1/foo?a=1&a=2"),
        ("/foo", {}, {"a": True, "b": None, "c": 1.5}, b"/v1/foo?a=true&b=&c=1.5"),
        ("/foo", {}, {"a": "x&y=z #"}, b"/v1/foo?a=x%26y%3Dz+%23"),
    ],
)
def test_query_parameters(
    path: str, client: Any, call: Any, sent: bytes, rig: Callable[..., Rig]
) -> None:
    """The path's, the client's and the call's are merged, the nearer one winning by key."""
    server = rig([200], params=client)
    server.send("GET", path, params=call)
    assert server.requests[0].url.raw_path == sent


def test_a_lot_of_paths(rig: Callable[..., Rig]) -> None:
    """More paths than are remembered are all sent to where they say."""
    server = rig([200], forever=True)
    for n in [*range(300), *range(10)]:
        server.send("GET", f"/{n}")
    assert [r.url.path for r in server.requests] == [f"/v1/{n}" for n in [*range(300), *range(10)]]
