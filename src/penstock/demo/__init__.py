"""An API server inside the process: OpenAI-shaped, deterministic, with faults on request."""

from __future__ import annotations

from penstock.demo.requests import DemoRequest
from penstock.demo.server import DemoServer

__all__ = ["DemoRequest", "DemoServer"]
