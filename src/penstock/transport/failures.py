"""From what the engine raised to what the caller sees, by the names the families share."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING, Any

from penstock.errors import (
    ConnectionFailed,
    DeadlineExceeded,
    DecodeError,
    InvalidOption,
    PenstockError,
    ProxyRefused,
    RedirectError,
    TimedOut,
    UntrustedCertificate,
)
from penstock.redact import safe_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
_REFUSAL = re.compile(r"^4(?!08|25|29)\d\d\b|user or the password|Invalid username/password")
"""What proxies are told to have said that they would say again: a status of the client's fault, but
for 408, 425 and 429 (RFC 9110 §15.5, RFC 8470 §5.2, RFC 6585 §4), and by SOCKS, ours and httpcore's
(RFC 1929 §2), that the password is wrong."""

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
        kind, why = _kind_of(error, phase)
        text = safe_text(_said_by(why), call.scope.secrets)
        said = f"the connection{_through(proxy, phase)} failed ({phase}): {text}"
        return kind(said, phase=phase)
    if name == "DecodingError":
        return DecodeError(f"the body does not decode as its Content-Encoding says: {error}")
    if name == "TooManyRedirects":
        return RedirectError("too many redirects")
    # The engine's text quotes the illegal value, which may be a credential.
    return InvalidOption(f"the request cannot be sent ({name}): check its URL, headers and body")


def _kind_of(error: BaseException, phase: str) -> tuple[type[ConnectionFailed], BaseException]:
    """Return the class for a connection that failed, and which error says why."""
    if phase == "connect":
        for behind in _chain(error):
            if isinstance(behind, ssl.SSLCertVerificationError):
                return UntrustedCertificate, behind
    if phase == "proxy" and _REFUSAL.search(str(error)):
        return ProxyRefused, error
    return ConnectionFailed, error


def _said_by(error: BaseException) -> str:
    """Return the text of *error*, or of what it was raised for: on trio, some have none."""
    return next((text for behind in _chain(error) if (text := str(behind))), type(error).__name__)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Iterate over *error* and what it was raised for."""
    while error is not None:
        yield error
        # httpcore raises again `from None`. Any other context may be what the caller is handling.
        hidden = error.__context__ if error.__suppress_context__ else None
        error = error.__cause__ or hidden


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
