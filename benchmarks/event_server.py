"""A server of event streams in another process: the same bytes, written as they were given.

Run as a program it reads the body of every answer from its standard input, framed already, prints
the port it listens on, and sends that to whoever asks until its standard input's reader ends it.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Cache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n"
)
WRITE = 16 * 1024
"""Bytes of one write: about 64 events."""


def framed(events: list[bytes], each: int) -> bytes:
    """Return a chunked body with *each* of the events to a chunk (RFC 9112 §7.1)."""
    chunks = (b"".join(events[at : at + each]) for at in range(0, len(events), each))
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


@contextmanager
def event_server(events: list[bytes], each: int) -> Iterator[str]:
    """Serve *events*, *each* to a chunk, inside a `with` block; give the server's URL."""
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(framed(events, each))
            process.stdin.close()
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


async def _serve(body: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                _, _, length = head.partition(b"content-length:")
                await reader.readexactly(int(length.split(b"\r\n", 1)[0] or 0))
                writer.write(HEAD)
                for at in range(0, len(body), WRITE):
                    writer.write(body[at : at + WRITE])
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(sys.stdin.buffer.read()))
