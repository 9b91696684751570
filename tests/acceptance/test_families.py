"""Whatever can stand for a transport: both families, and the tools people test with."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest
import respx

import penstock
from penstock import (
    ConnectionFailed,
    DecodeError,
    InvalidOption,
    NotFound,
    RequestOptions,
    Stack,
    StreamInterrupted,
    TimedOut,
    on_response,
)

from .support import BASE_URL, KEY, Impatient, done, play

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from pytest_httpx import HTTPXMock

    from penstock.demo import DemoServer

FAMILIES = {"httpx": httpx, "httpx2": httpx2}


@pytest.fixture(params=sorted(FAMILIES))
def http(request: pytest.FixtureRequest) -> Any:
    return FAMILIES[request.param]


class Mock:
    """A client of one colour over a family's own mock transport."""

    def __init__(self, colour: Any, http: Any, *answers: Any, **options: Any) -> None:
        self.colour = colour
        self.http = http
        self.requests: list[Any] = []
        self.bodies: list[bytes] = []
        self._answers = list(answers)
        self.client = colour.client(
            BASE_URL,
            transport=http.MockTransport(self._answer),
            clock=penstock.testing.VirtualClock(),
            **options,
        )

    def _answer(self, request: Any) -> Any:
        self.requests.append(request)
        self.bodies.append(request.content)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def send(self, method: str = "GET", url: Any = "/it", **call: Any) -> Any:
        return self.colour.run(lambda: self.client.request(method, url, **call))


@pytest.fixture
def mock(colour: Any, http: Any) -> Callable[..., Mock]:
    return lambda *answers, **options: Mock(colour, http, *answers, **options)


def test_messages_are_the_familys(http: Any, mock: Callable[..., Mock]) -> None:
    """Request and response are the family's own, and the user agent names it."""
    server = mock(http.Response(200, json={"ok": True}), api_key=KEY)
    response = server.send("POST", json={"a": 1})
    assert isinstance(response, http.Response)
    assert isinstance(server.requests[0], http.Request)
    assert isinstance(response.request, http.Request)
    assert response.json() == {"ok": True}
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert f"{http.__name__}/" in server.requests[0].headers["user-agent"]


def test_the_whole_stack(http: Any, mock: Callable[..., Mock]) -> None:
    """Retries, redirects, replay and typed errors work on either family."""
    server = mock(
        http.Response(503),
        http.Response(307, headers={"Location": "/there"}),
        http.Response(404, json={"error": {"message": "no such thing"}}),
    )
    with pytest.raises(NotFound, match="no such thing") as caught:
        server.send("POST", files={"f": b"file"}, timeout=http.Timeout(5.0))
    assert len(set(server.bodies)) == 1
    assert caught.value.url == "https://api.example.com/there"
    assert [record.status for record in caught.value.attempts] == [503, 404]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ConnectError", ConnectionFailed),
        ("ReadTimeout", TimedOut),
        ("PoolTimeout", TimedOut),
        ("RemoteProtocolError", ConnectionFailed),
        ("DecodingError", DecodeError),
        ("LocalProtocolError", InvalidOption),
    ],
)
def test_the_familys_errors_are_typed(
    name: str, kind: type[Exception], http: Any, mock: Callable[..., Mock]
) -> None:
    """What either family raises comes up as the same class of Penstock's."""
    with pytest.raises(kind):
        mock(getattr(http, name)("it failed")).send(max_retries=0)


def test_broken_json(http: Any, mock: Callable[..., Mock]) -> None:
    """`response.json()` raises a typed error in either family."""
    response = mock(http.Response(200, text="nonsense")).send()
    with pytest.raises(DecodeError):
        response.json()


class Broken:
    """A body that breaks after an event."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"data: 1\n\n"
        raise self.error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        raise self.error

    def __init__(self, error: Exception) -> None:
        self.error = error


def test_streams(colour: Any, http: Any, mock: Callable[..., Mock]) -> None:
    """Events, and what breaks them, are the same on either family."""
    headers = {"Content-Type": "text/event-stream"}
    done = b"data: 1\n\ndata: [DONE]\n\n"
    server = mock(http.Response(200, headers=headers, content=done))
    events = colour.events(server.client.stream_events("GET", "/it"))
    assert [each.data for each in events] == [1, None]
    broken = http.Response(200, headers=headers, content=_chunks(colour, http.ReadError("cut")))
    server = mock(broken)
    with pytest.raises(StreamInterrupted):
        colour.events(server.client.stream_events("GET", "/it"))


def _chunks(colour: Any, error: Exception) -> Any:
    broken = Broken(error)
    return aiter(broken) if colour.is_async else iter(broken)


def test_a_body_of_the_other_colour(colour: Any, http: Any, mock: Callable[..., Mock]) -> None:
    """A sync iterable is refused by an async client of either family, and the other way round."""
    server = mock()
    body = _chunks(type(colour)("sync" if colour.is_async else "asyncio"), ValueError())
    with pytest.raises(InvalidOption, match="colour"):
        server.send("POST", content=body)
    assert server.requests == []


def test_a_middleware_may_answer_with_either(colour: Any, http: Any) -> None:
    """A response made up by a middleware may be of either family, whatever the client's."""

    async def answer(request: Any, call_next: Any) -> Any:
        return http.Response(404, json={"error": {"message": "made up"}})

    seen: list[Any] = []
    stack = Stack.standard().append(on_response(seen.append), answer)
    client = colour.client(BASE_URL, transport=penstock.testing.Script(), stack=stack)
    with pytest.raises(NotFound, match="made up"):
        colour.run(lambda: client.get("/it"))
    assert isinstance(seen[0], http.Response)


def test_respx_as_a_transport(colour: Any) -> None:
    """A respx router serves as `transport=`."""
    router = respx.Router()
    route = router.post(f"{BASE_URL}/it", json={"a": 1})
    route.side_effect = [httpx.Response(503), httpx.ReadTimeout, httpx.Response(200, json={"n": 1})]
    transport = httpx.MockTransport(router.async_handler if colour.is_async else router.handler)
    client = colour.client(
        BASE_URL, transport=transport, clock=penstock.testing.VirtualClock(), api_key=KEY
    )
    response = colour.run(lambda: client.post("/it", json={"a": 1}, idempotency_key="k"))
    assert response.json() == {"n": 1}
    assert route.call_count == 3
    assert route.calls[2].request.headers["authorization"] == f"Bearer {KEY}"


def test_pytest_httpx_as_a_transport(colour: Any, httpx_mock: HTTPXMock) -> None:
    """What pytest-httpx patches serves as `transport=`."""
    httpx_mock.add_response(status_code=503)
    httpx_mock.add_response(json={"n": 1})
    kind = httpx.AsyncHTTPTransport if colour.is_async else httpx.HTTPTransport
    client = colour.client(BASE_URL, transport=kind(), clock=penstock.testing.VirtualClock())
    assert colour.run(lambda: client.get("/it", params={"q": "1"})).json() == {"n": 1}
    assert [str(request.url) for request in httpx_mock.get_requests()] == [f"{BASE_URL}/it?q=1"] * 2


@pytest.mark.parametrize("kind", ["transport", "client"])
def test_a_family_over_the_wire(kind: str, http: Any, colour: Any, demo: DemoServer) -> None:
    """Either family's own transport and client send over a socket; the client stays open."""

    async def scenario() -> None:
        prefix = "Async" if colour.is_async else ""
        if kind == "transport":
            sends = getattr(http, f"{prefix}HTTPTransport")()
            client = colour.client(demo.url, transport=sends)
        else:
            sends = getattr(http, f"{prefix}Client")(trust_env=False)
            client = colour.client(demo.url, http_client=sends)
        response = await done(client.post("/echo", json={"a": 1}))
        assert response.json()["body"] == '{"a":1}'
        await done(client.aclose() if colour.is_async else client.close())
        if kind == "client":
            assert not sends.is_closed
            await done(sends.aclose() if colour.is_async else sends.close())

    play(colour, scenario)


@pytest.mark.parametrize("outcome", ["success", "status", "timeout", "connection"])
def test_no_log_shows_a_secret(
    outcome: str, colour: Any, demo: DemoServer, caplog: pytest.LogCaptureFixture
) -> None:
    """With every logger at DEBUG no key, header, query, body or idempotency key is logged."""
    caplog.set_level(logging.DEBUG)
    told = {"status": "422", "timeout": "hang", "connection": "drop"}.get(outcome, "")
    secret = "hunter2-correct-horse"

    async def scenario() -> None:
        client = colour.client(
            demo.url, api_key=KEY, trust_env=False, max_retries=1, timeout=0.1, clock=Impatient()
        )
        options = RequestOptions(
            headers={"X-Api-Key": secret, "X-Demo-Fault": told} if told else {"X-Api-Key": secret},
            params={"token": secret},
            idempotency_key=secret,
        )
        try:
            await done(client.post("/echo", json={"password": secret}, options=options))
        except penstock.PenstockError as error:
            logging.getLogger("app").exception("it failed", exc_info=error)
        await done(client.aclose() if colour.is_async else client.close())

    play(colour, scenario)
    assert caplog.records
    for record in caplog.records:
        assert secret not in record.getMessage()
        assert KEY not in record.getMessage()
    assert secret not in caplog.text
    assert KEY not in caplog.text
