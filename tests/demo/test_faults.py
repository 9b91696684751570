"""Faults: each does what it says, as often as it says."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.demo.faults import Fault, parse_fault
from penstock.demo.responses import APIError

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.demo import DemoServer


PLAIN = "/status/200"
PLAIN_BODY = b'{"status":200}'


def _asking(path: str, fault: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: demo\r\nX-Demo-Fault: {fault}\r\n\r\n".encode()


def _get(client: httpx.Client, fault: str, path: str = PLAIN) -> httpx.Response:
    return client.get(path, headers={"X-Demo-Fault": fault})


@pytest.mark.parametrize("status", [400, 429, 503, 599])
def test_a_status_takes_the_place_of_the_answer(client: httpx.Client, status: int) -> None:
    """A status fault answers with that status and an error in OpenAI's shape."""
    response = _get(client, str(status))
    assert response.status_code == status
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}


def test_retry_after_goes_with_the_status(client: httpx.Client) -> None:
    """The retry headers are sent as they were written."""
    response = _get(client, "429; retry-after=1.5; retry-after-ms=1500")
    assert response.headers["retry-after"] == "1.5"
    assert response.headers["retry-after-ms"] == "1500"


def test_the_query_names_a_fault_too(client: httpx.Client) -> None:
    """`fault=` and `key=` in the query do what the headers do."""
    query = "?fault=429;retry-after=1;times=1&key=mine"
    responses = [client.get(PLAIN + query), client.get(PLAIN + query)]
    assert [response.status_code for response in responses] == [429, 200]
    assert responses[0].headers["retry-after"] == "1"


def test_html_is_a_gateways_page(client: httpx.Client) -> None:
    """The HTML fault is a 502 that no JSON parser takes."""
    response = _get(client, "html")
    assert response.status_code == 502
    assert response.headers["content-type"] == "text/html"
    assert response.text.startswith("<!doctype html>")


def test_broken_json_is_sent_whole_but_does_not_parse(client: httpx.Client) -> None:
    """The response is well framed, its status and type are right, and its JSON is not."""
    response = _get(client, "json-broken")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    with pytest.raises(json.JSONDecodeError):
        response.json()


def test_broken_json_breaks_each_event_of_a_stream(client: httpx.Client) -> None:
    """Every document of a stream is broken; its framing and its end are not."""
    lines = _get(client, "json-broken", "/ndjson").text.splitlines()
    assert lines == [f'{{"index":{number}' for number in range(5)]


def test_a_drop_closes_without_a_byte(client: httpx.Client, talk: Callable[[bytes], bytes]) -> None:
    """The request is read, and the connection ends."""
    with pytest.raises(httpx.RemoteProtocolError):
        _get(client, "drop")
    assert talk(_asking(PLAIN, "drop")) == b""


def test_a_reset_is_a_reset(server: DemoServer, client: httpx.Client) -> None:
    """The connection ends in RST, which the client sees as an error of the connection."""
    with pytest.raises(httpx.ReadError):
        _get(client, "reset")
    with socket.create_connection((server.host, server.port), timeout=10) as sock:
        sock.sendall(_asking(PLAIN, "reset"))
        with pytest.raises(ConnectionResetError):
            sock.recv(1)


def test_a_hang_sends_nothing(server: DemoServer, client: httpx.Client) -> None:
    """A hanging request is recorded and never answered."""
    with pytest.raises(httpx.ReadTimeout):
        client.get(PLAIN, headers={"X-Demo-Fault": "hang"}, timeout=0.05)
    assert len(server.requests) == 1


def test_a_delay_lets_time_pass_and_then_succeeds(client: httpx.Client) -> None:
    """A delayed response misses a shorter timeout and is whole otherwise."""
    with pytest.raises(httpx.ReadTimeout):
        client.get(PLAIN, headers={"X-Demo-Fault": "delay=3600"}, timeout=0.05)
    assert _get(client, "delay=0.001").content == PLAIN_BODY


@pytest.mark.parametrize("fault", ["drip=0.0001", "drip-head=0.0001", "drip=0;drip-head=0"])
@pytest.mark.parametrize("path", [PLAIN, "/ndjson"])
def test_a_drip_loses_nothing(client: httpx.Client, fault: str, path: str) -> None:
    """A response sent a byte at a time is the same response."""
    assert _get(client, fault, path).content == client.get(path).content


def test_a_drip_sends_single_bytes(client: httpx.Client) -> None:
    """A body that drips with a long pause has one byte to show, and the head whole."""
    request = client.build_request("GET", PLAIN, headers={"X-Demo-Fault": "drip=3600"})
    response = client.send(request, stream=True)
    pieces = response.iter_raw()
    assert response.headers["content-length"] == str(len(PLAIN_BODY))
    assert next(pieces) == PLAIN_BODY[:1]
    response.close()


@pytest.mark.parametrize("count", [0, 1, 3, len(PLAIN_BODY) - 1])
def test_a_cut_body_is_short_of_its_length(talk: Callable[[bytes], bytes], count: int) -> None:
    """`cut=n` sends n bytes of the body it announced, and closes."""
    received = talk(_asking(PLAIN, f"cut={count}"))
    head, _, body = received.partition(b"\r\n\r\n")
    assert body == PLAIN_BODY[:count]
    assert b"content-length: %d\r\n" % len(PLAIN_BODY) in head


def test_a_cut_beyond_the_body_still_cuts(client: httpx.Client) -> None:
    """A body is never whole when it is cut, however late."""
    with pytest.raises(httpx.RemoteProtocolError):
        _get(client, "cut=1000000")


@pytest.mark.parametrize(
    ("fault", "events"), [("cut", 1), ("cut=0", 0), ("cut=3", 3), ("cut=9", 5)]
)
def test_a_cut_stream_ends_after_its_events(
    talk: Callable[[bytes], bytes], fault: str, events: int
) -> None:
    """`cut=n` sends n events, one unless told, and closes without the end of the stream."""
    received = talk(_asking("/ndjson", fault))
    assert received.count(b'{"index":') == events
    assert not received.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("path", [PLAIN, "/ndjson"])
def test_a_cut_is_an_error_of_the_protocol(client: httpx.Client, path: str) -> None:
    """A client that knows its framing sees that the response is not whole."""
    with pytest.raises(httpx.RemoteProtocolError):
        _get(client, "cut=3", path)


@pytest.mark.parametrize("fault", ["503", "drop", "reset", "json-broken", "html", "cut"])
def test_times_is_how_often_and_then_it_succeeds(client: httpx.Client, fault: str) -> None:
    """A fault with `times=2` happens twice; the third request is as if none was asked for."""
    outcomes = []
    for _ in range(4):
        try:
            response = _get(client, f"{fault};times=2")
            outcomes.append(response.content == PLAIN_BODY)
        except httpx.TransportError:
            outcomes.append(False)
    assert outcomes == [False, False, True, True]


def test_the_counter_is_the_path_unless_named(client: httpx.Client) -> None:
    """Requests to one path share a counter; a name gives them another."""
    fault = {"X-Demo-Fault": "503;times=1"}
    named = {**fault, "X-Demo-Key": "mine"}
    asked = [
        ("/echo", fault),
        ("/echo", fault),
        ("/ndjson", fault),
        ("/echo", named),
        ("/items", named),
    ]
    statuses = [client.get(path, headers=headers).status_code for path, headers in asked]
    assert statuses == [503, 200, 503, 503, 200]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/v1/models", "/v1/rerank", "/nowhere"])
def test_faults_apply_to_every_path(client: httpx.Client, method: str, path: str) -> None:
    """A fault comes before the route, the method and the key are looked at."""
    response = client.request(method, path, headers={"X-Demo-Fault": "418"})
    assert response.status_code == 418


@pytest.mark.parametrize(
    "fault",
    [
        "flood", "200", "600", "5033", "delay", "delay=soon", "delay=-1", "delay=nan", "delay=1e9",
        "delay=3601", "times=0.5", "times=", "cut=-1", "drip=", "drop;reset", "429;503",
        "retry-after=1", "drop;retry-after=1", "429;retry-after=", "503;TIMES=2", "drop=1",
    ],
)  # fmt: skip
def test_a_fault_that_makes_no_sense_is_refused(client: httpx.Client, fault: str) -> None:
    """An unknown part, a wrong value or a contradiction is a 400 that names the trouble."""
    response = _get(client, fault)
    assert response.status_code == 400
    assert response.json()["error"]["param"] is not None


def test_a_fault_cannot_smuggle_a_header(client: httpx.Client) -> None:
    """A line break in a value of the query is refused, not sent."""
    response = client.get(PLAIN, params={"fault": "429;retry-after=1\r\nX-Evil: 1"})
    assert response.status_code == 400
    assert "x-evil" not in response.headers


@given(
    st.lists(
        st.sampled_from(
            ["429", "drop", "hang", "html", "delay=1", "drip", "cut=2", "times=3", "retry-after=1"]
        )
        | st.text(max_size=6)
    ).map(";".join)
)
@settings(max_examples=100)
def test_any_text_is_a_fault_or_a_400(text: str) -> None:
    """The grammar either understands a text or turns it down."""
    with suppress(APIError):
        assert isinstance(parse_fault(text), Fault)
