"""What a client's connections are made with, whichever engine makes them."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.errors import ConfigurationError, InvalidOption
from penstock.transport.limits import AnyLimits, Limits, complete
from penstock.transport.proxies import (
    ProxyMap,
    ProxyServer,
    environment_proxies,
    explicit_proxies,
)
from penstock.transport.tls import Cert, TLSSettings, Verify, ssl_context, tls_settings

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Connecting:
    """A transport's options, checked. Nothing is loaded yet, and nothing connected.

    Attributes:
        limits: How many connections there may be.
        protocols: The protocols to offer by ALPN (RFC 7301), the preferred one first.
        tls: What a TLS handshake is done with.
        proxies: Which origins go through which proxy.
        uds: The path of a Unix domain socket to connect to, or None.
    """

    limits: Limits
    protocols: tuple[str, ...]
    tls: TLSSettings
    proxies: ProxyMap
    uds: str | None

    @property
    def has_http1(self) -> bool:
        """Whether HTTP/1.1 is offered."""
        return "http/1.1" in self.protocols

    @property
    def has_http2(self) -> bool:
        """Whether HTTP/2 is offered."""
        return "h2" in self.protocols

    def server_for(self, url: Any) -> ProxyServer | None:
        """Return the proxy on the way to a family's *url*, or None to connect directly."""
        if not self.proxies.rules:
            return None
        return self.proxies.server(url.scheme, url.raw_host.decode("ascii"), url.port)

    def proxy_of(self, url: Any) -> str | None:
        """Return the URL of that proxy, which has no credentials."""
        server = self.server_for(url)
        return None if server is None else server.url

    def proxy_context(self, server: ProxyServer) -> ssl.SSLContext | None:
        """Return what a TLS handshake with *server* is done with, or None where there is none."""
        if server.scheme != "https":
            return None
        return server.ssl_context or ssl_context(self.tls.without_cert(), ("http/1.1",))


def connecting(
    *,
    verify: Verify = True,
    cert: Cert | None = None,
    trust_env: bool = True,
    proxy: Any = None,
    limits: AnyLimits | None = None,
    http1: bool = True,
    http2: bool = False,
    uds: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Connecting:
    """Return a transport's options, checked.

    Args:
        verify: Whether to verify servers; or a file or directory of CA certificates to do it with;
            or an SSL context to use as it is.
        cert: The client certificate's PEM file; or a tuple of that, its key's file and optionally
            the key's password.
        trust_env: Whether the environment names proxies and CA certificates.
        proxy: A proxy's URL, a family's `Proxy`, or a mapping from URL patterns to these. It wins
            over the environment.
        limits: A `penstock.Limits`, or an `httpx.Limits`.
        http1: Whether to speak HTTP/1.1.
        http2: Whether to offer HTTP/2.
        uds: The path of a Unix domain socket to connect to, whatever the host.
        environ: The environment's variables, or None for the process's own.

    Raises:
        ConfigurationError: A setting cannot work, or needs an extra that is not installed.
    """
    variables = (os.environ if environ is None else environ) if trust_env else None
    return Connecting(
        complete(limits),
        _protocols(http1=http1, http2=http2),
        tls_settings(verify, cert, variables),
        _proxies(proxy, uds, variables),
        uds,
    )


def _protocols(*, http1: bool, http2: bool) -> tuple[str, ...]:
    if not (http1 or http2):
        msg = "http1=False needs http2=True"
        raise InvalidOption(msg)
    if http2 and importlib.util.find_spec("h2") is None:
        msg = "HTTP/2 needs the h2 package: pip install 'penstock[http2]'"
        raise ConfigurationError(msg)
    return ("h2",) * http2 + ("http/1.1",) * http1


def _proxies(proxy: Any, uds: str | None, environ: Mapping[str, str] | None) -> ProxyMap:
    if uds is not None and not (isinstance(uds, (str, os.PathLike)) and os.fspath(uds)):
        msg = f"uds must be the path of a Unix domain socket, not {uds!r}"
        raise InvalidOption(msg)
    if proxy is not None:
        if uds is not None:
            msg = "uds= and proxy= exclude each other"
            raise InvalidOption(msg)
        return explicit_proxies(proxy)
    return ProxyMap() if uds is not None or environ is None else environment_proxies(environ)
