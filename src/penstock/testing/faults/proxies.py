"""`px`: proxies that refuse, break or drip, and the environment that names them."""

from __future__ import annotations

from penstock.testing.faults.case import Ask, Case, Must, Step, gives, raises
from penstock.testing.faults.pieces import (
    OK_BODY,
    answer,
    cut,
    drip,
    fin,
    head,
    message,
    ok,
    rst,
    say,
    stall,
    then,
)
from penstock.testing.faults.proxying import (
    ask_for_credentials,
    forward,
    greet_by_socks,
    tunnel_by_socks,
)

_SLOW = Ask(slow=True, retries=0)
_ONCE = Ask(retries=0)
_REFUSED = raises("ProxyRefused/proxy")
_FAILED = raises("ConnectionFailed/proxy")
_LATE = raises("TimedOut")
_TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"
_AUTH = "Proxy-Authenticate: Basic realm=x"


def _tunnel(name: str, does: str, must: Must, proxy: Step, ask: Ask = _ONCE) -> Case:
    """Return a case of a proxy asked for a tunnel to an https server in order."""
    return Case(f"px-{name}", f"is a proxy that {does}", must, ok, ask, tls="good", proxy=proxy)


def _plain(
    name: str, does: str, must: Must, proxy: Step, ask: Ask = _ONCE, accept: Step | None = None
) -> Case:
    """Return a case of a proxy asked for an http URL."""
    does = f"is a proxy that {does}"
    return Case(f"px-{name}", does, must, ok, ask, accept=accept, proxy=proxy)


def _socks(name: str, does: str, must: Must, proxy: Step, ask: Ask = _ONCE) -> Case:
    """Return a case of a SOCKS5 proxy (RFC 1928)."""
    does = f"is a SOCKS5 proxy that {does}"
    return Case(f"px-socks-{name}", does, must, ok, ask, proxy=proxy, proxy_scheme="socks5")


def _environment(name: str, does: str, must: Must, **environ: str) -> Case:
    """Return a case of an environment that names a proxy, which answers 502 to everything."""
    refuse = answer("502 Bad Gateway")
    ask = Ask(retries=0, environ=environ)
    return Case(f"px-{name}", f"is an environment that {does}", must, ok, ask, proxy=refuse)


def _no_proxy(name: str, value: str, direct: bool) -> Case:
    must = gives(sends=0) if direct else raises("ServerError")
    does = f"says no_proxy={value} of 127.0.0.1, which is {'a yes' if direct else 'a no'}"
    return _environment(f"noproxy-{name}", does, must, http_proxy="{proxy}", no_proxy=value)


_PLAIN = (
    _plain("plain", "forwards a request that has its credentials", gives(), ask_for_credentials),
    _plain("407", "refuses a request's credentials", raises("StatusError"),
           answer("407 Proxy Authentication Required", OK_BODY, _AUTH)),
    _plain("502", "cannot reach the server", raises("ServerError"), answer("502 Bad Gateway")),
    _plain("504", "waits for the server in vain", raises("ServerError"),
           answer("504 Gateway Timeout")),
    _plain("noise", "speaks another protocol", raises("ConnectionFailed/protocol"),
           cut(b"\x05\x00 noise\r\n\r\n")),
    _plain("fin", "ends the connection", raises("ConnectionFailed"), fin),
    _plain("rst", "resets the connection", raises("ConnectionFailed"), rst),
    _plain("stall", "never answers", raises("TimedOut/read"), stall, _SLOW),
    _plain("accept-fin", "ends each connection at once", raises("ConnectionFailed"), forward,
           accept=fin),
)  # fmt: skip

_TUNNELS = (
    _tunnel("tunnel", "opens a tunnel for whoever has its credentials", gives(),
            ask_for_credentials),
    _tunnel("connect-407", "refuses a tunnel's credentials", _REFUSED,
            answer("407 Proxy Authentication Required", OK_BODY, _AUTH)),
    _tunnel("connect-403", "does not allow the tunnel", _REFUSED, answer("403 Forbidden")),
    _tunnel("connect-502", "cannot reach the server", _FAILED, answer("502 Bad Gateway")),
    _tunnel("connect-302", "redirects a CONNECT", _FAILED,
            answer("302 Found", b"", "Location: {elsewhere}")),
    _tunnel("connect-noise", "answers CONNECT with noise", raises("ConnectionFailed"),
            cut(b"noise\r\n\r\n")),
    _tunnel("connect-fin", "ends the connection at CONNECT", raises("ConnectionFailed"), fin),
    _tunnel("connect-rst", "resets the connection at CONNECT", raises("ConnectionFailed"), rst),
    _tunnel("connect-stall", "never answers CONNECT", _LATE, stall, _SLOW),
    _tunnel("drip", "drips its answer to CONNECT", _LATE,
            then(say(b"HTTP/1.1 200 OK\r\nX-Long: "), drip(b"a")), _SLOW),
    _tunnel("connect-endless", "answers CONNECT with a head without an end",
            raises("ResponseTooLarge"), say(head("X-Huge: " + "a" * 3_000_000))),
    _tunnel("tunnel-stall", "opens a tunnel and carries nothing", _LATE,
            then(say(_TUNNEL), stall), _SLOW),
    _tunnel("tunnel-fin", "opens a tunnel and ends it", raises("ConnectionFailed"),
            cut(_TUNNEL)),
    _tunnel("tunnel-noise", "opens a tunnel and says noise in it", raises("ConnectionFailed"),
            cut(_TUNNEL + b"noise")),
    _tunnel("tunnel-plain", "answers CONNECT with 200 and the page of a portal",
            raises("ConnectionFailed"), cut(message(b"<html>log in</html>"))),
)  # fmt: skip

_SOCKS5 = (
    _socks("tunnel", "opens a tunnel", gives(), tunnel_by_socks),
    _socks("noise", "speaks another protocol", _FAILED,
           cut(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
    _socks("methods", "accepts no method", _FAILED,
           then(lambda peer: peer.take(), say(b"\x05\xff"), fin)),
    _socks("password", "refuses the password", _REFUSED,
           then(lambda peer: greet_by_socks(peer, verdict=b"\x01\x01"), fin)),
    _socks("refuses", "cannot reach the server", _FAILED,
           then(greet_by_socks, lambda peer: peer.take(),
                say(b"\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"), fin)),
    _socks("fin", "ends the connection in the handshake", raises("ConnectionFailed"), fin),
    _socks("stall", "never answers the handshake", _LATE, stall, _SLOW),
    _socks("drip", "drips its answer", _LATE,
           then(greet_by_socks, drip(b"\x05\x00\x00\x03\xff" + b"a" * 300)), _SLOW),
)  # fmt: skip

_ENVIRONMENT = (
    _environment("env", "names a proxy", raises("ServerError"), http_proxy="{proxy}"),
    _environment("env-all", "names a proxy for everything", raises("ServerError"),
                 all_proxy="{proxy}"),
    _environment("env-https", "names a proxy for https, which this is not", gives(sends=0),
                 https_proxy="{proxy}"),
    _environment("env-empty", "names an empty proxy", gives(sends=0), http_proxy=""),
    _environment("env-scheme", "names a proxy of a scheme that is none",
                 raises("ConfigurationError", "InvalidOption", sends=0),
                 http_proxy="gopher://127.0.0.1:1"),
    _environment("env-noise", "names a proxy that is no URL",
                 raises("ConfigurationError", "InvalidOption", sends=0),
                 http_proxy="http://[half"),
    _environment("env-cgi", "is a CGI script's, whose HTTP_PROXY is a request's Proxy header",
                 gives(sends=0), HTTP_PROXY="{proxy}", REQUEST_METHOD="GET"),
    _no_proxy("star", "*", direct=True),
    _no_proxy("address", "127.0.0.1", direct=True),
    _no_proxy("port", "127.0.0.1:{port}", direct=True),
    _no_proxy("other-port", "127.0.0.1:1", direct=False),
    _no_proxy("cidr", "127.0.0.0/8", direct=True),
    _no_proxy("other-cidr", "10.0.0.0/8", direct=False),
    _no_proxy("list", "example.com, 127.0.0.1", direct=True),
    _no_proxy("other-name", "localhost.example", direct=False),
    _no_proxy("suffix", "0.0.1", direct=False),
    _no_proxy("noise", "[, ::/999, *.", direct=False),
)  # fmt: skip

CASES = (*_PLAIN, *_TUNNELS, *_SOCKS5, *_ENVIRONMENT)
