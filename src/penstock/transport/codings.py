"""The content codings, each undone in small pieces (RFC 9110 §8.4.1).

A few kilobytes may say hundreds of megabytes. Input goes in by small slices and output comes out in
small pieces, so that whoever takes them decides when it is enough.
"""

from __future__ import annotations

import importlib
import sys
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

_PIECE = 256 * 1024
"""The most bytes that come out at once."""

_SLICE = 4 * 1024
"""The bytes that go in at once: what is left over after a member is copied for each member."""

_ZSTD_WINDOW_LOG = 23
"""A window of 8 MiB, the largest a sender may use for HTTP (RFC 9659 §3)."""

_UNBOUNDED_ZSTD_SLICE = 256
"""For `zstandard`, whose output has no bound: 128 KiB a block of 4 bytes (RFC 8878 §3.1.1)."""

_UNBOUNDED_BROTLI_SLICE = 16
"""For brotli before 1.2, likewise: 16 MiB a meta-block of some ten bytes (RFC 7932 §9.2)."""


class Spoilt(Exception):
    """The bytes are not what their coding says."""


class Coding(Protocol):
    """Undoes one coding of one body."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Iterate over what *data* decodes to.

        Raises:
            Exception: One of `SPOILT`.
        """
        ...

    def close(self) -> None:
        """Refuse a body that ends here although its coding does not.

        Raises:
            Spoilt: As said.
        """
        ...


class _Members:
    """A coding whose body is one or more members, each with an end of its own.

    Args:
        begin: Makes the decompressor of a member.
        slice_bytes: The bytes that go in at once.
    """

    many = False
    padding = b""

    def __init__(self, begin: Callable[[], Any], slice_bytes: int = _SLICE) -> None:
        self._begin = begin
        self._slice_bytes = slice_bytes
        self._member: Any = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), self._slice_bytes):
            part = data[start : start + self._slice_bytes]
            while part:
                if self._member is None:
                    self._member = self._begin()
                elif self._member.eof:
                    part = part.lstrip(self.padding) if self.padding else part
                    if not part:
                        break
                    if not self.many:
                        msg = "there is more after its end"
                        raise Spoilt(msg)
                    self._member = self._begin()
                yield from self._pieces(part)
                part = self._member.unused_data if self._member.eof else b""

    def close(self) -> None:
        if self._member is not None and not self._member.eof:
            msg = "it is cut short"
            raise Spoilt(msg)

    def _pieces(self, part: bytes) -> Iterator[bytes]:
        yield self._member.decompress(part)


class _Zlib(_Members):
    def _pieces(self, part: bytes) -> Iterator[bytes]:
        member = self._member
        while True:
            piece = member.decompress(part, _PIECE)
            part = member.unconsumed_tail
            yield piece
            if member.eof or (not part and len(piece) < _PIECE):
                return


class Gzip(_Zlib):
    """gzip: members one after another, and perhaps zeros to the end of a block (RFC 1952 §2.2)."""

    many = True
    padding = b"\0"

    def __init__(self) -> None:
        super().__init__(lambda: zlib.decompressobj(zlib.MAX_WBITS | 16))


class Deflate(_Zlib):
    """zlib (RFC 1950), or bare deflate (RFC 1951), which some servers send under the same name."""

    def __init__(self) -> None:
        super().__init__(lambda: zlib.decompressobj(self._wbits))
        self._wbits = zlib.MAX_WBITS
        self._start: bytes | None = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Iterate over what *data* decodes to."""
        if self._start is not None:
            self._start += data
            if len(self._start) < 2:  # noqa: PLR2004 - RFC 1950 §2.2: two bytes tell
                return
            data, self._start = self._start, None
            method, check = data[0] & 0x0F, int.from_bytes(data[:2], "big") % 31
            if method != zlib.DEFLATED or check:
                self._wbits = -zlib.MAX_WBITS
        yield from super().feed(data)

    def close(self) -> None:
        """Refuse a body that ends here although its coding does not."""
        if self._start:
            msg = "it is cut short"
            raise Spoilt(msg)
        super().close()


class _Zstd(_Members):
    """zstd by Python's own module, or its backport: frames one after another (RFC 8878 §3)."""

    many = True

    def _pieces(self, part: bytes) -> Iterator[bytes]:
        member = self._member
        yield member.decompress(part, _PIECE)
        while not (member.eof or member.needs_input):
            yield member.decompress(b"", _PIECE)


class _OtherZstd(_Members):
    """zstd by the package `zstandard`."""

    many = True


class Brotli:
    """Brotli (RFC 7932), by `brotli` or `brotlicffi`.

    Args:
        library: The package.
    """

    def __init__(self, library: ModuleType) -> None:
        self._decoder = decoder = library.Decompressor()
        self._process = getattr(decoder, "process", None) or decoder.decompress
        self._is_bounded = hasattr(decoder, "can_accept_more_data")
        self._fed = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Iterate over what *data* decodes to."""
        if not data:
            return
        self._fed = True
        if not self._is_bounded:
            for start in range(0, len(data), _UNBOUNDED_BROTLI_SLICE):
                yield self._process(data[start : start + _UNBOUNDED_BROTLI_SLICE])
            return
        piece = self._process(data, output_buffer_limit=_PIECE)
        while piece:
            yield piece
            piece = self._process(b"", output_buffer_limit=_PIECE)

    def close(self) -> None:
        """Refuse a body that ends here although its coding does not."""
        if self._fed and not self._decoder.is_finished():
            msg = "it is cut short"
            raise Spoilt(msg)


def _brotli() -> Coding | None:
    library = _module("brotli") or _module("brotlicffi")
    return None if library is None else Brotli(library)


def _zstd() -> Coding | None:
    own = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    if library := _module(own):
        options = {library.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
        return _Zstd(partial(library.ZstdDecompressor, options=options))
    if library := _module("zstandard"):
        whole = library.ZstdDecompressor(max_window_size=1 << _ZSTD_WINDOW_LOG)
        return _OtherZstd(whole.decompressobj, _UNBOUNDED_ZSTD_SLICE)
    return None


def _module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


CODINGS: dict[str, Callable[[], Coding | None]] = {
    "gzip": Gzip,
    "x-gzip": Gzip,  # RFC 9110 §8.4.1.3
    "deflate": Deflate,
    "br": _brotli,
    "zstd": _zstd,
}
"""What makes the decoder of each coding; it gives None where the package for it is missing."""


def spoilt() -> tuple[type[Exception], ...]:
    """Return the classes of what a `Coding` raises: those of the packages in use among them."""
    used = {"brotli": "error", "brotlicffi": "error", "zstandard": "ZstdError"}
    used |= {"backports.zstd": "ZstdError", "compression.zstd": "ZstdError"}
    loaded = [
        getattr(sys.modules[name], error) for name, error in used.items() if name in sys.modules
    ]
    return (Spoilt, zlib.error, EOFError, *loaded)
