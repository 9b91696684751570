"""The events of models are collected where OpenTelemetry's API has events: from 1.38 on."""

from __future__ import annotations

import inspect

from opentelemetry._logs import Logger

HAS_EVENTS = "event_name" in inspect.signature(Logger.emit).parameters

collect_ignore = [] if HAS_EVENTS else ["test_genai_events.py"]
