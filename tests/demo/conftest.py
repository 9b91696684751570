"""A server of its own for each test, and two ways to talk to it: httpx and bare bytes."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from penstock.demo import DemoServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def server() -> Iterator[DemoServer]:
    with DemoServer() as running:
        yield running


@pytest.fixture
def client(server: DemoServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=10) as talking:
        yield talking


@pytest.fixture
def talk(server: DemoServer) -> Callable[[bytes], bytes]:
    """Send bytes on a new connection, end our side, and give all that comes back."""

    def exchange(data: bytes) -> bytes:
        with socket.create_connection((server.host, server.port), timeout=10) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            received = bytearray()
            while piece := sock.recv(65536):
                received += piece
        return bytes(received)

    return exchange
