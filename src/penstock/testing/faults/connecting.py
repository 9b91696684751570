"""`conn`: connecting, and being left before there is an answer."""

from __future__ import annotations

from penstock.testing.faults.case import Ask, Case, gives, raises
from penstock.testing.faults.pieces import answer, fin, ok, rst, stall, then, turns

_SLOW = Ask(slow=True, retries=0)
_BIG = b"x" * 6_000_000  # more than the buffers of both ends hold
_FAILED = raises("ConnectionFailed", sends=3)
_LEFT = "ConnectionFailed"


CASES = (
    Case("conn-refused", "refuses the connection", raises("ConnectionFailed/connect", sends=0), ok,
         listens=False),
    Case("conn-backlog", "lets the connection wait in a queue that is full",
         raises("TimedOut/connect", sends=0), ok, _SLOW, listens="full"),
    Case("conn-accept-fin", "ends each connection at once", _FAILED, ok, accept=fin),
    Case("conn-accept-rst", "resets each connection at once", _FAILED, ok, accept=rst),
    Case("conn-silent", "accepts and never says a word", raises("TimedOut/read"), ok, _SLOW,
         accept=stall),
    Case("conn-request-fin", "ends the connection when it has the request", _FAILED, fin),
    Case("conn-request-rst", "resets the connection when it has the request", _FAILED, rst),
    Case("conn-request-stall", "never answers", raises("TimedOut/read"), stall, _SLOW),
    Case("conn-fin-once", "ends the first connection, and answers on the second",
         gives(sends=2), turns(fin, ok)),
    Case("conn-rst-twice", "resets two connections, and answers on the third",
         gives(sends=3), turns(rst, rst, ok)),
    Case("conn-post-fin", "ends the connection when it has a POST, which may have been done",
         raises(_LEFT), fin, Ask("POST", b"{}")),
    Case("conn-post-key", "ends the connection when it has a POST with an idempotency key",
         gives(sends=2), turns(fin, ok), Ask("POST", b"{}", key="once-17")),
    Case("conn-long-label", "has a name with a label of 70 characters",
         raises("ConnectionFailed/connect", "InvalidOption", sends=0), ok, host="a" * 70 + ".test"),
    Case("conn-empty-label", "has a name with an empty label",
         raises("ConnectionFailed/connect", "InvalidOption", sends=0), ok, host="a..test"),
    Case("conn-second-address", "listens on one of the addresses of its name only", gives(), ok,
         host="localhost"),
    Case("conn-unread", "does not read the body of a request",
         raises("TimedOut/write", "TimedOut/read"), stall, Ask("POST", _BIG, slow=True, retries=0),
         reads=False),
    Case("conn-upload-rst", "resets the connection in the middle of a request's body",
         raises(_LEFT), rst, Ask("POST", _BIG), reads=False),
    Case("conn-upload-413", "answers 413 before it has read a request's body, and resets",
         raises("ContentTooLarge", "ConnectionFailed/read", "ConnectionFailed/write"),
         then(answer("413 Content Too Large"), rst), Ask("POST", _BIG, retries=0), reads=False),
)  # fmt: skip
