"""httpx2's response and byte streams with what Penstock adds; `httpx_messages` is its twin."""

from __future__ import annotations

import httpx2

from penstock.body import ObservedBody
from penstock.transport.handed import HandedBody
from penstock.transport.our_response import OurResponse


class Body(ObservedBody, httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """An open body, observed."""


class Handed(HandedBody, httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """An open body in the hands of an `httpx2.Client`."""


class Response(OurResponse, httpx2.Response):
    """An `httpx2.Response` whose `json()` raises `DecodeError`."""
