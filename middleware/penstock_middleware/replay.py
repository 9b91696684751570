"""Whether a request's body can be sent again, and how."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Iterator
from functools import cache
from typing import Any, Protocol

DRAINED_BYTES = 65_536
"""The most that is read of a response whose request is sent again, so that its connection can be
used for that: to read so much is cheaper than a new connection, and more is not."""


class HasBody(Protocol):
    """What is asked of a request: `httpx.Request` and `httpx2.Request` have it."""

    @property
    def stream(self) -> Any:
        """The body, as a byte stream of the request's family."""
        ...


class Replay:
    """How the body of one call can be sent again; a body that always can (bytes, JSON, a form).

    `Replay.of(request)` looks at the body once, before the first attempt. Every attempt's request,
    the first included, gets `replay.stream` as its stream. After a failure, ask `can_resend()`;
    once all else speaks for another attempt, and before the response is discarded, `rewind()`. When
    either says no, what the attempt brought is what the caller gets, and `note` says why.

    Attributes:
        stream: What to put on the request of every attempt: a byte stream of the family and colour
            of the request's own.
    """

    __slots__ = ("stream",)

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    @staticmethod
    def of(request: HasBody) -> Replay:
        """Return the way in which the body of *request* can be sent again.

        Nothing is read and no file is moved.

        Args:
            request: The call's request, before anything was sent.

        Returns:
            A plain `Replay` for bytes, `Reiterable`, `Rewindable` or `OneShot`.
        """
        stream = request.stream
        # `_stream` is the one private name used here. Both families keep in it what a stream
        # sends: the bytes of a ByteStream, or what was given as `content=`.
        if type(getattr(stream, "_stream", None)) is bytes:
            return Replay(stream)
        return _classify(stream)

    @property
    def note(self) -> str | None:
        """Why the body cannot be sent again as things stand, or None when it can."""
        return None

    def can_resend(self) -> bool:
        """Tell whether the body can be sent again. Moves nothing."""
        return self.note is None

    def rewind(self) -> bool:
        """Bring the body back to where it stood before the first attempt.

        Returns:
            Whether that worked: a file may have been closed since `can_resend()` was asked.
        """
        return True


class Reiterable(Replay):
    """A body that can be iterated again, such as a list of chunks.

    An iterable that hands out a new iterator each time is taken at its word.
    """

    __slots__ = ("_source",)

    def __init__(self, stream: Any, source: object) -> None:
        super().__init__(stream)
        self._source = source

    @property
    def note(self) -> str | None:
        """Why the body cannot be sent again, or None: its iterators may be one and the same."""
        # Asked only after a failure: to iterate may cost something (a query, an open file).
        if _iterates_anew(self._source):
            return None
        return _note(self._source, "gives no new iterator")


class Rewindable(Replay):
    """A body read from seekable files: each is sent again from where it stood at first."""

    __slots__ = ("_places",)

    def __init__(self, stream: Any, places: list[tuple[Any, int]]) -> None:
        super().__init__(stream)
        self._places = places

    @property
    def note(self) -> str | None:
        """Why the body cannot be sent again, or None: a file may have been closed."""
        for file, _ in self._places:
            if _position(file) is None:
                return _note(file, "can no longer be rewound")
        return None

    def rewind(self) -> bool:
        """Move each file to where it stood before the first attempt, and tell whether it let us."""
        try:
            for file, position in self._places:
                file.seek(position)
        except (OSError, ValueError):
            return False
        return True


class OneShot(Replay):
    """A body that can be read once: sent again only while nobody has begun to read it."""

    __slots__ = ()

    @property
    def note(self) -> str | None:
        """Why the body cannot be sent again, or None while its first chunk was not asked for."""
        return self.stream.reason if self.stream.touched else None


class _Watched:
    """A body that knows whether somebody has begun to read it."""

    def __init__(self, stream: Any, reason: str) -> None:
        self._stream = stream
        self.reason = reason
        self.touched = False


class _WatchedSync(_Watched):
    def __iter__(self) -> Iterator[bytes]:
        self.touched = True
        yield from self._stream


class _WatchedAsync(_Watched):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.touched = True
        chunks = aiter(self._stream)
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()


def _family(stream_class: type) -> tuple[type, ...]:
    """Return httpx's or httpx2's own stream classes among the bases: no family is imported here."""
    names = {"SyncByteStream", "AsyncByteStream"}
    return tuple(base for base in stream_class.__mro__ if base.__name__ in names)


@cache
def _watched_class(stream_class: type) -> type[_Watched]:
    """Return a watched body of the same colour and family: clients and transports insist on it."""
    colours = [
        watched
        for colour, watched in ((Iterable, _WatchedSync), (AsyncIterable, _WatchedAsync))
        if issubclass(stream_class, colour)
    ]
    return type("WatchedStream", (*colours, *_family(stream_class)) or (_Watched,), {})


def _classify(stream: Any) -> Replay:
    if isinstance(stream, _Watched):
        return OneShot(stream)
    source = _source(stream)
    if type(source) is bytes:
        return Replay(stream)
    if hasattr(source, "boundary") and hasattr(source, "fields"):
        parts = [field.file for field in source.fields if hasattr(field, "file")]
        return _of_files(stream, [part for part in parts if not isinstance(part, (str, bytes))])
    # An asynchronous file cannot be rewound here, so `read` alone does not make a file.
    readable = hasattr(source, "read") or hasattr(source, "aread")
    if readable and isinstance(source, Iterable):
        return _of_files(stream, [source])
    iterable = isinstance(source, (Iterable, AsyncIterable))
    if readable or not iterable or _is_iterator(source):
        return _one_shot(stream, source, "can be read only once")
    return Reiterable(stream, source)


def _source(stream: Any) -> Any:
    """Return what a stream was made of, looking through streams that wrap streams."""
    while hasattr(stream, "_stream") and _family(type(stream)) and not _is_iterator(stream):
        stream = stream._stream
    return stream


def _is_iterator(source: object) -> bool:
    return isinstance(source, (Iterator, AsyncIterator))


def _iterates_anew(source: object) -> bool:
    try:
        if isinstance(source, Iterable) and iter(source) is iter(source):
            return False
        return not (isinstance(source, AsyncIterable) and aiter(source) is aiter(source))
    except Exception:  # noqa: BLE001 - it must not hide what the attempt before brought
        return False


def _of_files(stream: Any, files: list[Any]) -> Replay:
    places = []
    for file in files:
        position = _position(file)
        if position is None:
            return _one_shot(stream, file, "cannot be rewound")
        places.append((file, position))
    return Rewindable(stream, places) if places else Replay(stream)


def _position(file: Any) -> int | None:
    """Return where a file stands, or None when it could not be brought back there."""
    try:
        if hasattr(file, "seekable") and not file.seekable():
            return None
        position: int = file.tell()
        file.seek(position)
    except (AttributeError, OSError, ValueError):
        return None
    return position


def _one_shot(stream: Any, source: object, why: str) -> OneShot:
    watched_class = _watched_class(type(stream))  # type: ignore[arg-type]  # classes do hash
    return OneShot(watched_class(stream, _note(source, why)))


def _note(source: object, why: str) -> str:
    # The type only: a name or a repr could show what the caller sends.
    return f"body not replayable: {type(source).__name__} {why}"
