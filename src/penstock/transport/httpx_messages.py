"""httpx's response and byte streams with what Penstock adds; `httpx2_messages` is its twin."""

from __future__ import annotations

import httpx

from penstock.body import ObservedBody
from penstock.transport.typed import OurResponse


class Response(OurResponse, httpx.Response):
    """An `httpx.Response` whose `json()` raises `DecodeError`."""


class Body(ObservedBody, httpx.SyncByteStream, httpx.AsyncByteStream):
    """An open body, observed."""
