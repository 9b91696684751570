"""What is sent, sent again, and never sent twice."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

import penstock
from penstock import (
    ConnectionFailed,
    InvalidOption,
    RetryStopped,
    ServerError,
    ServiceUnavailable,
    TimedOut,
)
from penstock.testing import Reply

from .support import BASE_URL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from penstock.demo import DemoServer

    from .support import Rig

PAYLOAD = b"payload"


class Chunks:
    """An iterable that gives a new iterator each time."""

    def __iter__(self) -> Iterator[bytes]:
        yield from (b"pay", b"load")


class AsyncChunks:
    """The async twin of `Chunks`."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in Chunks():
            yield chunk


def closed(file: io.BytesIO) -> io.BytesIO:
    file.close()
    return file


class Pipe(io.BytesIO):
    """A file that cannot be rewound."""

    def seekable(self) -> bool:
        return False


def one_shot(colour: Any) -> Any:
    """Return a generator of the test's colour."""

    def generate() -> Iterator[bytes]:
        yield from Chunks()

    async def agenerate() -> AsyncIterator[bytes]:
        async for chunk in AsyncChunks():
            yield chunk

    return agenerate() if colour.is_async else generate()


def at(position: int, content: bytes = b"12345" + PAYLOAD) -> io.BytesIO:
    file = io.BytesIO(content)
    file.seek(position)
    return file


REPLAYED: dict[str, tuple[Callable[[Any], dict[str, Any]], bytes]] = {
    "bytes": (lambda _: {"content": PAYLOAD}, PAYLOAD),
    "text": (lambda _: {"content": "payload"}, PAYLOAD),
    "json": (lambda _: {"json": {"a": [1, None]}}, b'{"a":[1,null]}'),
    "form": (lambda _: {"data": {"a": "1 2"}}, b"a=1+2"),
    "nothing": (lambda _: {}, b""),
    "an iterable": (
        lambda colour: {"content": AsyncChunks() if colour.is_async else Chunks()},
        PAYLOAD,
    ),
    "a file in a form": (lambda _: {"files": {"f": at(5)}}, PAYLOAD),
    "two files in a form": (lambda _: {"files": {"f": at(5), "g": at(0, b"more")}}, b"more"),
}


@pytest.mark.parametrize("name", REPLAYED)
def test_a_body_that_can_be_sent_again_is(name: str, rig: Callable[..., Rig]) -> None:
    """Every attempt sends the same bytes, with the same headers."""
    make, part = REPLAYED[name]
    server = rig([503, 503, 200])
    assert server.status("POST", **make(server.colour)) == 200
    first, second, third = server.script.bodies
    assert first == second == third
    assert part in first
    assert server.requests[0].headers == server.requests[2].headers


@pytest.mark.parametrize("colour", ["sync"], indirect=True)
def test_a_file_is_rewound_to_where_it_stood(rig: Callable[..., Rig]) -> None:
    """A file that stood at its sixth byte is sent from there, every time."""
    server = rig([503, 200])
    assert server.status("POST", content=at(5)) == 200
    assert server.script.bodies == [PAYLOAD, PAYLOAD]
    assert [request.headers["content-length"] for request in server.requests] == ["7", "7"]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (503, ServiceUnavailable),
        (500, ServerError),
        (httpx.ReadTimeout("silence"), TimedOut),
        (httpx.ReadError("cut"), ConnectionFailed),
    ],
    ids=repr,
)
def test_a_one_shot_body_is_never_sent_twice(
    fault: Any, kind: type[Exception], rig: Callable[..., Rig]
) -> None:
    """Once its first chunk was read, what stopped the request is what the caller gets."""
    server = rig([fault, 200])
    with pytest.raises(kind):
        server.send("PUT", content=one_shot(server.colour))
    assert server.script.bodies == [PAYLOAD]
    assert server.sleeps == []
    assert [fact.reason for fact in server.kinds(RetryStopped)] == ["body"]


class Unreachable(httpx.MockTransport):
    """A transport that cannot connect as often as it is told, before it looks at the body."""

    def __init__(self, times: int) -> None:
        super().__init__(lambda request: httpx.Response(200, content=request.content))
        self.times = times

    def _connect(self) -> None:
        self.times -= 1
        if self.times >= 0:
            raise httpx.ConnectError("no route")

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._connect()
        return super().handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._connect()
        return await super().handle_async_request(request)


def test_a_one_shot_body_nobody_read_may_be_sent_again(rig: Callable[..., Rig]) -> None:
    """A generator whose request never got as far as its first chunk is sent by the next attempt."""
    server = rig(transport=Unreachable(2))
    response = server.send("POST", content=one_shot(server.colour))
    assert response.content == PAYLOAD
    assert len(server.sleeps) == 2


@pytest.mark.parametrize("broken", ["unseekable", "closed"])
def test_a_file_that_cannot_be_rewound_is_not_sent_again(
    broken: str, rig: Callable[..., Rig]
) -> None:
    """A pipe, or a file closed meanwhile, ends the call with what the attempt brought."""
    earlier, file = at(0, b"earlier"), Pipe(PAYLOAD)
    if broken == "closed":
        file = at(0, PAYLOAD)

    def answer(request: Any) -> int:
        if broken == "closed":
            file.close()
        return 503

    server = rig([answer, 200])
    assert server.status("PUT", files={"e": earlier, "f": file}) == 503
    assert server.sent == 1
    assert earlier.tell() == len(b"earlier")


@pytest.mark.parametrize("fault", [503, httpx.ReadError("cut")], ids=repr)
def test_the_stop_rule_does_not_move_the_file(fault: Any, rig: Callable[..., Rig]) -> None:
    """A file is rewound only for an attempt that follows."""
    server = rig([fault], max_retries=0)
    file = at(5)
    with pytest.raises((ServiceUnavailable, ConnectionFailed)):
        server.send("PUT", files={"f": file})
    assert file.tell() == 12


def test_a_built_requests_body_is_replayed(rig: Callable[..., Rig]) -> None:
    """A request the caller built is sent again like one of the client's, and is left as it was."""
    request = httpx.Request("PUT", "https://api.example.com/v1/it", files={"f": at(5)})
    before = dict(request.headers), dict(request.extensions)
    server = rig([503, 200], api_key="sk-acceptance-1")
    server.colour.run(lambda: server.client.send(request))
    first, second = server.script.bodies
    assert first == second
    assert PAYLOAD in first
    assert (dict(request.headers), dict(request.extensions)) == before


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_on_the_wire_a_file_is_sent_from_where_it_stands(
    kind: str, demo: DemoServer, tmp_path: Path
) -> None:
    """The length that is declared is that of what is left of the file, on every attempt."""
    path = tmp_path / "file"
    path.write_bytes(b"12345" + PAYLOAD)
    with at(5) if kind == "memory" else path.open("rb") as file, local_client(demo) as client:
        file.seek(5)
        headers = {"X-Demo-Fault": "503;times=1;retry-after-ms=1", "X-Demo-Key": f"file {kind}"}
        response = client.put("/echo", content=file, headers=headers)
    assert response.json()["body"] == "payload"


def local_client(demo: DemoServer) -> penstock.Client:
    return penstock.Client(demo.url, trust_env=False)


@pytest.mark.parametrize("colour", ["asyncio", "trio"], indirect=True)
def test_an_async_file_is_read_once(rig: Callable[..., Rig], tmp_path: Path) -> None:
    """An async file is sent from where it stands, and cannot be rewound."""
    path = tmp_path / "file"
    path.write_bytes(b"12345" + PAYLOAD)
    server = rig([503, 200])

    async def send() -> int:
        async with await anyio.open_file(path, "rb") as file:
            await file.seek(5)
            response = await server.client.put("/it", content=file, raise_for_status=False)
        status: int = response.status_code
        return status

    assert server.colour.run(send) == 503
    assert server.script.bodies == [PAYLOAD]


@pytest.mark.parametrize("call", ["verb", "send"])
def test_a_body_of_the_other_colour_is_refused(call: str, rig: Callable[..., Rig]) -> None:
    """A sync client takes no async body, nor the other way round: nothing is sent."""
    server = rig()
    body = one_shot(type(server.colour)("sync" if server.colour.is_async else "asyncio"))

    def send() -> Any:
        if call == "verb":
            return server.client.post("/it", content=body)
        return server.client.send(httpx.Request("POST", f"{BASE_URL}/it", content=body))

    with pytest.raises(InvalidOption, match="colour"):
        server.colour.run(send)
    assert server.sent == 0


def _circle() -> Any:
    circle: dict[str, Any] = {}
    circle["me"] = circle
    return circle


def _deep() -> Any:
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    return deep


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"a": object()}},
        {"json": float("nan")},
        {"json": _circle()},
        {"json": _deep()},
        {"content": 5},
        {"content": {"a": "dict"}},
        {"content": "\ud800"},
        {"files": {"f": io.StringIO("text")}},
        {"content": closed(io.BytesIO(b"1"))},
    ],
    ids=[
        "object",
        "nan",
        "circle",
        "deep",
        "number",
        "dict",
        "surrogate",
        "a text file",
        "a closed file",
    ],
)
def test_a_body_that_cannot_be_encoded_is_refused(
    body: dict[str, Any], rig: Callable[..., Rig]
) -> None:
    """What JSON, a form or bytes cannot hold is an `InvalidOption`, and nothing is sent."""
    server = rig()
    with pytest.raises(InvalidOption, match=r"body|json") as caught:
        server.send("POST", **body)
    assert server.sent == 0
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_get_has_no_content_type(rig: Callable[..., Rig]) -> None:
    """A request without a body says nothing about one."""
    server = rig()
    assert server.status("GET") == 200
    assert "content-type" not in server.requests[0].headers
    assert "content-length" not in server.requests[0].headers


def test_a_bodys_headers_can_be_overridden(rig: Callable[..., Rig]) -> None:
    """A media type the call names stands over the one the body would bring."""
    server = rig([Reply(200)])
    server.send("POST", json={}, headers={"content-type": "application/vnd.api+json"})
    assert server.requests[0].headers.get_list("content-type") == ["application/vnd.api+json"]
