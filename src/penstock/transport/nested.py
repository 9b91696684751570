"""TLS inside TLS: an https origin behind an https proxy."""

from __future__ import annotations

import ssl
from functools import partial
from typing import TYPE_CHECKING, Any

import httpcore

from penstock.transport.leftovers import Ahead

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import TypeVar

    from penstock.transport.heads import Heads

    T = TypeVar("T")

_RECORD_BYTES = 16 * 1024
"""The plaintext of one TLS record at most (RFC 8446 §5.1)."""


class NestedTLSStream(httpcore.NetworkStream):
    """A TLS session over another, which `SSLContext.wrap_socket` cannot do.

    It moves its records by reads and writes of the outer connection, and so obeys its limits.

    Args:
        core: The engine whose errors are raised.
        outer: The connection to the proxy.
        context: The SSL context for the origin.
        server_hostname: The origin's name.
        timeout: The limit of the handshake.

    Attributes:
        heads: Watches the answers inside it, if they are HTTP/1.1.
    """

    heads: Heads | None = None

    def __init__(
        self,
        core: ModuleType,
        outer: httpcore.NetworkStream,
        context: ssl.SSLContext,
        server_hostname: str | None,
        timeout: float | None,
    ) -> None:
        self._core = core
        self._outer = outer
        self._ahead = Ahead()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_hostname
        )
        try:
            self._run(self._tls.do_handshake, timeout, core.ConnectError)
        except core.TimeoutException as error:
            raise core.ConnectTimeout(str(error)) from error
        except core.NetworkError as error:
            raise core.ConnectError(str(error)) from error

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes, at most *max_bytes*, or a whole head; none at the end."""
        if ahead := self._ahead.take(max_bytes):
            return ahead
        some = partial(self._run, partial(self._tls.read, max_bytes), timeout, self._core.ReadError)
        heads = self.heads
        return some() if heads is None or not heads.awaited else heads.read(some)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of *buffer*."""
        if self.heads is not None:
            self.heads.asked()
        unsent = memoryview(buffer)
        while unsent:
            sent = self._run(partial(self._tls.write, unsent), timeout, self._core.WriteError)
            unsent = unsent[sent:]

    def close(self) -> None:
        """Close the connection to the proxy."""
        self._outer.close()

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection knows of *info*."""
        if info == "is_readable" and self._ahead.is_there(self._tls):
            return True
        return self._tls if info == "ssl_object" else self._outer.get_extra_info(info)

    def _run(self, operation: Callable[[], T], timeout: float | None, broken: type[Exception]) -> T:
        while True:
            try:
                result = operation()
            except ssl.SSLWantReadError:
                self._outer.write(self._outgoing.read(), timeout)
                received = self._outer.read(_RECORD_BYTES, timeout)
                if received:
                    self._incoming.write(received)
                else:
                    self._incoming.write_eof()
            except ssl.SSLError as error:
                raise broken(str(error)) from error
            else:
                self._outer.write(self._outgoing.read(), timeout)
                return result
