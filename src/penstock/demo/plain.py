"""Routes that show plain HTTP: statuses, what was sent, redirects, a stream of lines, slowness."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from penstock.demo.fields import seconds, whole_number
from penstock.demo.responses import APIError, DemoResponse, json_response, to_json

if TYPE_CHECKING:
    from penstock.demo.requests import DemoRequest

# RFC 9110 section 15: 204, 205 and 304 carry no content.
_EMPTY = {204, 205, 304}
_REDIRECTS = {"301", "302", "303", "307", "308"}
_LINES = 5
_LARGEST_FILE = 100 * 1024 * 1024
_PATTERN = bytes(range(256)) * 4


def status(_request: DemoRequest, code: str) -> DemoResponse:
    """Answer with the status asked for, 200 to 599; from 400 on, as an error of the API."""
    number = whole_number(code, "code", low=200, high=599)
    if number >= 400:
        raise APIError(number, f"You asked for status {number}")
    if number in _EMPTY:
        return DemoResponse(number)
    return json_response({"status": number}, status=number)


def echo(request: DemoRequest) -> DemoResponse:
    """Give the request back as JSON, its credentials masked wherever they stand."""
    shown = request.headers.mask
    return json_response(
        {
            "method": request.method,
            "path": shown(request.path),
            "query": [[shown(name), shown(value)] for name, value in request.query],
            "headers": [[name, shown(value)] for name, value in request.headers],
            "body": shown(request.body.decode("utf-8", "replace")),
        }
    )


def redirect_chain(_request: DemoRequest, count: str) -> DemoResponse:
    """Redirect `count` times (302), at last to `/echo`."""
    left = whole_number(count, "count", low=1, high=1000) - 1
    return DemoResponse(302, (("location", f"/redirect/{left}" if left else "/echo"),))


def redirect_to(request: DemoRequest) -> DemoResponse:
    """Redirect to `url` as it is written, with `status` (302 unless told)."""
    url = request.param("url") or ""
    if not url or not url.isascii() or not url.isprintable():
        raise APIError(400, "'url' must be printable ASCII", param="url")
    code = request.param("status") or "302"
    if code not in _REDIRECTS:
        raise APIError(400, "'status' must be 301, 302, 303, 307 or 308", param="status")
    return DemoResponse(int(code), (("location", url),))


def file(request: DemoRequest, size: str) -> DemoResponse:
    """Give a file of `size` bytes, or the part of it that `Range` asks for (RFC 9110 section 14).

    Its tag is strong and follows from the size; `If-Range` with another gets all of it.
    """
    whole = whole_number(size, "size", low=0, high=_LARGEST_FILE)
    body = (_PATTERN * (whole // len(_PATTERN) + 1))[:whole]
    tag = f'"demo-{whole}"'
    headers = (
        ("content-type", "application/octet-stream"),
        ("accept-ranges", "bytes"),
        ("etag", tag),
    )
    asked = re.fullmatch(r"bytes=([0-9]{1,9})-", request.headers.get("range") or "")
    if asked is None or request.headers.get("if-range") not in {None, tag}:
        return DemoResponse(200, headers, body)
    first = int(asked[1])
    if first >= whole:
        return DemoResponse(416, (*headers, ("content-range", f"bytes */{whole}")))
    place = ("content-range", f"bytes {first}-{whole - 1}/{whole}")
    return DemoResponse(206, (*headers, place), body[first:])


def slow(request: DemoRequest) -> DemoResponse:
    """Answer after `seconds` (1 unless told)."""
    delay = seconds(request.param("seconds") or "1", "seconds")
    response = json_response({"seconds": delay})
    return DemoResponse(200, response.headers, response.body, delay=delay)


def json_lines(_request: DemoRequest) -> DemoResponse:
    """Stream five JSON documents, one a line."""
    lines = tuple(to_json({"index": index}) + b"\n" for index in range(_LINES))
    return DemoResponse(headers=(("content-type", "application/x-ndjson"),), events=lines)
