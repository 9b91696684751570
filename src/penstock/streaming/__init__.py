"""Streams: sans-IO decoders from bytes to events."""

from __future__ import annotations

from penstock.streaming.decoder import Decoder
from penstock.streaming.event import Event
from penstock.streaming.ndjson import NDJSONDecoder
from penstock.streaming.sse import SSEDecoder, is_event_stream

__all__ = ["Decoder", "Event", "NDJSONDecoder", "SSEDecoder", "is_event_stream"]
