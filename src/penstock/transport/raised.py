"""From our errors to the family's own: what a client above a transport of ours knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.errors import (
    ConfigurationError,
    ConnectionFailed,
    DecodeError,
    InvalidOption,
    PenstockError,
    RedirectError,
    ResponseTooLarge,
    StatusError,
    TimedOut,
)
from penstock.facts import SendEnded

if TYPE_CHECKING:
    from types import ModuleType, TracebackType

    from penstock.call import Call

_TIMEOUTS = {"connect": "ConnectTimeout", "pool": "PoolTimeout", "write": "WriteTimeout"}
_CONNECTION = {"write": "WriteError", "protocol": "RemoteProtocolError", "proxy": "ProxyError"}
_OTHERS = {
    DecodeError: "DecodingError",
    RedirectError: "TooManyRedirects",
    ResponseTooLarge: "ReadError",
}


class FamilyErrors:
    """Inside `with`, what Penstock raises becomes the family's error of the same meaning.

    Ours is its cause, and the request is on it as httpx puts it there. What was put together
    wrongly, a stack or a middleware, is raised as it is, and so is a status: no transport of the
    family raises one.

    Args:
        http: The family's library.
        request: The request of the client above.
        call: The call it became.
    """

    __slots__ = ("_call", "_http", "_request")

    def __init__(self, http: ModuleType, request: Any, call: Call) -> None:
        self._http = http
        self._request = request
        self._call = call

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, PenstockError) and (name := self._name(error)):
            raise getattr(self._http, name)(str(error), request=self._request) from error

    def _name(self, error: PenstockError) -> str | None:
        if isinstance(error, TimedOut):
            return _TIMEOUTS.get(error.phase, "ReadTimeout")
        if isinstance(error, ConnectionFailed):
            return _CONNECTION.get(error.phase, "ConnectError" if error.unsent else "ReadError")
        if isinstance(error, InvalidOption) and self._was_refused():
            is_http = self._request.url.scheme in {"http", "https"}
            return "LocalProtocolError" if is_http else "UnsupportedProtocol"
        if isinstance(error, (ConfigurationError, StatusError)):
            return None
        named = (name for cls, name in _OTHERS.items() if isinstance(error, cls))
        return next(named, "TransportError")

    def _was_refused(self) -> bool:
        """Tell whether it was the transport that could not send the request as it is."""
        return any(
            isinstance(fact, SendEnded) and fact.error == InvalidOption.__name__
            for fact in self._call.facts
        )
