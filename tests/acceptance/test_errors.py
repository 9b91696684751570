"""What an error tells, keeps and survives."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import traceback
import weakref
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import penstock
from penstock import (
    AttemptRecord,
    DecodeError,
    DetachedResponse,
    PenstockError,
    RequestTimeout,
    ServiceUnavailable,
    Stack,
    StatusError,
    StreamError,
    TimedOut,
)
from penstock.middleware import RaiseForStatus
from penstock.testing import Reply

from .support import BASE_URL, KEY, Rig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TABLE = {
    400: "BadRequest",
    401: "Unauthorized",
    402: "PaymentRequired",
    403: "Forbidden",
    404: "NotFound",
    405: "StatusError",
    408: "RequestTimeout",
    409: "Conflict",
    413: "ContentTooLarge",
    418: "StatusError",
    422: "UnprocessableContent",
    429: "TooManyRequests",
    499: "StatusError",
    500: "ServerError",
    501: "ServerError",
    502: "ServerError",
    503: "ServiceUnavailable",
    504: "ServerError",
    599: "ServerError",
}


def subclasses(cls: type[PenstockError] = PenstockError) -> Iterator[type[PenstockError]]:
    if cls.__module__ == "penstock.errors":
        yield cls
    for sub in cls.__subclasses__():
        yield from subclasses(sub)


def an_error(cls: type[PenstockError]) -> PenstockError:
    """Return an error of any class with everything on it that an error may have."""
    request = httpx.Request("POST", f"{BASE_URL}/it?token=secret", headers={"Authorization": KEY})
    live = httpx.Response(503, headers={"X-Request-Id": "req-1"}, json={"a": 1}, request=request)
    detached = DetachedResponse(live, live.content, method="POST", url=request.url)
    more = {"response": detached, "body": {"error": {"code": 7}}, "phase": "write"}
    takes = inspect.signature(cls).parameters
    error: Any = cls("it failed", **{name: more[name] for name in more if name in takes})
    if isinstance(error, StreamError):
        error.events, error.last_event_id = 3, "id-3"
    error.method, error.url, error.operation = "POST", f"{BASE_URL}/it?token=REDACTED", "chat"
    error.request_id, error.elapsed = "req-1", 1.5
    error.attempts = (
        AttemptRecord(0, 503, None, 0.2, 0.5, "503"),
        AttemptRecord(1, 503, None, 0.3),
    )
    return error


@pytest.mark.parametrize("cls", sorted(subclasses(), key=lambda cls: cls.__name__))
@pytest.mark.parametrize("by", ["pickle", "copy", "deepcopy"])
def test_every_error_pickles_and_copies(cls: type[PenstockError], by: str) -> None:
    """A copy has the class, the text and every attribute; nothing in it is the live request."""
    error = an_error(cls)
    copied = {
        "pickle": lambda: pickle.loads(pickle.dumps(error)),
        "copy": lambda: copy.copy(error),
        "deepcopy": lambda: copy.deepcopy(error),
    }[by]()
    assert type(copied) is cls
    assert (str(copied), repr(copied), copied.args) == (str(error), repr(error), error.args)
    kept = {name: value for name, value in vars(error).items() if name != "response"}
    assert {name: value for name, value in vars(copied).items() if name != "response"} == kept
    if isinstance(error, StatusError):
        assert copied.status_code == error.status_code == 503
        assert copied.body == error.body == {"a": 1}
        assert dict(copied.response.headers) == dict(error.response.headers)
    assert KEY.encode() not in pickle.dumps(error)


@pytest.mark.parametrize("cls", sorted(subclasses(), key=lambda cls: cls.__name__))
def test_every_error_is_exported(cls: type[PenstockError]) -> None:
    """Each class can be caught by its name in `penstock`, with all it is also."""
    assert getattr(penstock, cls.__name__) is cls
    assert "it failed (POST https://api.example.com/v1/it?token=REDACTED" in str(an_error(cls))


@pytest.mark.parametrize("status", TABLE)
def test_a_status_has_its_class(status: int, rig: Callable[..., Rig]) -> None:
    """Each status raises the class the table says, with status, body, headers and request id."""
    reply = Reply(
        status,
        headers={"X-Request-Id": "req-9", "X-Debug": "1"},
        json={"error": {"message": "because", "extra": "not for the log"}},
    )
    server = rig([reply], max_retries=0)
    with pytest.raises(StatusError, match=f"{status}.*because") as caught:
        server.send("POST", "/it", params={"token": "secret"}, operation="chat.create")
    error = caught.value
    assert type(error).__name__ == TABLE[status]
    assert error.status_code == status
    assert error.body["error"]["extra"] == "not for the log"
    assert error.response.headers["x-debug"] == "1"
    assert (error.method, error.url) == ("POST", f"{BASE_URL}/it?token=REDACTED")
    assert (error.request_id, error.operation) == ("req-9", "chat.create")
    assert "req-9" in str(error)
    assert "not for the log" not in "".join(traceback.format_exception(error))


BODIES = {
    "nested": ({"json": {"error": {"message": "said"}}}, "said"),
    "flat": ({"json": {"message": "said"}}, "said"),
    "an error that is text": ({"json": {"error": "said"}}, "said"),
    "detail": ({"json": {"detail": "said"}}, "said"),
    "RFC 9457": ({"json": {"title": "said", "status": 500}}, "said"),
    "validation": ({"json": {"detail": [{"loc": ["body"], "msg": "no"}]}}, ""),
    "a list": ({"json": [1, 2]}, ""),
    "a number": ({"json": 5}, ""),
    "HTML": ({"text": "<html><body>stack trace</body></html>"}, ""),
    "nothing": ({}, ""),
    "broken JSON": ({"text": '{"error": {"mess'}, ""),
    "binary": ({"content": b"\xff\xfe\x00"}, ""),
    "deep": ({"text": "[" * 100_000}, ""),
}


@pytest.mark.parametrize("name", BODIES)
def test_what_the_text_says_of_a_body(name: str, rig: Callable[..., Rig]) -> None:
    """The server's message is in the text; a page, or what does not parse, is on the body alone."""
    body, said = BODIES[name]
    server = rig([Reply(500, **body)], max_retries=0)
    with pytest.raises(StatusError) as caught:
        server.send()
    assert caught.value.message == "500 Internal Server Error" + (f": {said}" if said else "")
    if name == "HTML":
        assert caught.value.body == "<html><body>stack trace</body></html>"


def test_a_kept_body_is_bounded(rig: Callable[..., Rig]) -> None:
    """An error keeps the first 64 KiB of a body, and a message of 500 characters."""
    server = rig([Reply(500, content=b"x" * 1_000_000), Reply(500, json={"message": "y" * 9000})])
    with pytest.raises(StatusError) as caught:
        server.send(max_retries=0)
    assert len(caught.value.response.content) == 65_536
    with pytest.raises(StatusError) as caught:
        server.send(max_retries=0)
    assert len(str(caught.value)) < 700


def test_attempts_tell_what_was_tried(rig: Callable[..., Rig]) -> None:
    """Status or error, time taken, wait and its reason of every attempt are on the error."""
    server = rig(
        [Reply(503, delay=0.25), httpx.ReadTimeout("silence"), Reply(503, delay=0.5)], draw=1.0
    )
    with pytest.raises(ServiceUnavailable, match=r"3 attempts, 2\.25 s") as caught:
        server.send()
    assert caught.value.attempts == (
        AttemptRecord(0, 503, None, 0.25, 0.5, "503"),
        AttemptRecord(1, None, "TimedOut", 0.0, 1.0, "TimedOut"),
        AttemptRecord(2, 503, None, 0.5),
    )
    assert caught.value.elapsed == 2.25


def test_an_error_of_the_wire_is_chained(rig: Callable[..., Rig]) -> None:
    """What the engine raised is the cause, without its frames, and the request is not on it."""
    cause = httpx.ReadTimeout("silence")
    server = rig([cause], max_retries=0, api_key=KEY)
    with pytest.raises(TimedOut) as caught:
        server.send("DELETE", "/it")
    assert caught.value.__cause__ is cause
    assert (caught.value.method, caught.value.url) == ("DELETE", f"{BASE_URL}/it")
    assert [record.error for record in caught.value.attempts] == ["TimedOut"]
    assert not any(isinstance(value, httpx.Request) for value in vars(caught.value).values())


@pytest.mark.parametrize(
    "chunks",
    [[b"half", httpx.ReadError("cut")], [b"half", httpx.RemoteProtocolError("cut")]],
    ids=["reset", "fin"],
)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_cut_body_names_its_request(
    stream: bool, chunks: list[Any], rig: Callable[..., Rig]
) -> None:
    """An error after the head knows the request id the head brought."""
    reply = Reply(headers={"X-Request-Id": "req-3"}, chunks=chunks)
    server = rig([reply], max_retries=0)
    with pytest.raises(penstock.ConnectionFailed) as caught:
        _read(server) if stream else server.send()
    assert caught.value.request_id == "req-3"
    assert caught.value.url == f"{BASE_URL}/it"
    assert server.script.open == 0


def _read(server: Rig) -> bytes:
    async def read() -> bytes:
        async with server.client.stream("GET", "/it") as response:
            content: bytes = await response.aread()
        return content

    if server.colour.is_async:
        return server.colour.run(read)  # type: ignore[no-any-return]  # the bytes read
    with server.client.stream("GET", "/it") as response:
        return response.read()  # type: ignore[no-any-return]  # as above


JSON = {
    "a word": (b"nonsense", "at byte 0"),
    "cut": (b'{"a": 1', "JSON"),
    "empty": (b"", "JSON"),
    "HTML": (b"<html>", "JSON"),
    "no UTF-8": (b'{"a": "\xff"}', "JSON"),
    "deep": (b"[" * 100_000, "JSON"),
    "two documents": (b"{} {}", "JSON"),
}


@pytest.mark.parametrize("name", JSON)
def test_broken_json_is_a_decode_error(name: str, rig: Callable[..., Rig]) -> None:
    """`response.json()` raises a typed error that shows nothing of the body, nor does its chain."""
    content, says = JSON[name]
    headers = {"X-Request-Id": "req-4", "Content-Type": "text/html"}
    reply = Reply(headers=headers, content=content + b"")
    response = rig([reply]).send()
    with pytest.raises(DecodeError, match=says) as caught:
        response.json()
    error = caught.value
    assert error.message.startswith("the body is not JSON (text/html): ")
    assert isinstance(error, ValueError)
    assert (error.method, error.url, error.request_id) == ("GET", f"{BASE_URL}/it", "req-4")
    assert [record.status for record in error.attempts] == [200]
    assert error.__cause__ is None
    assert error.__context__ is None


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_broken_content_coding_is_a_decode_error(stream: bool, rig: Callable[..., Rig]) -> None:
    """A body that is not what its `Content-Encoding` says is a typed error, and not repeated."""
    reply = Reply(headers={"Content-Encoding": "gzip"}, content=b"not gzip at all")
    server = rig([reply])
    with pytest.raises(DecodeError):
        _read(server) if stream else server.send()
    assert server.sent == 1
    assert server.script.open == 0


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_broken_body_of_a_discarded_response_hides_nothing(
    stream: bool, rig: Callable[..., Rig]
) -> None:
    """What is discarded may be broken in any way: the outcome is the next attempt's."""
    broken = Reply(503, headers={"Content-Encoding": "gzip"}, content=b"not gzip at all")
    cut = Reply(503, chunks=[b"half", httpx.ReadError("cut")])
    for replies in ([broken, 200], [cut, 200]) if stream else ([cut, 200],):
        server = rig(replies)
        if stream:
            _read(server)
        else:
            assert server.status() == 200
        assert server.sent == 2
    server = rig([broken])
    if stream:
        with pytest.raises(ServiceUnavailable):
            _read(rig([broken], max_retries=0))


@pytest.mark.parametrize("colour", ["sync"], indirect=True)
def test_an_error_frees_its_call(rig: Callable[..., Rig]) -> None:
    """When a raised error is dropped, the request it was about is freed without the collector."""
    server = rig([httpx.ReadError("cut")], forever=True, max_retries=1)
    try:
        server.send()
    except PenstockError as error:
        seen = weakref.ref(error)
    del server.script.requests[:]
    gc.disable()
    try:
        assert seen() is None
    finally:
        gc.enable()


def test_an_sdks_table_and_failures(rig: Callable[..., Rig]) -> None:
    """`RaiseForStatus` takes another error table, and a translation of Penstock's own errors."""

    class Mine(Exception):
        pass

    def of_response(response: DetachedResponse) -> Exception:
        return Mine(response.status_code, response.json())

    def of_failure(error: PenstockError) -> Exception:
        return Mine(type(error).__name__, len(error.attempts))

    stack = Stack.standard().replace(RaiseForStatus, RaiseForStatus(of_response, of_failure))
    server = rig([Reply(404, json={"a": 1}), httpx.ReadTimeout("silence")], stack=stack)
    with pytest.raises(Mine) as caught:
        server.send()
    assert caught.value.args == (404, {"a": 1})
    with pytest.raises(Mine) as caught:
        server.send(max_retries=0)
    assert caught.value.args == ("TimedOut", 1)
    assert isinstance(caught.value.__cause__, TimedOut)


@pytest.mark.parametrize("made", [None, "no", ValueError])
def test_a_table_that_gives_no_error_is_to_blame(made: Any, colour: Any) -> None:
    """Who forgets to return an error hears of it, with what went wrong as its cause."""
    layer = RaiseForStatus(errors=lambda _: made, failures=lambda _: made)
    for reply, table in [(404, "errors"), (httpx.ReadTimeout("late"), "failures")]:
        server = Rig(colour, [reply], stack=Stack([layer]))
        with pytest.raises(penstock.InvalidOption, match=f"{table} gave .* instead of an error"):
            server.send()


def test_a_plain_status_error_needs_no_call() -> None:
    """An error made by hand reads like its message."""
    assert str(PenstockError("alone")) == "alone"
    assert issubclass(RequestTimeout, StatusError)
    assert not issubclass(RequestTimeout, TimedOut)
