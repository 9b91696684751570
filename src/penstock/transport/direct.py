"""A connection to an origin, straight or through SOCKS, that speaks HTTP/1.1: in both colours.

It does what the engine's `HTTPConnection` does, for one request at a time. Whoever holds it ends it
where something goes wrong.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from penstock.transport.http11 import (
    JOINED_BYTES,
    READ_BYTES,
    Answer,
    messages_of,
    told_of,
)
from penstock.transport.steps import astep, step, steps_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import ModuleType

    from penstock.transport.http11 import Asked, Head
    from penstock.transport.steps import Steps
    from penstock.transport.waiting import Origin


class _Direct:
    """What both colours know of a connection.

    Args:
        core: The engine whose errors are raised: `httpcore` or `httpcore2`.
        backend: Opens connections.
        context: What a TLS handshake is done with.
        uds: The path of a Unix domain socket to connect to, or None.
        origin: Scheme, host and port.
    """

    def __init__(
        self,
        core: ModuleType,
        backend: Any,
        context: ssl.SSLContext,
        uds: str | None,
        origin: Origin,
    ) -> None:
        self._core = core
        self._backend = backend
        self._context = context
        self._uds = uds
        scheme, host, port = origin
        self._is_secure = scheme in {b"https", b"wss"}
        self._host = host.decode("ascii")
        self._port = port or (443 if self._is_secure else 80)  # RFC 9110 §4.2
        self._messages = messages_of(core)
        self._log = logging.getLogger(f"{core.__name__}.http11")
        self._stream: Any = None
        self._idle = False

    def is_idle(self) -> bool:
        """Tell whether it is open, and no exchange is under way."""
        return self._idle

    is_available = is_idle

    def has_expired(self) -> bool:
        """Tell whether the server has ended it, or talks unasked."""
        return self._idle and self._stream.get_extra_info("is_readable")

    def finish(self) -> bool:
        """End an exchange; return whether another may follow."""
        self._idle = self._messages.ended()
        return self._idle

    def _connecting(self, request: Asked) -> tuple[str, Callable[[], Any]]:
        """Return the name of the step that connects, and the step."""
        timeout = request.timeout("connect")
        if self._uds is not None:
            step = partial(self._backend.connect_unix_socket, self._uds, timeout)
            return "connect_unix_socket", step
        step = partial(self._backend.connect_tcp, self._host, self._port, timeout)
        return "connect_tcp", step

    def _tls(self, request: Asked) -> tuple[ssl.SSLContext, str, Any]:
        """Return what a handshake is made with."""
        self._context.set_alpn_protocols(["http/1.1"])  # the application's own context says nothing
        name = request.extensions.get("sni_hostname") or self._host
        return self._context, name, request.timeout("connect")

    def _answer(self, head: Head, stream: Any) -> Answer:
        beyond = self._messages.switched()
        if beyond is not None:
            self._stream.unread(beyond)
        return Answer(head, stream, self._stream)


class Direct(_Direct):
    """A connection that blocks the thread."""

    def handle_request(self, request: Asked) -> Answer:
        """Send *request* and return its answer, unread.

        Raises:
            Exception: The engine's own error.
        """
        if self._stream is None:
            self._stream = self._opened(request)
        self._idle = False
        steps = steps_of(self._log, request)
        if steps is None:
            try:  # noqa: SIM105 - `suppress` costs as much as all else here
                self._send(request)
            except self._core.WriteError:
                pass  # a server may answer before it has heard all, and hang up
            head = self._head(request)
        else:
            with suppress(self._core.WriteError):
                with steps.step("send_request_headers"):
                    self._send_head(request)
                with steps.step("send_request_body"):
                    self._send_body(request)
            with steps.step("receive_response_headers") as facts:
                head = self._head(request)
                facts["return_value"] = told_of(head)
        return self._answer(head, Body(self, request, steps))

    def close(self) -> None:
        """Close it."""
        if self._stream is not None:
            self._stream.close()

    def part(self, request: Asked) -> bytes:
        """Return the next bytes of the answer's body; none at its end."""
        while (data := self._messages.body()) is None:
            self._messages.heard(self._stream.read(READ_BYTES, request.timeout("read")))
        return data

    def _opened(self, request: Asked) -> Any:
        steps = steps_of(logging.getLogger(f"{self._core.__name__}.connection"), request)
        name, connect = self._connecting(request)
        with step(steps, name):
            stream = connect()
        if not self._is_secure:
            return stream
        with step(steps, "start_tls"):
            return stream.start_tls(*self._tls(request))

    def _send(self, request: Asked) -> None:
        if request.stream.is_at_hand:
            self._send_body(request, self._messages.head(request))
        else:
            self._send_head(request)
            self._send_body(request)

    def _send_head(self, request: Asked) -> None:
        self._stream.write(self._messages.head(request), request.timeout("write"))

    def _send_body(self, request: Asked, before: bytes = b"") -> None:
        timeout = request.timeout("write")
        for chunk in request.stream:
            data = self._messages.part(chunk)
            if before and len(data) <= JOINED_BYTES:
                before += data
                continue
            self._stream.write(before, timeout)
            self._stream.write(data, timeout)
            before = b""
        self._stream.write(before + self._messages.end(), timeout)

    def _head(self, request: Asked) -> Head:
        timeout = request.timeout("read")
        while (head := self._messages.answer()) is None:
            self._messages.heard(self._stream.read(READ_BYTES, timeout))
        return head


class Body:
    """The body of an answer, as it comes off the wire.

    Args:
        connection: What it comes on.
        request: What it answers.
        steps: What is told of it, or None.
    """

    def __init__(self, connection: Direct, request: Asked, steps: Steps | None) -> None:
        self._connection = connection
        self._request = request
        self._steps = steps

    def __iter__(self) -> Iterator[bytes]:
        with step(self._steps, "receive_response_body"):
            while data := self._connection.part(self._request):
                yield data

    def finish(self) -> bool:
        """End the exchange; return whether the connection may carry another."""
        with step(self._steps, "response_closed"):
            return self._connection.finish()


class AsyncDirect(_Direct):
    """A connection on an event loop."""

    async def handle_async_request(self, request: Asked) -> Answer:
        """Send *request* and return its answer, unread.

        Errors are those of the sync one.
        """
        if self._stream is None:
            self._stream = await self._opened(request)
        self._idle = False
        steps = steps_of(self._log, request)
        if steps is None:
            try:  # noqa: SIM105 - as above
                await self._send(request)
            except self._core.WriteError:
                pass
            head = await self._head(request)
        else:
            with suppress(self._core.WriteError):
                async with steps.astep("send_request_headers"):
                    await self._send_head(request)
                async with steps.astep("send_request_body"):
                    await self._send_body(request)
            async with steps.astep("receive_response_headers") as facts:
                head = await self._head(request)
                facts["return_value"] = told_of(head)
        return self._answer(head, AsyncBody(self, request, steps))

    async def aclose(self) -> None:
        """Close it."""
        if self._stream is not None:
            await self._stream.aclose()

    async def part(self, request: Asked) -> bytes:
        """Return the next bytes of the answer's body; none at its end."""
        while (data := self._messages.body()) is None:
            self._messages.heard(await self._stream.read(READ_BYTES, request.timeout("read")))
        return data

    async def _opened(self, request: Asked) -> Any:
        steps = steps_of(logging.getLogger(f"{self._core.__name__}.connection"), request)
        name, connect = self._connecting(request)
        async with astep(steps, name):
            stream = await connect()
        if not self._is_secure:
            return stream
        async with astep(steps, "start_tls"):
            return await stream.start_tls(*self._tls(request))

    async def _send(self, request: Asked) -> None:
        if request.stream.is_at_hand:
            await self._send_body(request, self._messages.head(request))
        else:
            await self._send_head(request)
            await self._send_body(request)

    async def _send_head(self, request: Asked) -> None:
        await self._stream.write(self._messages.head(request), request.timeout("write"))

    async def _send_body(self, request: Asked, before: bytes = b"") -> None:
        timeout = request.timeout("write")
        async for chunk in request.stream:
            data = self._messages.part(chunk)
            if before and len(data) <= JOINED_BYTES:
                before += data
                continue
            await self._stream.write(before, timeout)
            await self._stream.write(data, timeout)
            before = b""
        await self._stream.write(before + self._messages.end(), timeout)

    async def _head(self, request: Asked) -> Head:
        timeout = request.timeout("read")
        while (head := self._messages.answer()) is None:
            self._messages.heard(await self._stream.read(READ_BYTES, timeout))
        return head


class AsyncBody:
    """`Body` on an event loop.

    It is an iterator, not a generator: a reader that leaves in the middle leaves nothing to the
    garbage collector.

    Args:
        connection: What it comes on.
        request: What it answers.
        steps: What is told of it, or None.
    """

    def __init__(self, connection: AsyncDirect, request: Asked, steps: Steps | None) -> None:
        self._connection = connection
        self._request = request
        self._steps = steps
        self._over = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self if self._steps is None else self._told(self._steps)

    async def __anext__(self) -> bytes:
        data = b"" if self._over else await self._connection.part(self._request)
        if not data:
            raise StopAsyncIteration
        return data

    async def finish(self) -> bool:
        """End the exchange; return whether the connection may carry another."""
        self._over = True
        async with astep(self._steps, "response_closed"):
            return self._connection.finish()

    async def _told(self, steps: Steps) -> AsyncIterator[bytes]:
        async with steps.astep("receive_response_body"):
            while not self._over and (data := await self._connection.part(self._request)):
                yield data
