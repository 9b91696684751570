"""What concurrency, idle connections, threads and long bodies do to a client, against nginx.

The curves of `growth.py` on sockets. Clients get room for as many connections as a point needs, for
it is their cost that is asked for; httpx is not taken where it would need minutes.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from harness import Curve, of_async, of_sync, of_tasks, of_threads
from peers import Peer, Where, apeers_of, close_all, peers_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from server import Server

AT_ONCE = (1, 10, 100, 1000)
IDLE = (1, 10, 100, 1000)
THREADS = (1, 8, 32)
BODIES = (10**3, 10**5, 10**6, 10**7, 10**8)

TASKS = ("ours, quiet", "ours, quiet on aiohttp", "aiohttp", "httpx", "httpx2", "pyreqwest")
SHARED = ("ours, quiet", "httpx", "httpx2", "urllib3", "requests", "pyreqwest")
STREAMED = ("ours, quiet", "httpx", "httpx2")


def concurrency(server: Server, rounds: int, loop: asyncio.AbstractEventLoop) -> Curve:
    """Time a request by how many are under way; httpx keeps to its default limits."""
    curve = Curve("requests at once")
    peers: list[Peer] = []
    for at_once in AT_ONCE:
        roomy = Where("async", server.url, at_once, max(100, at_once), max(20, at_once))
        default = Where("async", server.url, at_once)
        for name in TASKS:
            where = default if name == "httpx" else roomy
            for peer in loop.run_until_complete(apeers_of(where, [name])):
                subject = of_tasks(name, peer.post, loop, at_once)
                if where is roomy:
                    subject.round(at_once)  # opens its connections
                curve.add(name, at_once, subject)
                peers.append(peer)
    curve.run(rounds, 1000)
    loop.run_until_complete(close_all(peers))
    return curve


def idle(server: Server, rounds: int, loop: asyncio.AbstractEventLoop) -> Curve:
    """Time a request, one at a time, by how many connections are open and idle."""
    curve = Curve("idle connections")
    peers: list[Peer] = []
    for count in IDLE:
        where = Where("async", server.url, count, max(100, count), max(20, count))
        for name in TASKS:
            if name == "httpx" and count > 100:
                continue
            for peer in loop.run_until_complete(apeers_of(where, [name])):
                of_tasks(name, peer.post, loop, count).round(count)  # opens them, all at once
                curve.add(name, count, of_async(name, peer.post, loop))
                peers.append(peer)
    curve.run(rounds, 40)
    loop.run_until_complete(close_all(peers))
    return curve


def threads(server: Server, rounds: int) -> Curve:
    """Time a request of a sync client by how many threads share it."""
    curve = Curve("threads that share a client")
    peers: list[Peer] = []
    with ExitStack() as running:
        for count in THREADS:
            pool = running.enter_context(ThreadPoolExecutor(count))
            for peer in peers_of(Where("sync", server.url, count, idle=100), SHARED):
                curve.add(peer.name, count, of_threads(peer.name, peer.post, pool, count))
                peers.append(peer)
        curve.run(rounds, 1600)
    for peer in peers:
        peer.close()
    return curve


def downloads(server: Server, rounds: int) -> Curve:
    """Time a GET whose body is held in memory, by its bytes."""
    return _bodies(
        "bytes of a response",
        server,
        rounds,
        lambda client, count: lambda: client.get(f"/bytes/{count}").content,
    )


def uploads(server: Server, rounds: int) -> Curve:
    """Time a POST of bytes, by how many they are."""
    contents = {count: b"x" * count for count in BODIES}
    return _bodies(
        "bytes of a request",
        server,
        rounds,
        lambda client, count: partial(client.post, "/up", content=contents[count]),
    )


def _bodies(
    title: str, server: Server, rounds: int, of: Callable[[Any, int], Callable[[], Any]]
) -> Curve:
    curve = Curve(title)
    peers = list(peers_of(Where("sync", server.url), STREAMED))
    for count in BODIES:
        server.serve_bytes(count)
        for peer in peers:
            curve.add(peer.name, count, of_sync(peer.name, of(peer.client, count)))
        curve.run(rounds, max(1, min(50, 10**7 // count)), at=count)
    for peer in peers:
        peer.close()
    return curve
