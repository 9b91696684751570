"""How long a body may be, on the wire and decoded, and what is said when it is longer."""

from __future__ import annotations

import contextlib
import gzip
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from penstock import DecodeError, ResponseTooLarge
from penstock.testing import Reply
from penstock.transport.our_response import OurResponse

from .support import done, play

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Rig

GZIP = {"Content-Encoding": "gzip"}
BODY = b"0123456789" * 100
PACKED = gzip.compress(BODY)
MEGABYTE = 1024 * 1024

BODIES = {
    "as it is": lambda: Reply(content=BODY),
    "in chunks": lambda: Reply(chunks=[BODY[:600], BODY[600:]]),
    "packed": lambda: Reply(headers=GZIP, content=PACKED),
    "packed, in chunks": lambda: Reply(headers=GZIP, chunks=[PACKED[:20], PACKED[20:]]),
}


async def plain(server: Rig, **options: Any) -> bytes:
    response = await done(server.client.get("/it", **options))
    content: bytes = response.content
    assert response.num_bytes_downloaded == len(
        PACKED if "content-encoding" in response.headers else BODY
    )
    return content


async def streamed(server: Rig, reader: str, **options: Any) -> bytes:
    """Read a stream whole, in pieces or in chunks of seven bytes, and close it."""
    is_async = server.colour.is_async
    context = server.client.stream("GET", "/it", **options)
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context if is_async else stack.enter_context
        response = await done(enter(context))
        if reader == "whole":
            content: bytes = await done(response.aread() if is_async else response.read())
            return content
        size = 7 if reader == "sevens" else None
        pieces = response.aiter_bytes(size) if is_async else response.iter_bytes(size)
        parts = [piece async for piece in pieces] if is_async else list(pieces)
        assert size is None or {7} >= {len(part) for part in parts[:-1]}
        return b"".join(parts)


READERS: dict[str, Callable[..., Any]] = {
    "plain": plain,
    "stream, whole": lambda server, **options: streamed(server, "whole", **options),
    "stream, pieces": lambda server, **options: streamed(server, "pieces", **options),
    "stream, sevens": lambda server, **options: streamed(server, "sevens", **options),
}


def read(server: Rig, reader: str, **options: Any) -> bytes:
    content: bytes = play(server.colour, lambda: READERS[reader](server, **options))
    return content


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("body", BODIES)
def test_a_body_at_its_limit_is_whole(body: str, reader: str, rig: Callable[..., Rig]) -> None:
    """Decoded, it is as long as `max_decoded_bytes` allows, and comes out whole."""
    for limit in (len(BODY), None):
        server = rig([BODIES[body]()], max_decoded_bytes=limit)
        assert read(server, reader) == BODY
        assert server.script.open == 0


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("body", BODIES)
def test_a_body_over_its_limit_is_refused(body: str, reader: str, rig: Callable[..., Rig]) -> None:
    """One byte more is an error that names the limit and how to raise it; nothing is repeated."""
    over = len(BODY) - 1
    for client, call in (({"max_decoded_bytes": over}, {}), ({}, {"max_decoded_bytes": over})):
        server = rig([BODIES[body](), 200], **client)
        with pytest.raises(ResponseTooLarge, match=rf"max_decoded_bytes={over} .*None") as caught:
            read(server, reader, **call)
        assert "GET https://api.example.com/v1/it" in str(caught.value) or reader != "plain"
        assert server.sent == 1
        assert server.script.open == 0


@pytest.mark.parametrize("reader", READERS)
def test_what_comes_off_the_wire_has_a_limit_of_its_own(
    reader: str, rig: Callable[..., Rig]
) -> None:
    """`max_response_bytes` counts before decoding, and the tighter of the two is named."""
    for body, limits, named in (
        ("packed", {"max_response_bytes": len(PACKED) - 1}, "max_response_bytes"),
        ("as it is", {"max_response_bytes": 9, "max_decoded_bytes": 10}, "max_response_bytes"),
        ("as it is", {"max_response_bytes": 2000, "max_decoded_bytes": 9}, "max_decoded_bytes"),
    ):
        with pytest.raises(ResponseTooLarge, match=f"{named}="):
            read(rig([BODIES[body]()], **limits), reader)
    assert read(rig([BODIES["packed"]()], max_response_bytes=len(PACKED)), reader) == BODY


@pytest.mark.parametrize("reader", READERS)
def test_unless_told_otherwise(
    reader: str, rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is held whole is at most 256 MiB; what a stream's reader takes in pieces may be more."""
    assert OurResponse.most == 256 * MEGABYTE
    monkeypatch.setattr(OurResponse, "most", 500)
    for body in BODIES.values():
        server = rig([body()])
        if reader in {"stream, pieces", "stream, sevens"}:
            assert read(server, reader) == BODY
        else:
            with pytest.raises(ResponseTooLarge, match="max_decoded_bytes=500"):
                read(server, reader)


@pytest.mark.parametrize("reader", READERS)
def test_a_packed_body_that_is_cut_short(reader: str, rig: Callable[..., Rig]) -> None:
    """A coding that has not come to its end is an error, although the body has."""
    server = rig([Reply(headers=GZIP, content=PACKED[:-8]), 200])
    with pytest.raises(DecodeError, match="cut short"):
        read(server, reader)
    assert server.sent == 1
    assert server.script.open == 0


@pytest.mark.parametrize("status", [200, 204, 304])
def test_no_body_is_not_a_body_cut_short(status: int, rig: Callable[..., Rig]) -> None:
    """A response to a HEAD, and one that has no body, may name a coding all the same."""
    response = rig([Reply(status, headers=GZIP)]).send("HEAD", raise_for_status=False)
    assert response.content == b""


def test_a_coded_body_decodes_as_httpx_decodes_it(rig: Callable[..., Rig]) -> None:
    """Text, lines and JSON are those of httpx's own client."""
    body = 'data: {"é": 1}\ndata: 2\r\n\n'.encode("latin-1")
    headers = {**GZIP, "Content-Type": "text/plain; charset=latin-1"}
    theirs = httpx.Response(200, headers=headers, content=gzip.compress(body))
    ours = rig([Reply(headers=headers, content=gzip.compress(body))]).send()
    assert (theirs.text, list(theirs.iter_lines())) == (ours.text, list(ours.iter_lines()))
    assert theirs.content == ours.content
