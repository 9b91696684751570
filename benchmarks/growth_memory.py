"""What a header and a layer add, in memory: the curves of `growth.py` that need no server."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
from harness import Curve, of_async, of_sync
from stub import BODY, KEY, PATH, SIGNED, URL, VALUES, Stub

import penstock
from penstock.stepping import run_now

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

HEADERS = (5, 20, 50, 100)
LAYERS = (0, 10, 20, 50)


async def passing(request: penstock.Request, call_next: penstock.Next) -> penstock.Response:
    """The cheapest middleware there is."""
    return await call_next(request)


class PassingTransport(httpx.BaseTransport):
    """The same as httpx does it: a transport around another."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._inner.handle_request(request)


def headers() -> Curve:
    """Time a post by the number of headers the client sends each time."""
    curve = Curve("headers of the client")
    for count in HEADERS:
        values: dict[str, Any] = {
            "base_url": URL,
            "headers": {f"X-Header-{index}": f"value {index}" for index in range(count)},
            "transport": Stub(),
        }
        ours = penstock.Client(api_key=KEY, **values)
        bare = httpx.Client(**values)
        curve.add("ours, quiet", count, of_sync("", partial(ours.post, PATH, json=BODY)))
        post = partial(bare.post, PATH, json=BODY, headers=SIGNED)
        curve.add("httpx", count, of_sync("", post))
    return curve


def layers(loop: asyncio.AbstractEventLoop) -> Curve:
    """Time a request by the number of middleware, or of transports, it passes through."""
    curve = Curve("layers")
    response = httpx.Response(200)
    request: Any = httpx.Request("GET", URL)

    async def terminal(_request: Any) -> Any:
        return response

    for count in LAYERS:
        send = penstock.Stack([passing] * count).bind(terminal)
        curve.add("ours, sync", count, of_sync("", _stepped(send, request)))
        curve.add("ours, async", count, of_async("", partial(send, request), loop))
        transport: httpx.BaseTransport = _Answers(response)
        for _ in range(count):
            transport = PassingTransport(transport)
        curve.add(
            "httpx transports", count, of_sync("", partial(transport.handle_request, request))
        )
    return curve


def bare() -> Callable[[], Any]:
    """Return the call whose time tells how fast the machine is."""
    return partial(httpx.Client(transport=Stub(), **VALUES).post, PATH, json=BODY, headers=SIGNED)


class _Answers(httpx.BaseTransport):
    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    def handle_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - httpx's
        return self._response


def _stepped(send: Any, request: Any) -> Callable[[], Any]:
    return lambda: run_now(send(request))
