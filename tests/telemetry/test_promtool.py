"""Prometheus's own tool reads the metrics; collected where `promtool` is installed."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from .prometheus import PROMTOOL, scraped

if TYPE_CHECKING:
    from penstock.demo import DemoServer


def test_promtool_has_no_complaint(server: DemoServer) -> None:
    """`promtool check metrics` parses the text and finds nothing to say about it."""
    text = scraped(server)
    done = subprocess.run(
        [str(PROMTOOL), "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "http_client_request_duration_seconds_bucket" in text
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
