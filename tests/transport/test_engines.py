"""The laws of sending, over every engine."""

from __future__ import annotations

import gc
import socket
import threading
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import httpx2
import pytest
import socksio

import penstock
from penstock import InvalidOption, Stack
from penstock.middleware import Retry
from penstock.testing import Script

from .senders import ASYNC, SENDERS, Sender, able, over
from .server import Server, cut_body, cut_head, dripping_body, nonsense

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .server import Peer


def echo(peer: Peer, server: Server) -> None:
    """Answer with method, target and body; keep the connection."""
    while (heard := peer.hear()) is not None:
        server.heard.append(heard)
        peer.answer(f"{heard.method} {heard.target} ".encode() + heard.body)


@over(SENDERS)
def test_calls_use_one_connection(sender: Sender) -> None:
    """One call after the other is answered, over one connection, with nothing sent but ours."""

    async def scenario(client: Any) -> None:
        for number in range(3):
            got = await sender.get(client, f"/{number}?a=%2F", "POST", content=b"body")
            assert got.content == f"POST /{number}?a=%2F body".encode()
            assert (got.http_version, got.reason_phrase) == ("HTTP/1.1", "OK")

    with Server(echo) as server:
        sender.run(scenario, server.url, headers={"X-Mine": "1"})
    assert server.connections == 1
    ours = {"host", "accept", "accept-encoding", "connection", "user-agent", "content-length"}
    assert all(set(heard.headers) == ours | {"x-mine"} for heard in server.heard)
    assert {heard.headers["host"] for heard in server.heard} == {f"localhost:{server.port}"}


@over(SENDERS)
def test_each_value_of_a_header_goes_out(sender: Sender) -> None:
    """A name that is given twice, in whatever case, is sent twice."""
    given = [("X-Mine", "1"), ("x-yours", "2"), ("X-MINE", "3")]
    http = httpx2 if sender.engine == "httpx2" else httpx

    async def scenario(client: Any) -> None:
        await sender.send(client, http.Request("GET", server.url, headers=given))

    with Server(echo) as server:
        sender.run(scenario, server.url)
    names = [name.lower() for name in server.heard[0].names]
    assert (names.count("x-mine"), names.count("x-yours")) == (2, 1)


@over(SENDERS)
def test_a_body_goes_whole(sender: Sender) -> None:
    """A body of some megabytes and one that is made on the way arrive as they are."""
    large = bytes(range(256)) * 8192

    async def made() -> Any:
        for _ in range(3):
            yield b"part"

    async def scenario(client: Any) -> None:
        got = await sender.get(client, "/", "PUT", content=large)
        assert got.content == b"PUT / " + large
        parts = made() if sender.is_async else iter([b"part"] * 3)
        got = await sender.get(client, "/", "PUT", content=parts, headers={"X-Chunks": "yes"})
        assert got.content == b"PUT / partpartpart"

    def chunks(peer: Peer, server: Server) -> None:
        while (heard := peer.hear()) is not None:
            body = heard.body
            if "x-chunks" in heard.headers:
                assert heard.headers["transfer-encoding"] == "chunked"
                body = peer.hear_chunks()
            peer.answer(f"{heard.method} {heard.target} ".encode() + body)

    with Server(chunks) as server:
        sender.run(scenario, server.url)


@over(SENDERS)
def test_a_stream_may_be_left(sender: Sender) -> None:
    """A stream that is left in the middle costs no slot, and leaves nothing to the collector."""

    async def scenario(client: Any) -> None:
        for _ in range(3):
            assert set(await sender.first_chunk(client)) == {ord("a")}

    with Server(dripping_body) as server:
        sender.run(scenario, server.url, limits=httpx.Limits(max_connections=1))
    gc.collect()
    assert server.connections == 3


CHUNKED = "Transfer-Encoding: chunked\r\n\r\n"


def cut_chunk(peer: Peer, server: Server) -> None:
    peer.hear()
    peer.say(f"HTTP/1.1 200 OK\r\n{CHUNKED}9\r\nhel".encode())


def gone(peer: Peer, server: Server) -> None:
    peer.hear()


@over(SENDERS)
@pytest.mark.parametrize("handler", [cut_head, cut_body, cut_chunk, nonsense, gone])
def test_a_broken_answer_is_a_typed_error(
    sender: Sender, handler: Callable[[Peer, Server], None]
) -> None:
    """What a server breaks off or says wrongly is sent once, fails typed, and costs no slot."""

    async def scenario(client: Any) -> None:
        for _ in range(2):
            with pytest.raises(penstock.ConnectionFailed) as caught:
                await sender.get(client)
            assert caught.value.phase in {"read", "protocol"}

    with Server(handler) as server:
        sender.run(scenario, server.url, limits=httpx.Limits(max_connections=1))
    assert server.connections == 2


@over(SENDERS)
@pytest.mark.parametrize("head", ["Content-Length: 9\r\n\r\n", CHUNKED + "9\r\n"])
def test_what_came_before_a_break_is_handed_over(sender: Sender, head: str) -> None:
    """Who reads a body after it broke off gets what had come of it, and then the failure."""

    def handler(peer: Peer, server: Server) -> None:
        while (heard := peer.hear()) is not None:
            if heard.target == "/cut":
                peer.say(f"HTTP/1.1 200 OK\r\n{head}hel".encode())
                return
            peer.answer()

    async def scenario(client: Any) -> None:
        came: list[bytes] = []
        async with sender.stream(client, "/cut") as response:
            await sender.get(client)  # the break is noticed meanwhile
            with pytest.raises(penstock.ConnectionFailed):
                await sender.read(response, came.append)
        assert b"".join(came) == b"hel"

    with Server(handler) as server:
        sender.run(scenario, server.url)


@over(SENDERS)
def test_a_cut_download_goes_on(sender: Sender, tmp_path: Path) -> None:
    """What came of a file before a break is not asked for again, but for the last byte of it."""

    def handler(peer: Peer, server: Server) -> None:
        while (heard := peer.hear()) is not None:
            server.heard.append(heard)
            if "range" not in heard.headers:
                peer.say(b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 5\r\n\r\nhel')
                return
            peer.answer(b"llo", "206 Partial", 'ETag: "1"\r\nContent-Range: bytes 2-4/5\r\n')

    async def scenario(client: Any) -> None:
        done = client.download("/", tmp_path / "file")
        assert (await done if sender.is_async else done).size == 5

    with Server(handler) as server:
        stack = Stack.standard().replace(Retry, Retry(base_delay=0))
        sender.run(scenario, server.url, max_retries=1, stack=stack)
    assert [heard.headers.get("range") for heard in server.heard] == [None, "bytes=2-"]
    assert (tmp_path / "file").read_bytes() == b"hello"


@over(SENDERS)
def test_a_failure_holds_no_key(sender: Sender) -> None:
    """No error in the chain of one leads to the headers that were sent."""

    async def scenario(client: Any) -> str:
        with pytest.raises(penstock.ConnectionFailed) as caught:
            await sender.get(client)
        chain: list[BaseException] = [caught.value]
        while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
            chain.append(cause)
        return repr([(one, str(one), one.args, vars(one)) for one in chain])

    with Server(nonsense) as server:
        said = sender.run(scenario, server.url, api_key="sk-hush", headers={"X-Key": "hush"})
    assert "hush" not in said


def to_no_port(peer: Peer, server: Server) -> None:
    peer.hear()
    peer.answer(status="302 Found", headers="Location: http://127.0.0.1:99999/\r\n")


@over(SENDERS)
def test_a_port_that_is_none(sender: Sender) -> None:
    """A redirect to a port beyond 65535 is a typed error."""

    async def scenario(client: Any) -> None:
        with pytest.raises(penstock.PenstockError):
            await sender.get(client)

    with Server(to_no_port) as server:
        sender.run(scenario, server.url)


@pytest.mark.parametrize(
    ("let_through", "phase"),
    [
        (socksio.ProtocolError("malformed reply"), "proxy"),
        (OverflowError("port must be 0-65535"), "connect"),
        (ExceptionGroup("side by side", [OverflowError("port must be 0-65535")]), "connect"),
    ],
)
def test_what_engines_let_through(let_through: Exception, phase: str) -> None:
    """What an engine raises of a library below it is a typed error of the phase it was in."""
    client = penstock.Client("http://x.test", transport=Script([let_through]), max_retries=0)
    with pytest.raises(penstock.ConnectionFailed) as caught:
        client.get("/")
    assert caught.value.phase == phase
    assert let_through.__traceback__ is None


@over(SENDERS)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "PATCH", "PURGE"])
def test_a_failure_is_repeated_by_retry_alone(sender: Sender, method: str) -> None:
    """A server that hangs up sees as many requests as the policy says, and no more."""

    async def scenario(client: Any) -> None:
        with pytest.raises(penstock.ConnectionFailed) as caught:
            await sender.get(client, method=method)
        assert len(caught.value.attempts) == 3

    with Server(gone) as server:
        stack = Stack.standard().replace(Retry, Retry(base_delay=0, retry_unsafe_methods=True))
        sender.run(scenario, server.url, max_retries=2, stack=stack)
    assert server.connections == 3


@over(SENDERS)
@pytest.mark.parametrize("host", ["127.0.0.1", "a" * 64 + ".example", "localhost:70000"])
def test_where_nobody_listens(sender: Sender, host: str) -> None:
    """A refused connection, and a host or port that cannot be, are failures to connect."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    url = f"http://{host}" if ":" in host else f"http://{host}:{port}"

    async def scenario(client: Any) -> None:
        with pytest.raises((penstock.ConnectionFailed, InvalidOption)) as caught:
            await sender.get(client, f"{url}/")
        assert getattr(caught.value, "phase", "connect") == "connect"

    sender.run(scenario, None)


@over(ASYNC)
def test_a_hundred_at_once(sender: Sender) -> None:
    """A hundred calls at once get each its own answer, over no more connections than allowed."""

    async def scenario(client: Any) -> None:
        async def one(number: int) -> None:
            got = await client.get(f"/{number}")
            assert got.content == f"GET /{number} ".encode()

        async with anyio.create_task_group() as group:
            for number in range(100):
                group.start_soon(one, number)

    with Server(echo) as server:
        sender.run(scenario, server.url, limits=httpx.Limits(max_connections=10))
    assert len(server.heard) == 100
    assert server.connections <= 10


@over([sender for sender in SENDERS if not sender.is_async])
def test_threads_share_a_client(sender: Sender) -> None:
    """Threads at once get each its own answer."""
    got: list[str] = []

    def work(client: Any, number: int) -> None:
        got.extend(client.get(f"/{number}-{turn}").text for turn in range(5))

    with Server(echo) as server, sender.client(server.url) as client:
        threads = [threading.Thread(target=work, args=(client, number)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(got) == sorted(f"GET /{n}-{turn} " for n in range(8) for turn in range(5))


@over(SENDERS)
def test_no_cookie_is_kept(sender: Sender) -> None:
    """What one answer sets is not sent with the next request."""

    def handler(peer: Peer, server: Server) -> None:
        while (heard := peer.hear()) is not None:
            server.heard.append(heard)
            peer.answer(headers="Set-Cookie: session=1\r\n")

    async def scenario(client: Any) -> None:
        for _ in range(2):
            await sender.get(client)

    with Server(handler) as server:
        sender.run(scenario, server.url)
    assert all("cookie" not in heard.headers for heard in server.heard)


@over(able("clean"))
def test_what_is_left_over_answers_nothing(sender: Sender) -> None:
    """Two answers to one request, in one segment: the second answers nobody."""

    def handler(peer: Peer, server: Server) -> None:
        while (heard := peer.hear()) is not None:
            one = f"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{heard.target}".encode()
            peer.say(one + one.replace(b" 200 OK", b" 500 No"))

    async def scenario(client: Any) -> None:
        for path in ("/1", "/2"):
            assert (await sender.get(client, path)).content == path.encode()

    with Server(handler) as server:
        sender.run(scenario, server.url)
    assert server.connections == 2


@over(able("stale"))
def test_a_stale_connection_is_replaced(sender: Sender) -> None:
    """What finds its connection ended, without a byte of an answer, is sent again on a new one."""

    def handler(peer: Peer, server: Server) -> None:
        peer.hear()
        peer.answer()
        server.heard.extend(filter(None, [peer.hear()]))  # and leave without an answer

    async def scenario(client: Any) -> None:
        for _ in range(3):
            assert (await sender.get(client)).status_code == 200

    with Server(handler) as server:
        sender.run(scenario, server.url)
    assert len(server.heard) == 2
    assert server.connections == 3
