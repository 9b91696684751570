"""The laws of a process that ends without having closed a thing: it ends, in silence."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .echo import Echo

START = """
import asyncio, os, sys, threading
import penstock
url = sys.argv[1]
"""
SCRIPTS = {
    "idle": """
client = penstock.Client(url, trust_env=False)
client.get("/it")
""",
    "a daemon thread in a call": """
client = penstock.Client(url, trust_env=False)
threading.Thread(target=client.get, args=("/hold",), daemon=True).start()
client.get("/it")
""",
    "a daemon thread among events": """
client = penstock.Client(url, trust_env=False)
read = threading.Event()
def follow():
    for event in client.stream_events("GET", "/events"):
        read.set()
threading.Thread(target=follow, daemon=True).start()
read.wait(10)
""",
    "an async client of the module": """
client = penstock.AsyncClient(url, trust_env=False)
async def main():
    await client.get("/it")
asyncio.run(main())
""",
    "an async client of the module, on trio": """
import trio
client = penstock.AsyncClient(url, trust_env=False)
async def main():
    await client.get("/it")
trio.run(main)
""",
    "a stream half read": """
client = penstock.Client(url, trust_env=False)
response = client.stream("GET", "/half-way").__enter__()
""",
    "an async stream half read": """
client = penstock.AsyncClient(url, trust_env=False)
kept = []
async def main():
    kept.append(client.stream_events("GET", "/events"))
    await anext(kept[0])
asyncio.run(main())
""",
    "in a child": """
client = penstock.Client(url, trust_env=False)
client.get("/it")
child = os.fork()
client.get("/it")
if child:
    assert os.waitpid(child, 0)[1] == 0
""",
    "in a child that uses nothing": """
client = penstock.Client(url, trust_env=False)
client.get("/it")
child = os.fork()
if not child:
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
client.get("/it")
""",
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_process_ends(script: str, server: Echo) -> None:
    """Without an error, without a word, and without waiting for anybody."""
    done = subprocess.run(
        [sys.executable, "-c", START + SCRIPTS[script], server.url],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
