"""What a proxy does that is in order: it forwards, opens tunnels, and speaks SOCKS5."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from penstock.testing.faults.pieces import JSON, message
from penstock.testing.faults.run import PROXY_PASSWORD, PROXY_USER

if TYPE_CHECKING:
    from penstock.testing.faults.peer import Peer

BASIC = "Basic " + base64.b64encode(f"{PROXY_USER}:{PROXY_PASSWORD}".encode()).decode()
"""What the faulty proxies' credentials look like in a header (RFC 7617)."""

_SOCKS_NAME = 3  # RFC 1928 §5: the address is a domain name


def forward(peer: Peer) -> None:
    """Answer a plain request in the origin's name, and open a tunnel for a CONNECT."""
    assert peer.heard is not None
    if peer.heard.method == "CONNECT":
        peer.say(b"HTTP/1.1 200 Connection established\r\n\r\n")
        host, _, port = peer.heard.target.rpartition(":")
        peer.tunnel(host, int(port))
    assert peer.run is not None
    if "/good/" in peer.heard.target:
        peer.run.good.append(peer.heard)
        peer.say(message(json.dumps(peer.run.answer).encode(), JSON))
    else:
        peer.say(message(b'{"ok": true}', JSON))


def ask_for_credentials(peer: Peer) -> None:
    """Forward for whoever has the credentials, and refuse others."""
    assert peer.heard is not None
    if peer.heard.header("proxy-authorization") == BASIC:
        forward(peer)
    else:
        peer.say(message(b"", status="HTTP/1.1 407 Proxy Authentication Required"))


def greet_by_socks(peer: Peer, *, verdict: bytes = b"\x01\x00") -> None:
    """Agree on a password and check it (RFC 1928 §3, RFC 1929)."""
    peer.take()
    peer.say(b"\x05\x02")
    peer.take()
    peer.say(verdict)


def tunnel_by_socks(peer: Peer) -> None:
    """Do what a SOCKS5 proxy does (RFC 1928, RFC 1929)."""
    greet_by_socks(peer)
    asked = peer.sock.recv(1024)
    peer.say(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
    host = asked[5:-2].decode() if asked[3] == _SOCKS_NAME else ".".join(map(str, asked[4:8]))
    peer.tunnel(host, int.from_bytes(asked[-2:], "big"))
