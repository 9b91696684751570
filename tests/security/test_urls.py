"""No path leads out of the base URL, and no host breaks what reads it (CVE-2025-27152)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.acceptance.support import BASE_URL

from penstock import ConnectionFailed, InvalidOption

from .support import SECRET, get, sent

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.support import Rig


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/x",
        "//evil.example/x",
        "\\\\evil.example/x",
        "/\\evil.example/x",
        "https:evil.example",
        "@evil.example",
        "..",
        "/..",
        "/..#x",
        "/a/../../x",
        "/a/..?x",
        "/a/%2e%2e/x",
        "/a/.%2E/x",
        "/%2e%2e%2fx",
        "/..%2Fx",
        "/a%2f..%2fx",
        "/..%5cx",
        "/..\\x",
        "/..;/x",
        "/..;a=1/x",
        "/a/./x",
        "/.#",
    ],
)
def test_no_path_leaves_the_base_url(path: str, rig: Callable[..., Rig]) -> None:
    """Absolute, or up in any spelling a server may understand, it is refused before it is sent."""
    server = rig(api_key=SECRET)
    with pytest.raises(InvalidOption):
        server.send("GET", path)
    assert server.sent == 0


@pytest.mark.parametrize(
    "path", ["/a..b", "/..a", "/a..", "/...", "/a?x=../..", "/a#..", "/a%2Fb", "/a;..", "/~a/.b"]
)
def test_dots_that_lead_nowhere_are_sent(path: str, rig: Callable[..., Rig]) -> None:
    """A dot in a name, a query or a fragment is just that."""
    server = rig()
    server.send("GET", path)
    assert str(server.requests[0].url) == BASE_URL + path


HOSTS = {
    "a label too long": "a" * 64 + ".example",
    "a name too long": "a." * 150 + "example",
    "no label": "a..example",
    "no name": "xn--a.example",
    "a name of hyphens": "-.example",
}


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize("how", ["path", "base", "built"])
def test_a_host_that_is_none(name: str, how: str, colour: Any) -> None:
    """It is a typed error where it is given or where it is looked up, never Python's own."""
    url = f"http://{HOSTS[name]}/"
    built = httpx.Request("GET", "http://a.example/")
    built.url = httpx.URL(url)
    ways: dict[str, Callable[[], Any]] = {
        "path": lambda: get(colour, None, url, max_retries=0),
        "base": lambda: get(colour, url, "/", max_retries=0),
        "built": lambda: sent(colour, None, lambda client: client.send(built), max_retries=0),
    }
    with pytest.raises((InvalidOption, ConnectionFailed)) as caught:
        ways[how]()
    assert getattr(caught.value, "phase", "connect") == "connect"


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", "99999999999"])
def test_a_port_that_is_none(port: str, colour: Any) -> None:
    """A port is a number from 1 to 65535: the resolver would take a larger one for another."""
    with pytest.raises(InvalidOption):
        colour.client(f"https://api.example.com:{port}")
