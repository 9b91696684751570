"""What one call may override, in whichever way it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import tenacity

from penstock import (
    REMOVE,
    UNSET,
    Call,
    InvalidOption,
    RequestOptions,
    ServiceUnavailable,
    Stack,
    on_request,
)
from penstock.middleware import Retry
from penstock.testing import Reply

from .support import BASE_URL, KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Rig

HOW = ("object", "dict", "keyword", "view", "keyword over object")


def sent_with(server: Rig, how: str, **option: Any) -> Any:
    """Send one request with an option given in one of the ways there are."""
    if how == "object":
        return server.send(options=RequestOptions(**option))
    if how == "dict":
        return server.send(options=option)
    if how == "keyword":
        return server.send(**option)
    if how == "view":
        view = server.client.with_options(**option)
        return server.colour.run(lambda: view.get("/it"))
    other = RequestOptions(timeout=77.0, max_retries=7, raise_for_status=False, operation="other")
    return server.send(options=other, **option)


def tag(request: Any) -> None:
    request.headers["X-Tag"] = "tagged"


class Signed(httpx.Auth):
    """An auth that signs with one word."""

    def auth_flow(self, request: httpx.Request) -> Any:
        request.headers["Authorization"] = "Signed"
        yield request


FIELDS: dict[str, tuple[Any, Callable[[Rig, Call], Any], Any]] = {
    "timeout": (3.0, lambda server, _: server.requests[0].extensions["timeout"]["read"], 3.0),
    "deadline": (2.0, lambda server, _: server.requests[0].extensions["timeout"]["read"], 2.0),
    "max_retries": (1, lambda server, _: server.sent, 1),
    "retry": (tenacity.retry_always, lambda server, _: server.sent >= 3, True),
    "headers": ({"X-A": "1"}, lambda server, _: server.requests[0].headers["x-a"], "1"),
    "params": ({"a": "1"}, lambda server, _: server.requests[0].url.query, b"a=1"),
    "api_key": (
        KEY,
        lambda server, _: server.requests[0].headers["authorization"],
        f"Bearer {KEY}",
    ),
    "auth": (Signed(), lambda server, _: server.requests[0].headers["authorization"], "Signed"),
    "idempotency_key": (
        "k-1",
        lambda server, _: server.requests[0].headers["idempotency-key"],
        "k-1",
    ),
    "operation": ("chat.create", lambda _, call: call.operation, "chat.create"),
    "attributes": ({"a": 1}, lambda _, call: call.options.attributes, {"a": 1}),
    "log_fields": ({"b": 2}, lambda _, call: call.options.log_fields, {"b": 2}),
    "raise_for_status": (False, lambda _, call: call.options.raise_for_status, False),
    "allow_absolute": (True, lambda _, call: call.options.allow_absolute, True),
    "max_response_bytes": (9, lambda _, call: call.options.max_response_bytes, 9),
    "max_decoded_bytes": (9, lambda _, call: call.options.max_decoded_bytes, 9),
    "stack": (
        lambda stack: stack.append(on_request(tag)),
        lambda server, _: server.requests[0].headers["x-tag"],
        "tagged",
    ),
}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("field", FIELDS)
def test_every_field_can_be_overridden(field: str, how: str, rig: Callable[..., Rig]) -> None:
    """Object, dict, keyword and view say the same; a keyword wins over an object beside it."""
    value, look, expected = FIELDS[field]
    calls: list[Call] = []

    async def watch(request: Any, call_next: Any) -> Any:
        calls.append(Call.of(request))
        return await call_next(request)

    server = rig([200], forever=True, stack=Stack.standard().before(Retry, watch))
    sent_with(server, how, **{field: value})
    assert look(server, calls[0]) == expected


def test_every_field_is_under_test() -> None:
    """Whatever `RequestOptions` has is above."""
    assert sorted(FIELDS) == sorted(RequestOptions.__dataclass_fields__)


def test_a_field_not_given_is_unset() -> None:
    """Every field is `UNSET` unless given, which is neither None nor false nor true."""
    options = RequestOptions()
    assert {getattr(options, name) for name in FIELDS} == {UNSET}
    assert repr(options) == "RequestOptions()"
    assert not UNSET


def test_options_do_not_change() -> None:
    """Options are frozen and slotted: one object can serve any number of calls."""
    options = RequestOptions(
        timeout=5, api_key=KEY, headers={"Authorization": "x"}, params={"t": "s"}
    )
    with pytest.raises(AttributeError):
        options.timeout = 6  # type: ignore[misc]  # refused
    with pytest.raises((AttributeError, TypeError)):
        options.more = 1  # type: ignore[attr-defined]  # refused
    assert repr(options) == (
        "RequestOptions(timeout=5, headers={'Authorization': '***'}, params={'t': '***'}, "
        "api_key=Secret(***))"
    )


LAYERS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"timeout": 1.0}, {}, {}),
    ({"timeout": 1.0}, {"timeout": 2.0}, {}),
    ({"timeout": 1.0}, {}, {"timeout": 3.0}),
    ({"timeout": 1.0}, {"timeout": 2.0}, {"timeout": 3.0}),
    ({}, {"timeout": 2.0}, {"timeout": 3.0}),
]


@pytest.mark.parametrize("layers", LAYERS)
def test_the_nearest_layer_wins(
    layers: tuple[dict[str, Any], ...], rig: Callable[..., Rig]
) -> None:
    """A call's value wins over its view's, and that over the constructor's."""
    constructor, view, call = layers
    server = rig(**constructor)
    client = server.client.with_options(**view) if view else server.client
    server.colour.run(lambda: client.get("/it", **call))
    wanted = {**constructor, **view, **call}["timeout"]
    assert server.requests[0].extensions["timeout"]["read"] == wanted


def test_none_replaces_a_value(rig: Callable[..., Rig]) -> None:
    """None is a value: it lifts the client's key and limits where the call says so."""
    server = rig([200, 200], api_key=KEY, timeout=5.0, deadline=9.0, max_response_bytes=0)
    server.send(api_key=None, timeout=None, deadline=None, max_response_bytes=None)
    assert "authorization" not in server.requests[0].headers
    assert server.requests[0].extensions["timeout"].get("read") is None
    server.send(raise_for_status=True)
    assert "authorization" in server.requests[1].headers


@pytest.mark.parametrize("how", ["object", "dict", "keyword", "view"])
def test_headers_merge_by_name_without_case(how: str, rig: Callable[..., Rig]) -> None:
    """One line comes out for each name, the nearest one's; `REMOVE` takes an inherited one away."""
    server = rig(headers={"authorization": "A", "X-Kept": "1", "X-Gone": "1", "Accept": "a/b"})
    sent_with(
        server, how, headers={"AUTHORIZATION": "B", "x-gone": REMOVE, "accept-ENCODING": REMOVE}
    )
    headers = server.requests[0].headers
    assert headers.get_list("authorization") == ["B"]
    assert headers.get_list("accept") == ["a/b"]
    assert headers["x-kept"] == "1"
    assert "x-gone" not in headers
    assert "accept-encoding" not in headers


@pytest.mark.parametrize("how", ["object", "dict", "keyword", "view"])
def test_params_merge_by_key(how: str, rig: Callable[..., Rig]) -> None:
    """Params are merged over the client's and over what the path has; `REMOVE` takes one away."""
    server = rig(params={"q": "bar", "gone": "1", "kept": "1"})
    sent_with(server, how, params={"q": "baz", "gone": REMOVE})
    assert dict(server.requests[0].url.params) == {"q": "baz", "kept": "1"}


def test_an_override_leaves_the_client_as_it_was(rig: Callable[..., Rig]) -> None:
    """What one call overrides is gone with it, and what it was given is not changed."""
    headers, params = {"X-A": "1"}, {"a": "1"}
    options = RequestOptions(headers=headers, params=params, timeout=1.0)
    server = rig([200, 200, 200])
    server.send(options=options, api_key=KEY)
    server.send()
    assert (headers, params) == ({"X-A": "1"}, {"a": "1"})
    assert "x-a" not in server.requests[1].headers
    assert "authorization" not in server.requests[1].headers
    assert server.requests[1].url.query == b""
    assert server.requests[1].extensions["timeout"]["read"] == 60.0


@pytest.mark.parametrize(
    ("first", "then", "sent"),
    [
        ({"api_key": KEY}, {"auth": Signed()}, "Signed"),
        ({"auth": Signed()}, {"api_key": KEY}, f"Bearer {KEY}"),
        ({"auth": Signed()}, {"auth": None}, None),
        ({"api_key": KEY}, {"auth": None}, None),
        ({"auth": Signed()}, {"api_key": None}, None),
    ],
)
def test_one_credential_replaces_another(
    first: Any, then: Any, sent: str | None, rig: Callable[..., Rig]
) -> None:
    """A key of the call takes the place of the client's auth, and the other way round."""
    server = rig([200, 200], **first)
    server.send(**then)
    server.colour.run(lambda: server.client.with_options(**then).get("/it"))
    assert [request.headers.get("authorization") for request in server.requests] == [sent, sent]


def test_a_calls_stack_is_made_once(rig: Callable[..., Rig]) -> None:
    """The stack a function makes is kept by the function, for a bounded number of functions."""
    made: list[int] = []

    def changing(n: int) -> Any:
        def change(stack: Stack) -> Stack:
            made.append(n)
            return stack

        return change

    server = rig([200], forever=True)
    same = changing(-1)
    for _ in range(3):
        server.send(stack=same)
    assert made == [-1]
    for n in range(100):
        server.send(stack=changing(n))
    assert len(server.client._bound) <= 32


def test_a_calls_stack_may_leave_anything_out(rig: Callable[..., Rig]) -> None:
    """Without `Retry` a call is sent once, and the client's other calls as ever."""
    server = rig([503, 503, 503, 503])
    with pytest.raises(ServiceUnavailable):
        server.send(stack=lambda stack: stack.without(Retry))
    assert server.sent == 1
    assert server.status() == 503
    assert server.sent == 4


def test_a_built_request_takes_overrides_too(rig: Callable[..., Rig]) -> None:
    """`send` lays the call's headers and params over the request's, the client's beneath them."""
    server = rig(headers={"X-A": "client", "X-B": "client"}, api_key=KEY)
    request = httpx.Request(
        "GET", f"{BASE_URL}/it?q=1", headers={"X-A": "request", "X-C": "request", "X-D": "request"}
    )
    server.colour.run(
        lambda: server.client.send(
            request, headers={"x-c": "call", "X-D": REMOVE}, params={"q": "2"}, timeout=3.0
        )
    )
    sent = server.requests[0]
    assert {name: sent.headers.get(name) for name in ("x-a", "x-b", "x-c", "x-d")} == {
        "x-a": "request",
        "x-b": "client",
        "x-c": "call",
        "x-d": None,
    }
    assert sent.url.query == b"q=2"
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.extensions["timeout"]["read"] == 3.0
    with pytest.raises(InvalidOption, match="json"):
        server.colour.run(lambda: server.client.send(request, json={}))


def test_raise_for_status_off(rig: Callable[..., Rig]) -> None:
    """A call, a view and a client may take a status of 400 or more as an answer."""
    reply = Reply(404, json={"no": "such"})
    server = rig([reply] * 2)
    assert server.send(raise_for_status=False).json() == {"no": "such"}
    view = server.client.with_options(raise_for_status=False)
    assert server.colour.run(lambda: view.get("/it")).status_code == 404
    assert rig([reply], raise_for_status=False).send().status_code == 404
