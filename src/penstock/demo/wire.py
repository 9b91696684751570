"""Reading one request off a connection, by RFC 9112 and no more leniently than it asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl

from penstock.demo.requests import Headers
from penstock.demo.responses import APIError

if TYPE_CHECKING:
    from io import BufferedReader

# RFC 9112 section 3 asks for request lines of at least 8000 octets.
MAX_LINE = 8192
MAX_FIELDS = 100
MAX_BODY = 64 * 1024 * 1024

# RFC 9110 section 5.6.2 (token) and section 5.5 (field values: no control characters but tab).
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([!-~]+) (HTTP/[0-9]\.[0-9])")
_FIELD_LINE = re.compile(rb"(" + _TOKEN + rb"):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")
# RFC 9112 section 3.2: origin-form, or the absolute-form a client sends to a proxy.
_TARGET = re.compile(r"(?:http://[^/?#]+)?(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?")
# RFC 9112 section 7.1, with its extensions ignored as it asks.
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?")


class Head(NamedTuple):
    """A request without its body; the attributes are those of `DemoRequest`."""

    method: str
    target: str
    path: str
    query: list[tuple[str, str]]
    version: str
    headers: Headers


def _read_line(stream: BufferedReader, *, too_long: int = 431) -> bytes:
    line = stream.readline(MAX_LINE + 2)
    if line.endswith(b"\r\n"):
        return line[:-2]
    if line.endswith(b"\n"):
        raise APIError(400, "A line of the request ends without CR")
    if len(line) > MAX_LINE:
        raise APIError(too_long, f"A line of the request is longer than {MAX_LINE} bytes")
    raise ConnectionAbortedError("the client left in the middle of a request")


def _read_exactly(stream: BufferedReader, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise ConnectionAbortedError("the client left in the middle of a body")
    return data


def _read_fields(stream: BufferedReader) -> Headers:
    headers = Headers()
    while line := _read_line(stream):
        field = _FIELD_LINE.fullmatch(line)
        if field is None:
            raise APIError(400, "A header line of the request is malformed")
        if len(headers) == MAX_FIELDS:
            raise APIError(431, f"The request has more than {MAX_FIELDS} header lines")
        headers.append((field[1].decode("ascii"), field[2].decode("latin-1")))
    return headers


def read_head(stream: BufferedReader) -> Head | None:
    """Read a request line and its header fields.

    Args:
        stream: The connection's bytes, at the start of a request.

    Returns:
        The head, or `None` when the client closed the connection between requests.

    Raises:
        APIError: 400, 414, 431 or 505, when the head breaks RFC 9112 or a limit of this server.
        ConnectionAbortedError: When the client left in the middle of the head.
    """
    if not stream.peek(1):
        return None
    # RFC 9112 section 2.2: an empty line ahead of the request line is ignored.
    line = _read_line(stream, too_long=414) or _read_line(stream, too_long=414)
    parts = _REQUEST_LINE.fullmatch(line)
    if parts is None:
        raise APIError(400, "The request line is malformed")
    method, target, version = (part.decode("ascii") for part in parts.groups())
    if version not in {"HTTP/1.0", "HTTP/1.1"}:
        raise APIError(505, "This server speaks HTTP/1.0 and HTTP/1.1")
    form = _TARGET.fullmatch(target)
    if form is None:
        raise APIError(400, "The request target is malformed")
    headers = _read_fields(stream)
    hosts = len(headers.all("host"))
    if hosts > 1 or (hosts == 0 and version == "HTTP/1.1"):
        raise APIError(400, "The request must carry one Host header")  # RFC 9112 section 3.2
    query = parse_qsl(form["query"] or "", keep_blank_values=True)
    return Head(method, target, form["path"] or "/", query, version, headers)


def read_body(stream: BufferedReader, head: Head) -> bytes:
    """Read the body that belongs to a head.

    Args:
        stream: The connection's bytes, just past the head.
        head: What was read there.

    Returns:
        The body, freed of chunked framing; empty when the head announces none.

    Raises:
        APIError: 400, 413 or 501, when its framing breaks RFC 9112 section 6 or it is larger than
            `MAX_BODY`.
        ConnectionAbortedError: When the client left before the end of the body.
    """
    codings = head.headers.all("transfer-encoding")
    lengths = head.headers.all("content-length")
    if codings:
        if lengths or head.version == "HTTP/1.0":
            raise APIError(400, "Transfer-Encoding goes with HTTP/1.1 and no Content-Length")
        if [coding.lower() for coding in codings] != ["chunked"]:
            raise APIError(501, "The only transfer coding this server knows is chunked")
        return _read_chunks(stream)
    if not lengths:
        return b""
    if len(lengths) > 1 or not re.fullmatch(r"[0-9]{1,18}", lengths[0]):
        raise APIError(400, "Content-Length must be one whole number")
    return _read_exactly(stream, _affordable(int(lengths[0])))


def _read_chunks(stream: BufferedReader) -> bytes:
    body = bytearray()
    while True:
        size = _CHUNK_SIZE.fullmatch(_read_line(stream))
        if size is None:
            raise APIError(400, "A chunk size of the request body is malformed")
        length = int(size[1], 16)
        if length == 0:
            _read_fields(stream)
            return bytes(body)
        _affordable(len(body) + length)
        body += _read_exactly(stream, length)
        if _read_line(stream):
            raise APIError(400, "A chunk of the request body is longer than its size")


def _affordable(size: int) -> int:
    if size > MAX_BODY:
        raise APIError(413, f"The body of the request is larger than {MAX_BODY} bytes")
    return size
