"""The conformance vectors of `tests/data/sse.json`, however they are cut."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from penstock.streaming import SSEDecoder, is_event_stream

from .support import bytewise, cut, decode, fields

Vector = dict[str, Any]

VECTORS: list[Vector] = json.loads((Path(__file__).parents[1] / "data" / "sse.json").read_bytes())
# `http_only` vectors are about the response's content type alone, in the group `mime`.
FOR_DECODER = [vector for vector in VECTORS if not vector.get("http_only")]
FOR_RESPONSE = [vector for vector in VECTORS if vector.get("http_only")]
WITH_TYPE = [vector for vector in VECTORS if "content_type" in vector]

# Cutting a vector of n bytes at every place decodes n² bytes; the few huge ones are cut in about
# as many places as this, spread evenly.
MOST_CUTS = 2000


def by_name(vectors: list[Vector]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", vectors, ids=lambda vector: vector["name"])


def chunks_of(vector: Vector) -> list[bytes]:
    return [chunk_bytes(chunk) for chunk in vector["chunks"]]


def chunk_bytes(chunk: str | dict[str, Any]) -> bytes:
    if isinstance(chunk, str):
        return chunk.encode()
    if "b64" in chunk:
        return b64decode(chunk["b64"])
    return str(chunk["repeat"]).encode() * int(chunk["times"])


def check(vector: Vector, chunks: list[bytes]) -> None:
    decoder = SSEDecoder()
    events = [fields(event) for event in decode(decoder, chunks)]
    expected = [tuple(e[key] for key in ("event", "data", "id", "retry")) for e in vector["expect"]]
    if vector.get("retry_unchecked"):
        events = [(*event[:3], None) for event in events]
    assert events == expected
    final = {"last_event_id": decoder.last_event_id, "retry": decoder.reconnection_time}
    assert final == final | vector.get("final", {})


def test_no_vector_is_left_out() -> None:
    """Every vector is checked, and every key it uses is one these tests know."""
    assert (len(FOR_DECODER), len(FOR_RESPONSE), len(VECTORS)) == (166, 6, 172)
    known = {"name", "group", "chunks", "expect", "note", "spec", "final", "after"}
    known |= {"content_type", "http_only", "error", "retry_unchecked"}
    assert {key for vector in VECTORS for key in vector} == known
    assert {vector["group"] for vector in FOR_RESPONSE} == {"mime"}


@by_name(FOR_DECODER)
def test_as_given(vector: Vector) -> None:
    """A vector passes in the chunks it names."""
    check(vector, chunks_of(vector))


@by_name(FOR_DECODER)
def test_whole(vector: Vector) -> None:
    """A vector passes as one chunk."""
    check(vector, [b"".join(chunks_of(vector))])


@by_name(FOR_DECODER)
def test_byte_by_byte(vector: Vector) -> None:
    """A vector passes one byte at a time."""
    check(vector, bytewise(b"".join(chunks_of(vector))))


@by_name(FOR_DECODER)
def test_cut_in_two(vector: Vector) -> None:
    """A vector passes wherever it is cut in two."""
    stream = b"".join(chunks_of(vector))
    for place in range(0, len(stream) + 1, 1 + len(stream) // MOST_CUTS):
        check(vector, cut(stream, [place]))


@by_name([vector for vector in VECTORS if "after" in vector])
def test_events_come_out_at_once(vector: Vector) -> None:
    """An event comes out with the chunk that completes it, not with the next one."""
    decoder = SSEDecoder()
    counts: list[int] = []
    for chunk in chunks_of(vector):
        counts.append((counts[-1] if counts else 0) + len(decoder.feed(chunk)))
    assert counts == vector["after"]


@by_name(WITH_TYPE)
def test_content_type(vector: Vector) -> None:
    """A content type is an event stream's by its essence in any case, whatever the parameters."""
    assert is_event_stream(vector["content_type"]) == (not vector.get("error"))


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (None, True),
        ("text/event-stream;charset=UTF-8", True),
        (" text/event-stream", True),
        ("text/html", False),
        ("text/plain; text/event-stream", False),
        ("application/x-ndjson", False),
        ("text/event-\u017ftream", False),
    ],
)
def test_more_content_types(content_type: str | None, expected: bool) -> None:
    """A missing content type is tolerated, another type never."""
    assert is_event_stream(content_type) == expected
