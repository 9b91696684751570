"""What goes to an engine, httpcore or httpcore2, and what comes back: bodies and errors."""

from __future__ import annotations

import contextlib
from types import AsyncGeneratorType, GeneratorType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from penstock.transport.family import Family


_IDEMPOTENT = frozenset({b"DELETE", b"GET", b"HEAD", b"OPTIONS", b"PUT", b"TRACE"})


class EngineErrors:
    """From what an engine raises to its family's error of the same name.

    Args:
        family: The family.

    Attributes:
        caught: The classes of what it raises.
    """

    def __init__(self, family: Family) -> None:
        core = family.core
        self._http = family.http
        self.caught: tuple[type[Exception], ...] = (
            core.TimeoutException,
            core.NetworkError,
            core.ProtocolError,
            core.ProxyError,
            core.UnsupportedProtocol,
        )

    def of(self, error: Exception) -> Exception:
        """Return the family's error for one of `caught`."""
        name, text = type(error).__name__, str(error)
        if name == "LocalProtocolError":
            # The text quotes the illegal header, which may hold a key. So does what it came from.
            text = text.partition(" b'")[0].partition(' b"')[0]
            error.args = (text,)
            error.__cause__ = error.__context__ = None
        return getattr(self._http, name)(text)  # type: ignore[no-any-return]


def may_send_again(request: Any) -> bool:
    """Tell whether the engine's *request* may go out once more although it may have arrived.

    So it may if to do it twice is to do it once (RFC 9110 §9.2.2), which an idempotency key makes
    of any method.
    """
    keyed = any(name.lower() == b"idempotency-key" for name, _ in request.headers)
    return request.stream.is_whole and (keyed or request.method in _IDEMPOTENT)


class SentBody:
    """The body of a request on its way.

    A generator that was not read to its end is closed when the sending is over, as the engine would
    leave it to the garbage collector.

    Args:
        stream: The family's stream.
        lasting: Whether it gives the same bytes however often it is read.
    """

    def __init__(self, stream: Any, *, lasting: bool = False) -> None:
        self._stream = stream
        self._lasting = lasting
        self._parts: Any = None

    @property
    def is_at_hand(self) -> bool:
        """Whether nothing has to be waited for: it is bytes."""
        return self._lasting

    @property
    def is_whole(self) -> bool:
        """Whether all of it can be sent still."""
        return self._lasting or self._parts is None

    def __iter__(self) -> Iterator[bytes]:
        self._parts = iter(self._stream)
        return self._parts  # type: ignore[no-any-return]

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._parts = aiter(self._stream)
        return self._parts  # type: ignore[no-any-return]

    def close(self) -> None:
        """Close what is left of it."""
        if isinstance(self._parts, GeneratorType):
            self._parts.close()

    async def aclose(self) -> None:
        """Close what is left of it."""
        if isinstance(self._parts, AsyncGeneratorType):
            await self._parts.aclose()


class EngineBody:
    """The open body of a response, as it comes off the wire.

    Args:
        response: The engine's response.
        errors: Turns its errors into the family's.
    """

    def __init__(self, response: Any, errors: EngineErrors) -> None:
        self._stream = response.stream
        self._errors = errors

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
            self._stream.whole = True
        except GeneratorExit:
            self._stream.close()
            raise
        except BaseException as error:
            self._stream.whole = False
            self._stream.close()
            if isinstance(error, self._errors.caught):
                raise self._errors.of(error) from error
            raise

    def close(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""
        self._stream.close()


class AsyncEngineBody:
    """`EngineBody` on an event loop.

    It is an iterator, not a generator: a reader that leaves in the middle leaves nothing to the
    garbage collector.

    Args:
        response: The engine's response.
        errors: Turns its errors into the family's.
    """

    def __init__(self, response: Any, errors: EngineErrors) -> None:
        self._stream = response.stream
        self._errors = errors
        self._is_http1 = response.extensions["http_version"].startswith(b"HTTP/1")
        self._parts: Any = None
        self._reading = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._parts is None:
            self._parts = aiter(self._stream)
        self._reading = True
        try:
            return await anext(self._parts)
        except StopAsyncIteration:
            self._stream.whole = True
            raise
        except BaseException as error:
            self._stream.whole = False
            await self._stream.aclose()
            if isinstance(error, self._errors.caught):
                raise self._errors.of(error) from error
            raise
        finally:
            self._reading = False

    async def aclose(self) -> None:
        """Give the connection back, or close it if the body was not read to its end."""
        await self._stream.aclose()
        if self._parts is None or self._reading:
            return  # another task's read fails now, which unwinds what it is in
        if not self._is_http1:
            await self._parts.aclose()
            return
        # The engine nests generators. A read of the closed connection ends them from the inside
        # out; closing the outermost would leave the others to the garbage collector.
        # An event loop that ends closes all of them at once: then another task is in it.
        with contextlib.suppress(*self._errors.caught, RuntimeError):
            async for _ in self._parts:
                pass
