"""What is tried again, and what never is."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
import tenacity

from penstock import (
    Call,
    ConnectionFailed,
    ProxyRefused,
    RequestOptions,
    ResponseTooLarge,
    ServerError,
    Stack,
    TimedOut,
    UntrustedCertificate,
)
from penstock.middleware import Retry
from penstock.testing import Reply

from .support import with_retry

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Rig

RETRIED = (408, 409, 429, 500, 502, 503, 504)
RETURNED = (200, 204, 304, 400, 401, 403, 404, 413, 418, 422, 501, 505)
IDEMPOTENT = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE")
UNSENT = ("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError")
DOUBTFUL = (
    "ReadTimeout",
    "WriteTimeout",
    "ReadError",
    "WriteError",
    "CloseError",
    "RemoteProtocolError",
)


def failure(name: str) -> httpx.TransportError:
    error: httpx.TransportError = getattr(httpx, name)("it failed")
    return error


@pytest.mark.parametrize("status", [*RETRIED, *RETURNED])
def test_statuses(status: int, rig: Callable[..., Rig]) -> None:
    """A GET is repeated after 408, 409, 429, 500, 502, 503 and 504, and after no other status."""
    server = rig([status, 200])
    assert server.status() == (200 if status in RETRIED else status)
    assert server.sent == (2 if status in RETRIED else 1)


@pytest.mark.parametrize("method", IDEMPOTENT)
@pytest.mark.parametrize("fault", [500, *map(failure, (*UNSENT, *DOUBTFUL))], ids=repr)
def test_an_idempotent_method_is_repeated(method: str, fault: Any, rig: Callable[..., Rig]) -> None:
    """GET, HEAD, OPTIONS, TRACE, PUT and DELETE are repeated whatever failed on the way."""
    server = rig([fault, fault, 200])
    assert server.status(method) == 200
    assert server.sent == 3


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("fault", [408, 409, 429, 503, *map(failure, UNSENT)], ids=repr)
def test_what_was_not_processed_is_always_repeated(
    method: str, fault: Any, rig: Callable[..., Rig]
) -> None:
    """POST and PATCH are repeated where the server cannot have acted on them."""
    server = rig([fault, 200])
    assert server.status(method, json={}) == 200
    assert server.sent == 2


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("fault", [500, 502, 504, *map(failure, DOUBTFUL)], ids=repr)
@pytest.mark.parametrize(
    "consent", ["none", "key", "header", "client header", "policy", "built request"]
)
def test_what_may_have_been_processed_needs_consent(
    method: str, fault: Any, consent: str, rig: Callable[..., Rig]
) -> None:
    """Otherwise POST and PATCH are repeated only with an `Idempotency-Key` or by policy."""
    call: dict[str, Any] = {"json": {}}
    options: dict[str, Any] = {}
    if consent == "key":
        call["idempotency_key"] = "once"
    elif consent == "header":
        call["headers"] = {"idempotency-KEY": "once"}
    elif consent == "client header":
        options["headers"] = {"Idempotency-Key": "once"}
    elif consent == "policy":
        options["stack"] = with_retry(retry_unsafe_methods=True)
    server = rig([fault, 200], **options)
    if consent == "built request":
        request = httpx.Request(
            method, "https://api.example.com/v1/it", headers={"Idempotency-Key": "once"}
        )
        server.colour.run(lambda: server.client.send(request))
    elif consent != "none":
        assert server.status(method, **call) == 200
    elif isinstance(fault, int):
        assert server.status(method, **call) == fault
    else:
        with pytest.raises(ConnectionFailed):
            server.send(method, **call)
    assert server.sent == (1 if consent == "none" else 2)


def test_an_idempotency_key_is_the_calls(rig: Callable[..., Rig]) -> None:
    """The key is sent bare, as given, the same on every attempt; the next call has none."""
    server = rig([500, 500, 200, 200])
    assert server.status("POST", json={}, idempotency_key="k 1") == 200
    assert server.status("POST", json={}) == 200
    assert [request.headers.get("idempotency-key") for request in server.requests] == [
        "k 1",
        "k 1",
        "k 1",
        None,
    ]


@pytest.mark.parametrize(
    ("error", "kind", "sends"),
    [
        (ssl.SSLError("bad record"), ConnectionFailed, 3),
        (ssl.SSLCertVerificationError("a stranger"), UntrustedCertificate, 1),
        (httpx.ProxyError("407 Proxy Authentication Required"), ProxyRefused, 1),
        (httpx.ProxyError("403 Forbidden"), ProxyRefused, 1),
        (httpx.ProxyError("it does not accept the user or the password"), ProxyRefused, 1),
        (httpx.ProxyError("429 Too Many Requests"), ConnectionFailed, 3),
        (httpx.ProxyError("502 Bad Gateway"), ConnectionFailed, 3),
        (httpx.ProxyError("port 4030 is closed"), ConnectionFailed, 3),
        (anyio.EndOfStream(), ConnectionFailed, 3),
        (OSError("broken"), ConnectionFailed, 3),
        (TimeoutError("too long"), TimedOut, 3),
        (RuntimeError("a bug"), RuntimeError, 1),
        (ZeroDivisionError("a bug"), ZeroDivisionError, 1),
    ],
)
def test_what_the_transport_raises(
    error: Exception, kind: type[Exception], sends: int, rig: Callable[..., Rig]
) -> None:
    """What the wire raised is repeated, and at last a typed error with it as cause.

    A certificate is not, nor a proxy's no: another attempt would meet the same. A bug in the
    transport comes up as the same object at once.
    """
    server = rig([error], forever=True)
    with pytest.raises(kind) as caught:
        server.send()
    assert server.sent == sends
    is_bug = type(error) is kind
    assert (caught.value if is_bug else caught.value.__cause__) is error


@pytest.mark.parametrize(
    ("error", "phase"),
    [
        (ConnectionRefusedError("refused"), "connect"),
        (ssl.SSLCertVerificationError("a stranger"), "connect"),
        (ConnectionResetError("reset"), "read"),
        (httpx.ConnectTimeout("slow"), "connect"),
        (httpx.PoolTimeout("full"), "pool"),
        (httpx.WriteTimeout("slow"), "write"),
        (httpx.ReadTimeout("slow"), "read"),
        (httpx.WriteError("broken"), "write"),
        (httpx.RemoteProtocolError("nonsense"), "protocol"),
        (httpx.ProxyError("refused"), "proxy"),
    ],
)
def test_the_phase_says_where(error: Exception, phase: str, rig: Callable[..., Rig]) -> None:
    """A failed connection says in which phase it failed."""
    server = rig([error], max_retries=0)
    with pytest.raises(ConnectionFailed) as caught:
        server.send()
    assert caught.value.phase == phase
    assert isinstance(caught.value, TimedOut) == isinstance(error, httpx.TimeoutException)


def test_a_cut_body_is_a_failed_attempt(rig: Callable[..., Rig]) -> None:
    """A plain call whose body breaks off is repeated like one whose head never came."""
    server = rig([Reply(chunks=[b"half", httpx.ReadError("cut")]), Reply(text="whole")])
    assert server.send().text == "whole"
    assert server.script.open == 0


def test_what_is_nobodys_hiccup_is_not_repeated(rig: Callable[..., Rig]) -> None:
    """A body over the limit would be as long the next time."""
    server = rig([Reply(content=b"x" * 11), 200])
    with pytest.raises(ResponseTooLarge):
        server.send(max_response_bytes=10)
    assert server.sent == 1


class Boom(Exception):
    """An error of a middleware of the user's."""


@pytest.mark.parametrize(
    ("rule", "replies", "sends"),
    [
        (tenacity.retry_if_exception_type(Boom), [200], 3),
        (tenacity.retry_if_exception_type(ValueError), [200], 1),
        (tenacity.retry_if_exception_cause_type(KeyError), [200], 3),
        (tenacity.retry_never, [200], 1),
        (tenacity.retry_always, [200], 3),
        (tenacity.retry_if_not_exception_type(ValueError), [200], 3),
        (tenacity.retry_if_exception_message(match="boom"), [200], 3),
        (
            tenacity.retry_if_exception(lambda error: isinstance(error, ConnectionFailed))
            | tenacity.retry_if_exception_type(Boom),
            [200],
            3,
        ),
    ],
)
def test_a_middlewares_own_error_is_the_rules_to_judge(
    rule: Any, replies: list[Any], sends: int, rig: Callable[..., Rig]
) -> None:
    """An error raised below `Retry` is repeated if the rule says so; the last is raised."""
    seen: list[int] = []

    async def explode(request: Any, call_next: Any) -> Any:
        seen.append(Call.of(request).attempt_count)
        await call_next(request)
        raise Boom("boom") from KeyError("cause")

    stack = Stack.standard().replace(Retry, Retry(retry=rule)).after(Retry, explode)
    server = rig(replies, forever=True, stack=stack)
    with pytest.raises(Boom):
        server.send()
    assert seen == list(range(1, sends + 1))
    assert server.sent == sends


def test_a_middlewares_own_error_is_not_repeated(rig: Callable[..., Rig]) -> None:
    """By default an error of another's making is raised at once, from inside as from outside."""

    async def explode(request: Any, call_next: Any) -> Any:
        raise Boom("boom")

    for stack in (Stack.standard().before(Retry, explode), Stack.standard().after(Retry, explode)):
        server = rig([200], stack=stack)
        with pytest.raises(Boom):
            server.send()
        assert server.sent == 0


@pytest.mark.parametrize(
    ("rule", "replies", "statuses"),
    [
        (tenacity.retry_if_result(lambda r: r.json() == {"state": "running"}), 3, [200, 200, 200]),
        (tenacity.retry_if_result(lambda r: r.status_code == 404), 1, [200]),
    ],
)
def test_a_rule_may_look_at_the_response(
    rule: Any, replies: int, statuses: list[int], rig: Callable[..., Rig]
) -> None:
    """A strategy sees the response with its body read, whatever its status."""
    server = rig([{"state": "running"}] * 2 + [{"state": "done"}])
    response = server.send(options=RequestOptions(retry=rule))
    assert response.json() == {"state": "done" if replies == 3 else "running"}
    assert server.sent == replies


def test_an_async_rule(rig: Callable[..., Rig]) -> None:
    """A strategy may be async, as tenacity's `retry_base` for asyncio is."""

    async def rule(state: Any) -> bool:
        return not state.outcome.failed and state.outcome.result().status_code == 418

    server = rig([418, 200])
    assert server.status(retry=rule) == 200


def test_statuses_can_be_chosen(rig: Callable[..., Rig]) -> None:
    """`Retry(statuses=…)` replaces the default ones."""
    server = rig([418, 200, 503], stack=with_retry(statuses=[418]))
    assert server.status() == 200
    assert server.status() == 503


def test_a_call_may_forbid_repeats(rig: Callable[..., Rig]) -> None:
    """`max_retries=0` on a call sends once, and the next call has the client's number again."""
    server = rig([503], forever=True)
    with pytest.raises(ServerError):
        server.send(max_retries=0)
    assert server.sent == 1
    assert server.status() == 503
    assert server.sent == 4


def test_cancellation_is_nobodys_failure(rig: Callable[..., Rig]) -> None:
    """A rule that repeats every exception repeats no cancellation and no interrupt."""
    for interrupt in (KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit):

        def stop(request: Any, interrupt: Any = interrupt) -> Any:
            raise interrupt

        server = rig([stop, 200], stack=with_retry(retry=tenacity.retry_always))
        with pytest.raises(BaseException) as caught:  # noqa: PT011 - each of the four
            server.send()
        assert isinstance(caught.value, interrupt)
        assert server.sent == 1
