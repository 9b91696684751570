"""A socket that never blocks is waited for, however the platform lets one wait."""

from __future__ import annotations

import select
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from penstock.transport.ready import when_ready

if TYPE_CHECKING:
    from collections.abc import Iterator

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture(params=["poll", "select"])
def pair(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """Two ends of a connection; Windows has no `poll`."""
    if request.param == "select":
        monkeypatch.delattr(select, "poll")
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def read(sock: socket.socket, *seconds: float | None) -> bytes:
    given = iter(seconds)
    return when_ready(sock, lambda: sock.recv(10), lambda: next(given), writes=False)


def test_what_is_there_is_read_at_once(pair: Pair) -> None:
    """Bytes that have come need no time."""
    ours, theirs = pair
    theirs.send(b"hello")
    assert read(ours, 0.0) == b"hello"


def test_the_end_is_read_too(pair: Pair) -> None:
    """A peer that hung up is nothing to wait for."""
    ours, theirs = pair
    theirs.close()
    assert read(ours, None) == b""


def test_a_wait_ends_in_time(pair: Pair) -> None:
    """Where nothing comes, the time that was left is waited for, and no more."""
    with pytest.raises(TimeoutError):
        read(pair[0], 0.001)


def test_a_full_connection_is_waited_for(pair: Pair) -> None:
    """What cannot be sent yet is sent as soon as the peer has taken what came before."""
    ours, theirs = pair
    sent: list[int] = []

    def send() -> None:
        more = when_ready(ours, lambda: ours.send(b"x" * 65536), lambda: 0.001, writes=True)
        sent.append(more)

    def send_on() -> None:
        while True:
            send()

    with pytest.raises(TimeoutError):
        send_on()
    left = sum(sent)
    while left:
        left -= len(theirs.recv(65536))
    send()


def test_the_time_that_is_left_is_asked_for_before_each_wait(pair: Pair) -> None:
    """A connection that said it was ready and was not is waited for once more, for less."""
    ours, theirs = pair
    theirs.send(b"hello")
    asked: list[float] = []
    results: list[Any] = [BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError, b"hello"]

    def receive() -> bytes:
        result = results.pop(0)
        if isinstance(result, type):
            raise result
        return result  # type: ignore[no-any-return]  # bytes are all that is left

    def left() -> float:
        asked.append(10.0 - len(asked))
        return asked[-1]

    assert when_ready(ours, receive, left, writes=False) == b"hello"
    assert asked == [10.0, 9.0, 8.0, 7.0]


def test_a_closed_socket_is_an_error(pair: Pair) -> None:
    """A socket that another thread has closed is no socket to wait for."""
    pair[0].close()
    with pytest.raises(OSError, match="closed"):
        read(pair[0], None)


def test_years_are_a_time_too(pair: Pair) -> None:
    """A limit that is longer than the platform counts is no error."""
    ours, theirs = pair
    theirs.send(b"hello")
    assert read(ours, 1e9) == b"hello"
