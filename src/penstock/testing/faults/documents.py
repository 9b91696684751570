"""`json`: bodies that came whole, and are not what they should be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from penstock.testing.faults.case import OK, Ask, Case, Must, either, gives, raises
from penstock.testing.faults.pieces import JSON, OK_BODY, answer, message

if TYPE_CHECKING:
    from penstock.testing.faults.peer import Peer

_WRONG = raises("DecodeError", reuse=True)
_MODEL = Ask(read="model", typed=True)


def _said(
    name: str,
    body: bytes,
    does: str,
    must: Must = _WRONG,
    *,
    kind: str | None = JSON,
    status: str = "200 OK",
    ask: Ask | None = None,
) -> Case:
    """Return a case of a whole body."""
    serve = answer(status, body, kind=kind)
    return Case(f"json-{name}", f"answers with {does}", must, serve, ask or Ask())


def _charset(name: str, charset: str, body: bytes, does: str, must: Must) -> Case:
    return _said(f"charset-{name}", body, does, must, kind=f"{JSON}; charset={charset}")


def _echo(peer: Peer) -> None:
    assert peer.heard is not None
    key = peer.heard.header("authorization") or ""
    error = {"error": {"message": f"the key {key} is not known", "code": key}}
    peer.say(message(json.dumps(error).encode(), JSON, status="HTTP/1.1 401 Unauthorized"))


_HTML = b"<!doctype html><title>Bad Gateway</title><h1>Bad Gateway</h1>"
_ODD_FORM = either(OK, "DecodeError", sends=1)  # RFC 8259 §8.1: not to be sent, may be read
_ODD: Any = {"ok": "\ud800"}

CASES = (
    _said("empty", b"", "nothing"),
    _said("space", b" \r\n ", "white space"),
    _said("invalid", b"{'ok': true}", "a document in single quotes"),
    _said("cut", b'{"ok": tr', "half a document, its length in order"),
    _said("two", OK_BODY * 2, "two documents"),
    _said("lines", OK_BODY + b"\n" + OK_BODY, "a document a line"),
    _said("comma", b'{"ok": true,}', "a comma too many"),
    _said("nul", OK_BODY + b"\0" * 8, "NUL bytes after a document"),
    _said("html-200", _HTML, "a page of HTML and 200", kind="Content-Type: text/html"),
    _said("html-called-json", _HTML, "a page of HTML that it calls JSON"),
    _said("html-500", _HTML, "a page of HTML and 500", raises("ServerError", sends=3),
          kind="Content-Type: text/html", status="500 Internal Server Error"),
    _said("html-502", _HTML, "a gateway's page and 502", raises("ServerError", sends=3),
          kind="Content-Type: text/html", status="502 Bad Gateway"),
    _said("text", OK_BODY, "JSON that it calls text", gives(), kind="Content-Type: text/plain"),
    _said("no-type", OK_BODY, "JSON that it calls nothing", gives(), kind=None),
    _said("type-bad", OK_BODY, "a content type that is none", gives(),
          kind="Content-Type: ;;=\xe9"),
    _said("bom", b"\xef\xbb\xbf" + OK_BODY, "a byte order mark before its JSON", _ODD_FORM),
    _said("utf16", OK_BODY.decode().encode("utf-16"), "JSON in UTF-16", _ODD_FORM),
    _said("utf32", OK_BODY.decode().encode("utf-32"), "JSON in UTF-32", _ODD_FORM),
    _said("latin1", b'{"ok": "\xe9"}', "JSON in Latin-1"),
    _said("surrogate", b'{"ok": "\\ud800"}', "half a surrogate pair", gives(_ODD)),
    _charset("bad", "klingon", OK_BODY, "a charset that does not exist", gives()),
    _charset("codec", "zlib_codec", OK_BODY, "a codec instead of a charset", gives()),
    _charset("utf7", "utf-7", OK_BODY, "a charset that browsers refuse", gives()),
    _charset("nul", "utf-8\x01", OK_BODY, "a control character in its charset",
             gives()),
    _said("deep", b"[" * 200_000, "200,000 open brackets"),
    _said("bigint", b'{"ok": ' + b"9" * 5_000 + b"}", "a number of 5,000 digits"),
    _said("nan", b'{"ok": NaN}', "NaN where a model wants a boolean", ask=_MODEL),
    _said("scalar", b"7", "a number where a model wants an object", ask=_MODEL),
    _said("null", b"null", "null where a model wants an object", ask=_MODEL),
    _said("array", b"[]", "an array where a model wants an object", ask=_MODEL),
    _said("wrongshape", b'{"okay": true}', "an object without the field a model wants", ask=_MODEL),
    _said("wrongtype", b'{"ok": [1]}', "a field of another type than a model wants", ask=_MODEL),
    _said("model", OK_BODY, "what a model wants", gives(), ask=_MODEL),
    _said("twice", b'{"ok": false, "ok": true}', "a name twice, of which the last counts", gives()),
    Case("json-401-echo", "answers 401 and says the key it was sent", raises("Unauthorized"),
         _echo),
    _said("error-text", b"no", "400 and one word", raises("BadRequest"), status="400 Bad Request"),
    _said("error-list", b"[1, 2]", "400 and an array", raises("BadRequest"),
          status="400 Bad Request"),
    _said("error-deep", b'{"error":' * 100_000, "400 and 100,000 open objects",
          raises("BadRequest"), status="400 Bad Request"),
    _said("error-null", b'{"error": null}', "400 and no error", raises("BadRequest"),
          status="400 Bad Request"),
    _said("error-8bit", b'{"error": "\xe9\xff"}', "400 and 8-bit bytes", raises("BadRequest"),
          status="400 Bad Request"),
    _said("error-empty", b"", "503 and nothing", raises("ServiceUnavailable", sends=3),
          status="503 Service Unavailable", kind=None),
    _said("418", OK_BODY, "a status that has no class of its own", raises("StatusError"),
          status="418 I'm a teapot"),
)  # fmt: skip
