"""Requests and answers with something odd about them, made from ordinary ones by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

HEADS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nVary: a, b\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\ncontent-length: 0\r\n\r\n",
    b"HTTP/1.1 404 \r\nContent-Length:3\r\nX-Empty:\r\nX-Also: \r\n\r\n",
    b"HTTP/1.1 201\r\ncontent-length: 2\r\nset-cookie: a=b; Path=/\r\nset-cookie: c=d\r\n\r\n",
    b"HTTP/1.1 301 Moved Permanently\r\nLocation: /new?a=1#b\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n",
    b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 4\r\n\r\n',
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: folded\r\n over lines\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 200 caf\xc3\xa9\r\nX-Text: caf\xe9\r\nContent-Length: 5\r\n\r\n",
]
"""Heads of answers: of every kind that the two parsers know."""

BODIES = [
    b"",
    b"hello",
    b'{"id": "1"}\n',
    b"5\r\nhello\r\n0\r\n\r\n",
    b"5;a=b\r\nhello\r\n3\r\nyou\r\n0\r\nX-Sum: 1\r\n\r\n",
    b"helloHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
]

_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

_BYTES = [bytes([code]) for code in range(256)]
_PIECES = [
    *_BYTES,
    *(b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b"\0", b"\x0b", b"\x7f", b"\x80", b"\xff") * 6,
    *(b"\r\n\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"HTTP/1.1"),
    *(b"Connection: close\r\n", b"Connection: keep-alive\r\n", b"Upgrade: h2c\r\n", b"-1", b"+5"),
    *(b"0x5", b"99999999999999999999", b"00000000000000000005", b"1_0", b"\xd9\xa3", b"5;", b"5 "),
]


def mutated(data: bytes, chance: Random) -> bytes:
    """Return *data* with none to three things about it changed."""
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        at = chance.randrange(len(data) + 1)
        until = min(len(data), at + chance.choice((0, 0, 1, 1, 2, 8)))
        how = chance.randrange(4)
        if how == 0:
            put = chance.choice(_PIECES)
        elif how == 1:
            put = b""
        elif how == 2:
            put = data[at:until].swapcase()
        else:
            begun = chance.randrange(len(data) + 1)
            put = data[begun : begun + chance.choice((1, 4, 20))]
        data = data[:at] + put + data[until:]
    return data


def answer(chance: Random) -> list[bytes]:
    """Return an answer as it comes off the wire: in one piece, or in a few."""
    return pieces_of(
        mutated(chance.choice(HEADS), chance) + mutated(chance.choice(BODIES), chance), chance
    )


def chunked_answer(chance: Random) -> list[bytes]:
    """Return an answer in chunks, as it comes off the wire: about half have something odd."""
    sizes = [chance.choice((1, 2, 9, 10, 16, 300)) for _ in range(chance.randrange(5))]
    body = b"".join(_chunk(size, chance) for size in sizes)
    last = chance.choice((*(b"0",) * 9, b"00", b"000000000", b"0;x"))
    trailers = chance.choice((*(b"",) * 9, b"X-Sum: 1\r\n", b" \r\n"))
    beyond = chance.choice((*(b"",) * 9, b"!", HEADS[0]))
    body += last + b"\r\n" + trailers + b"\r\n" + beyond
    if chance.random() < 0.1:
        body = body[: chance.randrange(len(body))]
    pieces = pieces_of(mutated(body, chance) if chance.random() < 0.4 else body, chance) or [b""]
    return [_CHUNKED + pieces[0], *pieces[1:]]


def _chunk(size: int, chance: Random) -> bytes:
    how = chance.choice((*(b"%x",) * 20, b"%X", b"%04x", b"%012x", b"%x;a=b", b"%x "))
    return how % size + b"\r\n" + chance.randbytes(size) + b"\r\n"


def pieces_of(whole: bytes, chance: Random) -> list[bytes]:
    """Return *whole* as it comes off the wire: in one piece, or in a few."""
    cuts = sorted(chance.randrange(len(whole) + 1) for _ in range(chance.choice((0, 0, 1, 3))))
    return [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True) if a < b]


def headers(chance: Random) -> list[tuple[bytes, bytes]]:
    """Return the headers of a request."""
    given = [
        (b"Host", b"api.example.com"),
        (b"accept", b"*/*"),
        (b"connection", b"keep-alive"),
        (b"Content-Type", b"application/json"),
        (b"Content-Length", b"5"),
        (b"User-Agent", b"penstock/1 (x; y)"),
        (b"X-Empty", b""),
    ]
    more = [(b"Transfer-Encoding", b"chunked"), (b"Connection", b"close"), (b"Upgrade", b"x")]
    chosen = [pair for pair in given if chance.random() < 0.9]
    chosen += [pair for pair in [*more, *given] if chance.random() < 0.05]
    if chance.random() < 0.3:
        chance.shuffle(chosen)
    if chosen and chance.random() < 0.6:
        at = chance.randrange(len(chosen))
        name, value = chosen[at]
        odd = chance.random() < 0.5
        chosen[at] = (mutated(name, chance), value) if odd else (name, mutated(value, chance))
    return chosen
