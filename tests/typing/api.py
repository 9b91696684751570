"""What type checkers must make of the public surface.

Never executed: `mypy` (strict, so that an ignore nothing needs is an error) and `pyright` check it,
both as they are configured in pyproject.toml. A line that must be refused carries the code it is
refused with.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_type

import httpx

from penstock import (
    REMOVE,
    UNSET,
    AsyncClient,
    AsyncEventStream,
    Attempt,
    BulkRequest,
    BulkResult,
    Call,
    Client,
    Download,
    Event,
    EventStream,
    Key,
    Middleware,
    Next,
    Request,
    RequestOptions,
    Response,
    RetryScheduled,
    Stack,
    StatusError,
    on_request,
    on_response,
    parse,
)
from penstock.middleware import (
    Auth,
    Chaos,
    CircuitBreaker,
    Headers,
    Idempotency,
    Retry,
    RetryBudget,
    Timeout,
)

# A user's middleware: a function, a class, a plain function made one


async def add_tenant(request: Request, call_next: Next) -> Response:
    request.headers["X-Tenant"] = "acme"
    return await call_next(request)


ATTEMPTS = Key[int]("attempts of mine")


class CountAttempts:
    zone = "attempt"

    async def __call__(self, request: Request, call_next: Next) -> Response:
        call = Call.of(request)
        assert_type(call.get(ATTEMPTS), int | None)
        assert_type(call.get(ATTEMPTS, 0), int)
        call.set(ATTEMPTS, Attempt.of(request).number)
        call.set(ATTEMPTS, "one")  # type: ignore[misc]
        await call.runtime.sleep(0.1)
        return await call_next(request)


def stamp(request: Request) -> None:
    request.headers["X-Stamp"] = "1"


def look(response: Response) -> None:
    assert_type(response.status_code, int)


def not_async(request: Request, call_next: Next) -> Response:
    raise NotImplementedError


async def no_response(request: Request, call_next: Next) -> None:
    await call_next(request)


class NotCallable:
    """It has no `__call__`."""


function: Middleware = add_tenant
instance: Middleware = CountAttempts()
plain: Middleware = on_request(stamp)

wrong_colour: Middleware = not_async  # type: ignore[assignment]
wrong_result: Middleware = no_response  # type: ignore[assignment]
wrong_thing: Middleware = NotCallable()  # type: ignore[assignment]
on_request(add_tenant)  # type: ignore[arg-type]
on_response(stamp)  # type: ignore[arg-type]

# A stack

stack = (
    Stack.standard()
    .before(Retry, add_tenant, CountAttempts())
    .after(Retry, on_response(look))
    .replace(Timeout, Timeout())
    .without(Headers)
    .append(Auth(header="X-Api-Key", scheme=None))
)
production = (
    Stack.production()
    .replace(RetryBudget, RetryBudget(5, shared=True))
    .replace(CircuitBreaker, CircuitBreaker(window=10))
    .before(RetryBudget, Idempotency(make_key=lambda: "key"))
    .append(Chaos(latency=(0.1, 0.2), when=lambda request: request.method == "GET"))
)
assert_type(production, Stack)
assert_type(stack, Stack)
assert_type(stack[0], Middleware)
assert_type(stack[1:], Stack)
for layer in Stack([add_tenant, *Stack.bare()]):
    assert_type(layer, Middleware)

Stack([not_async])  # type: ignore[list-item]
stack.before(Retry, not_async)  # type: ignore[arg-type]
stack.replace(Retry, Retry(), Retry())  # type: ignore[call-arg]
Retry(base_delay="long")  # type: ignore[arg-type]
Retry(max_retries=3)  # type: ignore[call-arg]
assert_type(Retry(base_delay=1.0), Retry)

# Options

options = RequestOptions(timeout=5.0, max_retries=0, headers={"X-Old": REMOVE}, deadline=UNSET)
RequestOptions(stack=lambda usual: usual.without(Retry))
RequestOptions(timeot=5.0)  # type: ignore[call-arg]
RequestOptions(max_retries="two")  # type: ignore[arg-type]
RequestOptions(timeout="5")  # type: ignore[arg-type]
RequestOptions(5.0)  # type: ignore[call-arg]
options.timeout = 6.0  # type: ignore[misc]

# A client, sync


def use(client: Client) -> None:
    response = client.post("/orders", json={"a": 1}, params={"q": "1"}, options=options)
    assert_type(response, Response)
    assert_type(response.json(), Any)
    assert_type(response.content, bytes)
    client.get("/orders", options={"timeout": 5.0}, idempotency_key="once", raise_for_status=False)
    client.get("/orders", timeot=5.0)  # type: ignore[call-arg]
    client.get("/orders", max_retries="two")  # type: ignore[arg-type]
    client.get("/orders", timeout=httpx.Timeout(5.0, read=None))
    client.get("/orders", timeout=None)
    client.get("/orders", timeout="5")  # type: ignore[arg-type]
    client.request("PURGE", "/orders", operation="orders.purge")
    client.send(httpx.Request("GET", "https://api.example.com/orders"))
    assert_type(client.with_options(timeout=1.0), Client)
    client.with_options(timeot=1.0)  # type: ignore[call-arg]
    assert_type(client.stack, Stack)
    assert_type(Client.from_env(), Client)
    with client.stream("GET", "/log") as opened:
        assert_type(opened, Response)
        assert_type(opened.iter_bytes(), Iterator[bytes])
    with client.stream_events("POST", "/chat", json={}, format="ndjson", terminal=None) as events:
        assert_type(events, EventStream)
        for event in events:
            assert_type(event, Event)
            assert_type(event.raw, str)
    assert_type(client.download("/file", Path("file"), progress=print), Download)
    with client.map(["/a", BulkRequest("POST", "/b", json={})], results="out.jsonl") as bulk:
        for result in bulk:
            assert_type(result, BulkResult)
            assert_type(result.get(), Response)
    client.map(["/a"], concurrency="8")  # type: ignore[arg-type]
    BulkRequest("GET", "/a", timeot=1.0)  # type: ignore[call-arg]
    with Client("https://api.example.com", api_key=lambda: "sk", stack=stack) as other:
        assert_type(other, Client)
    Client("https://api.example.com", api_key=1)  # type: ignore[arg-type]
    Client("https://api.example.com", timeot=1.0)  # type: ignore[call-arg]
    Client("https://api.example.com", timeout="5")  # type: ignore[arg-type]
    assert_type(Client("https://api.example.com", timeout=1.0), Client)


# A client, async


async def ause(client: AsyncClient) -> None:
    response = await client.post("/orders", json={"a": 1}, max_retries=0)
    assert_type(response, Response)
    client.get("/orders").json()  # type: ignore[attr-defined]
    async with client.stream("GET", "/log") as opened:
        assert_type(opened, Response)
        assert_type(opened.aiter_bytes(), AsyncIterator[bytes])
    async for event in client.stream_events("POST", "/chat", json={}):
        assert_type(event, Event)
    async with client.stream_events("POST", "/chat") as events:
        assert_type(events, AsyncEventStream)
    assert_type(await client.download("/file", "file"), Download)
    async for result in client.map(["/a"], ordered=False, timeout=5.0):
        assert_type(result, BulkResult)
    async with AsyncClient("https://api.example.com", api_key=supply) as other:
        assert_type(other, AsyncClient)
    assert_type(AsyncClient.from_settings(), AsyncClient)


async def supply() -> str:
    return "sk"


# What comes back: facts, errors, models


def watch(call: Call, fact: object) -> None:
    if isinstance(fact, RetryScheduled):
        assert_type(fact.wait, float)


@dataclass
class Order:
    """A model of a user's."""

    number: int


def read(response: Response) -> int:
    order = parse(response, Order)
    assert_type(order, Order)
    return order.number


def ask(response: Response) -> str:
    assert_type(response.is_client_error, bool)
    assert_type(response.cookies["session"], str)
    assert_type(response.next_request, Request | None)
    response.encoding = "latin-1"
    response.encoding = 1  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    return response.raise_for_status().text


def explain(error: StatusError) -> str:
    assert_type(error.status_code, int)
    assert_type(error.attempts[0].wait, float | None)
    return f"{error.request_id}: {error.message}"
