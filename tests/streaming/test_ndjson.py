"""NDJSONDecoder: one JSON text a line, however the stream is cut."""

from __future__ import annotations

import re
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InvalidOption, StreamTooLarge, StreamTruncated
from penstock.streaming import NDJSONDecoder

from .support import bytewise, cut, decode, decode_until_too_large

PIECES = [
    *[b'{"a": 1}\n', b"2\r\n", b"\x1e[3]\n"] * 3,
    *[b"\n", b"\r", b"\x1e", b" ", b"\xef\xbb\xbf", b'"\xe2\x80\xa8"', b"\xe4", b"x", b"{", b"4"],
]
streams = st.lists(st.sampled_from(PIECES), max_size=20).map(b"".join)
places = st.lists(st.integers(0, 80), max_size=10)


def records(lines: list[bytes]) -> list[str]:
    texts = [line.decode("utf-8", "replace").strip(" \t\r\ufeff") for line in lines]
    return [text for text in texts if text]


@pytest.mark.parametrize(
    ("stream", "data"),
    [
        (b'{"a": 1}\n[2]\n"3"\n', [{"a": 1}, [2], "3"]),
        (b"1\r\n2\r\n", [1, 2]),
        (b"\x1e1\n\x1e2\n", [1, 2]),
        (b"\n1\n\n \r\n\t2\n\n", [1, 2]),
        (b"\xef\xbb\xbf1\n2\n", [1, 2]),
        ('"a\u2028b\x85c"\n'.encode(), ["a\u2028b\x85c"]),
        (b'"\xff"\n1\n', ["\ufffd", 1]),
        (b"1\n{bad}\n2\n", [1, None, 2]),
        (b"1\n2", [1, 2]),
        (b"1\n \r", [1]),
        (b"", []),
    ],
)
def test_records(stream: bytes, data: list[object]) -> None:
    """LF and RS end records; CR, blanks and a byte order mark vanish; a bad record is no data."""
    cuts = [cut(stream, [place]) for place in range(len(stream) + 1)]
    for chunks in [bytewise(stream), *cuts]:
        events = decode(NDJSONDecoder(), chunks)
        assert [event.data for event in events] == data
        assert {(event.event, event.id, event.retry) for event in events} <= {("message", "", None)}


@given(stream=streams, places=places)
def test_reads_as_a_plain_split(stream: bytes, places: list[int]) -> None:
    """After each chunk, every record whose line has ended has come out."""
    decoder = NDJSONDecoder()
    raws = []
    fed = b""
    for chunk in cut(stream, places):
        raws += [event.raw for event in decoder.feed(chunk)]
        fed += chunk
        assert raws == records(re.split(rb"[\n\x1e]", fed)[:-1])


@given(stream=streams, places=places, limit=st.integers(1, 12))
def test_limit_does_not_depend_on_cuts(stream: bytes, places: list[int], limit: int) -> None:
    """The records before the first one over the limit come out, then the error, however cut."""
    stream += b"\n"
    lines = re.split(rb"[\n\x1e]", stream)
    kept = next((at for at, line in enumerate(lines) if len(line) > limit), len(lines))
    decoder = NDJSONDecoder(max_event_bytes=limit)
    events, oversized = decode_until_too_large(decoder, cut(stream, places))
    assert [event.raw for event in events] == records(lines[:kept])
    assert oversized == (kept < len(lines))


def test_cut_record() -> None:
    """A stream that ends inside a record is truncated; the error has no content, `tail` does."""
    decoder = NDJSONDecoder()
    assert [event.data for event in decoder.feed(b'1\n{"secret": ')] == [1]
    for _ in range(2):
        with pytest.raises(StreamTruncated, match="inside a record") as caught:
            decoder.close()
        assert caught.value.__context__ is None
        assert "secret" not in str(caught.value)
    assert decoder.tail == '{"secret": '


def test_last_record_comes_out_once() -> None:
    """A last record without its line end comes out of `close`, and only once."""
    decoder = NDJSONDecoder()
    assert decoder.feed(b"1") == []
    assert [event.data for event in decoder.close()] == [1]
    assert decoder.close() == []


def test_tail_is_bounded() -> None:
    """The tail is the last kibibyte of an unfinished record."""
    decoder = NDJSONDecoder()
    decoder.feed(b'"' + b"x" * 3000)
    assert decoder.tail == "x" * 1024


def test_endless_record() -> None:
    """An endless record stops at the limit, and the decoder stays stopped."""
    decoder = NDJSONDecoder(max_event_bytes=1000)
    assert decoder.feed(b"x" * 1000) == []
    for call in (partial(decoder.feed, b"x"), partial(decoder.feed, b"\n"), decoder.close):
        with pytest.raises(StreamTooLarge, match="1000 bytes"):
            call()


@pytest.mark.parametrize("limit", [0, -1, 1.5, True])
def test_wrong_limit(limit: int) -> None:
    """A limit that is not a positive whole number is refused."""
    with pytest.raises(InvalidOption, match="max_event_bytes"):
        NDJSONDecoder(max_event_bytes=limit)
