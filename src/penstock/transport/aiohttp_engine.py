"""The engine `aiohttp`: for many requests at once, on asyncio alone.

aiohttp sends and parses. What a client of Penstock decides is decided here: how many connections,
which proxy, when it is too late; and that nothing is kept or added that nobody asked for, be it a
cookie, a header or a repeat.
"""

from __future__ import annotations

import asyncio
import base64
import math
import socket
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import aiohttp
from multidict import CIMultiDict, istr
from yarl import URL

from penstock.alone import FORKS
from penstock.errors import ClientClosed, InvalidOption
from penstock.transport.aiohttp_body import body_class
from penstock.transport.aiohttp_errors import NotRepeated, failure_of
from penstock.transport.alarm import Alarm, Within
from penstock.transport.backend import KEEP_ALIVE
from penstock.transport.bounded import time_left
from penstock.transport.engine import SentBody
from penstock.transport.loops import running_loop
from penstock.transport.places import Places
from penstock.transport.tls import built, ssl_context
from penstock.transport.until import phase_left

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from aiohttp.connector import AddrInfoType

    from penstock.transport.connecting import Connecting
    from penstock.transport.family import Family
    from penstock.transport.proxies import ProxyServer

_AUTOMATIC = tuple(map(istr, ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")))
"""Headers that aiohttp would add to a request without them."""

_NEVER_REPEATED = frozenset({"PATCH", "POST"})
"""Methods that aiohttp does not send once more by itself: they are not idempotent (RFC 9110 §9.2.2,
RFC 5789 §2)."""

_LINE_BYTES = 64 * 1024
"""The longest line of a head. aiohttp's own limit, 8190 bytes, is less than other engines take."""

_PART_BYTES = 64 * 1024
"""What is handed to aiohttp at once of a body that is in memory: larger ones would block the loop,
and above 1 MiB it warns."""

_GRACE = 0.001
"""Seconds by which the moment of the whole comes after that of a phase, which has a better name."""


class _Home(NamedTuple):
    """What belongs to one event loop of one process."""

    forks: int
    loop: Any
    session: aiohttp.ClientSession
    places: Places
    alarm: Alarm


class AiohttpTransport:
    """Sends requests with aiohttp, one session for each event loop.

    Args:
        given: What connections are made with.

    Attributes:
        proxy_of: Tells the URL of the proxy that a URL is reached through, without credentials.
    """

    family: ClassVar[Family]

    def __init__(self, given: Connecting) -> None:
        self._given = given
        self.proxy_of = given.proxy_of
        self._home: _Home | None = None
        self._left: list[_Home] = []
        self._closed = False
        self._stream_class = self.family.http.AsyncByteStream
        self._body_class = body_class(self.family)

    def __repr__(self) -> str:
        proxies = [server.url for server in self._given.proxies.servers]
        return f"<AiohttpTransport {self.family.name} proxies={proxies}>"

    async def handle_async_request(self, request: Any) -> Any:
        """Send *request* and return its response, open and unread.

        Raises:
            ClientClosed: The transport was closed.
            InvalidOption: There is no asyncio here, or the body is of the other colour.
            Exception: The family's own error, such as `httpx.ReadTimeout`.
        """
        home = self._home
        if home is None or home.loop is not running_loop() or home.forks != FORKS.count:
            home = await self._new_home()
        if not isinstance(request.stream, self._stream_class):
            msg = "AiohttpTransport cannot send a body of the other colour"
            raise InvalidOption(msg)
        place = await home.places.taken(request, self.family.http.PoolTimeout)
        sent = None if hasattr(request, "_content") else SentBody(request.stream)
        try:
            response = await self._send(home, request, sent)
        except BaseException as error:
            place.leave()
            if sent is not None:
                await sent.aclose()
            failure = failure_of(error, self.family)
            if failure is None:
                raise
            raise failure from error
        return self.family.http.Response(
            response.status,
            headers=response.raw_headers,
            stream=self._body_class(response, request, place, sent, home.alarm),
            extensions={
                "http_version": b"HTTP/1.1",
                "reason_phrase": (response.reason or "").encode("ascii", "ignore"),
            },
        )

    async def aclose(self) -> None:
        """Close every connection. Once closed, again is nothing."""
        home, self._home = self._home, None
        self._closed = True
        if home is not None and home.forks == FORKS.count:
            home.places.close()
            if home.loop is asyncio.get_running_loop():
                await home.session.close()

    async def _send(self, home: _Home, request: Any, sent: SentBody | None) -> Any:
        url = request.url
        server = self._given.server_for(url)
        headers = _headers(request)
        headers.pop("Transfer-Encoding", None)  # aiohttp's to say
        context: Any = True
        if url.scheme == "https":
            if self._given.uds is not None:
                msg = "engine='aiohttp' has no TLS over a Unix socket: use engine='pool'"
                raise InvalidOption(msg)
            context = built(ssl_context(self._given.tls, self._given.protocols))
        through: dict[str, Any] = {}
        if server is not None:
            through = {"proxy": server.url, "proxy_headers": _proxy_headers(server)}
            if url.scheme == "http":  # the request itself goes to the proxy
                headers.update(through["proxy_headers"])
        whole, phases = _limits(request)
        with Within(home.alarm, whole):
            return await home.session.request(
                request.method,
                URL(str(url), encoded=True),
                headers=headers,
                data=_data(request, sent),
                allow_redirects=False,
                ssl=context,
                server_hostname=request.extensions.get("sni_hostname"),
                timeout=phases,
                middlewares=() if request.method in _NEVER_REPEATED else (_once,),
                skip_auto_headers=[name for name in _AUTOMATIC if name not in headers] or None,
                **through,
            )

    async def _new_home(self) -> _Home:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            msg = "engine='aiohttp' lacks trio: run on asyncio, or use engine='pool'"
        else:
            if self._closed:
                raise ClientClosed
            left, alarm = self._home, Alarm(loop)
            places = Places(self._given.limits, alarm)
            home = self._home = _Home(FORKS.count, loop, self._new_session(), places, alarm)
            if left is not None:
                await self._leave(left)
            return home
        raise InvalidOption(msg)

    async def _leave(self, home: _Home) -> None:
        if home.forks == FORKS.count and home.loop.is_closed():
            await home.session.close()
        else:
            self._left.append(home)  # a parent, or another thread's loop, may still use it

    def _new_session(self) -> aiohttp.ClientSession:
        limits, uds = self._given.limits, self._given.uds
        pooling: dict[str, Any] = {
            "limit": 0,  # `Places` are taken before
            "keepalive_timeout": limits.keepalive_expiry,
        }
        connector: aiohttp.BaseConnector
        if uds is not None:
            connector = aiohttp.UnixConnector(uds, **pooling)
        else:
            connector = aiohttp.TCPConnector(
                socket_factory=_socket, timeout_ceil_threshold=math.inf, **pooling
            )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=_LINE_BYTES,
            max_field_size=_LINE_BYTES,
        )


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Send once: repeats are for `Retry`, which counts them and knows the deadline."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise NotRepeated(error) from error


def _socket(address: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    for option in KEEP_ALIVE:
        made.setsockopt(*option)
    return made


def _headers(request: Any) -> CIMultiDict[str]:
    try:
        sent = [(_name(name), value.decode()) for name, value in request.headers.raw]
    except UnicodeDecodeError:
        sent = request.headers.multi_items()
    return CIMultiDict(sent)


@lru_cache(maxsize=1024)
def _name(name: bytes) -> istr:
    """Return a header's name as aiohttp compares it fastest, which costs more to make.

    In lower case: of one that is given twice, aiohttp drops the first where the two differ in case.
    """
    return istr(name.decode().lower())


def _limits(request: Any) -> tuple[float | None, aiohttp.ClientTimeout]:
    """Return the seconds until the head must be there, or None, and those of the phases."""
    connect, read = _some(phase_left(request, "connect")), _some(phase_left(request, "read"))
    whole = time_left(request)
    if whole is not None and read is not None and read >= whole:
        read = None  # never first: no timer for it, which aiohttp sets anew with all that comes
    phases = aiohttp.ClientTimeout(connect=connect, sock_read=read, ceil_threshold=math.inf)
    return None if whole is None else whole + _GRACE, phases


def _some(seconds: float | None) -> float | None:
    """Return *seconds*, of which aiohttp takes none for no limit."""
    if seconds is None or seconds > 0:
        return seconds
    raise TimeoutError


def _data(request: Any, sent: SentBody | None) -> Any:
    if sent is not None:
        return sent
    content: bytes = request.content
    return _parts(content) if len(content) > _PART_BYTES else content or None


async def _parts(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _PART_BYTES):
        yield content[start : start + _PART_BYTES]


def _proxy_headers(server: ProxyServer) -> Mapping[str, str]:
    headers = CIMultiDict((name.decode(), value.decode()) for name, value in server.headers)
    if server.credentials is not None:
        token = base64.b64encode(b":".join(server.credentials)).decode()
        headers["Proxy-Authorization"] = f"Basic {token}"
    return headers


@cache
def aiohttp_of(family: Family) -> type[AiohttpTransport]:
    """Return the class of *family*."""
    more = {"family": family, "__module__": __name__}
    return type("AiohttpTransport", (AiohttpTransport, family.http.AsyncBaseTransport), more)
