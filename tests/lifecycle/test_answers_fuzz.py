"""The law of answers: whatever a server says, a call ends with a result or an error of ours.

python tests/lifecycle/test_answers_fuzz.py 30000
"""

from __future__ import annotations

import gzip
import random
import sys
from typing import Any

import httpcore
import httpx
import pytest

from penstock import Client, PenstockError
from penstock.transport.backend import LimitedBackend
from penstock.transport.owned import SyncPools
from penstock.transport.pool_factory import PoolFactory

SEEDS = [
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}',
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nto the end of the connection",
    b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 401 No\r\nWWW-Authenticate: B\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 429 Slow\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
    % (len(gzip.compress(b"hello", mtime=0)), gzip.compress(b"hello", mtime=0)),
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {}\n\ndata: [DONE]\n\n",
]
PIECES = [b"\r\n", b"\n", b"\x00", b"\xff", b":", b" ", b";", b"-1", b"9" * 30, b"chunked", b"gzip"]
PIECES += [
    b"%2e%2e/",
    b"http://[::1",
    b"//x@y",
    b"0\r\n\r\n",
    b"\xe2\x80\xa9",
    b"Location: ftp://h",
]


def changed(chance: random.Random) -> bytes:
    """Return an answer with one to five changes."""
    answer = bytearray(chance.choice(SEEDS))
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(answer) + 1)
        kind = chance.randrange(5)
        if kind == 0:
            answer[at : at + chance.randint(1, 8)] = b""
        elif kind == 1:
            answer[at:at] = chance.choice(PIECES)
        elif kind == 2:
            answer[at : at + 1] = bytes([chance.randrange(256)])
        elif kind == 3:
            del answer[at:]
        else:
            other = chance.choice(SEEDS)
            answer[at:] = other[chance.randrange(len(other)) :]
    return bytes(answer)


class Saying:
    """A backend whose every connection says one answer, in two pieces, and ends."""

    def __init__(self) -> None:
        self.answer = b""

    def connect_tcp(self, *args: Any, **options: Any) -> Any:
        half = len(self.answer) // 2
        return httpcore.MockStream([self.answer[:half], self.answer[half:]])


def client_of(saying: Saying) -> Client:
    class Factory(PoolFactory):
        @staticmethod
        def _backend_class(core: Any, **most: Any) -> Any:
            return LimitedBackend(core, saying, **most)

    class Pools(SyncPools, httpx.BaseTransport):
        _factory_class = Factory

    return Client("http://127.0.0.1", transport=Pools(trust_env=False), max_retries=0)


def try_out(count: int, seed: int) -> int:
    """Send *count* requests, and return how many ended well; anything untyped comes out."""
    chance, saying = random.Random(seed), Saying()
    well = 0
    with client_of(saying) as client:
        for number in range(count):
            saying.answer = changed(chance)
            try:
                if number % 4 == 0:
                    list(client.stream_events("GET", "/it"))
                else:
                    response = client.get("/it")
                    assert isinstance(response.content, bytes)
                    if number % 4 == 1:
                        response.json()
            except PenstockError:
                continue
            except Exception as error:
                error.add_note(f"seed {seed}, answer {number}: {saying.answer!r}")
                raise
            finally:
                assert client._wire.transport.pool_status().active == 0, saying.answer
            well += 1
    return well


@pytest.mark.parametrize("seed", range(5))
def test_whatever_a_server_says(seed: int) -> None:
    """A result or a typed error comes of it, and no connection stays leased."""
    assert 0 < try_out(100, seed) < 100


if __name__ == "__main__":
    asked = int(sys.argv[1])
    print(
        f"{asked:,} answers: {try_out(asked, seed=1):,} ended well, the others in a PenstockError"
    )
