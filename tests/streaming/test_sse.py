"""SSEDecoder: it reads what the reference reads, however the stream is cut."""

from __future__ import annotations

import tracemalloc
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import InvalidOption, StreamTooLarge
from penstock.streaming import SSEDecoder

from .reference import read
from .support import bytewise, cut, decode, decode_until_too_large, fields

# Whole events, whole lines and the odd bytes that make their neighbours mean something else.
PIECES = [
    *[b"data: x\n\n", b"event: e\ndata: y\n\n", b"data: z\r\n\r\n"] * 4,
    *[b"data: ", b"data", b"event: ", b"id: ", b"id", b"retry: ", b":", b": ka\n", b" ", b"e"],
    *[b"\n", b"\n\n", b"\r", b"\r\n", b"\r\r", b"7", b"\0", b"\xef\xbb\xbf", b"\xe4\xb8\xad"],
    *[b"\xe4", b"\xff", b"\xe2\x80\xa8", b"\xc2\x85", b"\x0b", b"{}", b"[DONE]", b"retry: 5\n"],
]
streams = st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)
places = st.lists(st.integers(0, 120), max_size=12)


@given(stream=streams, places=places)
def test_reads_as_the_reference(stream: bytes, places: list[int]) -> None:
    """After each chunk, all that the reference finds in the bytes so far has come out, no more."""
    decoder = SSEDecoder()
    events = []
    fed = b""
    for chunk in cut(stream, places):
        events += [fields(event) for event in decoder.feed(chunk)]
        fed += chunk
        expected = read(fed)
        assert events == expected.events
        assert decoder.last_event_id == expected.last_event_id
        assert decoder.reconnection_time == expected.reconnection_time
    assert decoder.close() == []


@given(stream=streams, places=places, limit=st.integers(3, 40))
def test_limit_does_not_depend_on_cuts(stream: bytes, places: list[int], limit: int) -> None:
    """The events before the first one over the limit come out, then the error, however cut."""
    decoder = SSEDecoder(max_event_bytes=limit)
    events, oversized = decode_until_too_large(decoder, cut(stream, places))
    expected = read(stream, limit)
    assert [fields(event) for event in events] == expected.events
    assert oversized == expected.oversized


@given(stream=streams, places=places)
def test_unfinished_event_is_what_a_blank_line_would_complete(
    stream: bytes, places: list[int]
) -> None:
    """`unfinished` is the event that one more line end and a blank line would bring."""
    decoder = SSEDecoder()
    decode(decoder, cut(stream, places))
    unfinished = [fields(event) for event in [decoder.unfinished] if event]
    assert unfinished == read(stream + b"\n\n").events[len(read(stream).events) :]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"event: e\ndata: {}\n\n", [("e", "{}")]),
        (b"data: {}\n\n", [("message", "{}")]),
        (b"event: ping\n\n", []),
        (b"event: \ndata: {}\n\n", [("message", "{}")]),
        (b"event: a\ndata: 1\n\nevent: b\ndata: 2\n\n", [("a", "1"), ("b", "2")]),
        (b"data: {\ndata:\ndata: }\n\n", [("message", "{\n\n}")]),
        (b'data: {"a": "x\\n\\ny"}\n\n', [("message", '{"a": "x\\n\\ny"}')]),
        ("data: a\u2028b\u2029c\x85d\n\n".encode(), [("message", "a\u2028b\u2029c\x85d")]),
        ("data: \u4f60\U0001f600\n\n".encode(), [("message", "\u4f60\U0001f600")]),
        (b"data: a\r\ndata: b\rdata: c\n\r\ndata: cut\n", [("message", "a\nb\nc")]),
        (b"id: 1\ndata: a\n\ndata: b\n\n", [("message", "a"), ("message", "b")]),
        (b"data: never ended", []),
    ],
)
def test_shapes(stream: bytes, expected: list[tuple[str, str]]) -> None:
    """What API servers send reads the same whole, byte by byte and with empty chunks between."""
    spaced = [part for byte in bytewise(stream) for part in (byte, b"")]
    for chunks in ([stream], bytewise(stream), spaced):
        events = decode(SSEDecoder(), chunks)
        assert [(event.event, event.raw) for event in events] == expected


def test_id_stays_in_force() -> None:
    """An event without an id has the last one, and an empty `id` takes it away."""
    events = decode(SSEDecoder(), [b"id: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n"])
    assert [event.id for event in events] == ["7", "7", ""]


@pytest.mark.parametrize("value", ["9" * 641, "9" * 5000])
def test_endless_retry_is_ignored(value: str) -> None:
    """A `retry` of more digits than int() always takes changes nothing, and raises nothing."""
    decoder = SSEDecoder()
    decode(decoder, [f"retry: 3\n\nretry: {value}\n\n".encode()])
    assert decoder.reconnection_time == 3


@pytest.mark.parametrize(
    ("stream", "tail"),
    [
        (b"", ""),
        (b"data: a\n\n", ""),
        (b"data: a\n\n: ka\n", ""),
        (b"data: a\n\n: still open", ""),
        (b"data: a\n\n\n", ""),
        (b"data: a\n\n: ka\ndata: b\r\n: open", "data: b\n"),
        (b"data: " + b"x" * 3000, "x" * 1024),
    ],
)
def test_tail(stream: bytes, tail: str) -> None:
    """`tail` is the end of what is unfinished, bounded and without comments."""
    for chunks in ([stream], bytewise(stream)):
        decoder = SSEDecoder()
        decode(decoder, chunks)
        assert decoder.tail == tail


def test_reading_the_tail_changes_nothing() -> None:
    """A decoder whose tail is read after every byte reads the same events."""
    stream = b":#\ndata: a\n:#\nda: \ndata::b\n\n:#\n\n:\n:##\ndata: c\n\n"
    decoder = SSEDecoder()
    events = []
    for byte in bytewise(stream):
        events += [fields(event) for event in decoder.feed(byte)]
        assert "#" not in decoder.tail
    assert events == read(stream).events


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "16"])
def test_wrong_limit(limit: int) -> None:
    """A limit that is not a positive whole number is refused."""
    with pytest.raises(InvalidOption, match="max_event_bytes"):
        SSEDecoder(max_event_bytes=limit)


@pytest.mark.parametrize("endless", [b"data: " + b"x" * 58, b"data: " + b"x" * 57 + b"\n"])
def test_endless_event(endless: bytes) -> None:
    """An endless line and endless data lines both stop at the limit, and stay stopped."""
    decoder = SSEDecoder(max_event_bytes=64_000)
    assert [decoder.feed(endless) for _ in range(1000)] == [[]] * 1000
    for call in (partial(decoder.feed, endless), partial(decoder.feed, b"\n\n"), decoder.close):
        with pytest.raises(StreamTooLarge, match="64000 bytes"):
            call()


@pytest.mark.parametrize("limit", [8, 16 * 1024 * 1024, None])
@pytest.mark.parametrize(
    "comment", [b":" + b"k" * 62 + b"\n", b":" + b"k" * 63], ids=["many", "one"]
)
def test_endless_comments(comment: bytes, limit: int | None) -> None:
    """Comments, one without an end too, pass any limit for ever and are not kept."""
    decoder = SSEDecoder(max_event_bytes=limit)
    chunk = comment * 1024
    tracemalloc.start()
    try:
        for _ in range(64):
            decoder.feed(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * len(chunk)
    assert [event.raw for event in decoder.feed(b"\ndata: a\n\n")] == ["a"]


def test_events_before_the_error_are_not_lost() -> None:
    """A chunk with an event over the limit gives the events before it; the next call raises."""
    decoder = SSEDecoder(max_event_bytes=8)
    events = decoder.feed(b"data: a\n\ndata: too long\n\n: a long comment\ndata: c\n\n: end\n:\n")
    assert [event.raw for event in events] == ["a"]
    with pytest.raises(StreamTooLarge):
        decoder.close()


def test_no_limit() -> None:
    """Without a limit an event of 64 MiB and a byte comes out whole."""
    length = 64 * 1024 * 1024 + 1
    chunks = [b"data: x", *[b"x" * (1024 * 1024)] * 64, b"\n\n"]
    (event,) = decode(SSEDecoder(max_event_bytes=None), chunks)
    assert len(event.raw) == length
