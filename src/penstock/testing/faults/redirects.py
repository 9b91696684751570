"""`rd`: where redirects lead, and what goes along."""

from __future__ import annotations

from penstock.testing.faults.case import OK, Ask, Case, Must, Step, either, gives, raises
from penstock.testing.faults.pieces import (
    OK_BODY,
    answer,
    drip,
    fin,
    ok,
    open_redirect,
    pour,
    redirect,
    say,
    stall,
    then,
    turns,
    wait,
)

_SLOW = Ask(slow=True, retries=0)
_ONCE = Ask(retries=0)
_LIMITED = Ask(retries=0, limits={"max_response_bytes": 1_000_000})
_ELSEWHERE = {"elsewhere": True}
_REFUSED = raises("RedirectError")
_POST = Ask("POST", b'{"order": 1}')
_FOUND = "302 Found"


def _to(
    name: str, location: str, does: str, must: Must, status: str = _FOUND, ask: Ask | None = None
) -> Case:
    """Return a case that is redirected once, and answered well where it leads to."""
    serve = turns(redirect(status, location), ok)
    return Case(f"rd-{name}", f"redirects to {does}", must, serve, ask or _ONCE)


def _loops(name: str, does: str, location: str, status: str = _FOUND) -> Case:
    return Case(f"rd-{name}", does, raises("RedirectError", sends=21), redirect(status, location))


def _first(step: Step) -> Step:
    """Return *step* for the first request, and a good answer for those after it."""
    return turns(step, ok)


_WELL = (
    _to("relative", "{number}/next", "a path beside it", gives(sends=2)),
    _to("absolute-path", "{path}/next", "a path", gives(sends=2)),
    _to("query", "?page=2", "a query", gives(sends=2)),
    _to("fragment", "{url}#part", "a fragment", gives(sends=2)),
    _to("dots", "{path}/a/../../{number}/b", "a path with dots in it", gives(sends=2)),
    _to("spaces", "{path}/a b", "a path with a space", gives(sends=2)),
    _to("8bit", "{path}/\xc3\xa9", "a path of 8-bit bytes", gives(sends=2)),
    _to("301-post", "{url}", "itself with 301 after a POST, which becomes a GET", gives(sends=2),
        "301 Moved Permanently", _POST),
    _to("303-post", "{url}", "itself with 303 after a POST, which becomes a GET", gives(sends=2),
        "303 See Other", _POST),
    _to("307-again", "{url}", "itself with 307 after a POST, which is sent again", gives(sends=2),
        "307 Temporary Redirect", _POST),
    _to("308-again", "{url}", "itself with 308 after a POST, which is sent again", gives(sends=2),
        "308 Permanent Redirect", _POST),
    _to("head", "{url}", "itself in answer to HEAD", gives(b"", sends=2), _FOUND,
        Ask("HEAD", read="bytes")),
)  # fmt: skip

_AWAY = (
    _to("port", "{elsewhere}", "another port", gives(_ELSEWHERE, sends=2)),
    _to("host", "http://localhost:{port}{path}", "another name of the same server",
        gives(sends=2)),
    _to("schemeless", "//{elsewhere-host}/elsewhere/{number}", "another port, without a scheme",
        gives(_ELSEWHERE, sends=2)),
    _to("301-away", "{elsewhere}", "another port with 301", gives(_ELSEWHERE, sends=2),
        "301 Moved Permanently"),
    _to("308-away", "{elsewhere}", "another port with 308", gives(_ELSEWHERE, sends=2),
        "308 Permanent Redirect"),
    _to("302-post-away", "{elsewhere}", "another port with 302 after a POST",
        gives(_ELSEWHERE, sends=2), _FOUND, _POST),
    _to("307-post", "{elsewhere}", "another port with 307 after a POST", _REFUSED,
        "307 Temporary Redirect", _POST),
    _to("308-post", "{elsewhere}", "another port with 308 after a POST", _REFUSED,
        "308 Permanent Redirect", _POST),
    Case("rd-cookie", "sets a cookie and redirects to another port", gives(_ELSEWHERE, sends=2),
         redirect(_FOUND, "{elsewhere}", "Set-Cookie: sid=1; Path=/")),
    Case("rd-cookie-given", "redirects a request with a cookie to another port",
         gives(_ELSEWHERE, sends=2), redirect(_FOUND, "{elsewhere}"),
         Ask(headers={"Cookie": "sid=cookie-of-this-origin"})),
    Case("rd-downgrade", "redirects from https to http", _REFUSED,
         redirect(_FOUND, "{elsewhere}"), tls="good"),
    Case("rd-300", "offers a choice, one of it in Location", gives(b"[]"),
         redirect("300 Multiple Choices", "{elsewhere}", body=b"[]"), Ask(read="bytes")),
)  # fmt: skip

_NOWHERE = (
    _to("ftp", "ftp://127.0.0.1/x", "another scheme, ftp", _REFUSED),
    _to("file", "file:///etc/passwd", "a file", _REFUSED),
    _to("data", "data:application/json,{}", "a data URL", _REFUSED),
    _to("javascript", "javascript:alert(1)", "a script", _REFUSED),
    _to("userinfo", "http://user:pass@{elsewhere-host}/elsewhere/{number}",
        "a URL with credentials", _REFUSED),
    _to("label64", "http://" + "a" * 64 + ".test/x", "a name with a label of 64 characters",
        raises("RedirectError", "ConnectionFailed/connect", "InvalidOption", sends=None)),
    _to("port-high", "http://127.0.0.1:99999/x", "a port that does not exist",
        raises("RedirectError", "ConnectionFailed/connect", sends=None)),
    _to("port-word", "http://127.0.0.1:http/x", "a port that is no number", _REFUSED),
    _to("ipv6", "http://[::1/x", "half an IPv6 address", _REFUSED),
    _to("no-host", "http:///x", "a URL without a host", raises("RedirectError", "NotFound")),
    _to("control", "{path}/\x01", "a path with a control character",
        either(OK, "RedirectError", "ConnectionFailed/protocol")),
    _to("long", "{path}/" + "a" * 70_000, "a path of 70 kB", _REFUSED),
    _to("empty", "", "nothing, in an empty Location", gives(sends=2)),
    Case("rd-none", "redirects without a Location", gives(b""), redirect(_FOUND, None),
         Ask(read="bytes")),
    Case("rd-twice", "sends two Locations", _REFUSED,
         _first(redirect(_FOUND, "{url}/a", "Location: {url}/b")), _ONCE),
    Case("rd-304", "says 304 with a Location, which is no redirect", gives(b""),
         redirect("304 Not Modified", "{elsewhere}"), Ask(read="bytes")),
    _loops("loop", "redirects to itself", "{url}"),
    _loops("loop-303", "redirects to itself with 303", "{url}", "303 See Other"),
    _loops("deeper", "redirects ever deeper", "{url}/deeper"),
)  # fmt: skip

_ON_THE_WAY = (
    Case("rd-stall", "never ends the head of a redirect", raises("TimedOut/read"),
         then(say(b"HTTP/1.1 302 Found\r\n"), stall), _SLOW),
    Case("rd-slow", "redirects to itself, each time a little later", raises("TimedOut", sends=None),
         then(wait(0.06), redirect(_FOUND, "{url}")), _SLOW),
    Case("rd-drip", "drips the body of a redirect", either(OK, "TimedOut/read"),
         _first(then(open_redirect(), drip(b"x"))), _SLOW),
    Case("rd-pour", "pours out the body of a redirect, to a client with a limit",
         either(OK, "ResponseTooLarge"), _first(then(open_redirect(), pour(b"x" * 65_536))),
         _LIMITED),
    Case("rd-body", "sends a page with a redirect, and keeps the connection",
         gives(sends=2, reuse=True),
         _first(redirect(_FOUND, "{url}", body=b"<a href>here</a>" * 100))),
    Case("rd-gz", "sends gzip that is none with a redirect", either(OK, "DecodeError"),
         _first(redirect(_FOUND, "{url}", "Content-Encoding: gzip", body=b"no gzip"))),
    Case("rd-500", "redirects to a server error", raises("ServerError", sends=None),
         turns(redirect(_FOUND, "{url}"), answer("500 Internal Server Error", OK_BODY))),
    Case("rd-short", "ends the connection before the body of a redirect has come", gives(sends=2),
         _first(then(open_redirect("Content-Length: 99"), fin))),
)  # fmt: skip

CASES = (*_WELL, *_AWAY, *_NOWHERE, *_ON_THE_WAY)
