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


def is_more_held(stream: Any) -> bool:
    """Tell whether an engine's asynchronous *stream* holds bytes that were received and not read.

    They are no longer at the socket, where the engine looks: TLS records are in memory, and asyncio
    hands out what came in a queue.

    Args:
        stream: An `AnyIOStream`, or any other, which holds none.
    """
    tls = stream.get_extra_info("ssl_object")
    if tls is not None and has_more(tls):
        return True
    lowest: Any = getattr(stream, "_stream", None)
    while hasattr(lowest, "transport_stream"):
        lowest = lowest.transport_stream
    return bool(getattr(getattr(lowest, "_protocol", None), "read_queue", None))


def has_more(tls: ssl.SSLObject) -> bool:
    """Tell whether a TLS session in memory has bytes, or its end, to be read.

    One byte is read if it has: it is of no more use then.
    """
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        return True
    return True


def was_cut(tls: ssl.SSLObject) -> bool:
    """Tell whether a TLS session that has ended did so without saying so (RFC 8446 §6.1)."""
    try:
        tls.read(1)
    except ssl.SSLError:
        return True
    return False
