"""`ka`: connections that are kept, and what may have become of them."""

from __future__ import annotations

from penstock.testing.faults.case import Ask, Case, Must, Step, gives, raises
from penstock.testing.faults.pieces import (
    JSON,
    OK_BODY,
    answer,
    cut,
    fin,
    head,
    message,
    ok,
    rst,
    say,
    then,
    turns,
)

_WARM = Ask(warm=True)
_POISON = message(b'{"good": "poison", "ok": "poison"}', JSON)
_TIMEOUT = message(b"", "Connection: close", status="HTTP/1.1 408 Request Timeout")
_GOOD = message(OK_BODY, JSON)


def _kept(name: str, does: str, idle: Step) -> Case:
    """Return a case of a connection that is idle when the fault happens."""
    return Case(f"ka-{name}", does, gives(), ok, _WARM, idle=idle)


def _race(name: str, does: str, must: Must, *steps: Step, ask: Ask = _WARM) -> Case:
    """Return a case of a kept connection that fails under the next request."""
    return Case(f"ka-race-{name}", does, must, turns(*steps), ask)


CASES = (
    _kept("idle-fin", "ends an idle connection", fin),
    _kept("idle-rst", "resets an idle connection", rst),
    _kept("idle-408", "says 408 on an idle connection and ends it", then(say(_TIMEOUT), fin)),
    _kept("idle-408-open", "says 408 on an idle connection and leaves it open", say(_TIMEOUT)),
    _kept("idle-extra", "sends an answer that nobody asked for, on an idle connection",
          say(_POISON)),
    _kept("idle-extra-fin", "sends an answer that nobody asked for and ends the connection",
          then(say(_POISON), fin)),
    _kept("idle-noise", "sends noise on an idle connection", say(b"\x00\x01 noise")),
    _kept("idle-line", "sends an empty line on an idle connection", say(b"\r\n")),
    _race("fin", "ends a kept connection when the next GET is on it", gives(sends=2), fin, ok),
    _race("rst", "resets a kept connection when the next GET is on it", gives(sends=2), rst, ok),
    _race("fin-once", "ends a kept connection under a GET that may not be retried: it was stale",
          gives(sends=2), fin, ok, ask=Ask(warm=True, retries=0)),
    _race("post", "ends a kept connection when a POST is on it, which may have been done",
          raises("ConnectionFailed", sends=1), fin, ok, ask=Ask("POST", b"{}", warm=True)),
    _race("post-key", "ends a kept connection when a POST with an idempotency key is on it",
          gives(sends=2), fin, ok, ask=Ask("POST", b"{}", warm=True, key="once-17")),
    _race("partial", "ends a kept connection in the middle of the head", gives(sends=2),
          cut(b"HTTP/1.1 2"), ok),
    Case("ka-desync", "sends a second answer with the first, in one piece", gives(reuse=False),
         say(_GOOD + _POISON)),
    Case("ka-desync-half", "sends the beginning of a second answer with the first",
         gives(reuse=False), say(_GOOD + _POISON[:20])),
    Case("ka-desync-chunked", "sends a second answer right after the last chunk",
         gives(reuse=False),
         say(head(JSON, "Transfer-Encoding: chunked") + b"c\r\n" + OK_BODY + b"\r\n0\r\n\r\n"
             + _POISON)),
    Case("ka-close", "says that it will close, and does", gives(reuse=False),
         then(answer("200 OK", OK_BODY, "Connection: close"), fin)),
    Case("ka-close-open", "says that it will close, and does not", gives(reuse=False),
         answer("200 OK", OK_BODY, "Connection: close")),
    Case("ka-fin-unsaid", "ends the connection after its answer without having said so", gives(),
         then(ok, fin)),
    Case("ka-http10", "speaks HTTP/1.0 and ends the connection", gives(reuse=False),
         cut(b"HTTP/1.0 200 OK\r\n" + JSON.encode() + b"\r\n\r\n" + OK_BODY)),
    Case("ka-http10-keep", "speaks HTTP/1.0 and keeps the connection", gives(),
         say(message(OK_BODY, JSON, "Connection: keep-alive", status="HTTP/1.0 200 OK"))),
    Case("ka-max", "says that the connection is good for no more requests, and ends it", gives(),
         then(answer("200 OK", OK_BODY, "Keep-Alive: timeout=0, max=0"), fin)),
    Case("ka-cookie", "sets a cookie, which a client without a jar never sends back",
         gives(reuse=True), answer("200 OK", OK_BODY, "Set-Cookie: sid=1; Path=/")),
    Case("ka-cookie-poison", "sets a cookie of 8-bit bytes", gives(reuse=True),
         answer("200 OK", OK_BODY, "Set-Cookie: sid=\xe9\xff; Path=/")),
    Case("ka-upgrade", "offers another protocol", gives(reuse=True),
         answer("200 OK", OK_BODY, "Upgrade: h2c", 'Alt-Svc: h3=":443"')),
)  # fmt: skip
