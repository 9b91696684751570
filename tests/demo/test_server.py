"""The server itself: connections, the record, the key, starting and stopping."""

from __future__ import annotations

import http.client
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from penstock.demo import DemoServer

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-demo-0123456789"


def test_url_names_loopback_and_the_port_it_took(server: DemoServer) -> None:
    """A started server listens on 127.0.0.1 at a port of its own."""
    assert server.url == f"http://127.0.0.1:{server.port}"
    assert server.port > 0


def test_url_is_unknown_before_the_start() -> None:
    """A server that was never started says so when asked for its URL."""
    with pytest.raises(RuntimeError, match="start"):
        DemoServer().url  # noqa: B018  # the property is what raises


def test_a_running_server_does_not_start_twice(server: DemoServer) -> None:
    """Starting a running server is refused."""
    with pytest.raises(RuntimeError, match="running"):
        server.start()


def test_requests_on_one_connection_share_its_number(server: DemoServer) -> None:
    """A connection is kept alive, and its requests are recorded with the same number."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    for _ in range(3):
        connection.request("GET", "/v1/models")
        connection.getresponse().read()
    connection.close()
    assert [request.connection for request in server.requests] == [1, 1, 1]
    assert server.connections == 1


def test_a_new_connection_has_the_next_number(server: DemoServer) -> None:
    """Connections are numbered in the order they were accepted."""
    for _ in range(2):
        httpx.get(f"{server.url}/echo", trust_env=False)
    assert [request.connection for request in server.requests] == [1, 2]
    assert server.connections == 2


def test_connections_are_served_at_once_and_counted_exactly(server: DemoServer) -> None:
    """Under many connections at once every request is recorded, in the order of its number."""

    def ask_five_times(_: int) -> None:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
        for _ in range(5):
            connection.request("GET", "/echo")
            connection.getresponse().read()
        connection.close()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(ask_five_times, range(16)))
    assert [request.number for request in server.requests] == list(range(1, 81))
    assert server.connections == 16


def test_connection_close_is_honoured(talk: Callable[[bytes], bytes]) -> None:
    """A request that asks to close gets a response that says so, and no second one."""
    request = b"GET /v1/models HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n"
    received = talk(request * 2)
    assert received.count(b"HTTP/1.1 200 OK") == 1
    assert b"connection: close\r\n" in received


def test_http_1_0_closes_unless_asked_to_keep(talk: Callable[[bytes], bytes]) -> None:
    """An HTTP/1.0 connection is kept only when the request asks for it."""
    assert talk(b"GET /echo HTTP/1.0\r\n\r\n" * 2).count(b" 200 OK") == 1
    kept = talk(b"GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * 2)
    assert kept.count(b" 200 OK") == 2
    assert kept.count(b"connection: keep-alive\r\n") == 2


def test_a_stream_on_http_1_0_ends_with_the_connection(talk: Callable[[bytes], bytes]) -> None:
    """HTTP/1.0 knows no chunks: the stream's events come bare, and the connection closes."""
    received = talk(b"GET /ndjson HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert b"transfer-encoding" not in received
    assert received.endswith(
        b'\r\n\r\n{"index":0}\n{"index":1}\n{"index":2}\n{"index":3}\n{"index":4}\n'
    )


def test_pipelined_requests_are_answered_in_order(talk: Callable[[bytes], bytes]) -> None:
    """Requests sent at once on one connection are answered one after the other."""
    received = talk(b"".join(b"GET /status/%d HTTP/1.1\r\nHost: d\r\n\r\n" % n for n in (201, 202)))
    assert received.index(b"201 Created") < received.index(b"202 Accepted")


def test_every_response_carries_id_date_and_server(client: httpx.Client) -> None:
    """`x-request-id` counts the answers; `Date` is an HTTP date; `Server` names the demo."""
    responses = [client.get(path) for path in ("/echo", "/nowhere", "/status/204", "/ndjson")]
    ids = [response.headers["x-request-id"] for response in responses]
    assert ids == ["demo-1", "demo-2", "demo-3", "demo-4"]
    assert {response.headers["server"] for response in responses} == {"penstock-demo"}
    assert all(parsedate_to_datetime(response.headers["date"]) for response in responses)


def test_a_request_is_recorded_as_it_came(server: DemoServer, client: httpx.Client) -> None:
    """The record holds method, path, query, every header as a pair, the body and the number."""
    headers = [("X-Twice", "a"), ("x-twice", "b")]
    client.put("/echo?a=1&a=%26", headers=headers, content=b"\x00body")
    (request,) = server.requests
    assert (request.method, request.path, request.number) == ("PUT", "/echo", 1)
    assert request.query == [("a", "1"), ("a", "&")]
    assert [pair for pair in request.headers if pair[0].lower() == "x-twice"] == headers
    assert request.body == b"\x00body"


def test_a_target_in_absolute_form_is_understood(
    server: DemoServer, talk: Callable[[bytes], bytes]
) -> None:
    """A request sent as to a proxy is answered by its path, and its target recorded as sent."""
    talk(b"GET http://api.example/echo?a=1 HTTP/1.1\r\nHost: api.example\r\n\r\n")
    (request,) = server.requests
    assert (request.path, request.query) == ("/echo", [("a", "1")])
    assert request.target == "http://api.example/echo?a=1"


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {KEY}", 200),
        (f"bearer {KEY}", 200),
        ("Bearer sk-demo-other", 401),
        (f"Basic {KEY}", 401),
        (None, 401),
    ],
)
def test_the_key_is_checked(authorization: str | None, status: int) -> None:
    """Only the bearer key passes; anything else is a 401 in OpenAI's shape that shows no key."""
    headers = {} if authorization is None else {"Authorization": authorization}
    with DemoServer(api_key=KEY) as server:
        response = httpx.get(f"{server.url}/v1/models", headers=headers, trust_env=False)
    assert response.status_code == status
    if status == 401:
        assert response.json()["error"]["code"] == "invalid_api_key"
        assert response.headers["www-authenticate"] == "Bearer"
        assert "sk-demo" not in response.text


def test_an_empty_key_is_refused() -> None:
    """A server that would let everyone in by an empty key is not built."""
    with pytest.raises(ValueError, match="api_key"):
        DemoServer(api_key="")


def test_the_key_is_never_shown() -> None:
    """Neither the echo nor a repr of the record shows a credential, wherever it was put."""
    with DemoServer(api_key=KEY) as server:
        response = httpx.post(
            f"{server.url}/echo?copy={KEY}",
            headers={
                "Authorization": f"Bearer {KEY}",
                "X-Api-Key": "sk-2",
                "X-Copy": KEY,
                "Cookie": "sid=c-3; b=c-4",
            },
            content=f"my key is {KEY}",
            trust_env=False,
        )
        (request,) = server.requests
    assert response.status_code == 200
    shown = f"{response.text}{server.requests!r}{request.headers!r}{server!r}"
    assert KEY not in shown
    assert "sk-2" not in shown
    assert "c-3" not in shown
    assert "copy" in shown
    assert ["Authorization", "Bearer ***"] in response.json()["headers"]
    assert request.headers.get("authorization") == f"Bearer {KEY}"


IDLE = b""
HALF_A_HEAD = b"GET /echo HTT"
HALF_A_BODY = b"POST /echo HTTP/1.1\r\nHost: demo\r\nContent-Length: 9\r\n\r\nhalf"
UNREAD = b"POST /echo HTTP/1.1\r\nHost: demo\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 9_000_000


def _asking(fault: str) -> bytes:
    return f"GET /echo HTTP/1.1\r\nHost: demo\r\nX-Demo-Fault: {fault}\r\n\r\n".encode()


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(IDLE, id="idle"),
        pytest.param(HALF_A_HEAD, id="half-a-head"),
        pytest.param(HALF_A_BODY, id="half-a-body"),
        pytest.param(UNREAD, id="response-unread"),
        pytest.param(b"nonsense\r\n", id="refused"),
        pytest.param(b"GET /slow?seconds=3600 HTTP/1.1\r\nHost: demo\r\n\r\n", id="slow"),
        *[
            pytest.param(_asking(fault), id=fault)
            for fault in ("hang", "delay=3600", "drip=3600", "drip-head=3600")
        ],
    ],
)
def test_stop_leaves_nothing_behind(sent: bytes) -> None:
    """Whatever a connection is in the middle of, stop() ends its thread and closes the port."""
    before = set(threading.enumerate())
    server = DemoServer()
    server.start()
    with socket.create_connection((server.host, server.port), timeout=10) as sock:
        sock.sendall(sent)
        server.stop()
        assert set(threading.enumerate()) - before == set()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, server.port), timeout=10)


@pytest.mark.parametrize("fault", ["drip=3600", "drip-head=3600"])
def test_stop_ends_a_response_that_has_begun(fault: str) -> None:
    """A response of which some came already is left unfinished when the server stops."""
    with socket.socket() as sock:
        with DemoServer() as server:
            sock.settimeout(10)
            sock.connect((server.host, server.port))
            sock.sendall(_asking(fault))
            assert sock.recv(1) == b"H"
        rest = sock.makefile("rb")
        with rest:
            assert not rest.read().endswith(b"}")


def test_stop_may_be_called_at_any_time() -> None:
    """stop() on a server that does not run does nothing."""
    server = DemoServer()
    server.stop()
    server.start()
    server.stop()
    server.stop()
    assert server.connections == 0


def test_a_stopped_server_comes_back_at_its_address() -> None:
    """Started again, a server listens at the same URL and goes on counting."""
    server = DemoServer()
    with server:
        url = server.url
        httpx.get(f"{url}/echo", trust_env=False)
    with server:
        response = httpx.get(f"{url}/echo", trust_env=False)
    assert response.headers["x-request-id"] == "demo-2"
    assert server.connections == 2
