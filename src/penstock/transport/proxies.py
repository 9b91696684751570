"""Which proxy a request goes through: rules from the environment, or from the caller."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from penstock.errors import ConfigurationError, InvalidOption
from penstock.transport.family import family_of
from penstock.transport.origin_patterns import NAME, Pattern, pattern_of, plain_host

if TYPE_CHECKING:
    import ssl

_SOCKS = frozenset({"socks5", "socks5h"})
_SCHEMES = _SOCKS | {"http", "https"}
_MAX_SOCKS_CREDENTIAL = 255
"""Bytes in a SOCKS user or password (RFC 1929 §2)."""

_PORTS = {"http": 80, "https": 443}
_OPENED_BY = {"ws": "http", "wss": "https"}
"""A WebSocket goes the way of the request that opens it (RFC 6455 §4.1)."""

_SHAPE = "want scheme://[user:password@]host[:port], with special characters percent-encoded"


@dataclass(frozen=True, slots=True)
class ProxyServer:
    """A proxy. Its repr shows no credentials.

    Attributes:
        url: Scheme, host and port: nothing secret.
        credentials: User and password, sent as Basic credentials (RFC 7617) or in the SOCKS
            handshake (RFC 1929), or None.
        headers: Headers for the proxy alone.
        ssl_context: What an https proxy is verified with, or None for the client's own settings.
    """

    url: str
    credentials: tuple[bytes, bytes] | None = field(default=None, repr=False)
    headers: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)
    ssl_context: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def scheme(self) -> str:
        """`http`, `https`, `socks5` or `socks5h`."""
        return self.url.partition(":")[0]

    @property
    def is_socks(self) -> bool:
        """Whether it is a SOCKS proxy."""
        return self.scheme in _SOCKS


@dataclass(frozen=True, slots=True)
class ProxyMap:
    """Which origins go through which proxy. The first rule that matches decides.

    Attributes:
        rules: Patterns, each with its proxy, or with None to connect directly.
    """

    rules: tuple[tuple[Pattern, ProxyServer | None], ...] = ()

    @property
    def servers(self) -> list[ProxyServer]:
        """Every proxy that may be used."""
        return [server for _, server in self.rules if server is not None]

    def server(self, scheme: str, host: str, port: int | None) -> ProxyServer | None:
        """Return the proxy for an origin, or None to connect directly.

        Args:
            scheme: The scheme of its URL.
            host: Its host, a name or an address, with or without brackets.
            port: Its port, or None for the scheme's own.
        """
        scheme = _OPENED_BY.get(scheme, scheme)
        host = plain_host(host)
        port = _PORTS.get(scheme, 0) if port is None else port
        for pattern, server in self.rules:
            if pattern.matches(scheme, host, port):
                return server
        return None

    def for_url(self, scheme: str, host: str, port: int | None) -> str | None:
        """Return the URL of what `server` returns, without its credentials, or None."""
        server = self.server(scheme, host, port)
        return None if server is None else server.url


def environment_proxies(environ: Mapping[str, str]) -> ProxyMap:
    """Return what the environment says about proxies.

    `http_proxy` and `https_proxy`, or else `all_proxy`; and `no_proxy` for what goes without. Lower
    case comes before upper. `HTTP_PROXY` is ignored beside `REQUEST_METHOD`: in a CGI script it is
    a header of the request (CVE-2016-1000110). What makes no sense in `no_proxy` is ignored.

    Args:
        environ: The environment's variables.

    Raises:
        ConfigurationError: A variable in force is not the URL of a proxy.
    """
    everything = _variable(environ, "all")
    variables = {scheme: _variable(environ, scheme) or everything for scheme in _PORTS}
    if not any(variables.values()):
        return ProxyMap()  # nearly every client's
    rules: list[tuple[Pattern, ProxyServer | None]] = []
    for entry in _exceptions(environ):
        if entry == "*":
            return ProxyMap()
        pattern = _bypass(entry)
        if pattern is not None:
            rules.append((pattern, None))
    for scheme, variable in variables.items():
        if variable is not None:
            rules.append((Pattern(scheme), _server(environ, variable)))
    return ProxyMap(tuple(rules))


def _server(environ: Mapping[str, str], variable: str) -> ProxyServer:
    server = _parse(environ[variable])
    if server is None:
        msg = f"{variable} is not the URL of a proxy: {_SHAPE}"
        raise ConfigurationError(msg)
    return server


def _exceptions(environ: Mapping[str, str]) -> list[str]:
    text = environ.get(_variable(environ, "no") or "", "")
    return [entry for entry in re.split(r"[,\s]+", text) if entry]


def _variable(environ: Mapping[str, str], kind: str) -> str | None:
    """Return the variable in force, or None. One that is set but empty turns its kind off."""
    name = f"{kind}_proxy"
    if name not in environ:
        name = name.upper()
        if name == "HTTP_PROXY" and "REQUEST_METHOD" in environ:
            return None
    return name if environ.get(name, "").strip() else None


def _bypass(entry: str) -> Pattern | None:
    # A bare name means itself and what is below it; after a dot or `*.`, only what is below it.
    return pattern_of(entry if "://" in entry else f"all://*{entry.removeprefix('*')}")


def explicit_proxies(proxy: Any) -> ProxyMap:
    """Return what a caller's `proxy=` says.

    Args:
        proxy: A proxy's URL, or a family's `Proxy`; or a mapping to these, or to None for a direct
            connection, from URL patterns such as `"http://"`, `"all://"` or
            `"all://*.example.com"`. The most particular pattern decides.

    Raises:
        InvalidOption: Something in it is not a proxy or not a pattern.
    """
    if not isinstance(proxy, Mapping):
        return ProxyMap(((Pattern(), _given(proxy, "proxy")),))
    rules = []
    for number, (key, value) in enumerate(proxy.items()):
        pattern = pattern_of(key) if isinstance(key, str) and "://" in key else None
        if pattern is None:
            msg = f"proxy: key {number} is not a URL pattern such as 'all://*.example.com'"
            raise InvalidOption(msg)
        rules.append((pattern, None if value is None else _given(value, f"proxy[{key!r}]")))
    return ProxyMap(tuple(sorted(rules, key=lambda rule: rule[0].breadth)))


def _given(proxy: Any, name: str) -> ProxyServer:
    server = _parse(str(getattr(proxy, "url", proxy))) if _is_proxy(proxy) else None
    if server is None:
        msg = f"{name} is not the URL of a proxy: {_SHAPE}"
        raise InvalidOption(msg)
    if not hasattr(proxy, "raw_auth"):
        return server
    return ProxyServer(server.url, proxy.raw_auth, tuple(proxy.headers.raw), proxy.ssl_context)


def _is_proxy(proxy: Any) -> bool:
    return isinstance(proxy, str) or family_of(proxy) is not None


def _parse(text: str) -> ProxyServer | None:
    """Return the proxy of a URL, or None if it is not one: an exception would quote it."""
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname or "", parts.port
        address = ipaddress.IPv6Address(host) if ":" in host else None
    except ValueError:
        return None
    # After a host comes nothing, or a slash. More is a password that was not percent-encoded, or a
    # path, which no proxy has.
    misread = parts.query or parts.fragment or parts.path not in {"", "/"}
    name = plain_host(host)
    if misread or parts.scheme not in _SCHEMES or not (address or NAME.fullmatch(name)):
        return None
    url = f"{parts.scheme}://{f'[{address}]' if address else name}"
    credentials = None
    if parts.username or parts.password:
        credentials = unquote(parts.username or "").encode(), unquote(parts.password or "").encode()
        if parts.scheme in _SOCKS and max(map(len, credentials)) > _MAX_SOCKS_CREDENTIAL:
            return None
    return ProxyServer(url if port is None else f"{url}:{port}", credentials)
