"""`/signed/{name}`: a storage beside the API, whose signed URLs take the place of the key."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from penstock.demo.responses import APIError, DemoResponse, json_response

if TYPE_CHECKING:
    from penstock.demo.requests import DemoRequest

FOLDER = "/signed/"
EXPIRES_IN = 3600
"""Seconds that a signed URL is said to work for; here it works for as long as the server does."""

_SIGNATURE = "demo"


def signed_url(request: DemoRequest, name: str) -> str:
    """Give the URL at which a file can be read or written by whoever has it.

    Args:
        request: The request that asks for it; the URL leads to the same host.
        name: The file's name.

    Returns:
        The URL.
    """
    host = request.headers.get("host") or "localhost"
    return f"http://{host}{FOLDER}{quote(name, safe='')}?signature={_SIGNATURE}"


def read(request: DemoRequest, name: str) -> DemoResponse:
    """Give a file: a line with its name."""
    _check(request)
    body = f"This is {name}.\n".encode("utf-8", "replace")
    return DemoResponse(200, (("content-type", "text/plain; charset=utf-8"),), body)


def write(request: DemoRequest, name: str) -> DemoResponse:
    """Take a file, and keep nothing of it."""
    _check(request)
    return json_response({"name": name, "size": len(request.body)})


def _check(request: DemoRequest) -> None:
    if request.param("signature") != _SIGNATURE:
        raise APIError(403, "The URL is not signed", param="signature")
