"""The engines `httpx` and `httpx2`: the library's own transports, one for each way out.

Which proxy a request goes through is decided here, as for the owned transport, and a forked process
or another event loop starts with transports of its own.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from penstock.alone import FORKS, Alone
from penstock.errors import ClientClosed, ConfigurationError
from penstock.transport.backend import KEEP_ALIVE
from penstock.transport.bounded import BoundedBody, ending
from penstock.transport.engine import SentBody
from penstock.transport.engine_logs import redact_engine_logs
from penstock.transport.family import mixed
from penstock.transport.loops import running_loop
from penstock.transport.tls import built, ssl_context

if TYPE_CHECKING:
    from penstock.transport.connecting import Connecting
    from penstock.transport.family import Family
    from penstock.transport.proxies import ProxyServer


class _Ways:
    """What both colours share.

    Args:
        given: What connections are made with.

    Attributes:
        proxy_of: Tells the URL of the proxy that a URL is reached through, without credentials.

    Raises:
        ConfigurationError: It needs a package that is not installed.
    """

    family: ClassVar[Family]
    _transport_name: ClassVar[str]

    def __init__(self, given: Connecting) -> None:
        socks = any(server.is_socks for server in given.proxies.servers)
        if socks and importlib.util.find_spec("socksio") is None:
            name = self.family.name
            msg = f"SOCKS needs the socksio package: pip install '{name}[socks]'"
            raise ConfigurationError(msg)
        redact_engine_logs()
        self._given = given
        self.proxy_of = given.proxy_of
        self._transports: dict[ProxyServer | None, Any] = {}
        self._left: list[dict[ProxyServer | None, Any]] = []
        self._place: tuple[int, Any] = (FORKS.count, None)
        self._alone = Alone()
        self._closed = False

    def __repr__(self) -> str:
        proxies = [server.url for server in self._given.proxies.servers]
        return f"<{type(self).__name__} {self.family.name} proxies={proxies}>"

    def _way(self, request: Any) -> Any:
        """Return the transport that *request* goes through."""
        server = self._given.server_for(request.url)
        here = self._here()
        if here != self._place:
            self._move(here)
        transport = self._transports.get(server)
        return self._alone.run(self._open, server) if transport is None else transport

    def _here(self) -> tuple[int, Any]:
        return FORKS.count, None

    def _move(self, here: tuple[int, Any]) -> None:
        # Nothing can be closed from here that is of another loop, or still the parent's.
        if here[0] != self._place[0]:
            self._left.append(self._transports)
        self._transports, self._place = {}, here

    def _open(self, server: ProxyServer | None) -> Any:
        if self._closed:
            raise ClientClosed
        if server not in self._transports:
            self._transports[server] = self._new(server)
        return self._transports[server]

    def _new(self, server: ProxyServer | None) -> Any:
        http, given, limits = self.family.http, self._given, self._given.limits
        return getattr(http, self._transport_name)(
            verify=built(ssl_context(given.tls, given.protocols)),
            trust_env=False,
            http1=given.has_http1,
            http2=given.has_http2,
            limits=http.Limits(
                max_connections=limits.max_connections,
                max_keepalive_connections=limits.max_keepalive_connections,
                keepalive_expiry=limits.keepalive_expiry,
            ),
            proxy=None if server is None else self._proxy(server),
            uds=given.uds,
            socket_options=None if given.uds else KEEP_ALIVE,
        )

    def _proxy(self, server: ProxyServer) -> Any:
        context = self._given.proxy_context(server)
        credentials = server.credentials and tuple(part.decode() for part in server.credentials)
        headers = list(server.headers)
        return self.family.http.Proxy(
            server.url,
            ssl_context=None if context is None else built(context),
            auth=credentials,
            headers=headers,
        )

    def _closing(self) -> list[Any]:
        """Return the transports to close, and open none from now on."""
        transports = self._alone.run(self._taken)
        return transports if self._place == self._here() else []

    def _taken(self) -> list[Any]:
        self._closed = True
        transports, self._transports = list(self._transports.values()), {}
        return transports


class SyncWays(_Ways):
    """Sends requests with `httpx.HTTPTransport`, or httpx2's."""

    _transport_name = "HTTPTransport"

    def handle_request(self, request: Any) -> Any:
        """Send *request* and return its response, open and unread.

        Raises:
            ClientClosed: The transport was closed.
            Exception: The family's own error, such as `httpx.ReadTimeout`.
        """
        return self._way(request).handle_request(request)

    def close(self) -> None:
        """Close every connection. Once closed, again is nothing."""
        for transport in self._closing():
            transport.close()


class AsyncWays(_Ways):
    """Sends requests with `httpx.AsyncHTTPTransport`, or httpx2's."""

    _transport_name = "AsyncHTTPTransport"

    async def handle_async_request(self, request: Any) -> Any:
        """Send *request* and return its response, open and unread.

        Errors are those of the sync one.
        """
        late = self.family.http.ReadTimeout
        transport, stream = self._way(request), request.stream
        their_stream = self.family.http.AsyncByteStream
        if isinstance(stream, their_stream):
            request.stream = mixed(SentBody, their_stream)(stream)
        try:
            with ending(request, late):
                response = await transport.handle_async_request(request)
        finally:
            sent, request.stream = request.stream, stream
            if sent is not stream:
                await sent.aclose()
        response.stream = mixed(BoundedBody, their_stream)(response.stream, request, late)
        return response

    async def aclose(self) -> None:
        """Close every connection. Once closed, again is nothing."""
        for transport in self._closing():
            await transport.aclose()

    def _here(self) -> tuple[int, Any]:
        return FORKS.count, running_loop()


@cache
def ways_of(family: Family) -> tuple[type[SyncWays], type[AsyncWays]]:
    """Return the sync and the async class of *family*."""
    more = {"family": family, "__module__": __name__}
    http = family.http
    return (
        type("SyncWays", (SyncWays, http.BaseTransport), more),
        type("AsyncWays", (AsyncWays, http.AsyncBaseTransport), more),
    )
