"""OpenTelemetry's events, by the names that they have in the version that is installed."""

from __future__ import annotations

import inspect
from typing import Any

from opentelemetry._logs import Logger
from opentelemetry.sdk._logs import export

HAS_EVENTS = "event_name" in inspect.signature(Logger.emit).parameters
"""Whether the API has events: from 1.38 on."""

Records: Any = getattr(export, "InMemoryLogRecordExporter", None) or export.InMemoryLogExporter
"""What keeps records in memory: `InMemoryLogExporter` before 1.39."""
