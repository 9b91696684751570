"""Whether anything is left on a connection that nobody asked for.

What comes after an answer, unasked, would be taken for the answer to the next request.
"""

from __future__ import annotations

import ssl
from typing import Any


def nothing_is_left(connection: Any) -> bool:
    """Tell whether the engine's *connection* has parsed all it was given.

    Two private names of both engines are looked at: `_connection`, what a connection wraps, and the
    parser. Where it cannot be told, the answer is no.

    Args:
        connection: The engine's connection, between two requests.
    """
    while inner := getattr(connection, "_connection", None):
        connection = inner
    parser = getattr(connection, "_h11_state", None)
    if parser is None:
        return hasattr(connection, "_h2_state")  # whose frames say what they belong to
    data, is_closed = parser.trailing_data
    return not data and not is_closed


def is_queued(stream: Any) -> bool:
    """Tell whether asyncio has received bytes for an engine's *stream* that nobody has read.

    They are no longer at the socket, where the engine looks.

    Args:
        stream: An `AnyIOStream`, or any other, for which there are none.
    """
    lowest: Any = getattr(stream, "_stream", None)
    while hasattr(lowest, "transport_stream"):
        lowest = lowest.transport_stream
    return bool(getattr(getattr(lowest, "_protocol", None), "read_queue", None))


class Ahead:
    """What comes before anything else that is read from a connection.

    What TLS in memory has received shows at no socket: to look is to read a byte, which is kept.
    """

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = b""

    def is_there(self, tls: ssl.SSLObject | None) -> bool:
        """Tell whether *tls* has anything to be read, be it its end."""
        if tls is None or self._data:
            return bool(self._data)
        try:
            self._data = tls.read(1)
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError:
            return True
        return True

    def put(self, data: bytes) -> None:
        """Have *data* come first."""
        self._data = data

    def take(self, max_bytes: int) -> bytes:
        """Return what comes first, at most *max_bytes* of it; none where there is nothing."""
        data, self._data = self._data[:max_bytes], self._data[max_bytes:]
        return data


def was_cut(tls: ssl.SSLObject) -> bool:
    """Tell whether a TLS session that has ended did so without saying so (RFC 8446 §6.1)."""
    try:
        tls.read(1)
    except ssl.SSLError:
        return True
    return False
