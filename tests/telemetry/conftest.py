"""A backend, a server to call, and an environment that says nothing about either."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from penstock.demo import DemoServer

from .prometheus import PROMTOOL
from .receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

collect_ignore = [] if PROMTOOL else ["test_promtool.py"]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OTEL_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def server() -> Iterator[DemoServer]:
    with DemoServer() as running:
        yield running
