"""Reading requests: what is understood, and what is refused."""

from __future__ import annotations

import io
import json
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.demo.responses import APIError
from penstock.demo.wire import MAX_BODY, MAX_FIELDS, MAX_LINE, read_body, read_head

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.demo import DemoServer


HOST = b"Host: demo\r\n"
GET = b"GET /echo HTTP/1.1\r\n" + HOST
POST = b"POST /echo HTTP/1.1\r\n" + HOST


def _stream(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(data))


@given(st.binary(max_size=40), st.lists(st.integers(1, 9), min_size=1, max_size=9))
@settings(max_examples=50)
def test_a_chunked_body_reads_as_it_was_cut(body: bytes, sizes: list[int]) -> None:
    """However a body is cut into chunks, extensions and trailers besides, it reads the same."""
    chunks, rest = b"", body
    for size in [*sizes, len(body)]:
        piece, rest = rest[:size], rest[size:]
        if piece:
            chunks += b"%X;ext=1\r\n%b\r\n" % (len(piece), piece)
    stream = _stream(
        POST + b"Transfer-Encoding: Chunked\r\n\r\n" + chunks + b"0\r\nTrailer: x\r\n\r\nnext"
    )
    head = read_head(stream)
    assert head is not None
    assert read_body(stream, head) == body
    assert stream.read() == b"next"


@given(
    st.lists(
        st.sampled_from([GET, HOST, b"Content-Length: 3\r\n", b"\r\n", b"a b", b": ", b"\n"])
        | st.binary(max_size=8),
        max_size=9,
    )
)
@settings(max_examples=100)
def test_any_bytes_are_read_or_refused(pieces: list[bytes]) -> None:
    """Whatever comes in, reading ends in a request, a refusal, or the client having left."""
    stream = _stream(b"".join(pieces))
    with suppress(APIError, ConnectionAbortedError):
        head = read_head(stream)
        assert head is None or isinstance(read_body(stream, head), bytes)


def test_an_empty_line_ahead_of_a_request_is_ignored(talk: Callable[[bytes], bytes]) -> None:
    """A request line may come after one empty line."""
    assert talk(b"\r\n" + GET + b"\r\n").startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"GET /echo\r\n\r\n", 400, id="no version"),
        pytest.param(b"GET  /echo HTTP/1.1\r\n\r\n", 400, id="two spaces"),
        pytest.param(b"GET echo HTTP/1.1\r\n\r\n", 400, id="no slash"),
        pytest.param(b"GET /echo#part HTTP/1.1\r\n\r\n", 400, id="fragment"),
        pytest.param(b"GET /echo HTTP/2.0\r\n\r\n", 505, id="HTTP/2.0"),
        pytest.param(b"GET /echo HTTP/1.1\n\n", 400, id="bare LF"),
        pytest.param(b"GET /echo HTTP/1.1\r\n\r\n", 400, id="no host"),
        pytest.param(GET + HOST + b"\r\n", 400, id="two hosts"),
        pytest.param(GET + b"Name : value\r\n\r\n", 400, id="space before colon"),
        pytest.param(GET + b" folded\r\n\r\n", 400, id="folded line"),
        pytest.param(GET + b"Name: a\x00b\r\n\r\n", 400, id="NUL in a value"),
        pytest.param(GET + b"Name: a\rb\r\n\r\n", 400, id="CR in a value"),
        pytest.param(GET + b"N: v\r\n" * MAX_FIELDS + b"\r\n", 431, id="too many lines"),
        pytest.param(b"GET /" + b"a" * MAX_LINE + b" HTTP/1.1\r\n", 414, id="long target"),
        pytest.param(GET + b"N: " + b"v" * MAX_LINE + b"\r\n", 431, id="long line"),
        pytest.param(POST + b"Content-Length: -1\r\n\r\n", 400, id="negative length"),
        pytest.param(POST + b"Content-Length: 1\r\n" * 2 + b"\r\nx", 400, id="two lengths"),
        pytest.param(POST + b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 1), 413, id="too large"),
        pytest.param(POST + b"Transfer-Encoding: gzip\r\n\r\n", 501, id="unknown coding"),
        pytest.param(
            POST + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
            400,
            id="two framings",
        ),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\nx\r\n", 400, id="chunk size"),
        pytest.param(
            POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400, id="chunk too long"
        ),
        pytest.param(
            POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % (MAX_BODY + 1),
            413,
            id="large chunk",
        ),
    ],
)
def test_a_malformed_request_is_refused(
    server: DemoServer, talk: Callable[[bytes], bytes], sent: bytes, status: int
) -> None:
    """A request that breaks RFC 9112 or a limit gets its error and a close; it is not recorded."""
    head, _, body = talk(sent).partition(b"\r\n\r\n")
    assert head.split()[1] == b"%d" % status
    assert b"connection: close" in head
    assert b"x-request-id: demo-1" in head
    assert set(json.loads(body)["error"]) == {"message", "type", "param", "code"}
    assert server.requests == []


@pytest.mark.parametrize("sent", [b"", b"GET /ec", GET, POST + b"Content-Length: 2\r\n\r\nx"])
def test_a_client_that_leaves_is_let_go(
    server: DemoServer, talk: Callable[[bytes], bytes], sent: bytes
) -> None:
    """A request that ends too early gets no answer and is not recorded."""
    assert talk(sent) == b""
    assert server.requests == []


def test_a_refusal_is_readable_whatever_is_still_unread(talk: Callable[[bytes], bytes]) -> None:
    """The error arrives whole though the server never read the rest of the request."""
    assert b'"error"' in talk(b"nonsense\r\n" + b"x" * 1_000_000)


def test_a_client_that_expects_100_is_told_to_go_on(server: DemoServer) -> None:
    """With `Expect: 100-continue` the server asks for the body before it reads it."""
    with socket.create_connection((server.host, server.port), timeout=10) as sock:
        sock.sendall(POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        with sock.makefile("rb") as stream:
            assert stream.readline() == b"HTTP/1.1 100 Continue\r\n"
            assert stream.readline() == b"\r\n"
            sock.sendall(b"ok")
            assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
    assert server.requests[0].body == b"ok"
