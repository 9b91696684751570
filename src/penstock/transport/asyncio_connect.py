"""To connect on asyncio: the addresses of a host side by side (RFC 8305), and nothing left open.

`loop.create_connection` may leave a socket behind when it is cancelled just as one is connected.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from penstock.transport.resolving import is_address

if TYPE_CHECKING:
    from collections.abc import Iterable

_NEXT_ADDRESS = 0.25
"""Seconds after which the next address is tried as well: RFC 8305 §5's recommendation."""


async def connected(
    host: str, port: int, local_address: str | None, options: Iterable[Any]
) -> socket.socket:
    """Return a socket that is connected to the first address of *host* to answer.

    Args:
        host: A name or an address.
        port: A port.
        local_address: The address to connect from, or None.
        options: What is set on the socket: tuples for `setsockopt`.

    Raises:
        OSError: No address answers, or there is none.
    """
    loop = asyncio.get_running_loop()
    if is_address(host):  # which needs no resolver, and so no thread
        found: Any = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    else:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    targets = _interleaved(found)
    if not targets:
        msg = f"{host} has no address"
        raise OSError(msg)
    if len(targets) == 1:
        return await _connect(targets[0], local_address, options)
    tasks: list[asyncio.Task[socket.socket]] = []
    winner: asyncio.Task[socket.socket] | None = None
    try:
        while winner is None:
            if targets:
                target = targets.popleft()
                tasks.append(loop.create_task(_connect(target, local_address, options)))
            running = [task for task in tasks if not task.done()]
            if not running:
                return await tasks[-1]  # the last to fail says why
            patience = _NEXT_ADDRESS if targets else None
            done, _ = await asyncio.wait(
                running, timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
            winner = next((task for task in done if task.exception() is None), None)
        return winner.result()
    finally:
        for task in tasks:
            if task is not winner:
                task.add_done_callback(_close)
                task.cancel()


def _close(task: asyncio.Task[socket.socket]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().close()


def _interleaved(found: list[Any]) -> deque[Any]:
    """Return addresses in the resolver's order, with the families taking turns (RFC 8305 §4)."""
    families: dict[int, list[Any]] = {}
    for address in dict.fromkeys(found):
        families.setdefault(address[0], []).append(address)
    turns = chain.from_iterable(zip_longest(*families.values()))
    return deque(address for address in turns if address is not None)


async def _connect(target: Any, local_address: str | None, options: Iterable[Any]) -> socket.socket:
    family, kind, protocol, _, address = target
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        for option in options:
            sock.setsockopt(*option)
        if local_address is not None:
            sock.bind((local_address, 0))
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock
