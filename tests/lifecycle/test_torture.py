"""The law of sockets: whichever operation fails, and however, the client is as good as before."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import httpcore
import httpx
import pytest

from penstock import PenstockError
from penstock.transport.backend import AsyncLimitedBackend, LimitedBackend
from penstock.transport.pool_factory import AsyncPoolFactory, PoolFactory

from .failing import WAYS, AsyncBackend, Failure, SyncBackend

if TYPE_CHECKING:
    import ssl

    from .echo import Echo
    from .tunnel import Tunnels

PASSES = {"no memory": MemoryError, "cancelled": KeyboardInterrupt}
OK, CANCELLED = "ok", "cancelled"


def under(failure: Failure, *, is_async: bool) -> Any:
    """Return what makes a backend of ours over the engine's, under a failure."""
    ours, theirs = (
        (AsyncLimitedBackend, AsyncBackend) if is_async else (LimitedBackend, SyncBackend)
    )

    def make(core: Any, **most: Any) -> Any:
        engines = core.AnyIOBackend() if is_async else core.SyncBackend()
        return ours(core, theirs(engines, failure), **most)

    return make


async def ask(client: Any, kind: str) -> Any:
    """Call, as *kind* says, and return the body; a sync client never suspends."""
    if kind != "stream":
        response = client.get("/it")
        return (await response if hasattr(response, "__await__") else response).content
    opening = client.stream("GET", "/it")
    if hasattr(opening, "__aenter__"):
        async with opening as response:
            return b"".join([chunk async for chunk in response.aiter_bytes(1)])
    with opening as response:
        return b"".join(response.iter_bytes(1))


async def outcome(client: Any, kind: str, scope: anyio.CancelScope | None) -> Any:
    """Return the class of what a call raised, or what became of it otherwise."""
    try:
        if scope is None:
            assert await ask(client, kind) == b"/it"
            return OK
        with scope:
            assert await ask(client, kind) == b"/it"
            return OK
    except (PenstockError, MemoryError, KeyboardInterrupt) as error:
        return type(error)
    return CANCELLED


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["plain", "stream", "tls", "proxied"])
def test_any_operation_fails(
    kind: str,
    way: str,
    colour: Any,
    server: Echo,
    tls_server: Echo,
    trusted: ssl.SSLContext,
    proxy: Tunnels,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A typed error, nothing open that the pool does not know, and the next call succeeds."""
    with_tls = kind in {"tls", "proxied"}
    options: dict[str, Any] = {"verify": trusted} if with_tls else {}
    options |= {"proxy": proxy.url} if kind == "proxied" else {}
    url = tls_server.url if with_tls else server.url
    limits = httpx.Limits(max_connections=1)

    async def fail_at(at: int) -> bool:
        scope = anyio.CancelScope() if colour.is_async else None
        failure = Failure(httpcore, way, at, scope.cancel if scope else (lambda: None))
        backend = under(failure, is_async=colour.is_async)
        factory = AsyncPoolFactory if colour.is_async else PoolFactory
        monkeypatch.setattr(factory, "_backend_class", staticmethod(backend))
        client = colour.client(
            url, trust_env=False, max_retries=0, timeout=5.0, limits=limits, **options
        )
        result = await outcome(client, kind, scope)
        reached = failure.at is None
        if not reached:
            assert result == OK
        elif way == "cancelled" and colour.is_async:
            assert result == CANCELLED
        elif way in PASSES:
            assert result is PASSES[way]
        else:
            assert issubclass(result, PenstockError)
        assert client._wire.transport.pool_status().active == 0
        failure.at = None
        assert await outcome(client, "plain", None) == OK
        assert len(failure.open) == client._wire.transport.pool_status().connections == 1
        if colour.is_async:
            await client.aclose()
        else:
            client.close()
        assert failure.open == set()
        return reached

    def run(at: int) -> bool:
        if colour.is_async:
            return bool(colour.run(partial(fail_at, at)))
        with pytest.raises(StopIteration) as stop:
            fail_at(at).send(None)
        return bool(stop.value.value)

    assert len(list(itertools.takewhile(run, itertools.count()))) >= 3
