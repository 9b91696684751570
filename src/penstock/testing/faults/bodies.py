"""`body`: where a body ends, how it is cut, and how it comes."""

from __future__ import annotations

from penstock.testing.faults.case import Ask, Case, Must, gives, raises
from penstock.testing.faults.codings import CASES as CODED
from penstock.testing.faults.pieces import (
    JSON,
    OK_BODY,
    answer,
    cut,
    drip,
    head,
    message,
    ok,
    pour,
    rst,
    say,
    stall,
    then,
    turns,
)

_SLOW = Ask(slow=True, retries=0)
_LIMITED = Ask(retries=0, limits={"max_response_bytes": 1_000_000})
_BROKEN = raises("ConnectionFailed/protocol", sends=3, reuse=False)
_LATE = raises("TimedOut/read", reuse=False)
_TOO_LONG = raises("ResponseTooLarge", reuse=False)
_CHUNKED = head(JSON, "Transfer-Encoding: chunked")
_CHUNK = b"c\r\n" + OK_BODY + b"\r\n"
_EMPTY = gives(b"")


def _chunked(name: str, body: bytes, does: str, must: Must = _BROKEN) -> Case:
    """Return a case of the chunked coding (RFC 9112 §7.1). A broken one ends the connection."""
    serve = cut(_CHUNKED + body) if must.errors else say(_CHUNKED + body)
    return Case(f"body-chunk-{name}", f"sends {does}", must, serve)


_LENGTHS = (
    Case("body-short", "ends the connection before all that was declared has come", _BROKEN,
         cut(head(JSON, "Content-Length: 99") + OK_BODY)),
    Case("body-short-once", "ends the connection before all has come, and then does not",
         gives(sends=2), turns(cut(head(JSON, "Content-Length: 99") + OK_BODY), ok)),
    Case("body-short-post", "ends the connection in the middle of the answer to a POST",
         raises("ConnectionFailed/protocol", sends=1, reuse=False),
         cut(head(JSON, "Content-Length: 99") + OK_BODY), Ask("POST", b"{}")),
    Case("body-short-rst", "resets the connection before all that was declared has come",
         raises("ConnectionFailed", sends=3, reuse=False),
         then(say(head(JSON, "Content-Length: 99") + OK_BODY), rst)),
    Case("body-none", "declares a body and sends none of it", _BROKEN,
         cut(head(JSON, "Content-Length: 12"))),
    Case("body-excess", "sends more than it declared", gives(reuse=False),
         say(message(OK_BODY, JSON) + b"and more")),
    Case("body-zero", "declares an empty body and sends one", raises("DecodeError", reuse=False),
         say(head(JSON, "Content-Length: 0") + OK_BODY)),
    Case("body-204", "sends a body with 204", gives(b"", reuse=False),
         say(message(OK_BODY, JSON, status="HTTP/1.1 204 No Content")), Ask(read="bytes")),
    Case("body-204-chunked", "sends a chunked body with 204", gives(b"", reuse=False),
         say(head("Transfer-Encoding: chunked", status="HTTP/1.1 204 No Content") + _CHUNK
             + b"0\r\n\r\n"), Ask(read="bytes")),
    Case("body-304", "sends a body with 304", gives(b"", reuse=False),
         say(message(OK_BODY, JSON, status="HTTP/1.1 304 Not Modified")), Ask(read="bytes")),
    Case("body-head", "sends a body in answer to HEAD", gives(b"", reuse=False),
         say(message(OK_BODY, JSON)), Ask("HEAD", read="bytes")),
    Case("body-205", "sends a body with 205", gives(b"", reuse=False),
         say(head("Content-Length: 0", status="HTTP/1.1 205 Reset Content") + b"x"),
         Ask(read="bytes")),
    Case("body-closed", "lets the end of the connection be the end of the body",
         gives(reuse=False), cut(head(JSON) + OK_BODY)),
    Case("body-closed-rst", "resets the connection where its end would be the body's",
         raises("ConnectionFailed", sends=3, reuse=False), then(say(head(JSON) + OK_BODY), rst)),
)  # fmt: skip

_CHUNKS = (
    _chunked("ok", _CHUNK + b"0\r\n\r\n", "one chunk, well", gives()),
    _chunked("extension", b"c;a=b\r\n" + OK_BODY + b"\r\n0\r\n\r\n", "a chunk extension", gives()),
    _chunked("trailers", _CHUNK + b"0\r\nX-Sum: 1\r\n\r\n", "trailers", gives()),
    _chunked("zeros", b"0000000c\r\n" + OK_BODY + b"\r\n0\r\n\r\n", "leading zeros", gives()),
    _chunked("size-word", b"zz\r\n" + OK_BODY, "a chunk size that is no number"),
    _chunked("size-minus", b"-c\r\n" + OK_BODY, "a negative chunk size"),
    _chunked("size-0x", b"0xc\r\n" + OK_BODY, "a chunk size with a prefix"),
    _chunked("size-huge", b"f" * 30 + b"\r\n" + OK_BODY, "a chunk size of thirty digits"),
    _chunked("size-none", b"\r\n" + OK_BODY, "an empty chunk size"),
    _chunked("size-cut", _CHUNK + b"1", "half a chunk size and the end of the connection"),
    _chunked("cut", b"ff\r\n" + OK_BODY, "half a chunk and the end of the connection"),
    _chunked("no-end", _CHUNK, "no last chunk before the end of the connection"),
    _chunked("no-crlf", b"c\r\n" + OK_BODY + b"0\r\n\r\n", "no line end after a chunk"),
    _chunked("long", b"4\r\n" + OK_BODY + b"\r\n0\r\n\r\n", "a chunk longer than its size"),
    _chunked("trailers-bad", _CHUNK + b"0\r\nno colon\r\n\r\n", "a trailer without a colon"),
    _chunked("extension-huge", b"c;" + b"a" * 3_000_000 + b"\r\n" + OK_BODY,
             "a chunk extension of 3 MB"),
    _chunked("trailers-huge", _CHUNK + b"0\r\n" + b"X-Sum: 1\r\n" * 300_000,
             "trailers of 3 MB"),
)  # fmt: skip

_TIMED = (
    Case("body-stall", "stops in the middle of the body", _LATE,
         then(say(head(JSON, "Content-Length: 99") + OK_BODY), stall), _SLOW),
    Case("body-stall-start", "sends the head and never a body", _LATE,
         then(say(head(JSON, "Content-Length: 99")), stall), _SLOW),
    Case("body-drip", "drips a body", _LATE,
         then(say(head(JSON, "Content-Length: 999999")), drip(b" ")), _SLOW),
    Case("body-drip-chunked", "drips a chunked body", _LATE,
         then(say(_CHUNKED), drip(b"1\r\n \r\n", size=6)), _SLOW),
    Case("body-drip-closed", "drips a body that only the end of the connection ends", _LATE,
         then(say(head(JSON)), drip(b" ")), _SLOW),
    Case("body-endless", "pours out a body without an end", _LATE,
         then(say(head(JSON)), pour(b" " * 65_536)), _SLOW),
    Case("body-endless-limit", "pours out a body without an end, to a client with a limit",
         _TOO_LONG, then(say(head(JSON)), pour(b" " * 65_536)), _LIMITED),
    Case("body-endless-chunked", "pours out chunks without an end, to a client with a limit",
         _TOO_LONG,
         then(say(_CHUNKED), pour(b"ffff\r\n" + b" " * 65_535 + b"\r\n")), _LIMITED),
    Case("body-long", "declares more than its client's limit", _TOO_LONG,
         then(say(head(JSON, "Content-Length: 99999999")), pour(b" " * 65_536)), _LIMITED),
    Case("body-error-endless", "answers 500 with a body without an end",
         raises("ServerError", "ResponseTooLarge", reuse=False),
         then(say(head(JSON, status="HTTP/1.1 500 Oops")), pour(b" " * 65_536)), _LIMITED),
    Case("body-error-cut", "answers 400 with a body that is cut",
         raises("BadRequest", "ConnectionFailed/protocol", sends=None, reuse=False),
         cut(head(JSON, "Content-Length: 99", status="HTTP/1.1 400 Bad Request") + b"{}")),
    Case("body-empty-200", "answers 200 with an empty body", _EMPTY, answer("200 OK", b""),
         Ask(read="bytes")),
)  # fmt: skip

CASES = (*_LENGTHS, *_CHUNKS, *_TIMED, *CODED)
