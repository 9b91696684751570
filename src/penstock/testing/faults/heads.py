"""`head`: status lines, header lines and framing that break RFC 9112, and some that do not."""

from __future__ import annotations

from penstock.testing.faults.case import Ask, Case, Must, gives, raises
from penstock.testing.faults.pieces import (
    JSON,
    OK_BODY,
    cut,
    drip,
    fin,
    head,
    pour,
    rst,
    say,
    stall,
    then,
)

_SLOW = Ask(slow=True, retries=0)
_BROKEN = raises("ConnectionFailed/protocol", sends=3, reuse=False)
_TOO_LONG = raises("ResponseTooLarge", reuse=False)
_LATE = raises("TimedOut/read", reuse=False)
_GIVEN = gives(reuse=True)
_LINE = b"HTTP/1.1 200 OK\r\n"
_REST = b"\r\n".join((b"Content-Type: application/json", b"Content-Length: 12", b"", OK_BODY))


def _status(name: str, line: bytes, does: str, must: Must = _BROKEN) -> Case:
    """Return a case of a status line; headers and body are in order."""
    return Case(f"head-{name}", f"sends {does}", must, say(line + b"\r\n" + _REST))


def _field(name: str, line: bytes, does: str, must: Must = _BROKEN) -> Case:
    """Return a case of a header line; status line and body are in order."""
    return Case(f"head-{name}", f"sends {does}", must, say(_LINE + line + b"\r\n" + _REST))


def _framed(name: str, lines: tuple[str, ...], does: str, must: Must = _BROKEN) -> Case:
    """Return a case of header lines that say where the body ends."""
    return Case(f"head-{name}", f"sends {does}", must, say(head(JSON, *lines) + OK_BODY))


_STATUS_LINES = (
    _status("noise", b"\x16\x03\x01 noise", "noise instead of a status line"),
    _status("word", b"OK", "a status line of one word"),
    _status("ssh", b"SSH-2.0-OpenSSH_9.2", "the greeting of another protocol"),
    _status("icy", b"ICY 200 OK", "the status line of an old radio server"),
    _status("lower", b"http/1.1 200 OK", "the protocol in lower case"),
    _status("http2", b"HTTP/2.0 200 OK", "a status line of HTTP/2.0", gives()),
    _status("http-x", b"HTTP/x 200 OK", "a status line of no version"),
    _status("http09", b"", "a body and no head, as in HTTP/0.9"),
    _status("status-2", b"HTTP/1.1 20 OK", "a status of two digits"),
    _status("status-4", b"HTTP/1.1 2000 OK", "a status of four digits"),
    _status("status-word", b"HTTP/1.1 abc OK", "a status of letters"),
    _status("status-minus", b"HTTP/1.1 -20 OK", "a negative status"),
    _status("status-099", b"HTTP/1.1 099 OK", "a status below 100"),
    _status("status-600", b"HTTP/1.1 600 What", "a status no class of RFC 9110 has",
            raises("ServerError")),
    _status("status-999", b"HTTP/1.1 999 Denied", "a status that some sites use against robots",
            raises("ServerError")),
    _status("no-reason", b"HTTP/1.1 200", "no reason phrase", gives()),
    _status("reason-8bit", b"HTTP/1.1 200 \xe9\xff", "a reason phrase of 8-bit bytes", gives()),
    _status("status-tab", b"HTTP/1.1\t200\tOK", "tabs in the status line"),
    Case("head-empty-lines", "sends empty lines before the status line", _BROKEN,
         say(b"\r\n\r\n" + _LINE + _REST)),
)  # fmt: skip

_FIELDS = (
    _field("no-colon", b"X-Broken", "a header line without a colon"),
    _field("space-colon", b"X-Broken : 1", "a space before the colon"),
    _field("no-name", b": 1", "a header line without a name"),
    _field("name-space", b"X Broken: 1", "a header name with a space"),
    _field("name-8bit", b"X-\xe9: 1", "a header name of 8-bit bytes"),
    _field("name-nul", b"X-\x00: 1", "a header name with a NUL"),
    _field("value-nul", b"X-Broken: a\x00b", "a header value with a NUL"),
    _field("value-cr", b"X-Broken: a\rb", "a header value with a bare CR"),
    _field("value-8bit", b"X-Odd: \xe9\xff", "a header value of 8-bit bytes", _GIVEN),
    _field("value-empty", b"X-Odd:", "an empty header value", _GIVEN),
    _field("fold", b"X-Odd: a\r\n b", "a folded header line", _GIVEN),
    _field("fold-first", b" X-Odd: a", "a folded line where the first header should be"),
    _field("twice", b"X-Odd: a\r\nX-Odd: b", "a header twice", _GIVEN),
    _field("long", b"X-Long: " + b"a" * 60_000, "a header value of 60 kB", _GIVEN),
    _field("huge", b"X-Huge: " + b"a" * 3_000_000, "a header value of 3 MB", _TOO_LONG),
    _field(
        "many",
        b"\r\n".join(b"X-%d: 1" % n for n in range(40_000)),
        "40,000 header lines",
        _TOO_LONG,
    ),
)

_FRAMING = (
    _framed("length-twice", ("Content-Length: 12", "Content-Length: 12"),
            "the same length twice", _GIVEN),
    _framed("length-list", ("Content-Length: 12, 12",), "the same length twice in a list", _GIVEN),
    _framed("length-two", ("Content-Length: 12", "Content-Length: 5"), "two lengths"),
    _framed("length-minus", ("Content-Length: -12",), "a negative length"),
    _framed("length-plus", ("Content-Length: +12",), "a length with a sign"),
    _framed("length-word", ("Content-Length: twelve",), "a length of letters"),
    _framed("length-hex", ("Content-Length: 0xc",), "a length in hexadecimal digits"),
    _framed("length-float", ("Content-Length: 12.0",), "a length with a fraction"),
    _framed("length-empty", ("Content-Length:",), "an empty length"),
    _framed("length-huge", (f"Content-Length: {'9' * 30}",), "a length of thirty digits"),
    _framed("coding-unknown", ("Transfer-Encoding: klingon",), "an unknown transfer coding"),
    _framed("coding-gzip", ("Transfer-Encoding: gzip, chunked",), "a transfer coding of two"),
    _framed("coding-twice", ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
            "the chunked coding twice"),
    Case("head-coding-length", "sends both a length and the chunked coding, which wins",
         gives(), say(head(JSON, "Content-Length: 5", "Transfer-Encoding: chunked") + b"c\r\n"
                      + OK_BODY + b"\r\n0\r\n\r\n")),
)  # fmt: skip

_CUT = (
    Case("head-fin", "ends the connection in the middle of the head", _BROKEN,
         cut(_LINE + b"Content-Ty")),
    Case("head-fin-line", "ends the connection after the status line", _BROKEN, cut(_LINE)),
    Case("head-rst", "resets the connection in the middle of the head",
         raises("ConnectionFailed", sends=3, reuse=False), then(say(_LINE + b"Content-Ty"), rst)),
    Case("head-stall", "never ends the head", _LATE, then(say(_LINE + b"Content-Ty"), stall),
         _SLOW),
    Case("head-drip", "drips a head that never ends", _LATE,
         then(say(_LINE + b"X-Long: "), drip(b"a")), _SLOW),
    Case("head-drip-lines", "drips header lines for ever", _LATE,
         then(say(_LINE), drip(b"X-More: 1\r\n")), _SLOW),
    Case("head-endless", "pours out a head that never ends", _TOO_LONG,
         then(say(_LINE), pour(b"X-More: " + b"a" * 65_000 + b"\r\n"))),
    Case("head-lf", "ends lines with LF alone", gives(),
         say((_LINE + _REST).replace(b"\r\n", b"\n"))),
)  # fmt: skip

_INTERIM = (
    Case("head-100", "says 100 before its answer", _GIVEN,
         say(head(status="HTTP/1.1 100 Continue") + _LINE + _REST)),
    Case("head-103", "sends early hints before its answer", _GIVEN,
         say(head("Link: </a>; rel=preload", status="HTTP/1.1 103 Early Hints") + _LINE + _REST)),
    Case("head-100-length", "sends an interim answer that declares a length", gives(),
         say(head("Content-Length: 0", status="HTTP/1.1 100 Continue") + _LINE + _REST)),
    Case("head-101", "switches protocols unasked",
         raises("ConnectionFailed/protocol", sends=3, reuse=False),
         say(head("Upgrade: websocket", "Connection: Upgrade",
                  status="HTTP/1.1 101 Switching Protocols"))),
    Case("head-1xx-fin", "sends an interim answer and ends the connection", _BROKEN,
         cut(head(status="HTTP/1.1 100 Continue"))),
    Case("head-1xx-stall", "sends an interim answer and nothing else", _LATE,
         then(say(head(status="HTTP/1.1 102 Processing")), stall), _SLOW),
    Case("head-1xx-drip", "drips interim answers for ever", _LATE,
         drip(head(status="HTTP/1.1 102 Processing"), size=27), _SLOW),
    Case("head-1xx-flood", "pours out 30,000 interim answers", _BROKEN,
         then(say(head(status="HTTP/1.1 102 Processing") * 30_000), say(_LINE + _REST), fin)),
)  # fmt: skip

CASES = (*_STATUS_LINES, *_FIELDS, *_FRAMING, *_CUT, *_INTERIM)
