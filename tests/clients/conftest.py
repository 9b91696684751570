"""The events of models are collected where OpenTelemetry's API has events."""

from __future__ import annotations

from tests.events import HAS_EVENTS

collect_ignore = [] if HAS_EVENTS else ["test_genai_events.py"]
