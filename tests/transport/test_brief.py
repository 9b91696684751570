"""What is done at a socket in a moment is done as Python does it, and lets no thread in."""

from __future__ import annotations

import socket
import struct
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from penstock.transport import brief

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Pair = tuple[socket.socket, socket.socket]

_LINGER = struct.pack("ii", 1, 0)  # for no time: to close is to reset


@pytest.fixture(params=["library", "Python"])
def pair(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """Two ends of a connection; where the C library is not to be had, Python's socket has to do."""
    if request.param == "Python":
        monkeypatch.setattr(brief, "_held", lambda: None)
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def test_what_is_sent_arrives(pair: Pair) -> None:
    """The bytes of a view are sent, and counted."""
    ours, theirs = pair
    assert brief.send(ours, memoryview(b"-hello-")[1:6]) == len(b"hello")
    assert theirs.recv(10) == b"hello"


@pytest.mark.parametrize("size", [1000, 1_000_000])
def test_a_full_connection_takes_nothing(pair: Pair, size: int) -> None:
    """A peer that does not read stops the sender with an error, and loses nothing."""
    ours, theirs = pair
    sent = 0

    def send_on() -> None:
        nonlocal sent
        while True:
            sent += brief.send(ours, memoryview(bytes(size)))

    with pytest.raises(BlockingIOError):
        send_on()
    while sent:
        sent -= len(theirs.recv(sent))


def test_a_lost_connection_is_an_error(pair: Pair) -> None:
    """What cannot arrive any more is not sent."""
    ours, _ = pair
    ours.shutdown(socket.SHUT_WR)
    with pytest.raises(BrokenPipeError, match="Broken pipe"):
        brief.send(ours, memoryview(b"hello"))


def test_a_closed_socket_is_an_error(pair: Pair) -> None:
    """Nothing is sent to whatever got the number of a socket that was closed here."""
    ours, _ = pair
    ours.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        brief.send(ours, memoryview(b"hello"))


def test_a_silent_peer_has_said_nothing(pair: Pair) -> None:
    """An idle connection is quiet, until something comes; and to look takes nothing from it."""
    ours, theirs = pair
    assert not brief.has_come(ours)
    theirs.send(b"hello")
    assert brief.has_come(ours)
    assert brief.has_come(ours)
    assert ours.recv(10) == b"hello"
    assert not brief.has_come(ours)


def test_the_end_has_come(pair: Pair) -> None:
    """A peer that hung up shows."""
    ours, theirs = pair
    theirs.close()
    assert brief.has_come(ours)


def test_a_reset_has_come(pair: Pair) -> None:
    """A peer that reset the connection shows."""
    ours, theirs = pair
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    theirs.close()
    assert brief.has_come(ours)


def test_a_socket_that_was_closed_here_is_not_silent(pair: Pair) -> None:
    """A socket that is closed is not waited for."""
    ours, _ = pair
    ours.close()
    assert brief.has_come(ours)


@pytest.fixture
def nobody_is_let_in() -> Iterator[None]:
    """Threads give up the interpreter only where they wait for something else."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("nobody_is_let_in")
@pytest.mark.parametrize("doing", ["to send", "to look"])
def test_no_other_thread_is_let_in(doing: str) -> None:
    """To send a request, and to look at an idle connection, no thread gives up the interpreter."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    does: dict[str, Callable[[], object]] = {
        "to send": lambda: brief.send(ours, memoryview(b"hello")),
        "to look": lambda: brief.has_come(ours),
    }
    ran = threading.Event()
    gate = threading.Lock()
    with ours, theirs:
        does[doing]()  # finds the library
        for _ in range(100):
            gate.acquire()
            ran.clear()
            other = threading.Thread(target=lambda: (gate.acquire(), ran.set(), gate.release()))
            other.start()
            gate.release()
            does[doing]()
            was_in = ran.is_set()
            other.join()
            assert not was_in
