"""httpx's response and byte streams with what Penstock adds; `httpx2_messages` is its twin."""

from __future__ import annotations

import httpx

from penstock.body import ObservedBody
from penstock.transport.handed import HandedBody
from penstock.transport.our_response import OurResponse


class Body(ObservedBody, httpx.SyncByteStream, httpx.AsyncByteStream):
    """An open body, observed."""


class Handed(HandedBody, httpx.SyncByteStream, httpx.AsyncByteStream):
    """An open body in the hands of an `httpx.Client`."""


class Response(OurResponse, httpx.Response):
    """An `httpx.Response` whose `json()` raises `DecodeError`."""
