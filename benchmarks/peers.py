"""Every client the benchmarks on sockets compare, as a function that posts and parses JSON.

Each has its library's own default limits unless told otherwise, and keeps idle connections for an
hour: the blocks of an interleaved run are far apart, and httpx would reconnect silently after five
seconds. `requests` and `urllib3` have room for as many connections as there are threads, for they
would warn otherwise. A client that is not installed, or an engine that this version does not have,
is left out and said.
"""

from __future__ import annotations

import inspect
from datetime import timedelta
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
from harness import everything, telemetry
from stub import BODY, CLIENT_HEADERS, KEY, SIGNED

import penstock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

HEADERS = {**CLIENT_HEADERS, **SIGNED}
PATH = "/v1/chat/completions"
DEFAULT_ENGINE = "pool"
ENGINES = (DEFAULT_ENGINE, "httpx", "httpx2", "aiohttp")
HOUR = 3600.0
TIMEOUT = 600.0
"""Seconds: httpx takes minutes for a burst of 1,000 on a busy machine, and is not to give up."""


class Where(NamedTuple):
    """What a client is made for.

    Attributes:
        colour: `sync` or `async`.
        url: Where the server listens.
        at_once: How many threads will share it, if any do.
        connections: The most connections it may have. 100 is httpx's default, aiohttp's and ours.
        idle: How many of them it keeps: httpx's default, and ours, is 20. None for all of them, as
            aiohttp does it.
    """

    colour: str
    url: str
    at_once: int = 1
    connections: int = 100
    idle: int | None = 20

    def limits(self, http: Any) -> Any:
        """Return the `Limits` of an httpx family."""
        return http.Limits(
            max_connections=self.connections,
            max_keepalive_connections=self.idle,
            keepalive_expiry=HOUR,
        )

    def of(self, library: Any, name: str) -> Any:
        """Return the client class, or another with an async twin, of an httpx-like library."""
        return getattr(library, name if self.colour == "sync" else f"Async{name}")


class Peer(NamedTuple):
    """A client to compare.

    Attributes:
        name: What it is called in the tables.
        post: Posts once, and returns the parsed answer; an async function of an async client.
        close: Closes its connections; likewise.
        client: The client itself.
    """

    name: str
    post: Callable[[], Any]
    close: Callable[[], Any]
    client: Any


@cache
def left_out(name: str, why: str) -> None:
    """Say, once, that a row is missing, and why."""
    print(f"left out: {name}: {why}")


def peer_of(name: str, client: Any, path: str = PATH) -> Peer:
    """Return the peer that a client like httpx's, of either colour, is."""

    def post() -> Any:
        return client.post(path, json=BODY).json()

    async def apost() -> Any:
        return (await client.post(path, json=BODY)).json()

    close = client.aclose if hasattr(client, "aclose") else client.close
    return Peer(name, apost if inspect.iscoroutinefunction(client.post) else post, close, client)


def ours(
    where: Where,
    name: str,
    engine: str = DEFAULT_ENGINE,
    *,
    recording: Callable[[], dict[str, Any]] = dict,
) -> Peer | None:
    """Return ours; None where the engine is not to be had. *recording* makes what it tells of."""
    values = recording()
    if engine != DEFAULT_ENGINE:
        values["engine"] = engine
    if engine == "aiohttp":
        where = where._replace(idle=None)
    try:
        client = where.of(penstock, "Client")(
            where.url,
            api_key=KEY,
            headers=CLIENT_HEADERS,
            limits=where.limits(httpx),
            timeout=TIMEOUT,
            trust_env=False,
            **values,
        )
    except penstock.PenstockError as error:
        left_out(f"{where.colour} {name}", str(error))
        return None
    return peer_of(name, client)


def httpx_like(where: Where, name: str) -> Peer:
    """Return a bare client of the httpx family."""
    library = import_module(name)
    client = where.of(library, "Client")(
        base_url=where.url,
        headers=HEADERS,
        timeout=TIMEOUT,
        limits=where.limits(library),
        trust_env=False,
    )
    return peer_of(name, client)


def assembled_peer(where: Where, name: str) -> Peer:
    """Return httpx with retries, spans, a metric and a log line from elsewhere."""
    from assembled import assembled

    transport = where.of(httpx, "HTTPTransport")(limits=where.limits(httpx))
    kind = where.of(httpx, "Client")
    values = {"base_url": where.url, "headers": HEADERS, "timeout": TIMEOUT}
    return peer_of(name, assembled(kind, transport, **everything(), **values))


def openai_peer(where: Where, name: str) -> Peer:
    """Return the post that every method of the openai package ends in, with its own limits."""
    import httpx2
    import openai

    sync = where.colour == "sync"
    http: Any = openai.DefaultHttpxClient if sync else openai.DefaultAsyncHttpxClient
    limits = where._replace(connections=1000, idle=100).limits(httpx2)
    client: Any = where.of(openai, "OpenAI")(
        api_key=KEY,
        base_url=f"{where.url}/v1",
        default_headers=CLIENT_HEADERS,
        timeout=TIMEOUT,
        http_client=http(limits=limits, trust_env=False),
    )
    post = partial(client.post, "/chat/completions", cast_to=object, body=BODY)
    return Peer(name, post, client.close, client)


def pyreqwest_peer(where: Where, name: str) -> Peer:
    """Return pyreqwest, whose work is done in Rust."""
    from pyreqwest.client import ClientBuilder, SyncClientBuilder

    client: Any = (
        (SyncClientBuilder() if where.colour == "sync" else ClientBuilder())
        .base_url(f"{where.url}/v1/")
        .default_headers(HEADERS)
        .timeout(timedelta(seconds=TIMEOUT))
        .pool_idle_timeout(timedelta(seconds=HOUR))
        .no_proxy()
        .build()
    )

    def post() -> Any:
        return client.post("chat/completions").body_json(BODY).build().send().json()

    async def apost() -> Any:
        response = await client.post("chat/completions").body_json(BODY).build().send()
        return await response.json()

    return Peer(name, post if where.colour == "sync" else apost, client.close, client)


def aiohttp_peer(where: Where, name: str) -> Peer | None:
    """Return aiohttp, which has no sync client."""
    import aiohttp

    if where.colour == "sync":
        return None
    connector = aiohttp.TCPConnector(limit=where.connections, keepalive_timeout=HOUR)
    session = aiohttp.ClientSession(
        where.url,
        connector=connector,
        headers=HEADERS,
        timeout=aiohttp.ClientTimeout(TIMEOUT),
    )

    async def post() -> Any:
        async with session.post(PATH, json=BODY) as response:
            return await response.json()

    return Peer(name, post, session.close, session)


def urllib3_peer(where: Where, name: str) -> Peer | None:
    """Return urllib3, which has no async client."""
    import urllib3

    if where.colour == "async":
        return None
    pool = urllib3.PoolManager(headers=HEADERS, maxsize=max(10, where.at_once), timeout=TIMEOUT)

    def post() -> Any:
        return pool.request("POST", where.url + PATH, json=BODY).json()

    return Peer(name, post, pool.clear, pool)


def requests_like(where: Where, name: str) -> Peer | None:
    """Return a session of requests, which has no async one, or of niquests."""
    library = import_module(name)
    size = {"pool_maxsize": max(10, where.at_once), "pool_connections": 10}
    if where.colour == "sync":
        session = library.Session()
        session.mount("http://", library.adapters.HTTPAdapter(**size))
    elif name == "niquests":
        session = library.AsyncSession(**size)
    else:
        return None
    session.headers.update(HEADERS)
    session.trust_env = False
    return peer_of(name, session, where.url + PATH)


MAKERS: dict[str, Callable[[Where, str], Peer | None]] = {
    "httpx": httpx_like,
    "httpx2": httpx_like,
    "assembled": assembled_peer,
    "ours, quiet": ours,
    "ours, quiet on aiohttp": partial(ours, engine="aiohttp"),
    **{f"ours on {it}": partial(ours, engine=it, recording=telemetry) for it in ENGINES},
    "ours on pool, and metrics": partial(ours, recording=everything),
    "openai": openai_peer,
    "aiohttp": aiohttp_peer,
    "urllib3": urllib3_peer,
    "requests": requests_like,
    "niquests": requests_like,
    "pyreqwest": pyreqwest_peer,
}
"""How each client is made. An async one is made inside the event loop."""

NEEDS = {"assembled": "httpx_retries"} | {
    name: name for name in MAKERS if not name.startswith(("ours", "assembled"))
}
"""The module each needs, if it is not ours."""


def peers_of(where: Where, names: Iterable[str] = tuple(MAKERS)) -> Iterator[Peer]:
    """Return the clients called *names* that can be had, and that have the colour."""
    for name in names:
        module = NEEDS.get(name)
        if module and not find_spec(module):
            why = "see README.md for how to install it beside urllib3"
            left_out(name, why if name == "niquests" else "not installed (extra bench)")
            continue
        peer = MAKERS[name](where, name)
        if peer is not None:
            yield peer


async def apeers_of(where: Where, names: Iterable[str] = tuple(MAKERS)) -> list[Peer]:
    """Return `peers_of`, made inside the running loop."""
    return list(peers_of(where, names))


async def close_all(peers: Iterable[Peer]) -> None:
    """Close the connections of async clients."""
    for peer in peers:
        await peer.close()
