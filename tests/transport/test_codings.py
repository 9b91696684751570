"""Content codings: undone in small pieces, to their end, and never past a limit."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import brotli
import httpx
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock import DecodeError, ResponseTooLarge
from penstock.transport import codings
from penstock.transport.decoding import Chunker, Decoding, decoding_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MEGABYTE = 1024 * 1024
PIECE = 256 * 1024


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def bare_deflate(data: bytes) -> bytes:
    coder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return coder.compress(data) + coder.flush()


def two(code: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Return what codes a body in two members, one after the other."""
    return lambda data: code(data[: len(data) // 2]) + code(data[len(data) // 2 :])


CODES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "two gzip members": ("gzip", two(gzip.compress)),
    "zlib": ("deflate", zlib.compress),
    "bare deflate": ("deflate", bare_deflate),
    "brotli": ("br", brotli.compress),
    "zstd": ("zstd", zstd),
    "two zstd frames": ("zstd", two(zstd)),
    "gzip in zstd": ("gzip, zstd", lambda data: zstd(gzip.compress(data))),
    "three": ("gzip, br, deflate", lambda d: zlib.compress(brotli.compress(gzip.compress(d)))),
    "nothing": ("identity, gzip", gzip.compress),
}


def decoder(named: str, most: float | None = None) -> Decoding:
    decoding = decoding_of(httpx.Headers([("Content-Encoding", named)]), most)
    assert decoding is not None
    return decoding


def decoded(decoding: Decoding, parts: Iterable[bytes]) -> list[bytes]:
    pieces = [piece for part in parts for piece in decoding.feed(part)]
    decoding.close()
    return pieces


def split(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize("name", CODES)
@settings(max_examples=20)
@given(data=st.binary(max_size=3000), size=st.integers(1, 700))
def test_a_body_comes_out_as_it_went_in(name: str, data: bytes, size: int) -> None:
    """However it is cut on its way, a body decodes to what was coded."""
    named, code = CODES[name]
    assert data == b"".join(decoded(decoder(named), split(code(data), size)))


@pytest.mark.parametrize("name", CODES)
def test_a_body_that_is_cut_short_is_an_error(name: str) -> None:
    """Cut anywhere but between members or before its first byte, it is no body."""
    named, code = CODES[name]
    whole = code(b"Penstock " * 20)
    short = [end for end in range(1, len(whole)) if _is_whole(decoder(named), whole[:end])]
    assert (1 if name.startswith("two") else 0) == len(short)


def _is_whole(decoding: Decoding, data: bytes) -> bool:
    try:
        decoded(decoding, [data])
    except DecodeError as error:
        return "cut short" not in error.message
    return True


@pytest.mark.parametrize("name", CODES)
def test_nothing_at_all_is_a_body(name: str) -> None:
    """A response without a body, as to a HEAD, may name any coding."""
    assert decoded(decoder(CODES[name][0]), []) == []
    assert decoded(decoder(CODES[name][0]), [b""]) == []


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("spoil", [b"\xff" * 60, b"<html>Bad Gateway</html>" * 3])
def test_what_is_something_else_is_an_error(name: str, spoil: bytes) -> None:
    """Bytes that are not what the header says are a `DecodeError`, alone or after the body."""
    named, code = CODES[name]
    with pytest.raises(DecodeError) as caught:
        decoded(decoder(named), [spoil])
    assert caught.value.__context__ is None
    with pytest.raises(DecodeError):
        decoded(decoder(named), [code(b"x"), spoil])


def test_zeros_may_follow_gzip() -> None:
    """As tapes and block devices leave them (RFC 1952 §2.2); not so after the other codings."""
    whole = gzip.compress(b"one") + b"\0" * 512
    assert decoded(decoder("gzip"), [whole, b"\0" * 9000]) == [b"one"]
    assert b"".join(decoded(decoder("gzip"), [whole, gzip.compress(b"two")])) == b"onetwo"
    with pytest.raises(DecodeError, match="after its end"):
        decoded(decoder("deflate"), [zlib.compress(b"one") + b"\0"])


BOMBS = {
    "gzip": gzip.compress(b"\0" * 100 * MEGABYTE),
    "gzip, gzip": gzip.compress(gzip.compress(b"\0" * 100 * MEGABYTE)),
    "deflate": zlib.compress(b"\0" * 100 * MEGABYTE),
    "br": brotli.compress(b"\0" * 100 * MEGABYTE, quality=5),
    "zstd": zstd(b"\0" * 100 * MEGABYTE),
    "gzip, zstd": zstd(gzip.compress(b"\0" * 100 * MEGABYTE)),
}


@pytest.mark.parametrize("named", BOMBS)
def test_a_bomb_does_not_go_off(named: str) -> None:
    """What a body would decode to is never held beyond the limit, in none of its codings."""
    check_bomb(named)


@pytest.mark.parametrize("named", ["br", "zstd"])
def test_a_bomb_does_not_go_off_in_other_packages(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor where the package for it cannot be told a limit."""
    other_packages(monkeypatch)
    check_bomb(named, over=40 * MEGABYTE)


def check_bomb(named: str, over: int = 4 * MEGABYTE) -> None:
    decoding = decoder(named, MEGABYTE)
    tracemalloc.start()
    try:
        with pytest.raises(ResponseTooLarge, match="max_decoded_bytes=1048576"):
            decoded(decoding, split(BOMBS[named], 64 * 1024))
        assert tracemalloc.get_traced_memory()[1] < over
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("named", ["gzip", "deflate", "br", "zstd"])
def test_pieces_are_small(named: str) -> None:
    """No piece is longer than 256 KiB (with Brotli, which counts loosely, twice that)."""
    pieces = decoded(decoder(named), [BOMBS[named]])
    assert sum(map(len, pieces)) == 100 * MEGABYTE
    assert max(map(len, pieces)) <= PIECE * (2 if named == "br" else 1)


def test_a_layer_that_gives_nothing_is_bounded_too() -> None:
    """Codings on the way count, although nothing comes out of the last."""
    nothing = gzip.compress(gzip.compress(b"") * 100_000)
    with pytest.raises(ResponseTooLarge):
        decoded(decoder("gzip, gzip", MEGABYTE), [nothing])


def test_many_members_take_no_longer_each() -> None:
    """Ten thousand empty members are no more work than their number (CVE-2025-69223)."""
    member = gzip.compress(b"")
    calls: list[int] = []
    decoding = decoder("gzip")
    original = zlib.decompressobj

    def counted(*args: Any) -> Any:
        calls.append(1)
        return original(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zlib, "decompressobj", counted)
        assert decoded(decoding, [member * 10_000]) == []
    assert len(calls) == 10_000


def other_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `zstandard` in place of the backport, and a brotli that knows no limit."""

    class Old:
        def __init__(self) -> None:
            inner = brotli.Decompressor()
            self.process, self.is_finished = inner.process, inner.is_finished

    packages = {"zstandard": zstandard, "brotli": SimpleNamespace(Decompressor=Old)}
    monkeypatch.setattr(codings, "_module", packages.get)


@pytest.mark.parametrize("name", ["brotli", "zstd", "two zstd frames"])
def test_other_packages_do_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever package undoes a coding, bodies come out whole, and cut or spoilt ones do not."""
    other_packages(monkeypatch)
    test_a_body_that_is_cut_short_is_an_error(name)
    test_nothing_at_all_is_a_body(name)
    test_what_is_something_else_is_an_error(name, b"\xff" * 60)
    named, code = CODES[name]
    data = bytes(range(256)) * 1000
    assert data == b"".join(decoded(decoder(named), split(code(data), 1000)))


@pytest.mark.parametrize("named", ["", "identity", "identity, identity", "snappy"])
def test_there_may_be_nothing_to_undo(named: str) -> None:
    """No coding, and one that nothing here knows, leave the body as it came."""
    assert decoding_of(httpx.Headers([("Content-Encoding", named)]), None) is None


def test_an_unknown_coding_hides_what_was_applied_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Codings are undone from the last to the first, as far as that goes."""
    assert decoded(decoder("snappy, gzip"), [gzip.compress(b"as it is")]) == [b"as it is"]
    monkeypatch.setattr(codings, "_module", lambda name: None)
    for missing in ("gzip, br", "gzip, zstd"):
        assert decoding_of(httpx.Headers([("Content-Encoding", missing)]), None) is None


def test_three_codings_are_enough() -> None:
    """A fourth is refused, however it is written, before a byte is undone (CVE-2025-66418)."""
    headers = [("Content-Encoding", "gzip, GZIP"), ("content-encoding", "identity, gzip")]
    assert decoding_of(httpx.Headers(headers), None) is not None
    with pytest.raises(DecodeError, match="4 codings"):
        decoding_of(httpx.Headers([*headers, ("Content-Encoding", "x-unknown")]), None)


@given(data=st.binary(max_size=300), size=st.integers(1, 40), chunk=st.integers(-1, 50))
def test_chunks_are_of_one_length(data: bytes, size: int, chunk: int) -> None:
    """However the pieces are cut, each chunk but the last has the length that was asked for."""
    chunker = Chunker(chunk)
    chunks = [whole for part in split(data, size) for whole in chunker.add(part)]
    assert split(data, max(chunk, 1)) == [*chunks, *chunker.rest()]
