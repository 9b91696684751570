"""The pools of the owned transport put together: connections, what they are made with, limits."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from penstock.transport.backend import AsyncLimitedBackend, LimitedBackend
from penstock.transport.direct import AsyncDirect, Direct
from penstock.transport.pool import AsyncPool, Pool
from penstock.transport.socks import AsyncSocksBackend, SocksBackend
from penstock.transport.tls import ssl_context

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from penstock.transport.connecting import Connecting
    from penstock.transport.proxies import ProxyServer
    from penstock.transport.waiting import Origin


class _PoolFactory:
    """What both colours share: which connections a pool lends.

    Straight to a server or through SOCKS they are ours. HTTP/2, and the way through an HTTP proxy,
    are the engine's.

    Args:
        core: The engine: `httpcore` or `httpcore2`.
        given: What connections are made with.
        max_header_bytes: The longest head of an HTTP/1.1 answer, in bytes.
    """

    _backend_class: ClassVar[type]
    _socks_class: ClassVar[type]
    _direct_class: ClassVar[type]
    _pool_class: ClassVar[type]
    _maker_name: ClassVar[str]

    def __init__(self, core: ModuleType, given: Connecting, max_header_bytes: int) -> None:
        self._core = core
        self._given = given
        self._most = {"max_header_bytes": max_header_bytes if given.has_http1 else None}

    def new(self, server: ProxyServer | None) -> Any:
        """Return a new pool, of connections through *server*, or of direct ones."""
        given, limits = self._given, self._given.limits
        proxy, backend = None, self._backend_class(self._core, **self._most)
        if server is not None and server.is_socks:
            backend = self._socks_class(self._core, server, **self._most)
        elif server is not None:
            proxy = self._proxy(server)
        context = ssl_context(given.tls, given.protocols)
        direct = proxy is None and not given.has_http2
        if direct:
            connect: Any = partial(self._direct_class, self._core, backend, context, given.uds)
        else:
            connect = self._engines_own(context, proxy, backend)
        return self._pool_class(
            self._core,
            connect,
            limits.max_connections,
            limits.max_keepalive_connections,
            limits.keepalive_expiry,
            direct=direct,
            shared=given.has_http2,
            max_per_origin=limits.max_connections_per_origin,
        )

    def _engines_own(self, context: Any, proxy: Any, backend: Any) -> Callable[[Origin], Any]:
        """Return what makes the engine's own connections."""
        core, given = self._core, self._given
        maker = getattr(core, self._maker_name)(
            ssl_context=context,
            proxy=proxy,
            keepalive_expiry=given.limits.keepalive_expiry,
            http1=given.has_http1,
            http2=given.has_http2,
            uds=given.uds,
            network_backend=backend,
        )

        def connect(origin: Origin) -> Any:
            scheme, host, port = origin
            url = core.URL(scheme=scheme, host=host, port=port, target=b"/")
            return maker.create_connection(url.origin)

        return connect

    def _proxy(self, server: ProxyServer) -> Any:
        """Return *server* as the engine takes it."""
        context = self._given.proxy_context(server)
        return self._core.Proxy(server.url, server.credentials, server.headers, context)


class PoolFactory(_PoolFactory):
    """Makes pools that block the thread."""

    _backend_class = LimitedBackend
    _socks_class = SocksBackend
    _direct_class = Direct
    _pool_class = Pool
    _maker_name = "ConnectionPool"


class AsyncPoolFactory(_PoolFactory):
    """Makes pools for an event loop."""

    _backend_class = AsyncLimitedBackend
    _socks_class = AsyncSocksBackend
    _direct_class = AsyncDirect
    _pool_class = AsyncPool
    _maker_name = "AsyncConnectionPool"
