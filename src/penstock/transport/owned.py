"""The owned transport, in both colours, for both families: our pool over an engine's connections.

Limits hold at the socket (`backend`), a proxy is chosen for each request (`proxies`), each way out
has a pool of its own (`pool_factory`), and clients with the same settings share one SSL context
(`tls`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import httpx

from penstock.checks import check_count
from penstock.errors import ClientClosed, InvalidOption, ResponseTooLarge
from penstock.transport.connecting import connecting
from penstock.transport.engine import AsyncEngineBody, EngineBody, EngineErrors, SentBody
from penstock.transport.engine_logs import redact_engine_logs
from penstock.transport.family import Family, httpx_family, mixed
from penstock.transport.heads import MAX_HEADER_BYTES
from penstock.transport.http11 import Asked, Target
from penstock.transport.pool_factory import AsyncPoolFactory, PoolFactory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.transport.limits import AnyLimits
    from penstock.transport.proxies import ProxyServer
    from penstock.transport.tls import Cert, Verify


class OriginConnections(NamedTuple):
    """The connections to one origin.

    Attributes:
        host: Of the origin.
        port: Of the origin.
        open: How many there are.
        idle: How many of them are kept for the next request.
    """

    host: str
    port: int | None
    open: int
    idle: int


class PoolStatus(NamedTuple):
    """The connections that a transport holds.

    Attributes:
        connections: All of them.
        active: Those that carry a request, or a body that was not read to its end.
        idle: Those kept for the next request.
    """

    connections: int
    active: int
    idle: int


class _Pools:
    """What both colours share: settings, and a pool for each way out, made when first used.

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
        max_header_bytes: The longest head of an HTTP/1.1 answer, in bytes, interim (1xx) answers
            included. Over HTTP/2 the engine announces a limit of its own, 64 KiB.

    Attributes:
        proxy_of: Tells the URL of the proxy that a URL is reached through, without credentials.

    Raises:
        ConfigurationError: A setting cannot work, or needs an extra that is not installed.
    """

    family: ClassVar[Family] = httpx_family()

    _factory_class: ClassVar[type[PoolFactory | AsyncPoolFactory]]
    _body_class: ClassVar[type]
    _stream_name: ClassVar[str]

    def __init__(
        self,
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
        max_header_bytes: int = MAX_HEADER_BYTES,
    ) -> None:
        check_count("max_header_bytes", max_header_bytes, least=1)
        self._given = connecting(
            verify=verify,
            cert=cert,
            trust_env=trust_env,
            proxy=proxy,
            limits=limits,
            http1=http1,
            http2=http2,
            uds=uds,
            environ=environ,
        )
        redact_engine_logs()
        self._core, self._http = self.family.core, self.family.http
        self._factory = self._factory_class(self._core, self._given, max_header_bytes)
        self._errors = EngineErrors(self.family)
        self._stream_class = getattr(self._http, self._stream_name)
        self._response_body = mixed(self._body_class, self._stream_class)
        self._pools: dict[ProxyServer | None, Any] = {}
        self._closed = False
        self.proxy_of = self._given.proxy_of

    def __repr__(self) -> str:
        given, limits = self._given, self._given.limits
        return (
            f"<{type(self).__name__} {self.family.name} {'+'.join(given.protocols)}"
            f" max_connections={limits.max_connections}"
            f" max_keepalive_connections={limits.max_keepalive_connections}"
            f" keepalive_expiry={limits.keepalive_expiry}"
            f" uds={given.uds!r} proxies={[server.url for server in given.proxies.servers]}>"
        )

    def pool_status(self) -> PoolStatus:
        """Return how many connections are open now."""
        counts = [pool.counts for pool in list(self._pools.values())]
        connections, idle = sum(all_ for all_, _ in counts), sum(idle for _, idle in counts)
        return PoolStatus(connections, connections - idle, idle)

    def connections(self) -> list[OriginConnections]:
        """Return how many connections are open now to each origin."""
        found = []
        for pool in list(self._pools.values()):
            open_, idle = pool.by_origin()
            for origin, count in open_.items():
                _, host, port = origin
                found.append(OriginConnections(host.decode(), port, count, idle[origin]))
        return found

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def _pool_for(self, request: Any) -> Any:
        server = self._given.server_for(request.url)
        pool = self._pools.get(server)
        return self._open_pool(server) if pool is None else pool

    def _open_pool(self, server: ProxyServer | None) -> Any:
        # No lock: what two threads make at once costs nothing, and one of them is used by both.
        pool = self._pools.setdefault(server, self._factory.new(server))
        if self._closed:
            raise ClientClosed
        return pool

    def _sent(self, request: Any) -> SentBody:
        if not isinstance(request.stream, self._stream_class):
            body = type(request.stream).__name__
            msg = f"{type(self).__name__} cannot send a body of the other colour: {body}"
            raise InvalidOption(msg)
        return SentBody(request.stream, lasting=isinstance(request.stream, self._http.ByteStream))

    def _asked(self, pool: Any, request: Any, body: SentBody) -> Any:
        url, core, extensions = request.url, self._core, request.extensions
        if pool.direct:
            path = extensions.get("target", url.raw_path)
            target = Target(url.raw_scheme, url.raw_host, url.port, path)
            return Asked(
                request.method.encode("ascii"), target, request.headers.raw, body, extensions
            )
        return core.Request(
            request.method,
            core.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=body,
            extensions=extensions,
        )

    def _response(self, response: Any) -> Any:
        return self._http.Response(
            response.status,
            headers=response.headers,
            stream=self._response_body(response, self._errors),
            extensions=response.extensions,
        )

    def _closing(self) -> list[Any]:
        """Return the pools to close, and open none from now on."""
        self._closed = True
        pools, self._pools = list(self._pools.values()), {}
        return pools


class SyncPools(_Pools):
    """Sends requests and blocks the thread: `PoolTransport`, for any family."""

    _factory_class = PoolFactory
    _body_class = EngineBody
    _stream_name = "SyncByteStream"

    def handle_request(self, request: Any) -> Any:
        """Send *request* and return its response, open and unread.

        Args:
            request: The family's request. Its extension `timeout` may hold an `Until` for each
                phase.

        Raises:
            ClientClosed: The transport was closed.
            Exception: The family's own error, such as `httpx.ReadTimeout`. It holds no request.
        """
        pool, sent = self._pool_for(request), self._sent(request)
        response: Any = None
        try:
            response = pool.handle_request(self._asked(pool, request, sent))
        except self._errors.caught as error:
            raise self._errors.of(error) from error
        except ResponseTooLarge as error:
            # Without the engine's frames, which hold a proxy's credentials.
            raise error.with_traceback(None) from None
        finally:
            try:
                sent.close()
            except BaseException:
                if response is not None:
                    response.stream.close()
                raise
        return self._response(response)

    def close(self) -> None:
        """Close every connection. Once closed, again is nothing."""
        for pool in self._closing():
            pool.close()


class AsyncPools(_Pools):
    """Sends requests on an event loop: `AsyncPoolTransport`, for any family."""

    _factory_class = AsyncPoolFactory
    _body_class = AsyncEngineBody
    _stream_name = "AsyncByteStream"

    async def handle_async_request(self, request: Any) -> Any:
        """Send *request* and return its response, open and unread.

        Arguments and errors are those of the sync one.
        """
        pool, sent = self._pool_for(request), self._sent(request)
        response: Any = None
        try:
            response = await pool.handle_async_request(self._asked(pool, request, sent))
        except self._errors.caught as error:
            raise self._errors.of(error) from error
        except ResponseTooLarge as error:
            # Without the engine's frames, which hold a proxy's credentials.
            raise error.with_traceback(None) from None
        finally:
            try:
                await sent.aclose()
            except BaseException:
                if response is not None:
                    await response.stream.aclose()
                raise
        return self._response(response)

    async def aclose(self) -> None:
        """Close every connection. Once closed, again is nothing."""
        for pool in self._closing():
            await pool.aclose()


class PoolTransport(SyncPools, httpx.BaseTransport):
    """The owned transport as an `httpx.BaseTransport`."""


class AsyncPoolTransport(AsyncPools, httpx.AsyncBaseTransport):
    """The owned transport as an `httpx.AsyncBaseTransport`."""


@cache
def transports_of(family: Family) -> tuple[type[SyncPools], type[AsyncPools]]:
    """Return the sync and the async transport class of *family*."""
    if family == httpx_family():
        return PoolTransport, AsyncPoolTransport
    more = {"family": family, "__module__": __name__}
    return (
        type("PoolTransport", (SyncPools, family.http.BaseTransport), more),
        type("AsyncPoolTransport", (AsyncPools, family.http.AsyncBaseTransport), more),
    )
