"""`tls`: certificates nobody should trust, handshakes that break, and ends that are not meant."""

from __future__ import annotations

from penstock.testing.faults.case import Ask, Case, Must, Step, gives, raises
from penstock.testing.faults.pieces import (
    JSON,
    OK_BODY,
    answer,
    cut,
    drip,
    fin,
    head,
    ok,
    rst,
    say,
    stall,
    then,
)

_SLOW = Ask(slow=True, retries=0)
_ONCE = Ask(retries=0)
_REFUSED = raises("ConnectionFailed/connect", sends=1)
_UNTRUSTED = raises("UntrustedCertificate/connect", sends=1)
_LATE = raises("TimedOut/connect")
_ALERT = b"\x15\x03\x03\x00\x02\x02\x28"  # a fatal handshake_failure (RFC 8446 §6)
_RECORD = b"\x16\x03\x03\x40\x00" + b"\x02" * 64  # the beginning of a long handshake record


def _shows(name: str, certificate: str, does: str, must: Must = _UNTRUSTED) -> Case:
    """Return a case of a certificate."""
    return Case(f"tls-{name}", does, must, ok, _ONCE, tls=certificate)


def _greets(name: str, does: str, accept: Step, must: Must = _REFUSED, ask: Ask = _ONCE) -> Case:
    """Return a case of a handshake."""
    return Case(f"tls-{name}", does, must, ok, ask, accept=accept, tls="good")


def _ends(name: str, does: str, must: Must, serve: Step, certificate: str = "good") -> Case:
    """Return a case of what happens once the handshake is done."""
    return Case(f"tls-{name}", does, must, serve, _ONCE, tls=certificate)


CASES = (
    _shows("good", "good", "shows a certificate in order", gives()),
    _shows("expired", "expired", "shows a certificate that has expired"),
    _shows("early", "early", "shows a certificate that is not valid yet"),
    _shows("misnamed", "misnamed", "shows a certificate of another host"),
    _shows("nameless", "nameless", "shows a certificate with its name in the wrong place"),
    _shows("unknown", "unknown", "shows a certificate of an unknown authority"),
    _shows("alone", "alone", "shows a certificate signed by itself"),
    _shows("strict", "strict", "asks for a client certificate, and there is none",
           raises("ConnectionFailed")),
    _shows("old", "old", "speaks TLS 1.1 at most", _REFUSED),
    _greets("plain", "answers a handshake in plain HTTP",
            cut(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")),
    _greets("noise", "answers a handshake with noise", cut(b"noise, and no record of TLS")),
    _greets("alert", "answers a handshake with an alert", cut(_ALERT)),
    _greets("fin", "ends the connection in the handshake", fin),
    _greets("rst", "resets the connection in the handshake", rst),
    _greets("record-cut", "ends the connection in the middle of a record", cut(_RECORD)),
    _greets("stall", "never answers the handshake", stall, _LATE, _SLOW),
    _greets("drip", "drips a handshake record", then(say(_RECORD[:5]), drip(b"\x02")), _LATE,
            _SLOW),
    _ends("request-fin", "ends the connection when it has the request",
          raises("ConnectionFailed"), fin),
    _ends("request-rst", "resets the connection when it has the request",
          raises("ConnectionFailed"), rst),
    _ends("body-rst", "resets the connection in the middle of the body",
          raises("ConnectionFailed"), then(say(head(JSON, "Content-Length: 99") + OK_BODY), rst)),
    _ends("closed", "ends the body by the end of the connection, and says so", gives(),
          cut(head(JSON) + OK_BODY)),
    _ends("trunc", "ends the connection, which would end the body, without having said so",
          raises("ConnectionFailed"), cut(head(JSON) + OK_BODY), "cut"),
    _ends("trunc-length", "ends the connection unsaid after a whole body", gives(),
          then(answer(), fin), "cut"),
    _ends("trunc-short", "ends the connection unsaid before the body has come",
          raises("ConnectionFailed"), cut(head(JSON, "Content-Length: 99") + OK_BODY), "cut"),
)  # fmt: skip
