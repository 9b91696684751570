"""JSON to bytes and back: by a faster library where that gives exactly what the standard one does.

Both are the extra `fast`. orjson encodes: what it would write otherwise than the standard library
does (NaN as `null`, floats below 0.0001) is left to that one, so the bytes are the same with it and
without. msgspec decodes: it keeps integers of any size, which orjson turns into floats beyond 64
bits; what it refuses the standard library has the last word on.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
# `json.loads` less its two searches for the white space that a stream's data hardly ever has.
_scan: Any = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # typeshed leaves it out

_WRITTEN_OTHERWISE = (b"null", b"e-", b"0.0000")
_PROBE = [1e16, -1.5e300, 0.0001, 1e15, "\x00\x1f\x7f\u2028é/", 2**63]  # older ones write 1e16


def encode(value: Any) -> bytes:
    """Return *value* as compact JSON in UTF-8, byte for byte as httpx sends it.

    With orjson a `uuid.UUID` and an `enum.Enum` have a form too, which the standard library knows
    none of.

    Raises:
        TypeError: It has no JSON form.
        ValueError: As above: NaN, an infinity, a circle, half a surrogate pair.
        RecursionError: It is nested too deeply.
    """
    return encoder()(value)


def decode(text: str | bytes) -> Any:
    """Return the value of a JSON document.

    Raises:
        ValueError: It is no JSON.
        RecursionError: It is nested too deeply.
    """
    return decoder()(text)


@cache
def encoder() -> Callable[[Any], bytes]:
    """Return what `encode` uses here, found out at the first use."""
    try:
        import orjson
    except ImportError:
        return standard_encode
    # What the standard library refuses, or its own subclasses write otherwise, is left to it.
    same = (
        orjson.OPT_PASSTHROUGH_DATACLASS
        | orjson.OPT_PASSTHROUGH_DATETIME
        | orjson.OPT_PASSTHROUGH_SUBCLASS
    )
    dumps, refusals = orjson.dumps, (orjson.JSONEncodeError, RecursionError)

    if dumps(_PROBE) != standard_encode(_PROBE):
        return standard_encode

    def encode_fast(value: Any) -> bytes:
        try:
            text = dumps(value, None, same)
        except refusals:
            return standard_encode(value)
        for written in _WRITTEN_OTHERWISE:
            if written in text:
                return standard_encode(value)
        return text

    return encode_fast


@cache
def decoder() -> Callable[[str | bytes], Any]:
    """Return what `decode` uses here, found out at the first use."""
    try:
        import msgspec
    except ImportError:
        return standard_decode
    parse, refusals = msgspec.json.decode, (msgspec.MsgspecError, ValueError, RecursionError)

    def decode_fast(text: str | bytes) -> Any:
        try:
            return parse(text)
        except refusals:
            return standard_decode(text)

    return decode_fast


def standard_encode(value: Any) -> bytes:
    """Do as `encode` does, with the standard library."""
    return _encode(value).encode()


def standard_decode(text: str | bytes) -> Any:
    """Do as `decode` does, with the standard library."""
    if isinstance(text, str):
        try:
            value, end = _scan(text, 0)
            if end == len(text):
                return value
        except (StopIteration, ValueError):
            pass  # it may begin with white space
    return json.loads(text)
