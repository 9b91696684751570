"""URLs that lead where no request may go are refused before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from penstock import InvalidOption
from penstock.testing import Script

from .support import KEY
from .telling import SECRET, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Rig


@pytest.mark.parametrize(
    ("base_url", "reason"),
    [
        ("", "not an http"),
        ("api.example.com", "not an http"),
        ("/v1", "not an http"),
        ("ftp://api.example.com", "not an http"),
        ("https://", "not an http"),
        ("https:///v1", "not an http"),
        ("file:///etc/passwd", "not an http"),
        (5, "not an http"),
        ("https://api.example.com:99999", "not an http"),
        ("https://api.example.com:x", "not an http"),
        ("https://api.exa mple.com", "space"),
        ("https://api.example.com\n", "control"),
        ("https://api.example.com\\v1", "backslash"),
        (f"https://user:{SECRET}@api.example.com", "credentials"),
        (f"https://api.example.com?key={SECRET}", "query"),
        (f"https://api.example.com#{SECRET}", "fragment"),
        ("https://api.example.com?", "query"),
        ("https://[::1", "not an http"),
        ("https://\ud800.example", "not an http"),
        (f"https://{'a' * 70_000}.example", "not an http"),
    ],
)
def test_a_base_url_that_is_none(base_url: Any, reason: str, colour: Any) -> None:
    """It is refused at construction, with what is wrong with it and none of its secrets."""
    with pytest.raises(InvalidOption, match=reason) as caught:
        colour.client(base_url)
    assert SECRET not in told(caught.value)


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/x",
        "///evil.example",
        "https://evil.example/x",
        "HTTPS://evil.example/x",
        "http://api.example.com/v1/x",
        "ftp://api.example.com/x",
        "javascript:alert(1)",
        "@evil.example/x",
        "me@evil.example",
        "..",
        "../x",
        "/../x",
        "/a/../../x",
        "/a/./b",
        "/a/%2e%2e/x",
        "/%2E./x",
        "/.%2e",
        "/a b",
        "/a\tb",
        "/a\r\nX-Injected: 1",
        "/a\\b",
        "\\\\evil.example",
        "/\ud800",
        "/" + "a" * 70_000,
        None,
        5,
        b"/bytes",
    ],
    ids=lambda path: str(path)[:30].encode("ascii", "replace").decode(),
)
def test_a_path_that_leaves_the_base_url(path: Any, rig: Callable[..., Rig]) -> None:
    """Another host, another scheme, dot segments and what no URL may hold send nothing."""
    server = rig(api_key=KEY)
    for call in (
        lambda: server.client.get(path),
        lambda: server.client.get(path, options={"headers": {"X": "1"}}),
    ):
        with pytest.raises(InvalidOption):
            server.colour.run(call)
    assert server.sent == 0


@pytest.mark.parametrize("path", ["/x", "https:///x", "ftp://evil.example", "https://a b", ""])
def test_without_a_base_url_only_absolute_urls(path: str, colour: Any) -> None:
    """A client without a base URL takes http and https URLs with a host, and nothing else."""
    script = Script()
    client = colour.client(transport=script)
    with pytest.raises(InvalidOption):
        colour.run(lambda: client.get(path))
    assert script.requests == []
