from __future__ import annotations

import os
from typing import Any

import httpx
import httpx2
import pytest
from httpx2._utils import URLPattern, get_environment_proxies
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import ConfigurationError
from penstock.transport.proxies import environment_proxies, explicit_proxies

P = "http://proxy.example:3128"
Q = "http://other.example:3128"
BOTH = {"http_proxy": P, "https_proxy": Q}

URLS = [
    "http://example.com",
    "https://example.com",
    "https://www.example.com",
    "https://wwwexample.com",
    "http://example.com:8080",
    "http://localhost",
    "http://10.1.2.3",
    "http://192.168.7.7:8080",
    "http://[::1]",
    "https://[fe80::1]:8443",
]

ENVIRONS: list[dict[str, str]] = [
    {},
    {"http_proxy": P},
    {"HTTP_PROXY": P},
    {"HTTPS_PROXY": P},
    {"ALL_PROXY": P},
    {"all_proxy": P, "https_proxy": Q},
    {"http_proxy": P, "HTTP_PROXY": Q},
    {"http_proxy": "", "HTTP_PROXY": Q},
    {"http_proxy": "", "all_proxy": P},
    {"http_proxy": "proxy.example:3128"},
    {"HTTP_PROXY": P, "REQUEST_METHOD": "GET"},
    {"http_proxy": P, "REQUEST_METHOD": "GET"},
    {"HTTP_PROXY": P, "ALL_PROXY": Q, "REQUEST_METHOD": "GET"},
    {"no_proxy": "example.com"},
    *(
        {**BOTH, "no_proxy": no_proxy}
        for no_proxy in (
            "*",
            "a.example,*",
            "example.com",
            ".example.com",
            "*.example.com",
            "EXAMPLE.com",
            " a.example , www.example.com ",
            "example.com:8080",
            "example.com:9090",
            "https://example.com",
            "https://www.example.com:444",
            "localhost",
            "10.1.2.3",
            "10.0.0.0/8",
            "192.168.7.7:8080",
            "192.168.7.7:80",
            "::1",
            "[::1]",
            "fe80::/10",
            "[fe80::1]:8443",
            "",
            ",,",
            "not a/host,[::1,10.0.0.0/99,:,%%%",
        )
    ),
]

NEW_TO_HTTPX2 = {
    *("*.example.com", "10.0.0.0/8", "[::1]", "fe80::/10", "[fe80::1]:8443"),
    *("not a/host,[::1,10.0.0.0/99,:,%%%", "bücher.example"),
}
"""Entries that httpx2 reads as they are meant, or at all, from 2.16.1 on."""


def is_read_by_httpx2(no_proxy: str | None) -> bool:
    version = tuple(int(part) for part in httpx2.__version__.split(".")[:3])
    return version >= (2, 16, 1) or no_proxy not in NEW_TO_HTTPX2


def theirs(environ: dict[str, str], url: str, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Return the proxy that httpx2 would use. Its rules are httpx's, with CIDR put right."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name == "REQUEST_METHOD":
            monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    mounts = get_environment_proxies()
    for key in sorted(map(URLPattern, mounts)):
        if key.matches(httpx2.URL(url)):
            return mounts[key.pattern]
    return None


def ours(environ: dict[str, str], url: str) -> str | None:
    parsed = httpx.URL(url)
    host = parsed.raw_host.decode("ascii")
    return environment_proxies(environ).for_url(parsed.scheme, host, parsed.port)


@pytest.mark.parametrize(
    "environ", [one for one in ENVIRONS if is_read_by_httpx2(one.get("no_proxy"))], ids=str
)
def test_the_environment_is_read_as_httpx_reads_it(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every origin the proxy is the one that the family would have used."""
    expected = {url: theirs(environ, url, monkeypatch) for url in URLS}
    assert {url: ours(environ, url) for url in URLS} == expected


@pytest.mark.parametrize(
    ("no_proxy", "url", "reason"),
    [
        ("example.com:443", "https://example.com", "a URL without a port has its scheme's"),
        ("example.com:80", "http://example.com", "the same for http"),
        ("example.com", "http://example.com.", "a name may be written with its final dot"),
        ("example.com.", "http://example.com", "in the variable too"),
        ("10.0.0.0/8", "http://[::ffff:10.1.2.3]", "a mapped address is the one it maps"),
        ("::ffff:10.0.0.0/104", "http://10.1.2.3", "in the variable too"),
        ("::ffff:10.1.2.3", "http://10.1.2.3", "and for one address"),
        ("127.0.0.1", "http://127.1", "a short address is what the resolver makes of it"),
        ("a.example b.example", "http://b.example", "blanks separate entries, as in curl"),
        ("bücher.example", "http://xn--bcher-kva.example", "names are compared as they are sent"),
        ("bücher.example", "http://www.bücher.example", "and cover what is below them"),
        ("localhost", "http://api.localhost", "localhost is a name like any other"),
    ],
)
def test_where_we_differ(
    no_proxy: str, url: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In these cases an entry means the origin and the family does not see it."""
    environ = {**BOTH, "no_proxy": no_proxy}
    assert ours(environ, url) is None, reason
    if is_read_by_httpx2(no_proxy):
        assert theirs(environ, url, monkeypatch) is not None, reason


@pytest.mark.parametrize("entry", ["*.", ".", "*..", "0.0.1", ".0.0.1", "*.0.0.1", "1"])
def test_what_names_nobody_lets_nobody_past(entry: str) -> None:
    """An entry without a name is not everyone, and nothing is below an address."""
    environ = {**BOTH, "no_proxy": entry}
    urls = ("http://127.0.0.1", "https://10.0.0.1", "http://example.com")
    assert [url for url in urls if ours(environ, url) is None] == []


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_a_websocket_goes_the_way_of_the_request_that_opens_it(scheme: str) -> None:
    """`ws` is as `http`, and `wss` as `https`."""
    proxies = environment_proxies({**BOTH, "no_proxy": "a.example:443"})
    assert proxies.for_url(scheme, "b.example", None) == (P if scheme == "ws" else Q)
    assert proxies.for_url("wss", "a.example", None) is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_loopback_is_not_special(host: str) -> None:
    """A loopback host goes through the proxy unless `no_proxy` says otherwise."""
    assert environment_proxies({"all_proxy": P}).for_url("http", host, 80) == P


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text("ab.:[]/*%0123456789"))
def test_no_entry_of_no_proxy_is_an_error(anything: str, nearly: str) -> None:
    """Whatever `no_proxy` holds, an origin has its proxy or goes without; nothing is raised."""
    for entries in (anything, nearly):
        proxies = environment_proxies({"all_proxy": P, "no_proxy": entries})
        assert proxies.for_url("http", "h.example", None) in {P, None}


MALFORMED = [
    "http://",
    "http://:3128",
    "://proxy.example",
    "ftp://user:hunter2@proxy.example",
    "socks4://user:hunter2@proxy.example",
    "http://user:hunter2@proxy.example:port",
    "http://user:hunter2@proxy.example:70000",
    "http://user:hunter2@pro xy.example",
    "http://user:hunter2/x@proxy.example",
    "http://user:1#hunter2@proxy.example",
    "http://user:1?hunter2@proxy.example",
    "http://user:hunter2@[::1",
    "http://user:hunter2@[proxy]",
    f"socks5://user:{'hunter2' * 40}@proxy.example",
    "http://user:hunter2@proxy.example/way/out",
]


@pytest.mark.parametrize("value", MALFORMED)
def test_a_malformed_variable_is_named_and_not_shown(value: str) -> None:
    """The error for a variable in force names it, and neither it nor its cause shows the value."""
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY") as caught:
        environment_proxies({"HTTPS_PROXY": value})
    assert "hunter2" not in repr(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_variable_that_is_not_in_force_is_not_looked_at() -> None:
    """`ALL_PROXY` means nothing where each scheme has a variable of its own."""
    assert environment_proxies({**BOTH, "ALL_PROXY": "socks://127.0.0.1:1080/"}).servers


@pytest.mark.parametrize("value", [*MALFORMED, 7, b"http://proxy.example", httpx.Limits()])
def test_a_malformed_argument_is_not_shown(value: Any) -> None:
    """The error for `proxy=` says where the mistake is, and does not show the value."""
    for proxy, named in ((value, "proxy"), ({"http://": value}, r"proxy\['http://'\]")):
        with pytest.raises(ConfigurationError, match=named) as caught:
            explicit_proxies(proxy)
        assert "hunter2" not in repr(caught.value)
        assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("proxy.example", "http://proxy.example"),
        ("HTTP://Proxy.Example:3128/", "http://proxy.example:3128"),
        ("https://proxy.example", "https://proxy.example"),
        ("socks5h://[::1]:1080", "socks5h://[::1]:1080"),
        ("http://pröxy.example", "http://xn--prxy-6qa.example"),
    ],
)
def test_a_proxys_url_is_brought_into_one_form(text: str, url: str) -> None:
    """Scheme-less values are http's, and names are what is resolved."""
    assert explicit_proxies(text).for_url("https", "h.example", 443) == url


def test_credentials_are_decoded_and_hidden() -> None:
    """User and password are percent-decoded, and in no URL and no repr."""
    proxies = environment_proxies({"http_proxy": "http://us%40er:hunter%3a2@proxy.example"})
    server = proxies.server("http", "h.example", None)
    assert server is not None
    assert server.credentials == (b"us@er", b"hunter:2")
    assert server.url == "http://proxy.example"
    for shown in (repr(proxies), str(server)):
        assert "hunter" not in shown
        assert "us@er" not in shown


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_familys_proxy_is_taken_whole(library: Any) -> None:
    """A `Proxy` object keeps its credentials and headers, and a `URL` object is as its text."""
    given_proxy = library.Proxy("http://proxy.example", auth=("u", "p"), headers={"X-Team": "a"})
    server = explicit_proxies(given_proxy).server("http", "h.example", None)
    assert server is not None
    assert (server.url, server.credentials) == ("http://proxy.example", (b"u", b"p"))
    assert server.headers == ((b"X-Team", b"a"),)
    url = library.URL("http://u:p@proxy.example")
    assert explicit_proxies(url).server("http", "h.example", None).credentials == (b"u", b"p")


MAPPING = {
    "all://": P,
    "https://": Q,
    "all://*.internal.example": None,
    "all://api.internal.example": P,
    "all://api.internal.example:8443": Q,
    "http://10.0.0.0/8": None,
}


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://example.com", P),
        ("https://example.com", Q),
        ("https://www.internal.example", None),
        ("https://internal.example", Q),
        ("https://api.internal.example", P),
        ("https://api.internal.example:8443", Q),
        ("https://v2.api.internal.example", None),
        ("http://10.1.1.1", None),
        ("https://10.1.1.1", Q),
    ],
)
def test_the_most_particular_pattern_decides(url: str, proxy: str | None) -> None:
    """A mapping is read as httpx reads its mounts, in whatever order it is written."""
    parsed = httpx.URL(url)
    for items in (MAPPING.items(), reversed(MAPPING.items())):
        proxies = explicit_proxies(dict(items))
        assert proxies.for_url(parsed.scheme, parsed.host, parsed.port) == proxy


@pytest.mark.parametrize("key", ["http", "", "ftp://", "http://a b", "http://u:p@h", 7])
def test_a_key_that_is_not_a_pattern_is_refused(key: Any) -> None:
    """A mapping's keys are URL patterns."""
    with pytest.raises(ConfigurationError, match="key 1 is not a URL pattern"):
        explicit_proxies({"https://": P, key: P})
