"""The laws of sending a body again."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile

import anyio
import httpx
import httpx2
import pytest

from penstock_middleware.replay import Replay

URL = "https://api.example.com/upload"


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def family(request):
    return request.param


@pytest.fixture(params=["sync", "async"])
def colour(request):
    return request.param


class Reader:
    """A file that can only be read on, as a socket's."""

    def __init__(self, content):
        self._file = io.BytesIO(content)

    def read(self, size=-1):
        return self._file.read(size)

    def __iter__(self):
        yield self.read()


class AsyncReader:
    """An asynchronous file: not to be rewound without awaiting."""

    def __init__(self, content):
        self._file = io.BytesIO(content)

    async def read(self, size=-1):
        return self._file.read(size)

    async def tell(self):
        raise AssertionError("nobody awaits this")

    async def __aiter__(self):
        yield await self.read()


class NotSeekable(io.BytesIO):
    """A file that has the methods and says that they do not work."""

    def seekable(self):
        return False


class Chunks:
    """An iterable, each time anew."""

    def __iter__(self):
        yield from (b"one", b"two")


class AsyncChunks:
    async def __aiter__(self):
        for chunk in (b"one", b"two"):
            yield chunk


class SameIterator:
    """An iterable that hands out one and the same iterator, so that a second pass is empty."""

    def __init__(self):
        self._chunks = iter([b"one", b"two"])

    def __iter__(self):
        return self._chunks


class SameAsyncIterator:
    def __init__(self):
        self._chunks = aiter(AsyncChunks())

    def __aiter__(self):
        return self._chunks


class BreaksLater:
    """An iterable whose source is gone when it is asked for again."""

    asked = 0

    def __iter__(self):
        self.asked += 1
        if self.asked > 1:
            raise FileNotFoundError
        return iter([b"one"])


def generator():
    yield b"one"
    yield b"two"


async def async_generator():
    yield b"one"
    yield b"two"


def part(content):
    return {"files": [("first", ("first.bin", io.BytesIO(b"first"))), ("second", content)]}


def placed(content, position):
    file = io.BytesIO(content)
    file.seek(position)
    return file


class Wire:
    """A loop with nothing but a body in it, over a client of the family and colour.

    Outcomes: a status is sent once the body was read; "refused" is an error before that; "cut" is
    an error once the first chunk was read.
    """

    def __init__(self, family, colour, *outcomes):
        self.family = family
        self.outcomes = list(outcomes)
        self.bodies = []
        wire = self

        class Transport(family.BaseTransport, family.AsyncBaseTransport):
            def handle_request(self, request):
                return wire.answer(request, wire.take(iter(request.stream)))

            async def handle_async_request(self, request):
                chunks = aiter(request.stream)
                return wire.answer(request, await wire.take_async(chunks))

        client = family.Client if colour == "sync" else family.AsyncClient
        self.client = client(transport=Transport())

    def take(self, chunks):
        match self.outcomes[0]:
            case "refused":
                return b""
            case "cut":
                return next(chunks)
        return b"".join(chunks)

    async def take_async(self, chunks):
        match self.outcomes[0]:
            case "refused":
                return b""
            case "cut":
                first = await anext(chunks)
                await chunks.aclose()
                return first
        return b"".join([chunk async for chunk in chunks])

    def answer(self, request, body):
        self.bodies.append(body)
        match self.outcomes.pop(0):
            case "refused":
                raise self.family.ConnectError("refused", request=request)
            case "cut":
                raise self.family.WriteError("cut", request=request)
            case status:
                return self.family.Response(status, request=request)

    def attempt(self, request, replay):
        return self.family.Request(
            request.method, request.url, headers=request.headers, stream=replay.stream
        )

    async def send(self, request, replay):
        attempt = self.attempt(request, replay)
        if isinstance(self.client, self.family.Client):
            return self.client.send(attempt)
        return await self.client.send(attempt)

    async def loop(self, request):
        """Send until an attempt succeeds or the body stands in the way; return the last status."""
        replay = Replay.of(request)
        while True:
            status = None
            with contextlib.suppress(self.family.TransportError):
                status = (await self.send(request, replay)).status_code
            if status == 200 or not replay.can_resend() or not replay.rewind():
                return status, replay.note


def run(family, colour, body, *outcomes):
    """What was sent on each attempt, the last status, and the note on the body."""
    wire = Wire(family, colour, *outcomes)
    request = family.Request("POST", URL, **body)
    status, note = anyio.run(wire.loop, request)
    return wire.bodies, status, note


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({}, b""),
        ({"content": b"bytes"}, b"bytes"),
        ({"content": "text"}, b"text"),
        ({"json": {"a": 1}}, b'{"a":1}'),
        ({"data": {"a": "b c"}}, b"a=b+c"),
    ],
)
def test_bytes(family, colour, body, sent):
    """Bytes, JSON and forms are sent again as they are."""
    assert run(family, colour, body, 503, "cut", 200) == ([sent, sent, sent], 200, None)


@pytest.mark.parametrize(
    "content", [[b"one", b"two"], (b"one", b"two"), Chunks()], ids=["list", "tuple", "iterable"]
)
def test_iterables(family, content):
    """What can be iterated again is sent again whole, also when an attempt was cut."""
    body = {"content": content}
    sent = [b"onetwo", b"one", b"onetwo"]
    assert run(family, "sync", body, 503, "cut", 200) == (sent, 200, None)


def test_async_iterables(family):
    """What can be iterated asynchronously again is sent again whole."""
    body = {"content": AsyncChunks()}
    sent = [b"onetwo", b"one", b"onetwo"]
    assert run(family, "async", body, 503, "cut", 200) == (sent, 200, None)


@pytest.mark.parametrize("position", [0, 5, 6])
def test_files(family, position):
    """A seekable file is sent again from where it stood, not from its start."""
    body = {"content": placed(b"0123456789", position)}
    expected = b"0123456789"[position:]
    bodies, status, note = run(family, "sync", body, 503, "refused", 503, 200)
    assert (bodies, status, note) == ([expected, b"", expected, expected], 200, None)


def test_open_files(family, tmp_path):
    """A file on disk is sent again, more than one chunk of it too."""
    path = tmp_path / "body"
    path.write_bytes(bytes(200_000))
    with path.open("rb") as file:
        file.seek(5)
        bodies, status, _ = run(family, "sync", {"content": file}, 503, "cut", 200)
    assert ([len(body) for body in bodies], status) == ([199_995, 65_536, 199_995], 200)


def test_multipart(family, colour):
    """Each file of a multipart body is sent again."""
    body = part(("second.bin", placed(b"0123456789", 5)))
    bodies, status, note = run(family, colour, body, 503, 503, 200)
    assert (status, note) == (200, None)
    assert b"first" in bodies[0]
    assert bodies == [bodies[0]] * 3


def test_multipart_bytes(family, colour):
    """A multipart body of bytes and fields alone is sent again as it is."""
    body = {"data": {"field": "value"}, "files": {"a": b"bytes", "b": ("name", "text")}}
    bodies, status, note = run(family, colour, body, 503, 200)
    assert (status, note) == (200, None)
    assert bodies[0] == bodies[1]
    assert b"bytes" in bodies[0]


ONE_SHOT = {
    "generator": (generator, "generator can be read only once"),
    "iterator": (lambda: iter([b"one", b"two"]), "list_iterator can be read only once"),
    "same-iterator": (SameIterator, "SameIterator gives no new iterator"),
    "breaks-later": (BreaksLater, "BreaksLater gives no new iterator"),
    "reader": (lambda: Reader(b"onetwo"), "Reader cannot be rewound"),
    "not-seekable": (lambda: NotSeekable(b"onetwo"), "NotSeekable cannot be rewound"),
}
ASYNC_ONE_SHOT = {
    "async-generator": (async_generator, "async_generator can be read only once"),
    "async-iterator": (
        lambda: aiter(AsyncChunks()),
        "async_generator can be read only once",
    ),
    "async-same-iterator": (SameAsyncIterator, "SameAsyncIterator gives no new iterator"),
    "async-reader": (lambda: AsyncReader(b"onetwo"), "AsyncReader can be read only once"),
}
BODIES = [
    *(pytest.param("sync", *case, id=name) for name, case in ONE_SHOT.items()),
    *(pytest.param("async", *case, id=name) for name, case in ASYNC_ONE_SHOT.items()),
]


@pytest.mark.parametrize(("colour", "content", "why"), BODIES)
@pytest.mark.parametrize("outcome", [503, "cut"])
def test_one_shot(family, colour, content, why, outcome):
    """A body that can be read once is not sent again once its first chunk was read."""
    bodies, status, note = run(family, colour, {"content": content()}, outcome, 200)
    assert len(bodies) == 1
    assert bodies[0].startswith(b"one")
    assert status == (503 if outcome == 503 else None)
    assert note == f"body not replayable: {why}"


@pytest.mark.parametrize(
    ("colour", "content"),
    [
        ("sync", generator),
        ("sync", lambda: Reader(b"onetwo")),
        ("sync", lambda: NotSeekable(b"onetwo")),
        ("async", async_generator),
        ("async", lambda: AsyncReader(b"onetwo")),
    ],
)
def test_untouched_one_shot(family, colour, content):
    """A body that can be read once is sent when no earlier attempt had come to read it."""
    bodies, status, _ = run(family, colour, {"content": content()}, "refused", "refused", 200)
    assert (bodies, status) == ([b"", b"", b"onetwo"], 200)


def test_pipe(family):
    """A pipe is read once."""
    source, sink = os.pipe()
    os.write(sink, b"piped")
    os.close(sink)
    with os.fdopen(source, "rb") as file:
        bodies, status, note = run(family, "sync", {"content": file}, 503, 200)
    assert (bodies, status) == ([b"piped"], 503)
    assert note == "body not replayable: BufferedReader cannot be rewound"


def test_unseekable_multipart(family, colour):
    """A multipart body with a part that cannot be rewound is not sent again."""
    bodies, status, note = run(family, colour, part(("s", Reader(b"second"))), 503, 200)
    assert len(bodies) == 1
    assert status == 503
    assert note == "body not replayable: Reader cannot be rewound"


def test_temporary_files(family):
    """A temporary file of the standard library is rewound."""
    with tempfile.SpooledTemporaryFile() as file:
        file.write(b"spooled")
        file.seek(2)
        assert run(family, "sync", {"content": file}, 503, 200)[:2] == ([b"ooled"] * 2, 200)


def test_async_iterator_stream(family):
    """An asynchronous stream of the user's that is its own iterator is read once, to its end."""

    class Upload(family.AsyncByteStream):
        left = 2

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.left:
                raise StopAsyncIteration
            self.left -= 1
            return b"chunk"

    body = {"stream": Upload()}
    note = "body not replayable: Upload can be read only once"
    assert run(family, "async", body, 503, 200) == ([b"chunkchunk"], 503, note)


def test_notes_show_nothing(family):
    """A note names a type and no content, file or field."""
    secret = NotSeekable(b"sk-secret")
    secret.name = "/home/sk-secret"
    bodies, _, note = run(family, "sync", {"files": {"sk-secret": secret}}, 503, 200)
    assert b"sk-secret" in bodies[0]
    assert note == "body not replayable: NotSeekable cannot be rewound"
