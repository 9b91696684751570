"""What the environment may decide: what `trust_env` says, and no more."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from tests.transport.server import Server, polite, proxy

from penstock import ConnectionFailed
from penstock.transport.proxies import environment_proxies

from .support import SECRET, get, wire

if TYPE_CHECKING:
    from pathlib import Path

    from tests.transport.conftest import Certificates


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the machine's own settings away."""
    for name in ("http", "https", "all", "no"):
        for variable in (f"{name}_proxy", f"{name}_proxy".upper()):
            monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv("REQUEST_METHOD", raising=False)


@pytest.mark.parametrize("trust_env", [True, False])
def test_netrc_is_not_read(
    trust_env: bool, colour: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password in `~/.netrc` is sent to nobody, and takes no key's place (CVE-2024-47081)."""
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"default login me password {SECRET}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    with Server(polite) as server:
        get(colour, server.url, "/x", trust_env=trust_env)
        get(colour, server.url, "/x", trust_env=trust_env, api_key="the-key")
    basic = base64.b64encode(f"me:{SECRET}".encode()).decode()
    assert basic not in wire([server])
    assert [one.headers.get("authorization") for one in server.heard] == [None, "Bearer the-key"]


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used_if_it_is_trusted(
    variable: str, colour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `trust_env=False` no variable leads a request, or its key, anywhere."""
    with Server(proxy()) as way, Server(polite) as origin:
        monkeypatch.setenv(variable, way.url)
        for trust_env in (True, False):
            get(colour, origin.url, "/x", trust_env=trust_env, api_key=SECRET)
    assert (len(way.heard), len(origin.heard)) == (1, 1)


def test_a_header_is_not_a_proxy() -> None:
    """In a CGI script `HTTP_PROXY` is a header of whoever asks (CVE-2016-1000110)."""
    evil = {"HTTP_PROXY": "http://evil.example:8080", "REQUEST_METHOD": "GET"}
    assert environment_proxies(evil).servers == []
    own = environment_proxies({**evil, "http_proxy": "http://own.example:8080"})
    assert [server.url for server in own.servers] == ["http://own.example:8080"]


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("127.0.0.1", ("http", "127.0.0.1", 80)),
        ("127.0.0.1", ("http", "127.1", 80)),
        ("127.0.0.1", ("http", "2130706433", 80)),
        ("127.0.0.1", ("http", "0x7f.0.0.1", 80)),
        ("127.0.0.0/8", ("http", "127.9.9.9", 80)),
        ("127.0.0.1", ("http", "[::ffff:127.0.0.1]", 80)),
        ("127.0.0.1", ("http", "[::ffff:7f00:1]", 80)),
        ("[::1]", ("http", "[::1]", 80)),
        ("::1", ("http", "[0:0:0:0:0:0:0:1]", 80)),
        ("localhost", ("http", "LOCALHOST", 80)),
        ("localhost", ("http", "localhost.", 80)),
        ("internal.example", ("https", "a.internal.example", 443)),
        (".internal.example", ("https", "a.internal.example", 443)),
        ("internal.example:8443", ("https", "internal.example", 8443)),
        ("10.0.0.0/8,!!,[", ("https", "10.1.2.3", 443)),
    ],
)
def test_what_goes_without_a_proxy(no_proxy: str, url: tuple[str, str, int]) -> None:
    """An origin is the same in every spelling of it (CVE-2025-62718, CVE-2026-42038)."""
    environ = {"all_proxy": "http://proxy.example:3128", "no_proxy": no_proxy}
    assert environment_proxies(environ).server(*url) is None


@pytest.mark.parametrize(
    ("no_proxy", "url"),
    [
        ("internal.example", ("https", "internal.example.evil.example", 443)),
        ("internal.example", ("https", "eviinternal.example", 443)),
        (".internal.example", ("https", "internal.example", 443)),
        ("internal.example:8443", ("https", "internal.example", 443)),
        ("10.0.0.0/8", ("https", "11.1.2.3", 443)),
        ("127.0.0.1", ("http", "[::ffff:127.0.0.2]", 80)),
    ],
)
def test_what_only_looks_like_it_goes_through_the_proxy(
    no_proxy: str, url: tuple[str, str, int]
) -> None:
    """An entry means what it names, and nothing that begins or ends like it."""
    environ = {"all_proxy": "http://proxy.example:3128", "no_proxy": no_proxy}
    assert environment_proxies(environ).server(*url) is not None


def test_trust_is_added_by_the_environment_only_if_it_is_trusted(
    colour: Any, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any
) -> None:
    """`SSL_CERT_FILE` is an authority, and `SSLKEYLOGFILE` is told keys, by `trust_env` alone."""
    # A process has one context for equal settings, which writes to one file.
    log = tmp_path_factory.getbasetemp() / "keys"
    log.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", certificates.authority)
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    with Server(polite, tls=certificates.server) as server:
        with pytest.raises(ConnectionFailed, match="certificate"):
            get(colour, server.url, "/x", trust_env=False, max_retries=0)
        get(colour, server.url, "/x", trust_env=False, verify=certificates.authority)
        assert "CLIENT" not in log.read_text()
        assert [one.content for one in get(colour, server.url, "/x", trust_env=True)] == [b"hello"]
        assert "CLIENT" in log.read_text()
