"""`sse`: streams of events (HTML standard §9.2), whole and broken."""

from __future__ import annotations

import gzip
from typing import Any

from penstock.testing.faults.case import Ask, Case, Must, Step, gives, raises
from penstock.testing.faults.pieces import (
    JSON,
    OK_BODY,
    answer,
    cut,
    drip,
    head,
    ok,
    pour,
    redirect,
    rst,
    say,
    stall,
    then,
    turns,
)

_KIND = "Content-Type: text/event-stream"
_HEAD = head(_KIND)
_ONE, _TWO, _DONE = b'data: {"n": 1}\n\n', b'data: {"n": 2}\n\n', b"data: [DONE]\n\n"
_BOTH: Any = [{"n": 1}, {"n": 2}]
_ASK = Ask(read="events")
_TYPED = Ask(read="events", typed=True)
_SLOW = Ask(read="events", slow=True, retries=0)
_LIMITED = Ask(read="events", limits={"max_event_bytes": 100_000})
_ALL = gives(_BOTH)
_TRUNCATED = raises("StreamTruncated")


def _stream(name: str, body: bytes, does: str, must: Must = _ALL, ask: Ask = _ASK) -> Case:
    """Return a case of a whole stream, which the end of the connection ends."""
    return Case(f"sse-{name}", f"streams {does}", must, cut(_HEAD + body), ask)


def _case(name: str, does: str, must: Must, serve: Step, ask: Ask = _ASK) -> Case:
    return Case(f"sse-{name}", does, must, serve, ask)


_CHUNKS = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in (_ONE, _TWO, _DONE))

_WHOLE = (
    _stream("plain", _ONE + _TWO + _DONE, "two events and an end marker"),
    _stream("crlf", (_ONE + _TWO + _DONE).replace(b"\n", b"\r\n"), "with CRLF line ends"),
    _stream("cr", (_ONE + _TWO + _DONE).replace(b"\n", b"\r"), "with CR line ends"),
    _stream("bom", b"\xef\xbb\xbf" + _ONE + _TWO + _DONE, "a byte order mark first"),
    _stream("comments", b": hi\n\n" + _ONE + b":\n" + _TWO + b": bye\n\n" + _DONE,
            "comments between"),
    _stream("lines", b'data: {"n":\ndata: 1}\n\n' + _TWO + _DONE, "an event of two data lines"),
    _stream("fields", b"id: 7\nretry: 10\nfoo: bar\n" + _ONE + b"event: more\n" + _TWO + _DONE,
            "ids, names, waits and unknown fields"),
    _stream("no-space", (_ONE + _TWO + _DONE).replace(b": ", b":"), "no spaces after colons"),
    _stream("retry-bad", b"retry: soon\nid: a\0b\n" + _ONE + _TWO + _DONE,
            "a wait that is no number, and an id with a NUL"),
    _stream("done-open", _ONE + _TWO + b"data: [DONE]", "an end marker without its line end"),
    _stream("after-done", _ONE + _TWO + _DONE + b'data: {"n": 3}\n\n', "an event after the end"),
    _case("chunked", "streams in chunks", _ALL,
          say(head(_KIND, "Transfer-Encoding: chunked") + _CHUNKS + b"0\r\n\r\n")),
    _case("done-stall", "leaves the connection open after the end marker", _ALL,
          then(say(_HEAD + _ONE + _TWO + _DONE), stall)),
    _case("bytes", "streams a byte at a time", _ALL,
          then(say(_HEAD), drip(_ONE + _TWO + _DONE))),
    _case("no-type", "streams without a content type", _ALL, cut(head() + _ONE + _TWO + _DONE)),
    _case("charset", "streams with a charset that is ignored", _ALL,
          cut(head(f"{_KIND}; charset=latin-1") + _ONE + _TWO + _DONE)),
    _case("gzip", "streams in gzip, unasked", _ALL,
          cut(head(_KIND, "Content-Encoding: gzip") + gzip.compress(_ONE + _TWO + _DONE))),
    _case("204", "answers 204: there are no events", gives([]),
          answer("204 No Content", b"", kind=None)),
    _case("429", "refuses the first request", gives(_BOTH, sends=2),
          turns(answer("429 Too Many Requests", b"{}", "Retry-After: 1"),
                cut(_HEAD + _ONE + _TWO + _DONE))),
)  # fmt: skip

_ENDS = (
    _stream("nodone", _ONE + _TWO, "events and no end marker", _TRUNCATED, _TYPED),
    _stream("empty", b"", "nothing", _TRUNCATED, _TYPED),
    _stream("cut", _ONE + b'data: {"n": ', "half an event", _TRUNCATED, _TYPED),
    _case("cut-chunked", "ends the connection in the middle of a chunk",
          raises("StreamInterrupted/protocol"),
          cut(head(_KIND, "Transfer-Encoding: chunked") + _CHUNKS[:-9])),
    _case("cut-length", "ends the connection before the length it declared",
          raises("StreamInterrupted/protocol"), cut(head(_KIND, "Content-Length: 999") + _ONE)),
    _case("rst", "resets the connection between events", raises("StreamInterrupted"),
          then(say(_HEAD + _ONE), rst)),
    _case("rst-first", "resets the connection before the head", gives(_BOTH, sends=2),
          turns(rst, cut(_HEAD + _ONE + _TWO + _DONE))),
    _case("chunk-bad", "streams a chunk whose size is no number",
          raises("StreamInterrupted/protocol"),
          cut(head(_KIND, "Transfer-Encoding: chunked") + _CHUNKS[:20] + b"\r\nzz\r\n")),
)  # fmt: skip

_CONTENT = (
    _stream("error-event", _ONE + b'event: error\ndata: {"message": "busy"}\n\n',
            "an event that is an error", raises("StreamEventError"), _TYPED),
    _stream("error-data", _ONE + b'data: {"error": {"message": "busy"}}\n\n' + _DONE,
            "data that reports an error", raises("StreamEventError"), _TYPED),
    _stream("badjson", b"data: {'n'\n\n" + _DONE, "an event whose data is no JSON",
            raises("DecodeError")),
    _stream("badutf8", b'data: {"n": "\xff"}\n\n' + _DONE, "bytes that are no UTF-8",
            gives([{"n": "�"}])),
    _stream("scalar", b"data: 7\n\n" + _DONE, "an event whose data is a number", gives([7])),
    _stream("null", b"data: null\n\n" + _DONE, "an event whose data is null", gives([None])),
    _stream("deep", b"data: " + b"[" * 100_000 + b"\n\n" + _DONE, "100,000 open brackets",
            raises("DecodeError")),
    _stream("huge-event", b"data: " + b"x" * 200_000 + b"\n\n" + _DONE,
            "an event longer than its client's limit", raises("StreamTooLarge"), _LIMITED),
    _case("endless-line", "streams a line without an end", raises("StreamTooLarge"),
          then(say(_HEAD + b"data: "), pour(b"x" * 65_536)), _LIMITED),
    _case("endless-event", "streams an event of lines without an end", raises("StreamTooLarge"),
          then(say(_HEAD), pour(b"data: " + b"x" * 65_000 + b"\n")), _LIMITED),
    _case("endless-id", "streams a field without an end", raises("StreamTooLarge"),
          then(say(_HEAD + b"id: "), pour(b"x" * 65_536)), _LIMITED),
    _case("json", "answers with JSON instead of events", raises("NotAnEventStream"), ok),
    _case("html", "answers with a page instead of events", raises("NotAnEventStream"),
          answer("200 OK", b"<html>", kind="Content-Type: text/html")),
    _case("500", "answers 500 in events", raises("ServerError", sends=3),
          answer("500 Oops", _ONE, kind=_KIND)),
    _case("400", "answers 400 with JSON", raises("BadRequest"),
          answer("400 Bad Request", OK_BODY, kind=JSON)),
    _case("gzip-cut", "streams half of its gzip", raises("DecodeError", "StreamTruncated"),
          cut(head(_KIND, "Content-Encoding: gzip") + gzip.compress(_ONE + _TWO + _DONE)[:-12])),
    _case("redirect", "sends the client to another port for its events",
          raises("NotAnEventStream", sends=2),
          redirect("302 Found", "{elsewhere}")),
)  # fmt: skip

_TIMED = (
    _case("silence", "falls silent between events", raises("StreamIdle"),
          then(say(_HEAD + _ONE), stall), _SLOW),
    _case("silence-start", "falls silent before the first event", raises("StreamIdle"),
          then(say(_HEAD), stall), _SLOW),
    _case("stall-head", "never ends its head", raises("TimedOut/read"),
          then(say(b"HTTP/1.1 200 OK\r\n"), stall), _SLOW),
    _case("ping-flood", "sends nothing but comments for ever",
          raises("StreamIdle", "DeadlineExceeded/read"),
          then(say(_HEAD), drip(b": ping\n\n", size=8)), _SLOW),
    _case("drip", "drips an event that never ends",
          raises("StreamIdle", "DeadlineExceeded/read"),
          then(say(_HEAD), drip(b"data: x\n")), _SLOW),
)  # fmt: skip

CASES = (*_WHOLE, *_ENDS, *_CONTENT, *_TIMED)
