"""Where redirects lead, what goes along, and which are not followed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import penstock
from penstock import Redirected, RedirectError, RetryScheduled, Stack, UnprocessableContent
from penstock.middleware import Redirect
from penstock.testing import Reply, Script

from .support import BASE_URL, KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Rig

THERE = f"{BASE_URL}/there"
ELSEWHERE = "https://else.example/there"
STATUSES = (301, 302, 303, 307, 308)


def to(location: str, status: int = 302, **options: Any) -> Reply:
    return Reply(status, headers={"Location": location}, text="moved", **options)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("status", STATUSES)
def test_the_method_and_the_body(status: int, method: str, rig: Callable[..., Rig]) -> None:
    """307 and 308 keep both; 303 makes a GET, as 301 and 302 do of a POST; HEAD stays HEAD."""
    body = {} if method in {"GET", "HEAD"} else {"json": {"a": 1}}
    server = rig([to("/v1/there", status), 200])
    assert server.status(method, **body) == 200
    becomes_get = (status == 303 and method != "HEAD") or (
        status in {301, 302} and method == "POST"
    )
    followed = server.requests[1]
    assert followed.method == ("GET" if becomes_get else method)
    assert followed.url == THERE
    kept = bool(body) and not becomes_get
    assert server.script.bodies[1] == (b'{"a":1}' if kept else b"")
    for name in ("content-type", "content-length"):
        assert (name in followed.headers) == kept
    assert server.script.open == 0


def test_httpx_follows_the_same_way() -> None:
    """Method, URL and fragment after a redirect are those of httpx's own client.

    But for a PUT after 302, which stays one (Fetch standard); httpx makes it a GET.
    """

    def trail(client: Any, script: Script, method: str) -> tuple[Any, ...]:
        client.request(method, f"{BASE_URL}/it#part", content=b"" if method == "GET" else b"x")
        return tuple((r.method, str(r.url), r.headers["host"]) for r in script.requests)

    for location in ("/a/b", "c", "?q=1", "//api.example.com/d", "https://api.example.com/e#f"):
        for status in STATUSES:
            for method in ("GET", "POST", *(["PUT"] if status != 302 else [])):
                theirs, ours = (Script([to(location, status), 200]) for _ in range(2))
                assert trail(penstock.Client(transport=ours), ours, method) == trail(
                    httpx.Client(transport=theirs, follow_redirects=True), theirs, method
                )


@pytest.mark.parametrize("status", STATUSES)
def test_what_goes_along_to_another_origin(status: int, rig: Callable[..., Rig]) -> None:
    """Only the headers of the allow-list: no key, no cookie, none of the client's or the call's."""
    server = rig(
        [to(ELSEWHERE, status), 200],
        api_key=KEY,
        cookies={"session": "1"},
        headers={"X-Client": "1", "X-Asked": lambda: "1", "Accept-Language": "de"},
    )
    server.send(headers={"X-Call": "1", "traceparent": "00-1-2-01"}, idempotency_key="k")
    followed = server.requests[1]
    assert followed.url == ELSEWHERE
    assert followed.headers["host"] == "else.example"
    assert set(followed.headers) <= {
        "host",
        "accept",
        "accept-encoding",
        "accept-language",
        "connection",
        "traceparent",
        "user-agent",
    }
    assert followed.headers["accept-language"] == "de"


@pytest.mark.parametrize(
    "location",
    ["https://api.example.com:8443/x", "https://API.example.com.evil.example/x", ELSEWHERE],
)
def test_the_key_comes_back_with_its_origin(location: str, rig: Callable[..., Rig]) -> None:
    """A detour over another origin goes without the key, and what returns has it again."""
    server = rig([to(location), to(THERE), 200], api_key=KEY)
    assert server.status() == 200
    assert [r.headers.get("authorization") for r in server.requests] == [
        f"Bearer {KEY}",
        None,
        f"Bearer {KEY}",
    ]


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize("body", [b"bytes", "file"])
def test_a_body_is_not_sent_to_another_origin(
    status: int, body: Any, rig: Callable[..., Rig]
) -> None:
    """A redirect that asks for it is an error that says so."""
    server = rig([to(ELSEWHERE, status), 200])
    given = {"files": {"f": io.BytesIO(b"file")}} if body == "file" else {"content": body}
    with pytest.raises(RedirectError, match="body"):
        server.send("POST", **given)
    assert server.sent == 1


def test_a_body_is_sent_again_if_it_can_be(rig: Callable[..., Rig]) -> None:
    """A file is rewound for a 307 at home; a one-shot body makes it an error."""
    server = rig([to(THERE, 307), 503, to(THERE, 307), 200])
    assert server.status("POST", files={"f": io.BytesIO(b"file")}, idempotency_key="k") == 200
    assert len(set(server.script.bodies)) == 1
    assert [request.headers["idempotency-key"] for request in server.requests] == ["k"] * 4

    def once() -> Any:
        yield b"once"

    async def aonce() -> Any:
        yield b"once"

    server = rig([to(THERE, 307), 200])
    with pytest.raises(RedirectError, match="body"):
        server.send("POST", content=aonce() if server.colour.is_async else once())
    assert server.script.bodies == [b"once"]


REFUSED = {
    "a downgrade": "http://api.example.com/v1/there",
    "another scheme": "ftp://api.example.com/there",
    "a file": "file:///etc/passwd",
    "data": "data:text/plain,hi",
    "credentials": "https://me:secret@api.example.com/there",
    "no port": "https://api.example.com:x/there",
    "a host that is none": "https://[::1/there",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_followed(name: str, rig: Callable[..., Rig]) -> None:
    """A downgrade, another scheme, credentials, and what is no URL raise, and are not repeated."""
    server = rig([to(REFUSED[name]), 200])
    with pytest.raises(RedirectError) as caught:
        server.send()
    assert server.sent == 1
    assert server.kinds(RetryScheduled) == []
    assert "secret" not in str(caught.value)
    assert (caught.value.method, caught.value.url) == ("GET", f"{BASE_URL}/it")
    assert len(caught.value.attempts) == 1


def test_two_places_at_once(rig: Callable[..., Rig]) -> None:
    """A redirect with two Locations is followed to neither: clients differ in which they take."""
    places = [("Location", THERE), ("Location", "/v1/elsewhere")]
    server = rig([Reply(302, headers=places), 200])
    with pytest.raises(RedirectError, match="2 Locations"):
        server.send()
    assert server.sent == 1


@pytest.mark.parametrize(
    ("limit", "redirects", "ends"), [(20, 20, 200), (20, 21, None), (3, 3, 200), (3, 4, None)]
)
def test_not_for_ever(
    limit: int, redirects: int, ends: int | None, rig: Callable[..., Rig]
) -> None:
    """Twenty redirects are followed unless told otherwise, and one more is an error."""
    stack = Stack.standard() if limit == 20 else Stack.standard().replace(Redirect, Redirect(limit))
    server = rig([to(f"/{n}") for n in range(redirects)] + [200], stack=stack)
    if ends:
        assert server.status() == ends
        assert len(server.kinds(Redirected)) == redirects
    else:
        with pytest.raises(RedirectError, match=str(limit)):
            server.send()
        assert server.sent == limit + 1
    assert server.script.open == 0


@pytest.mark.parametrize("how", ["limit", "without"])
def test_a_redirect_can_be_an_answer(how: str, rig: Callable[..., Rig]) -> None:
    """With a limit of none, or without `Redirect`, the 302 is returned, its `Location` readable."""
    standard = Stack.standard()
    stack = (
        standard.without(Redirect) if how == "without" else standard.replace(Redirect, Redirect(0))
    )
    server = rig([to(THERE)], stack=stack)
    response = server.send("POST", json={})
    assert (response.status_code, response.headers["location"]) == (302, THERE)


@pytest.mark.parametrize(
    "reply", [Reply(302), Reply(304), Reply(300), Reply(305, headers={"Location": "/x"})]
)
def test_not_every_3xx_is_a_redirect(reply: Reply, rig: Callable[..., Rig]) -> None:
    """One without a `Location`, and any status but the five, is an answer."""
    server = rig([reply])
    assert server.status() == reply.status


def test_each_attempt_begins_at_the_start(rig: Callable[..., Rig]) -> None:
    """A failure behind a redirect repeats the call from its own URL, with its own body."""
    server = rig([to(THERE), 503, to(THERE), 200])
    assert server.status("POST", json={"a": 1}) == 200
    assert [(r.method, r.url.path) for r in server.requests] == [
        ("POST", "/v1/it"),
        ("GET", "/v1/there"),
        ("POST", "/v1/it"),
        ("GET", "/v1/there"),
    ]


def test_the_last_url_is_the_responses(rig: Callable[..., Rig]) -> None:
    """`response.url` is where the response came from, and so is the URL of its error."""
    server = rig([to(THERE), 200, to(THERE), 422])
    assert server.send().url == THERE
    with pytest.raises(UnprocessableContent) as caught:
        server.send()
    assert caught.value.url == THERE


def test_a_redirect_is_a_fact(rig: Callable[..., Rig]) -> None:
    """It is recorded with its status and its URL, the query's values hidden."""
    server = rig([to("/v1/there?token=secret", 307), 200])
    server.send()
    (fact,) = server.kinds(Redirected)
    assert (fact.status, fact.url) == (307, f"{THERE}?token=REDACTED")


@pytest.mark.parametrize("limit", [-1, 1.5, True, "20", None])
def test_a_limit_that_cannot_work(limit: Any) -> None:
    """`max_redirects` is an integer, 0 or more."""
    with pytest.raises(TypeError, match="max_redirects"):
        Redirect(limit)
