"""What an engine cannot do is an error at construction, and in the documentation's table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

import penstock
from penstock import ConfigurationError, InvalidOption, Limits
from penstock.clients.babyapi import BabyAPI
from penstock.clients.bayt import BaytClient
from penstock.clients.openai_compatible import OpenAICompatible
from penstock.clients.pareta import Pareta
from penstock.testing import Script
from penstock.transport import httpx2_family
from penstock.transport.capabilities import markdown

from .senders import SENDERS, Sender, over
from .server import Server, polite


@over(SENDERS)
def test_what_an_engine_cannot_do_is_an_error_at_construction(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each option is taken, or refused with the engines that take it, as the table says."""
    asked: dict[str, dict[str, Any]] = {
        "deadline": {"deadline": 5},
        "max_header_bytes": {"max_header_bytes": 1000},
        "http2": {"http2": True},
        "uds": {"uds": "/run/s"},
        "http proxy": {"proxy": "http://proxy.example"},
        "https proxy": {"proxy": {"https://": "https://proxy.example"}},
        "socks": {"proxy": "socks5://proxy.example"},
        "per origin": {"limits": Limits(max_connections_per_origin=2)},
        "idle limit": {"limits": Limits(max_keepalive_connections=7)},
    }
    for name, options in asked.items():
        if sender.can(name):
            sender.run(nothing, "http://localhost", **options)
            continue
        with pytest.raises(InvalidOption, match=r"lacks .*engine='pool'"):
            sender.client("http://localhost", **options)
    if not sender.can("deadline"):
        client = sender.client("http://localhost")
        with pytest.raises(InvalidOption, match="lacks deadline"):
            client.with_options(deadline=5)
    if not sender.can("socks"):
        monkeypatch.setenv("ALL_PROXY", "socks5://proxy.example")
        with pytest.raises(InvalidOption, match="SOCKS"):
            sender.client("http://localhost", trust_env=True)


async def nothing(client: Any) -> None:
    """Use the client for nothing."""


@pytest.mark.parametrize(
    ("engine", "package", "says"),
    [
        ("httpx2", "httpx2", r"pip install 'penstock\[httpx2\]'"),
        ("aiohttp", "aiohttp", r"pip install 'penstock\[aiohttp\]'"),
    ],
)
def test_a_missing_extra_is_named(
    engine: str, package: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine whose package is missing says what to install."""
    monkeypatch.setitem(sys.modules, package, None)
    httpx2_family.cache_clear()  # else it knows that the package is there
    with pytest.raises(ConfigurationError, match=says):
        penstock.AsyncClient("http://localhost", engine=engine)


@pytest.mark.parametrize("engine", ["httpx", "httpx2"])
def test_a_missing_package_of_an_engine_is_named(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an engine needs besides, for SOCKS and for HTTP/2, says what to install."""
    for package, options, says in (
        ("socksio", {"proxy": "socks5://proxy.example"}, rf"{engine}\[socks\]"),
        ("h2", {"http2": True}, r"penstock\[http2\]"),
    ):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(ConfigurationError, match=says):
            penstock.Client("http://localhost", engine=engine, **options)


@pytest.mark.parametrize("engine", ["curl", "", None, 3, "Pool"])
def test_an_unknown_engine(engine: Any) -> None:
    """What is no engine's name is refused, and the names are told."""
    with pytest.raises(InvalidOption, match="'pool', 'httpx', 'httpx2', 'aiohttp'"):
        penstock.Client("http://localhost", engine=engine)


def test_an_engine_comes_from_settings() -> None:
    """The setting `engine` is what an argument would say, and does not reach a given transport."""
    settings = penstock.Settings(engine="httpx2")
    with penstock.Client("http://localhost", settings=settings) as client:
        assert client.runtime is not None
        assert "httpx2" in repr(client._wire.transport)
    script = Script([200])
    with penstock.Client("http://localhost", settings=settings, transport=script) as client:
        assert client.get("/").status_code == 200


@pytest.mark.parametrize("engine", ["pool", "httpx", "aiohttp"])
def test_an_engine_under_an_sdk(engine: str) -> None:
    """A stack beneath somebody else's client sends with any engine of its family."""

    async def scenario() -> None:
        transport = penstock.AsyncHttpxTransport(engine=engine, trust_env=False)
        async with httpx.AsyncClient(transport=transport) as client:
            assert (await client.get(server.url)).text == "hello"

    with Server(polite) as server:
        anyio.run(scenario)
    with pytest.raises(InvalidOption, match="httpx2"):
        penstock.AsyncHttpxTransport(engine="httpx2")


@pytest.mark.parametrize("sdk", [BabyAPI, BaytClient, OpenAICompatible, Pareta])
def test_an_sdk_passes_the_engine_on(sdk: Any) -> None:
    """The clients that ship take `engine` and hand it to their client."""
    with pytest.raises(penstock.PenstockError, match="engine='aiohttp' lacks"):
        sdk(api_key="sk-an-example-key-1234", engine="aiohttp")


def test_the_documentation_has_the_table() -> None:
    """What the page shows is the table that decides."""
    page = (Path(__file__).parents[2] / "docs" / "transports.md").read_text("utf-8")
    shown = page.partition("capabilities.py -->\n")[2].partition("\n<!-- /engines -->")[0]
    assert markdown() == shown
