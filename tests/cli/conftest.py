"""The command line, in this process or its own, away from the settings of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from penstock.cli.group import penstock
from penstock.demo import DemoServer

from .chromium import CHROMIUM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

collect_ignore = [] if CHROMIUM else ["test_in_chromium.py"]

API_KEY = "a-key-nobody-should-see-4711"


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An empty directory to be in, and variables that say nothing."""
    for name in list(os.environ):
        if name.startswith("PENSTOCK_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return {name: value for name, value in os.environ.items() if not name.startswith("COV_")}


@pytest.fixture
def invoke(environ: dict[str, str]) -> Callable[..., Result]:
    """Run `penstock` in this process."""

    def run(*arguments: str, **options: Any) -> Result:
        return CliRunner().invoke(penstock, arguments, prog_name="penstock", **options)

    return run


@pytest.fixture
def spawn(environ: dict[str, str]) -> Callable[..., subprocess.Popen[str]]:
    """Start `penstock` in a process of its own."""

    def start(*arguments: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "penstock.cli", *arguments],
            env={**environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def server() -> Iterator[DemoServer]:
    with DemoServer(api_key=API_KEY) as running:
        yield running


@pytest.fixture
def at_server(server: DemoServer, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The demo server as the base URL of the settings, with its key."""
    monkeypatch.setenv("PENSTOCK_BASE_URL", server.url)
    monkeypatch.setenv("PENSTOCK_API_KEY", API_KEY)
    return server.url
