"""Who cannot connect through a proxy hears that there is one."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from tests.security.support import SECRET, get

from penstock import ConnectionFailed


@pytest.fixture
def nobody() -> str:
    """The authority of a port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{held.getsockname()[1]}"


def test_a_proxy_that_cannot_be_reached_is_named(nobody: str, colour: Any) -> None:
    """By its address, without its credentials: the host that was asked for is not to blame."""
    proxy = f"http://me:{SECRET}@{nobody}"
    engines = ["pool", "httpx", "httpx2"] + ["aiohttp"] * (colour.name == "asyncio")
    for engine in engines:
        with pytest.raises(ConnectionFailed, match=rf"through the proxy http://{nobody}") as caught:
            get(colour, "http://api.example", "/x", proxy=proxy, engine=engine, max_retries=0)
        assert caught.value.unsent
        assert SECRET not in str(caught.value)


def test_the_environments_proxy_is_named(
    nobody: str, colour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody may remember having set it; what goes past it says nothing of it."""
    monkeypatch.setenv("http_proxy", f"http://{nobody}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for url, named in [("http://api.example", True), (f"http://{nobody}", False)]:
        with pytest.raises(ConnectionFailed) as caught:
            get(colour, url, "/x", trust_env=True, max_retries=0)
        assert ("through the proxy" in str(caught.value)) is named
