"""`body`: content codings (RFC 9110 §8.4) that are broken, cut, or bombs."""

from __future__ import annotations

import gzip
import zlib
from functools import cache
from typing import TYPE_CHECKING

from penstock.testing.faults.case import OK, Ask, Case, Must, Step, either, gives, raises
from penstock.testing.faults.pieces import JSON, OK_BODY, cut, drip, head, message, say, then

if TYPE_CHECKING:
    from penstock.testing.faults.peer import Peer

_MIB = 1024 * 1024
_BOMB = 64 * _MIB
_LIMITED = Ask(retries=0, limits={"max_decoded_bytes": _MIB, "max_response_bytes": 4 * _MIB})
_WRONG = raises("DecodeError", sends=1)
_TOO_LONG = raises("ResponseTooLarge", sends=1)

_GZIP = gzip.compress(OK_BODY, mtime=0)
_FOOTER = 8  # bytes: CRC and length (RFC 1952 §2.3.1)
_ZLIB = zlib.compress(OK_BODY)
_RAW = zlib.compress(OK_BODY, wbits=-15)


def _coded(
    name: str, coding: str, body: bytes, does: str, must: Must = _WRONG, ask: Ask | None = None
) -> Case:
    """Return a case of a whole body with a content coding."""
    lines = (JSON, f"Content-Encoding: {coding}")
    return Case(f"body-{name}", f"sends {does}", must, say(message(body, *lines)), ask or Ask())


@cache
def _bomb(codings: int) -> bytes:
    body = OK_BODY + b" " * _BOMB
    for _ in range(codings):
        body = gzip.compress(body, compresslevel=6, mtime=0)
    return body


def _throw(codings: int) -> Step:
    coding = ", ".join(["gzip"] * codings)

    def step(peer: Peer) -> None:
        peer.say(message(_bomb(codings), JSON, f"Content-Encoding: {coding}"))

    return step


def _layered(times: int) -> bytes:
    body = OK_BODY
    for _ in range(times):
        body = gzip.compress(body, mtime=0)
    return body


CASES = (
    _coded("gz", "gzip", _GZIP, "a body in gzip", gives()),
    _coded("gz-x", "x-gzip", _GZIP, "a body in gzip by its old name", gives()),
    _coded("gz-members", "gzip", gzip.compress(OK_BODY[:5]) + gzip.compress(OK_BODY[5:]),
           "a body in two members of gzip", gives()),
    _coded("gz-bad", "gzip", b"this is no gzip", "a body that is not the gzip it says"),
    _coded("gz-plain", "gzip", OK_BODY, "plain JSON that it calls gzip"),
    _coded("gz-trunc", "gzip", _GZIP[:-15], "half a body in gzip, by the length it declares"),
    _coded("gz-nofooter", "gzip", _GZIP[:-_FOOTER], "a body in gzip without its checksum"),
    _coded("gz-crc", "gzip", _GZIP[:-_FOOTER] + b"\0" * _FOOTER, "gzip with a wrong checksum"),
    _coded("gz-flip", "gzip", _GZIP[:14] + bytes([_GZIP[14] ^ 0xFF]) + _GZIP[15:],
           "gzip with a byte that is wrong"),
    _coded("gz-empty", "gzip", b"", "an empty body that it calls gzip",
           gives(b""), Ask(read="bytes")),
    _coded("gz-100", ", ".join(["gzip"] * 100), _layered(100), "a hundred codings in a row"),
    _coded("gz-3", "gzip, gzip, gzip", _layered(3), "three codings in a row", gives()),
    _coded("zlib", "deflate", _ZLIB, "a body in deflate", gives()),
    _coded("deflate-raw", "deflate", _RAW, "a body in deflate without its wrapper", gives()),
    _coded("zlib-trunc", "deflate", _ZLIB[:-6], "half a body in deflate"),
    _coded("deflate-bad", "deflate", b"\xff\xff nonsense", "a body that is not deflate"),
    _coded("coding-unknown", "klingon", OK_BODY, "plain JSON in a coding nobody knows",
           either(OK, "DecodeError", sends=1)),
    _coded("coding-identity", "identity", OK_BODY, "a body with no coding by that name", gives()),
    _coded("coding-upper", "GZip", _GZIP, "a coding in capitals", gives()),
    _coded("coding-empty", "", OK_BODY, "an empty coding", gives()),
    Case("body-gz-cut", "ends the connection in the middle of a body in gzip",
         raises("ConnectionFailed/protocol", "DecodeError", sends=3),
         cut(head(JSON, "Content-Encoding: gzip", "Content-Length: 99") + _GZIP)),
    Case("body-gz-closed", "ends the connection, and so the body, in the middle of gzip", _WRONG,
         cut(head(JSON, "Content-Encoding: gzip") + _GZIP[:-15])),
    Case("body-gz-drip", "drips a body in gzip", raises("TimedOut/read"),
         then(say(head(JSON, "Content-Encoding: gzip")), drip(_GZIP)),
         Ask(slow=True, retries=0)),
    Case("body-gz-bomb", "sends 64 MiB of spaces as 64 kB of gzip", _TOO_LONG, _throw(1),
         _LIMITED),
    Case("body-gz-double-bomb", "sends 64 MiB of spaces as a kilobyte of gzip in gzip", _TOO_LONG,
         _throw(2), _LIMITED),
)  # fmt: skip
