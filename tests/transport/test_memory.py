"""How much memory a body takes: once its size where it is held, next to nothing where it passes."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZE = 32 * 1024 * 1024
CHUNK = 64 * 1024


@pytest.fixture
def address() -> Iterator[str]:
    """A server on loopback that takes any body and gives `SIZE` bytes to a GET."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=_serve, args=(listener,), daemon=True)
        serving.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        serving.join()


@pytest.mark.parametrize("colour", ["sync", "asyncio", "trio"])
def test_memory(colour: str, address: str) -> None:
    """A held body is there once; a streamed one, up or down, a few chunks at a time."""
    probe = Path(__file__).with_name("memory_probe.py")
    ran = subprocess.run(
        [sys.executable, str(probe), colour, address],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    peaks = json.loads(ran.stdout)
    assert list(peaks) == ["held", "read", "downloaded", "bytes sent", "chunks sent", "file sent"]
    # What is gathered before room is made for all of it comes on top.
    assert SIZE <= peaks.pop("held") < 1.1 * SIZE
    # A download gathers 1 MiB for one write.
    assert {name: peak for name, peak in peaks.items() if peak > 64 * CHUNK} == {}


def _serve(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer_all, args=(connection,), daemon=True).start()


def _answer_all(connection: socket.socket) -> None:
    with connection, connection.makefile("rb") as incoming:
        while head := _head(incoming):
            if head.pop(b"") == b"get":
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
                for _ in range(SIZE // CHUNK):
                    connection.sendall(bytes(CHUNK))
                continue
            _pass_over(incoming, head)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def _head(incoming: BinaryIO) -> dict[bytes, bytes]:
    first = incoming.readline()
    head = {b"": first.split()[0].lower()} if first else {}
    while (line := incoming.readline().strip()) if first else b"":
        name, _, value = line.partition(b":")
        head[name.lower()] = value.strip()
    return head


def _pass_over(incoming: BinaryIO, head: dict[bytes, bytes]) -> None:
    read = incoming.read
    left = int(head.get(b"content-length", b"0"))
    while left:
        left -= len(read(min(left, CHUNK)))
    if b"transfer-encoding" in head:
        while size := int(incoming.readline(), 16):
            read(size + 2)
        incoming.readline()
