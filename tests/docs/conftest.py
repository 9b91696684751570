"""Where examples run: a directory and environment of their own, the demo server for a network."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.metrics import _internal as metrics
from opentelemetry.util._once import Once

from penstock import telemetry
from penstock.demo import DemoServer
from penstock.transport.backend import (
    AsyncLimitedBackend,
    AsyncLimitedStream,
    LimitedBackend,
    LimitedStream,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOOPBACK = "127.0.0.1"


@pytest.fixture(scope="session")
def demo_server() -> Iterator[DemoServer]:
    with DemoServer() as server:
        yield server


@pytest.fixture
def demo_network(demo_server: DemoServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the demo server be every host below example.com, TLS or not, and the only one."""
    connect, aconnect = LimitedBackend.connect_tcp, AsyncLimitedBackend.connect_tcp

    def way_to(host: str, port: int) -> tuple[str, int]:
        if host == _LOOPBACK:
            return host, port
        assert host.endswith("example.com"), f"an example calls {host}"
        return _LOOPBACK, demo_server.port

    def connect_tcp(self: LimitedBackend, host: str, port: int, *rest: Any, **more: Any) -> Any:
        return connect(self, *way_to(host, port), *rest, **more)

    async def aconnect_tcp(
        self: AsyncLimitedBackend, host: str, port: int, *rest: Any, **more: Any
    ) -> Any:
        return await aconnect(self, *way_to(host, port), *rest, **more)

    def start_tls(self: LimitedStream, *_: Any, **__: Any) -> LimitedStream:
        return self

    async def astart_tls(self: AsyncLimitedStream, *_: Any, **__: Any) -> AsyncLimitedStream:
        return self

    monkeypatch.setattr(LimitedBackend, "connect_tcp", connect_tcp)
    monkeypatch.setattr(AsyncLimitedBackend, "connect_tcp", aconnect_tcp)
    monkeypatch.setattr(LimitedStream, "start_tls", start_tls)
    monkeypatch.setattr(AsyncLimitedStream, "start_tls", astart_tls)


@pytest.fixture
def own_telemetry(demo_server: DemoServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Global providers that an example may set are gone after it; what it exports is refused."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", demo_server.url)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    monkeypatch.setattr(metrics, "_METER_PROVIDER", None)
    monkeypatch.setattr(metrics, "_METER_PROVIDER_SET_ONCE", Once())
    monkeypatch.setattr(telemetry, "_installed", None)
    yield
    if telemetry._installed is not None:
        telemetry._installed.shutdown()


@pytest.fixture
def own_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_telemetry: None
) -> Iterator[Path]:
    """An empty home, no settings and proxies; logging and variables are put back after."""
    for name in os.environ:
        if name.upper().startswith("PENSTOCK_") or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    kept = [
        (logger, logger.level, list(logger.handlers))
        for logger in (logging.getLogger(), logging.getLogger("penstock"))
    ]
    with mock.patch.dict(os.environ):  # an example may set variables
        yield tmp_path
    for logger, level, handlers in kept:
        logger.setLevel(level)
        logger.handlers[:] = handlers
    structlog.reset_defaults()
