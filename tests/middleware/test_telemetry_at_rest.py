"""The laws of telemetry nobody asked for: nothing is imported early, printed, or made."""

from __future__ import annotations

import subprocess
import sys

import pytest

USE = """
import asyncio
import itertools
import httpx
import penstock

statuses = itertools.cycle([200, 404])

def answer(request):
    assert "traceparent" not in request.headers
    return httpx.Response(next(statuses))

given = {"base_url": "https://api.example.com", "transport": httpx.MockTransport(answer)}

def use():
    with penstock.Client(**given) as client:
        assert client.get("/x").status_code == 200
        try:
            client.get("/x")
        except penstock.NotFound:
            pass
    asyncio.run(use_async())

async def use_async():
    async with penstock.AsyncClient(**given) as client:
        async with client.stream("GET", "/x") as response:
            await response.aread()
        try:
            await client.get("/x")
        except penstock.NotFound:
            pass
"""

PROGRAMS = {
    "nothing is printed without an SDK and without logging": (
        """
import sys
sys.modules["opentelemetry.sdk"] = None  # as if it were not installed
"""
        + USE
        + "use()"
    ),
    "structlog that is imported and not configured stays silent": (
        "import structlog\n" + USE + "use(); assert not structlog.is_configured()"
    ),
    "structlog is not imported to ask whether it is configured": (
        "import sys\n" + USE + "use(); assert 'structlog' not in sys.modules"
    ),
    "OpenTelemetry is imported at the first call, not before": (
        "import sys\n"
        + USE
        + """
penstock.Client(**given).close()
assert "opentelemetry.trace" not in sys.modules
use()
assert "opentelemetry.trace" in sys.modules
assert "opentelemetry.sdk" not in sys.modules
"""
    ),
    "no handler but one that does nothing is installed": (
        "import logging\n"
        + USE
        + """
use()
use()
assert logging.getLogger().handlers == []
(handler,) = logging.getLogger("penstock").handlers
assert type(handler) is logging.NullHandler
"""
    ),
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_at_rest(program: str) -> None:
    """A program that uses Penstock and sets no telemetry up sees and hears nothing of it."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)
