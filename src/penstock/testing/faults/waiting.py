"""`ra`: what servers write into `Retry-After`; all of these answer well at the second request."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING

from penstock.testing.faults.case import Ask, Case, Must, Step, gives, raises
from penstock.testing.faults.pieces import answer, ok, redirect, turns

if TYPE_CHECKING:
    from penstock.testing.faults.peer import Peer

_TOO_MANY = "429 Too Many Requests"
_BACKOFF = (0.0, 0.5)
_NOW = _BACKOFF  # what is due already is spread like any other wait
_CAPPED = (30.0, 33.0)
_FAR = "Thu, 01 Jan 2099 00:00:00 GMT"
_PAST = "Wed, 21 Oct 2015 07:28:00 GMT"


def _after(
    name: str, value: str, wait: tuple[float, float], does: str = "", status: str = _TOO_MANY
) -> Case:
    """Return a case of one value of Retry-After."""
    does = does or f"says Retry-After: {value or '(nothing)'}"
    return _with(name, (f"Retry-After: {value}",), wait, does, status)


def _with(
    name: str, lines: tuple[str, ...], wait: tuple[float, float], does: str, status: str = _TOO_MANY
) -> Case:
    refusal = answer(status, b"{}", *lines)
    return Case(f"ra-{name}", does, gives(sends=2, wait=wait), turns(refusal, ok))


def _dated(
    name: str, seconds: float, wait: tuple[float, float], does: str, skew: float = 0
) -> Case:
    """Return a case of a date that is *seconds* from a server's clock, which is off by *skew*."""

    def refuse(peer: Peer) -> None:
        now = time.time() + skew
        lines = [f"Retry-After: {formatdate(now + seconds, usegmt=True)}"]
        if skew:
            lines.append(f"Date: {formatdate(now, usegmt=True)}")
        answer(_TOO_MANY, b"{}", *lines)(peer)

    return Case(f"ra-{name}", does, gives(sends=2, wait=wait), turns(refuse, ok))


def _else(name: str, does: str, must: Must, serve: Step, ask: Ask | None = None) -> Case:
    return Case(f"ra-{name}", does, must, serve, ask or Ask())


CASES = (
    _after("zero", "0", _NOW),
    _after("one", "1", (1, 1.2)),
    _after("fraction", "1.5", (1.5, 1.7)),
    _after("spaces", "  2  ", (2, 2.3), "says Retry-After with spaces around it"),
    _after("zeros", "0002", (2, 2.3)),
    _after("day", "86400", _CAPPED),
    _after("year", "31536000", _CAPPED),
    _after("digits", "9" * 400, _CAPPED, "says Retry-After in 400 digits"),
    _after("digits-8k", "9" * 8000, _CAPPED, "says Retry-After in 8,000 digits"),
    _after("empty", "", _BACKOFF),
    _after("minus", "-1", _BACKOFF),
    _after("plus", "+1", _BACKOFF),
    _after("word", "soon", _BACKOFF),
    _after("inf", "inf", _BACKOFF),
    _after("minus-inf", "-inf", _BACKOFF),
    _after("nan", "nan", _BACKOFF),
    _after("exponent", "1e309", _BACKOFF),
    _after("small-exponent", "1e1", _BACKOFF),
    _after("hex", "0x10", _BACKOFF),
    _after("underscore", "1_0", _BACKOFF),
    _after("unit", "120 seconds", _BACKOFF),
    _after("comma", "1,5", (5, 5.6), "says Retry-After with a decimal comma: a list"),
    _after("list", "1, 3", (3, 3.4)),
    _after("semicolon", "1;foo", _BACKOFF),
    _after("quoted", '"3"', _BACKOFF),
    _after("arabic", "\xd9\xa3", _BACKOFF, "says Retry-After in digits of another script"),
    _after("8bit", "\xe9\xff", _BACKOFF, "says Retry-After in 8-bit bytes"),
    _with("twice", ("Retry-After: 1", "Retry-After: 4"), (4, 4.5), "says Retry-After twice"),
    _with("ms", ("retry-after-ms: 250",), (0.25, 0.3), "says retry-after-ms: 250"),
    _with("ms-wins", ("retry-after-ms: 250", "Retry-After: 9"), (0.25, 0.3),
          "says both retry-after-ms and Retry-After"),
    _with("ms-bad", ("retry-after-ms: soon", "Retry-After: 2"), (2, 2.3),
          "says retry-after-ms that is no number, and Retry-After"),
    _with("ms-huge", ("retry-after-ms: 999999999999",), _CAPPED, "says retry-after-ms of 31 years"),
    _after("503", "1", (1, 1.2), "says Retry-After: 1 with 503", "503 Service Unavailable"),
    _after("date-past", _PAST, _NOW),
    _after("date-far", _FAR, _CAPPED),
    _after("date-zone", "Thu, 01 Jan 2099 00:00:00 +0000", _BACKOFF),
    _after("date-no-zone", "Thu, 01 Jan 2099 00:00:00", _BACKOFF),
    _after("date-rfc850", "Wednesday, 21-Oct-15 07:28:00 GMT", _NOW),
    _after("date-asctime", "Wed Oct 21 07:28:00 2015", _NOW),
    _after("date-weekday", "Mon, 21 Oct 2015 07:28:00 GMT", _NOW),
    _after("date-31-feb", "Mon, 31 Feb 2099 00:00:00 GMT", _BACKOFF),
    _after("date-year-10000", "Mon, 01 Jan 10000 00:00:00 GMT", _BACKOFF),
    _after("date-iso", "2099-01-01T00:00:00Z", _BACKOFF),
    _after("date-epoch", "4070908800", _CAPPED, "says Retry-After in seconds since 1970"),
    _dated("date-soon", 5, (3, 6), "says a date five seconds from now"),
    _dated("date-skew", 5, (4, 6), "says a date by a clock that is an hour ahead, and the hour",
           3600),
    _else("forever", "says 429 and Retry-After: 1 whenever it is asked",
          raises("TooManyRequests", sends=3), answer(_TOO_MANY, b"{}", "Retry-After: 1")),
    _else("200", "says Retry-After with 200, where it means nothing", gives(),
          answer("200 OK", b'{"ok": true}', "Retry-After: 9")),
    _else("302", "says Retry-After with a redirect, which is followed at once", gives(sends=2),
          turns(redirect("302 Found", "{url}", "Retry-After: 9"), ok)),
    _else("400", "says Retry-After with 400, which is not tried again", raises("BadRequest"),
          answer("400 Bad Request", b"{}", "Retry-After: 1")),
    _else("post-429", "refuses a POST with 429, and takes it the second time",
          gives(sends=2, wait=(1, 1.2)), turns(answer(_TOO_MANY, b"{}", "Retry-After: 1"), ok),
          Ask("POST", b"{}")),
    _else("post-500", "answers a POST with 500: it may have been done",
          raises("ServerError", sends=1),
          answer("500 Internal Server Error", b"{}", "Retry-After: 1"), Ask("POST", b"{}")),
)  # fmt: skip
