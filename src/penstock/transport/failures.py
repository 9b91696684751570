"""From what the engine raised to what the caller sees, by the names the families share."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from penstock.errors import (
    ConnectionFailed,
    DeadlineExceeded,
    DecodeError,
    InvalidOption,
    PenstockError,
    RedirectError,
    TimedOut,
    UntrustedCertificate,
)
from penstock.redact import safe_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.call import Call
    from penstock.messages import Request

_TIMEOUTS = {
    "ConnectTimeout": "connect",
    "PoolTimeout": "pool",
    "WriteTimeout": "write",
    "ReadTimeout": "read",
}
_TIMEOUTS |= {"TimeoutException": "read", "TimeoutError": "read"}
_CONNECTION = {
    "ConnectError": "connect",
    "WriteError": "write",
    "ReadError": "read",
    "CloseError": "read",
}
_CONNECTION |= {
    "ProxyError": "proxy",
    "RemoteProtocolError": "protocol",
    "NetworkError": "read",
    "EndOfStream": "read",
}
_CONNECTION |= {"BrokenResourceError": "read", "ClosedResourceError": "read", "OSError": "read"}
_CONNECTION |= {"ConnectionRefusedError": "connect", "gaierror": "connect"}
_CONNECTION |= {"SSLCertVerificationError": "connect"}
# What engines let through: of socksio, and of `socket.connect` for a port beyond 65535.
_CONNECTION |= {"SOCKSError": "proxy", "OverflowError": "connect"}
_OURS = {"LocalProtocolError", "UnsupportedProtocol", "InvalidURL", "UnicodeError"}
_KNOWN = {*_TIMEOUTS, *_CONNECTION, *_OURS, "DecodingError", "TooManyRedirects"}

_TOOK_TOO_LONG = {
    "connect": "connecting took too long",
    "pool": "no connection came free in time",
    "write": "sending the request took too long",
    "read": "the server took too long to answer",
}


def failure_of(
    error: BaseException,
    request: Request,
    call: Call,
    proxy_of: Callable[[Any], str | None],
) -> BaseException:
    """Return the error the caller sees for what was raised while sending or reading.

    A timeout after the call's deadline has passed is a `DeadlineExceeded`. What is neither the
    engine's nor the network's (a bug in a scripted transport, a cancellation) is returned as it is.

    Args:
        error: What was raised.
        request: What was being sent.
        call: Its call.
        proxy_of: Tells the URL of the proxy that a URL is reached through, or None: who cannot
            connect has to know to what.
    """
    failure = _translate(_one_of(error), call, lambda: proxy_of(request.url))
    if (
        type(failure) is TimedOut
        and call.deadline is not None
        and call.runtime.now() >= call.deadline
    ):
        failure = DeadlineExceeded("the deadline passed", phase=failure.phase)
    if isinstance(failure, PenstockError):
        call.complete(failure, request)
    if failure is not error:
        _drop_frames(error)
    return failure


def _one_of(error: BaseException) -> BaseException:
    """Return the first error of a group: anyio tries the addresses of a name side by side."""
    return error.exceptions[0] if isinstance(error, ExceptionGroup) else error


def _translate(error: BaseException, call: Call, proxy: Callable[[], str | None]) -> BaseException:
    name = next((cls.__name__ for cls in type(error).__mro__ if cls.__name__ in _KNOWN), None)
    if name is None or isinstance(error, PenstockError):
        return error
    if name in _TIMEOUTS:
        phase = _TIMEOUTS[name]
        return TimedOut(_TOOK_TOO_LONG[phase] + _through(proxy, phase), phase=phase)
    if name in _CONNECTION:
        phase = _CONNECTION[name]
        untrusted = _untrusted(error) if phase == "connect" else None
        text = safe_text(str(untrusted or error), call.scope.secrets) or type(error).__name__
        said = f"the connection{_through(proxy, phase)} failed ({phase}): {text}"
        return (UntrustedCertificate if untrusted else ConnectionFailed)(said, phase=phase)
    if name == "DecodingError":
        return DecodeError(f"the body does not decode as its Content-Encoding says: {error}")
    if name == "TooManyRedirects":
        return RedirectError("too many redirects")
    # The engine's text quotes the illegal value, which may be a credential.
    return InvalidOption(f"the request cannot be sent ({name}): check its URL, headers and body")


def _untrusted(error: BaseException | None) -> BaseException | None:
    """Return the error that a certificate did not verify, if *error* was raised for it."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        # httpcore raises again `from None`. Any other context may be what the caller is handling.
        hidden = error.__context__ if error.__suppress_context__ else None
        error = error.__cause__ or hidden
    return error


def _through(proxy: Callable[[], str | None], phase: str) -> str:
    url = proxy() if phase in {"connect", "proxy"} else None
    return f" through the proxy {url}" if url else ""


def _drop_frames(error: BaseException | None) -> None:
    """Drop what holds the signed headers: the engine's frames, and the request on an error."""
    while error is not None:
        error.__traceback__ = None
        if "_request" in error.__dict__:
            error.__dict__["_request"] = None
        error = error.__cause__ or error.__context__
