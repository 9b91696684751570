"""The laws of a connection of our own: what goes out in which pieces, and what is told of it."""

from __future__ import annotations

import logging
import ssl
from collections import deque
from typing import TYPE_CHECKING, Any

import anyio
import httpcore
import pytest

from penstock.transport.direct import AsyncDirect, Direct
from penstock.transport.engine import SentBody
from penstock.transport.http11 import Asked, Target

from .colours import step
from .server import Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from .colours import Colour
    from .server import Peer

pytestmark = pytest.mark.usefixtures("either_parser")

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
LONG = b"x" * 100_000


class Line:
    """A backend and its only connection: it keeps what is written, and answers from a list."""

    def __init__(self, *answers: bytes | Exception, broken: bool = False) -> None:
        self.said: list[bytes] = []
        self.before = b""
        self._answers = deque(answers)
        self._broken = broken

    def connect_tcp(self, host: str, port: int, timeout: Any) -> Line:
        return self

    def read(self, max_bytes: int, timeout: Any) -> bytes:
        answer = self._answers.popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def write(self, data: bytes, timeout: Any) -> None:
        if data:
            self.said.append(data)
        if self._broken and len(self.said) > 1:
            raise httpcore.WriteError("broken pipe")

    def unread(self, data: bytes) -> None:
        self.before = data


class AsyncLine(Line):
    """The same on an event loop."""

    async def connect_tcp(self, *args: Any) -> AsyncLine:  # type: ignore[override]
        return self

    async def read(self, *args: Any) -> bytes:  # type: ignore[override]
        return super().read(*args)

    async def write(self, *args: Any) -> None:  # type: ignore[override]
        super().write(*args)


class Talk:
    """A connection of one colour on a `Line`."""

    def __init__(self, colour: Colour, *answers: Any, **options: Any) -> None:
        self.colour = colour
        self.line = (AsyncLine if colour.is_async else Line)(*answers, **options)
        kind = AsyncDirect if colour.is_async else Direct
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.direct: Any = kind(httpcore, self.line, context, None, (b"http", b"x.test", None))

    def ask(
        self, stream: Any = None, *, length: int | None = None, lasting: bool = False, **ext: Any
    ) -> Any:
        """Send a request and return status and body, and whether another may follow."""
        headers = [(b"Host", b"x.test")]
        if stream is not None:
            framing = (b"Transfer-Encoding", b"chunked")
            headers.append(framing if length is None else (b"Content-Length", b"%d" % length))
        body = self.colour.family.http.ByteStream(b"") if stream is None else stream
        target = Target(b"http", b"x.test", None, b"/it")
        request = Asked(b"POST", target, headers, SentBody(body, lasting=lasting), ext)

        async def exchange() -> Any:
            if self.colour.is_async:
                answer = await self.direct.handle_async_request(request)
                parts = [part async for part in answer.stream]
                return answer.status, b"".join(parts), await answer.stream.finish()
            answer = self.direct.handle_request(request)
            return answer.status, b"".join(answer.stream), answer.stream.finish()

        if self.colour.is_async:
            return anyio.run(exchange, backend=self.colour.name)
        return step(exchange())

    def bytes(self, content: bytes) -> Any:
        return self.colour.family.http.ByteStream(content)


class Parts:
    """A body that is made while it is sent, and notes what had been said before each part."""

    def __init__(self, said: list[bytes], *parts: bytes) -> None:
        self._said = said
        self._parts = parts
        self.before: list[int] = []

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            self.before.append(len(self._said))
            yield part

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part


def test_a_short_body_goes_out_with_its_head(colour: Colour) -> None:
    """What is at hand and short is one send, which leaves nothing for a server to wait for."""
    talk = Talk(colour, OK)
    assert talk.ask(talk.bytes(b"{}"), length=2, lasting=True) == (200, b"hello", True)
    (said,) = talk.line.said
    assert said.startswith(b"POST /it HTTP/1.1\r\n")
    assert said.endswith(b"\r\n\r\n{}")


def test_a_long_body_goes_out_as_it_is(colour: Colour) -> None:
    """What is long is not copied to be joined to its head."""
    talk = Talk(colour, OK)
    assert talk.ask(talk.bytes(LONG), length=len(LONG), lasting=True) == (200, b"hello", True)
    head, body = talk.line.said
    assert head.endswith(b"\r\n\r\n")
    assert body is LONG


def test_a_head_does_not_wait_for_its_body(colour: Colour) -> None:
    """A body that is made meanwhile follows its head, each part as soon as it is there."""
    talk = Talk(colour, OK)
    parts = Parts(talk.line.said, b"one", b"two")
    assert talk.ask(parts) == (200, b"hello", True)
    assert parts.before == [1, 2]
    assert talk.line.said[1:] == [b"3\r\none\r\n", b"3\r\ntwo\r\n", b"0\r\n\r\n"]


def test_one_exchange_follows_another(colour: Colour) -> None:
    """The connection takes the next request when an answer was read to its end."""
    talk = Talk(colour, OK, OK)
    assert [talk.ask() for _ in range(2)] == [(200, b"hello", True)] * 2


@pytest.mark.parametrize("left", [b"more", OK])
def test_what_comes_unasked_ends_it(colour: Colour, left: bytes) -> None:
    """After bytes beyond the answer nothing may follow."""
    assert Talk(colour, OK + left).ask() == (200, b"hello", False)


@pytest.mark.parametrize("length", [1, 9])
def test_a_body_of_another_length_is_not_sent(colour: Colour, length: int) -> None:
    """A body that is longer or shorter than it says is the caller's error."""
    talk = Talk(colour, OK)
    with pytest.raises(httpcore.LocalProtocolError):
        talk.ask(talk.bytes(b"two"), length=length, lasting=True)
    assert not talk.direct.is_idle()


def test_an_answer_before_the_end_of_the_body(colour: Colour) -> None:
    """A server that has answered and hung up is heard, and the connection is not used again."""
    talk = Talk(colour, OK, broken=True)
    assert talk.ask(Parts([], b"one", b"two")) == (200, b"hello", False)


def test_what_is_no_http_is_the_servers_error(colour: Colour) -> None:
    """Bytes that h11 does not parse are a `RemoteProtocolError`."""
    with pytest.raises(httpcore.RemoteProtocolError):
        Talk(colour, b"SSH-2.0-x\r\n\r\n").ask()


def test_a_listener_gathers_no_stream(colour: Colour) -> None:
    """Where each step is told, parts of a body still come one by one, and an end is told last."""
    events: list[str] = []
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"

    def blocking(name: str, facts: Any) -> None:
        events.append(name)

    async def told(name: str, facts: Any) -> None:
        blocking(name, facts)

    trace = told if colour.is_async else blocking
    talk = Talk(colour, chunked, httpcore.ReadError("cut"))
    with pytest.raises(httpcore.ReadError):
        talk.ask(trace=trace)
    assert events[-2:] == [
        "http11.receive_response_body.started",
        "http11.receive_response_body.failed",
    ]
    assert "connection.connect_tcp.complete" in events


def test_the_engines_log_tells_each_step(colour: Colour, caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG the engine's loggers tell what they tell of its own connections."""
    with caplog.at_level(logging.DEBUG, "httpcore"):
        Talk(colour, OK).ask()
    told = [record.getMessage() for record in caplog.records if record.name == "httpcore.http11"]
    assert [line.partition(" ")[0] for line in told] == [
        f"{name}.{when}"
        for name in ("send_request_headers", "send_request_body", "receive_response_headers",
                     "receive_response_body", "response_closed")
        for when in ("started", "complete")
    ]  # fmt: skip
    assert "(b'HTTP/1.1', 200, b'OK'" in told[5]


def test_another_protocol_begins_with_what_came_along(colour: Colour) -> None:
    """After a 101 the connection is the caller's, and what came with the head is read first."""

    def switch(peer: Peer, server: Server) -> None:
        peer.hear()
        peer.say(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\nfirst"
        )
        peer.say(b" " + peer.sock.recv(100))

    async def scenario(transport: Any, url: str) -> bytes:
        headers = {"Upgrade": "echo", "Connection": "upgrade"}
        response = await colour.send(transport, colour.request(url, headers=headers))
        stream = response.extensions["network_stream"]
        heard = b""
        if colour.is_async:
            heard += await stream.read(3) + await stream.read(100)
            await stream.write(b"second")
            heard += await stream.read(100)
        else:
            heard += stream.read(3) + stream.read(100)
            stream.write(b"second")
            heard += stream.read(100)
        await colour.close(response)
        return heard

    with Server(switch) as server:
        assert colour.run(scenario, server.url) == b"first second"
