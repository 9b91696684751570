"""The small pieces that cases are put together of: each does one thing at one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.testing.faults.case import Step
    from penstock.testing.faults.peer import Peer

JSON = "Content-Type: application/json"
OK_BODY = b'{"ok": true}'


def head(*lines: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    """Return a head of *lines* below a status line."""
    return "\r\n".join((status, *lines, "", "")).encode("latin-1")


def message(body: bytes, *lines: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    """Return a whole response, its length declared."""
    return head(*lines, f"Content-Length: {len(body)}", status=status) + body


def say(data: bytes) -> Step:
    """Send *data*."""
    return lambda peer: peer.say(data)


def answer(
    status: str = "200 OK", body: bytes = OK_BODY, *lines: str, kind: str | None = JSON
) -> Step:
    """Answer well: *status*, *lines* in which places are filled in, *body*."""

    def step(peer: Peer) -> None:
        assert peer.heard is not None
        own = (peer.fill(line).decode("latin-1") for line in lines)
        whole = message(body, *([kind] if kind else []), *own, status=f"HTTP/1.1 {status}")
        peer.say(whole.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if _has_no_body(peer) else whole)

    return step


def _has_no_body(peer: Peer) -> bool:
    return peer.heard is not None and peer.heard.method == "HEAD"


ok = answer()


def fin(peer: Peer) -> None:
    """End the connection in good order."""
    peer.finish()


def rst(peer: Peer) -> None:
    """End the connection by a reset."""
    peer.reset()


def stall(peer: Peer) -> None:
    """Say nothing more."""
    peer.stall()


def drip(data: bytes, *, size: int = 1) -> Step:
    """Send *data* over and over, *size* bytes at a time, until the client has gone."""
    return lambda peer: peer.drip(data, size=size)


def pour(data: bytes) -> Step:
    """Send *data* over and over, as fast as a slow disk, until the client has gone."""
    return lambda peer: peer.drip(data, size=len(data))


def then(*steps: Step) -> Step:
    """Do *steps* one after the other."""

    def step(peer: Peer) -> None:
        for one in steps:
            one(peer)

    return step


def turns(*steps: Step) -> Step:
    """Do the first of *steps* at a run's first request, and so on; the last at all the rest."""
    return lambda peer: steps[min(peer.turn, len(steps) - 1)](peer)


def cut(data: bytes) -> Step:
    """Send *data* and end the connection in good order."""
    return then(say(data), fin)


def redirect(status: str, location: str | None, *lines: str, body: bytes = b"") -> Step:
    """Send the client to *location*, places filled in."""
    if location is not None:
        lines = (f"Location: {location}", *lines)
    return answer(status, body, *lines, kind=None)


def open_redirect(*lines: str) -> Step:
    """Send the client back to where it is, with a body that has yet to come."""

    def step(peer: Peer) -> None:
        location = f"Location: {peer.places['url']}"
        peer.say(head(location, *lines, status="HTTP/1.1 302 Found"))

    return step


def wait(seconds: float) -> Step:
    """Let *seconds* pass."""
    return lambda peer: peer.wait(seconds)
