"""Sending with somebody else's whole HTTP client: what is his, and what is ours."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest

from penstock import (
    REMOVE,
    DeadlineExceeded,
    InvalidOption,
    NotFound,
    Stack,
    TimedOut,
)
from penstock.middleware import Redirect
from penstock.testing import Reply, Script, VirtualClock

from .support import BASE_URL, KEY, done, play

if TYPE_CHECKING:
    from collections.abc import Callable

THERE = f"{BASE_URL}/there"


class Theirs:
    """A caller's client over a script, and ours over it."""

    def __init__(
        self, colour: Any, replies: Any, mine: dict[str, Any] | None = None, **theirs: Any
    ) -> None:
        self.colour = colour
        self.clock = VirtualClock(random=lambda: 0.0)
        self.script = Script(replies, clock=self.clock)
        kind = httpx.AsyncClient if colour.is_async else httpx.Client
        self.client: Any = kind(transport=self.script, **theirs)
        self.mine = colour.client(http_client=self.client, clock=self.clock, **(mine or {}))

    def send(self, url: str = f"{BASE_URL}/it", method: str = "GET", **call: Any) -> Any:
        return self.colour.run(lambda: self.mine.request(method, url, **call))

    @property
    def requests(self) -> list[Any]:
        return self.script.requests


@pytest.fixture
def theirs(colour: Any) -> Callable[..., Theirs]:
    """`theirs(replies, mine={…}, …)` makes a caller's client, and ours over it."""
    return lambda replies=(200,), **options: Theirs(colour, replies, **options)


def test_headers_params_and_cookies_merge(theirs: Callable[..., Theirs]) -> None:
    """His go with every request; where both set one, ours win; `REMOVE` takes one of his away."""
    client = theirs(
        [200],
        headers={"X-His": "his", "X-Both": "his", "X-Gone": "his"},
        params={"his": "1", "both": "his", "gone": "1"},
        cookies={"session": "his"},
        mine={"headers": {"X-Mine": "mine", "x-both": "mine"}, "params": {"both": "mine"}},
    )
    client.send(
        f"{BASE_URL}/it?path=1",
        headers={"X-Call": "call", "x-gone": REMOVE},
        params={"call": "1", "gone": REMOVE},
    )
    (request,) = client.requests
    names = ("x-his", "x-mine", "x-call", "x-both", "x-gone", "cookie")
    assert {name: request.headers.get_list(name) for name in names} == {
        "x-his": ["his"],
        "x-mine": ["mine"],
        "x-call": ["call"],
        "x-both": ["mine"],
        "x-gone": [],
        "cookie": ["session=his"],
    }
    assert dict(request.url.params) == {"his": "1", "both": "mine", "path": "1", "call": "1"}


def test_his_base_url_is_ours(theirs: Callable[..., Theirs]) -> None:
    """Without a base URL of our own his is taken; ours wins."""
    client = theirs([200, 200], base_url=f"{BASE_URL}/")
    client.send("/it")
    assert client.requests[0].url == f"{BASE_URL}/it"
    with pytest.raises(InvalidOption, match="leaves"):
        client.send("https://evil.example/x")
    client = theirs([200], base_url="https://his.example", mine={"base_url": BASE_URL})
    client.send("/it")
    assert client.requests[0].url == f"{BASE_URL}/it"


def test_his_user_agent_stands(theirs: Callable[..., Theirs]) -> None:
    """A client that names itself is not renamed."""
    client = theirs([200], headers={"User-Agent": "his/1"})
    client.send()
    assert client.requests[0].headers.get_list("user-agent") == ["his/1"]


@pytest.mark.parametrize(
    ("mine", "call", "read"),
    [
        ({}, {}, 7.0),
        ({"timeout": 3.0}, {}, 3.0),
        ({}, {"timeout": 2.0}, 2.0),
        ({"timeout": 3.0}, {"timeout": None}, None),
        ({"deadline": 4.0}, {}, 4.0),
        ({"deadline": 40.0}, {}, 7.0),
        ({}, {"timeout": httpx.Timeout(5.0, read=1.0)}, 1.0),
    ],
)
def test_his_timeouts_stand(
    mine: Any, call: Any, read: float | None, theirs: Callable[..., Theirs]
) -> None:
    """His timeouts hold unless client or call have one of their own; a deadline shortens them."""
    client = theirs([200], timeout=7.0, mine=mine)
    client.send(**call)
    assert client.requests[0].extensions["timeout"]["read"] == read


def test_a_client_of_his_without_a_timeout(theirs: Callable[..., Theirs]) -> None:
    """`timeout=None` of his is respected."""
    client = theirs([200], timeout=None)
    client.send()
    assert client.requests[0].extensions["timeout"]["read"] is None


@pytest.mark.parametrize(
    ("mine", "call", "sent"),
    [
        ({}, {}, "Basic aGlzOnB3"),
        ({"api_key": KEY}, {}, f"Bearer {KEY}"),
        ({}, {"api_key": KEY}, f"Bearer {KEY}"),
        ({}, {"auth": httpx.BasicAuth("me", "pw")}, "Basic bWU6cHc="),
        ({}, {"auth": None}, None),
        ({}, {"api_key": None}, None),
        ({"api_key": KEY}, {"auth": None}, None),
    ],
)
def test_his_auth_stands(
    mine: Any, call: Any, sent: str | None, theirs: Callable[..., Theirs]
) -> None:
    """His auth signs unless client or call bring a credential, or the call wants none."""
    client = theirs([200], auth=("his", "pw"), base_url=BASE_URL, mine=mine)
    client.send("/it", **call)
    assert client.requests[0].headers.get("authorization") == sent


@pytest.mark.parametrize("follow", [True, False])
@pytest.mark.parametrize("key", [None, KEY])
def test_his_redirects_stand(follow: bool, key: str | None, theirs: Callable[..., Theirs]) -> None:
    """He follows redirects or does not, as he is told; the response's URL is where it came from."""
    moved = Reply(302, headers={"Location": THERE})
    mine = {"api_key": key, "base_url": BASE_URL}
    client = theirs([moved, 200], follow_redirects=follow, mine=mine)
    response = client.send("/it")
    assert response.status_code == (200 if follow else 302)
    assert response.url == (THERE if follow else f"{BASE_URL}/it")
    assert "authorization" not in response.request.headers
    assert len(client.requests) == (2 if follow else 1)
    assert [r.headers.get("authorization") for r in client.requests] == [
        key and f"Bearer {key}"
    ] * len(client.requests)


def test_our_redirect_can_be_put_in(theirs: Callable[..., Theirs]) -> None:
    """A stack with `Redirect` follows where his client does not."""
    moved = Reply(302, headers={"Location": THERE})
    client = theirs([moved, 200], mine={"stack": Stack.standard()})
    assert client.send().url == THERE
    assert any(isinstance(layer, Redirect) for layer in client.mine.stack)


def test_his_hooks_run_for_every_attempt(theirs: Callable[..., Theirs]) -> None:
    """What he hooks to requests and responses sees every attempt."""
    seen: list[Any] = []

    async def anote(message: Any) -> None:
        seen.append(type(message).__name__)

    def note(message: Any) -> None:
        seen.append(type(message).__name__)

    for hook in (note, anote):
        client = None
        try:
            client = theirs([503, 200], event_hooks={"request": [hook], "response": [hook]})
            if client.colour.is_async != (hook is anote):
                continue
            assert client.send().status_code == 200
        finally:
            del client
    assert len(seen) == 4


def test_our_retries_and_errors_hold(theirs: Callable[..., Theirs]) -> None:
    """Retries, typed errors and JSON errors are ours over his client too."""
    client = theirs([503, Reply(404, json={"error": {"message": "no such thing"}})])
    with pytest.raises(NotFound, match="no such thing") as caught:
        client.send()
    assert [record.status for record in caught.value.attempts] == [503, 404]
    client = theirs([Reply(text="nonsense")])
    with pytest.raises(ValueError, match="JSON"):
        client.send().json()


def test_a_deadline_holds_for_each_chunk(theirs: Callable[..., Theirs]) -> None:
    """Over his client limits are kept between the chunks of a body."""
    drip = Reply(chunks=[b"a", 0.4] * 10)
    client = theirs([drip, drip])
    with pytest.raises(DeadlineExceeded):
        client.send(deadline=1.0)
    with pytest.raises(TimedOut):
        client.send(timeout=1.0, max_retries=0)
    assert client.script.open == 0


def test_his_transports_errors_are_typed(theirs: Callable[..., Theirs]) -> None:
    """What his client raises is one of Penstock's errors, and keeps no request of his."""
    error = httpx.ReadTimeout("silence")
    client = theirs([error], headers={"X-Secret": KEY})
    with pytest.raises(TimedOut) as caught:
        client.send(max_retries=0)
    assert caught.value.__cause__ is error
    with pytest.raises(RuntimeError):
        _ = error.request


def test_he_is_never_closed(theirs: Callable[..., Theirs]) -> None:
    """Closing our client, or a view of it, leaves his open."""
    client = theirs([200])
    view = client.mine.with_options(timeout=1.0)

    async def close() -> None:
        for each in (view, client.mine):
            await done(each.aclose() if client.colour.is_async else each.close())

    play(client.colour, close)
    assert not client.client.is_closed
    assert client.mine.is_closed


def test_one_of_the_other_colour(colour: Any) -> None:
    """A sync client in an async one, or the other way round, is a `TypeError` at construction."""
    wrong = (httpx.AsyncClient, httpx.Client)[colour.is_async]
    with pytest.raises(TypeError, match="colour"):
        colour.client(http_client=wrong())
    wrong2 = (httpx2.AsyncClient, httpx2.Client)[colour.is_async]
    with pytest.raises(TypeError, match="colour"):
        colour.client(http_client=wrong2())
    for transport in ((httpx.AsyncHTTPTransport, httpx.HTTPTransport)[colour.is_async](),):
        with pytest.raises(TypeError, match="colour"):
            colour.client(transport=transport)
    right = (httpx.Client, httpx.AsyncClient)[colour.is_async]
    with pytest.raises(TypeError, match="transport"):
        colour.client(transport=right())
    with pytest.raises(TypeError, match="http_client"):
        colour.client(http_client=right)


def test_a_stream_over_his_client(theirs: Callable[..., Theirs]) -> None:
    """Events come over his client as over our transport, and what is left early is closed."""
    events = [b"data: 1\n\n", b"data: 2\n\n", b"data: [DONE]\n\n"]
    client = theirs([Reply(headers={"Content-Type": "text/event-stream"}, chunks=events)] * 2)
    assert client.colour.events(client.mine.stream_events("GET", f"{BASE_URL}/it"))[0].data == 1

    async def leave() -> None:
        stream = client.mine.stream_events("GET", f"{BASE_URL}/it")
        if client.colour.is_async:
            async with stream:
                async for _ in stream:
                    break
        else:
            with stream:
                for _ in stream:
                    break

    play(client.colour, leave)
    assert client.script.open == 0


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
def test_of_either_family(name: str, colour: Any) -> None:
    """An httpx2 client serves as one of httpx does: messages are of its own family."""
    http: Any = {"httpx": httpx, "httpx2": httpx2}[name]
    seen: list[Any] = []

    def answer(request: Any) -> Any:
        seen.append(request)
        return http.Response(200, json={"ok": True})

    kind = http.AsyncClient if colour.is_async else http.Client
    client = colour.client(
        http_client=kind(transport=http.MockTransport(answer), base_url=BASE_URL), api_key=KEY
    )
    response = colour.run(lambda: client.post("/it", json={"a": 1}, timeout=http.Timeout(3.0)))
    assert response.json() == {"ok": True}
    assert isinstance(response, http.Response)
    assert isinstance(seen[0], http.Request)
    assert seen[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("name", ["http_client", "transport"])
def test_what_his_engine_logs_is_redacted(name: str) -> None:
    """In a process with no other client, his engine's debug log shows no password of a proxy."""
    made = {"http_client": "httpx.Client()", "transport": "httpx.HTTPTransport()"}[name]
    program = f"""
import logging, sys, httpx, penstock
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
client = penstock.Client("https://x.test", {name}={made})
log = logging.getLogger("httpcore.socks")
log.debug("setup_socks5_connection.started auth=(b'me', b'canary') timeouts={{}}")
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, text=True
    )
    assert "setup_socks5_connection.started" in ran.stdout
    assert "canary" not in ran.stdout


def test_a_cookie_of_his_that_cannot_be_sent(theirs: Callable[..., Theirs]) -> None:
    """A cookie that is no ASCII is an `InvalidOption` that does not speak of a body."""
    his = theirs([200], cookies={"a": "\xe9"})
    with pytest.raises(InvalidOption, match=r"^the request cannot be made: UnicodeEncodeError"):
        his.send()
