"""From what aiohttp raised to the family's error for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy

from penstock.errors import PenstockError

if TYPE_CHECKING:
    from penstock.transport.family import Family

_NAMES: tuple[tuple[type[BaseException], str], ...] = (
    (aiohttp.ConnectionTimeoutError, "ConnectTimeout"),
    (asyncio.TimeoutError, "ReadTimeout"),
    (aiohttp.ClientProxyConnectionError, "ProxyError"),
    (aiohttp.ClientHttpProxyError, "ProxyError"),
    (aiohttp.ClientConnectorError, "ConnectError"),
    (aiohttp.ServerDisconnectedError, "RemoteProtocolError"),
    (aiohttp.ClientPayloadError, "RemoteProtocolError"),
    (aiohttp.ClientResponseError, "RemoteProtocolError"),
    (aiohttp.InvalidURL, "ConnectError"),
    (aiohttp.NonHttpUrlClientError, "UnsupportedProtocol"),
    (aiohttp.ClientError, "ReadError"),
    (OSError, "ReadError"),
    (UnicodeError, "ConnectError"),
    (ValueError, "LocalProtocolError"),
)
"""The first that matches decides. A `UnicodeError` is of a host's name that does not encode; any
other `ValueError` is of a header that cannot be sent."""

_OWN_WORDS = {
    "ConnectTimeout": "connecting took too long",
    "ReadTimeout": "no time is left",
    "UnsupportedProtocol": "the URL is neither http nor https",
    "LocalProtocolError": "Illegal header value",
}
"""What is said instead of aiohttp's text, which would quote the URL or the header."""


class NotRepeated(aiohttp.ClientError):
    """An error after which aiohttp would have sent the request once more.

    Args:
        error: The error.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def failure_of(error: BaseException, family: Family) -> Exception | None:
    """Return the family's error for what aiohttp raised, or None for what is none of its own."""
    if isinstance(error, NotRepeated):
        error = error.error
    name = next((name for kind, name in _NAMES if isinstance(error, kind)), None)
    if name is None or isinstance(error, PenstockError) or not isinstance(error, Exception):
        return None
    if isinstance(error, aiohttp.ClientResponseError):
        _forget_headers(error)
    text = _OWN_WORDS.get(name) or _text(error)
    failure: Exception = getattr(family.http, name)(text)
    return failure


def _forget_headers(error: aiohttp.ClientResponseError) -> None:
    """Take the request's headers off an error that becomes a cause: they hold the credential."""
    error.request_info = error.request_info._replace(headers=CIMultiDictProxy(CIMultiDict()))
    error.args = (error.request_info, error.history)


def _text(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientResponseError):
        return f"{error.status} {error.message}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection without an answer"
    if isinstance(error, aiohttp.InvalidURL):
        return "the URL names no host to connect to"
    return str(error) or type(error).__name__
