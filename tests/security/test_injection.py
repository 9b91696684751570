"""Nothing the caller passes on can end a line, or a message (CVE-2019-9740, CVE-2022-35948)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tests.transport.server import Server, polite

from penstock import ConnectionFailed, InvalidOption

from .support import SECRET, get, saying

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.support import Rig

ENDS = ["\r\n", "\n", "\r", "\0", "\x0b", "\x85", "\u2028", "\ud800"]


@pytest.mark.parametrize("end", ENDS, ids=ascii)
@pytest.mark.parametrize("where", ["header", "name", "method", "path", "cookie", "key", "param"])
def test_nothing_ends_a_line(where: str, end: str, rig: Callable[..., Rig]) -> None:
    """A line end in any part of a request is refused, or quoted where it may be part of it."""
    bad = f"a{end}X-Injected: {SECRET}"
    server = rig()
    call: dict[str, Callable[[], Any]] = {
        "header": lambda: server.client.get("/it", headers={"X-A": bad}),
        "name": lambda: server.client.get("/it", headers={bad: "1"}),
        "method": lambda: server.client.request(bad, "/it"),
        "path": lambda: server.client.get(f"/{bad}"),
        "cookie": lambda: rig(cookies={"a": bad}),
        "key": lambda: server.client.get("/it", idempotency_key=bad),
        "param": lambda: server.client.get("/it", params={"a": bad}),
    }
    shown = ""
    try:
        server.colour.run(call[where])
    except InvalidOption as error:
        shown = str(error)
    assert SECRET not in shown or where in {"method", "path", "name"}
    assert bool(shown) == (server.sent == 0)
    assert shown or where in {"path", "param"}
    for request in server.requests:
        assert not set(request.url.raw_path) & set(b"\r\n\0\x0b \x85")


@pytest.mark.parametrize("end", ENDS[:6], ids=ascii)
def test_nothing_ends_a_part_of_a_form(end: str, rig: Callable[..., Rig]) -> None:
    """A file's name, its type and a field's name cannot add a header to a part of a form."""
    injected = f'a"{end}X-Injected: 1'
    server = rig(forever=True)
    for form in (
        {"files": {"f": (injected, b"")}},
        {"files": {injected: ("f", b"")}},
        {"files": {"f": ("f", b"", f"text/plain{end}X-Injected: 1")}},
        {"data": {injected: "1"}, "files": {"f": b""}},
    ):
        try:
            server.send("POST", **form)
        except InvalidOption:
            continue
    for body in server.script.bodies:
        assert b"\nX-Injected" not in body
        assert b"\rX-Injected" not in body


@pytest.mark.parametrize(
    "headers",
    [
        [("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
        [("Content-Length", "5"), ("Content-Length", "6")],
    ],
)
def test_a_built_request_is_framed_in_one_way(headers: Any, rig: Callable[..., Rig]) -> None:
    """A request that says twice how long it is could be two to a server (CVE-2025-43859)."""
    server = rig()
    built = httpx.Request(
        "POST", "https://api.example.com/v1/it", headers=headers, content=b"hello"
    )
    with pytest.raises(InvalidOption, match="two ways"):
        server.colour.run(lambda: server.client.send(built))
    assert server.sent == 0


OK = b"HTTP/1.1 200 OK\r\n"
SMUGGLED = {
    "two lengths": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a length list": OK + b"Content-Length: 5, 6\r\n\r\nhello!",
    "a negative length": OK + b"Content-Length: -5\r\n\r\nhello",
    "a length that is none": OK + b"Content-Length: 0x5\r\n\r\nhello",
    "a coding that is none": OK + b"Transfer-Encoding: xchunked\r\n\r\nhello",
    "chunked twice": OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "a bad chunk size": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "a negative chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    "a chunk that is too long": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n",
    "an endless chunk size": OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1" * 99 + b"\r\n",
    "a space before the colon": OK + b"Content-Length : 5\r\n\r\nhello",
    "a nul in a value": OK + b"X-A: a\0b\r\nContent-Length: 5\r\n\r\nhello",
    "a bare return": OK + b"X-A: a\rContent-Length: 5\r\n\r\nhello",
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_an_answer_is_framed_in_one_way(name: str, colour: Any) -> None:
    """What is not HTTP to the letter is a typed error, and its connection is closed."""
    with Server(saying(SMUGGLED[name])) as server:
        with pytest.raises(ConnectionFailed) as caught:
            get(colour, server.url, "/x", max_retries=0)
        assert caught.value.phase in {"protocol", "read"}
        server.handler = polite
        assert [one.content for one in get(colour, server.url, "/x")] == [b"hello"]


def test_both_framings_of_an_answer(colour: Any) -> None:
    """With a length and chunks, the chunks count, and nothing is left over (RFC 9112 §6.3)."""
    both = b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    with Server(saying(OK + both, OK + both)) as server:
        answers = get(colour, server.url, "/x", "/x")
    assert [one.content for one in answers] == [b"hello"] * 2
