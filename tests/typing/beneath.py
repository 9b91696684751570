"""A client of a family takes our transport, and its messages are ours, as type checkers see it."""

from __future__ import annotations

from typing import assert_type

import httpx
import httpx2

import penstock
from penstock import Response, Stack

httpx.Client(transport=penstock.HttpxTransport(Stack.transport(), deadline=3, verify=False))
httpx.AsyncClient(transport=penstock.AsyncHttpxTransport(limits=httpx.Limits(), max_retries=1))
httpx2.Client(transport=penstock.Httpx2Transport(timeout=httpx2.Timeout(3), proxy=None))
httpx2.AsyncClient(transport=penstock.AsyncHttpx2Transport(name="acme", http2=True))
assert_type(penstock.HttpxTransport().stack, Stack)
penstock.Httpx2Transport(timeout="3")  # type: ignore[arg-type]  # seconds
penstock.RequestOptions(timeout=httpx2.Timeout(3))
penstock.Httpx2Transport(proxi=None)  # type: ignore[call-arg]  # there is no such argument
here: Response = httpx.Response(200)
there: Response = httpx2.Response(200)
