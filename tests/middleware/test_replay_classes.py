"""The laws of telling which bodies can be sent again."""

from __future__ import annotations

import io
import pickle

import anyio
import httpx
import httpx2
import pytest

from penstock_middleware.replay import OneShot, Reiterable, Replay, Rewindable

URL = "https://api.example.com/upload"


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def family(request):
    return request.param


class Reader:
    """A file that can only be read on, as a socket's."""

    def __init__(self, content):
        self._file = io.BytesIO(content)

    def read(self, size=-1):
        return self._file.read(size)

    def __iter__(self):
        yield self.read()


def generator():
    yield b"one"
    yield b"two"


async def async_generator():
    yield b"one"
    yield b"two"


def placed(content, position):
    file = io.BytesIO(content)
    file.seek(position)
    return file


def test_multipart_files_go_back():
    """Every file of a multipart body is moved to where it stood."""
    first, second = placed(b"first", 2), placed(b"second", 3)
    request = httpx.Request("POST", URL, files={"a": first, "b": second, "c": b"bytes"})
    replay = Replay.of(request)
    b"".join(replay.stream)
    assert (first.tell(), second.tell()) == (5, 6)
    assert replay.rewind()
    assert (first.tell(), second.tell()) == (2, 3)


def test_unseekable_multipart_moves_nothing(family):
    """When one part cannot be rewound, no other part is moved."""
    first = placed(b"first", 2)
    request = family.Request("POST", URL, files=[("a", first), ("b", Reader(b"second"))])
    replay = Replay.of(request)
    assert first.tell() == 2
    assert replay.can_resend()
    b"".join(replay.stream)
    assert not replay.can_resend()
    assert replay.rewind()
    assert first.tell() == 5


def test_closed_before(family):
    """A file that was closed before the first attempt cannot be sent again."""
    file = io.BytesIO(b"body")
    request = family.Request("POST", URL, content=file)
    file.close()
    replay = Replay.of(request)
    assert type(replay) is OneShot
    with pytest.raises(ValueError, match="closed file"):
        b"".join(replay.stream)
    assert replay.note == "body not replayable: BytesIO cannot be rewound"


def test_closed_after(family):
    """A file that was closed after the first attempt cannot be sent again."""
    file = io.BytesIO(b"body")
    replay = Replay.of(family.Request("POST", URL, content=file))
    assert replay.can_resend()
    file.close()
    assert not replay.can_resend()
    assert replay.note == "body not replayable: BytesIO can no longer be rewound"


def test_closed_in_between(family):
    """A file closed after it was asked about lets itself not be rewound, and nothing is raised."""
    file = io.BytesIO(b"body")
    replay = Replay.of(family.Request("POST", URL, content=file))
    assert replay.can_resend()
    file.close()
    assert not replay.rewind()


def test_asking_moves_nothing(family):
    """To ask whether a body can be sent again moves no file: the caller may never send it again."""
    file = placed(b"0123456789", 5)
    replay = Replay.of(family.Request("POST", URL, content=file))
    assert file.tell() == 5
    b"".join(replay.stream)
    assert replay.can_resend()
    assert file.tell() == 10


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"bytes", Replay),
        ([b"list"], Reiterable),
        (io.BytesIO(b"file"), Rewindable),
        (Reader(b"reader"), OneShot),
    ],
    ids=["bytes", "list", "file", "reader"],
)
def test_same_stream(family, content, kind):
    """Only a body that is read once is wrapped: the others travel as the family made them."""
    request = family.Request("POST", URL, content=content)
    replay = Replay.of(request)
    assert type(replay) is kind
    assert (replay.stream is request.stream) == (kind is not OneShot)


@pytest.mark.parametrize("content", [generator, async_generator])
def test_colour_and_family(family, content):
    """A wrapped body is a stream of its own family and colour, and of no other."""
    stream = Replay.of(family.Request("POST", URL, content=content())).stream
    synchronous = content is generator
    other = httpx2 if family is httpx else httpx
    assert isinstance(stream, family.SyncByteStream) == synchronous
    assert isinstance(stream, family.AsyncByteStream) != synchronous
    assert not isinstance(stream, (other.SyncByteStream, other.AsyncByteStream))
    assert hasattr(stream, "__iter__") == synchronous
    assert hasattr(stream, "__aiter__") != synchronous


def test_one_class_for_each_kind(family):
    """The classes of wrapped streams are made once: calls leave no garbage behind."""
    requests = [family.Request("POST", URL, content=generator()) for _ in range(2)]
    assert type(Replay.of(requests[0]).stream) is type(Replay.of(requests[1]).stream)


def test_iterating_is_not_reading(family):
    """A body counts as read at its first chunk, not when somebody takes an iterator of it."""
    replay = Replay.of(family.Request("POST", URL, content=generator()))
    chunks = iter(replay.stream)
    assert replay.can_resend()
    assert next(chunks) == b"one"
    assert not replay.can_resend()


def test_a_chunk_that_fails_counts(family):
    """A body whose first chunk raised has been read from."""

    def broken():
        raise OSError("disk")
        yield b""

    replay = Replay.of(family.Request("POST", URL, content=broken()))
    with pytest.raises(OSError, match="disk"):
        next(iter(replay.stream))
    assert not replay.can_resend()


def test_seen_again(family):
    """A middleware further in that asks again shares what is known about the body."""
    outer = Replay.of(family.Request("POST", URL, content=generator()))
    inner = Replay.of(family.Request("POST", URL, stream=outer.stream))
    assert inner.stream is outer.stream
    b"".join(inner.stream)
    assert (outer.can_resend(), inner.can_resend()) == (False, False)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"bytes", Replay),
        ([b"list"], Reiterable),
        (io.BytesIO(b"file"), Rewindable),
        (generator(), OneShot),
    ],
    ids=["bytes", "list", "file", "generator"],
)
def test_wrapped_by_the_user(family, content, kind):
    """A stream of the user's around the family's is judged by what lies inside."""

    class Progress(family.SyncByteStream):
        def __init__(self, stream):
            self._stream = stream

        def __iter__(self):
            yield from self._stream

    request = family.Request("POST", URL, content=content)
    request.stream = Progress(request.stream)
    replay = Replay.of(request)
    assert type(replay) is kind
    assert isinstance(replay.stream, family.SyncByteStream)


def test_reader_with_a_file_inside(family):
    """A reader is not rewound through a file inside it: it may have read ahead."""

    class Buffered:
        def __init__(self):
            self._stream = io.BytesIO(b"content")

        def read(self, size=-1):
            return self._stream.read(size)

        def __iter__(self):
            yield self.read()

    request = family.Request("POST", URL, content=Buffered())
    assert type(Replay.of(request)) is OneShot


def test_iterator_stream(family):
    """A stream of the user's that is its own iterator is read once."""

    class Upload(family.SyncByteStream):
        def __init__(self):
            self._stream = [b"one"]
            self._left = iter(self._stream)

        def __iter__(self):
            return self

        def __next__(self):
            return next(self._left)

    assert type(Replay.of(family.Request("POST", URL, stream=Upload()))) is OneShot


def test_no_stream_at_all(family):
    """A body that nobody can read is left for the transport to complain about."""
    request = family.Request("POST", URL, stream=object())
    replay = Replay.of(request)
    assert type(replay) is OneShot
    assert replay.can_resend()


def test_unpickled_request(family):
    """A request that lost its body when it was pickled cannot be sent again."""
    request = pickle.loads(pickle.dumps(family.Request("POST", URL, content=b"gone")))
    assert Replay.of(request).note == "body not replayable: UnattachedStream gives no new iterator"


def test_read_body(family):
    """A generator that the caller has read into memory is bytes."""
    request = family.Request("POST", URL, content=generator())
    request.read()
    assert type(Replay.of(request)) is Replay


def test_a_cut_stream_is_closed(family):
    """Whoever stops reading early and closes the wrapped body closes the stream inside."""
    closed = []

    class Upload(family.SyncByteStream):
        def __init__(self):
            self._stream = generator()

        def __iter__(self):
            try:
                yield from self._stream
            finally:
                closed.append("sync")

    chunks = iter(Replay.of(family.Request("POST", URL, stream=Upload())).stream)
    next(chunks)
    chunks.close()
    assert closed == ["sync"]


def test_a_cut_async_stream_is_closed(family):
    """The same holds for an asynchronous body."""
    closed = []

    class Upload(family.AsyncByteStream):
        def __init__(self):
            self._stream = async_generator()

        async def __aiter__(self):
            try:
                async for chunk in self._stream:
                    yield chunk
            finally:
                closed.append("async")

    async def cut():
        chunks = aiter(Replay.of(family.Request("POST", URL, stream=Upload())).stream)
        await anext(chunks)
        await chunks.aclose()
        return list(closed)

    assert anyio.run(cut) == ["async"]
