"""A client on real sockets, and what came over the wire of it."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.transport.server import Peer, Server

SECRET = "s3cret-Horse-battery-staple"


def saying(*answers: bytes) -> Callable[[Peer, Server], None]:
    """Return a handler that says each of *answers* in turn, to each request of a connection."""

    def handle(peer: Peer, server: Server) -> None:
        for answer in answers:
            heard = peer.hear()
            if heard is None:
                return
            server.heard.append(heard)
            peer.say(answer)

    return handle


def redirecting(location: str, status: int = 302) -> Callable[[Peer, Server], None]:
    """Return a handler that sends every request on, but those that came from elsewhere."""

    def handle(peer: Peer, server: Server) -> None:
        while (heard := peer.hear()) is not None:
            server.heard.append(heard)
            if heard.target.endswith("/start"):
                peer.answer(b"moved", f"{status} Moved", f"Location: {location}\r\n")
            else:
                peer.answer()

    return handle


def sent(colour: Any, url: str | None, *calls: Callable[[Any], Any], **options: Any) -> list[Any]:
    """Return what *calls* of one client return, which is closed."""
    results: list[Any] = []
    with contextlib.ExitStack() as stack:
        own = {} if "transport" in options else {"trust_env": False}
        client = colour.client(url, **{**own, **options})

        async def scenario() -> None:
            async with client:
                results.extend([await call(client) for call in calls])

        if colour.is_async:
            colour.run(scenario)
            return results
        stack.enter_context(client)
        return [call(client) for call in calls]


def get(colour: Any, url: str | None, *paths: str, call: Any = None, **options: Any) -> list[Any]:
    """Return the responses to one GET of each of *paths*, as `sent` does."""
    calls = [partial(_get, path, call or {}) for path in paths]
    return sent(colour, url, *calls, **options)


def _get(path: str, options: dict[str, Any], client: Any) -> Any:
    return client.get(path, **options)


def wire(servers: Iterable[Server]) -> str:
    """Return all that came to *servers*."""
    return repr([server.heard for server in servers])
