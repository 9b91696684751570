"""The end of every stack: put the request on the wire, and read a plain call's body."""

from __future__ import annotations

import importlib
import math
import weakref
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from penstock.body import BodyLimits
from penstock.call import ATTEMPT, CALL
from penstock.callers import line_of_caller
from penstock.detached import request_id_of
from penstock.errors import ClientClosed, ConnectionFailed, InvalidOption, PenstockError
from penstock.facts import SendEnded
from penstock.options import UNSET
from penstock.transport.decoding import is_coded
from penstock.transport.failures import failure_of
from penstock.transport.our_response import OurResponse
from penstock.transport.waiting import WAITED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from penstock.call import Attempt, Call
    from penstock.messages import Request, Response
    from penstock.transport.family import Family


def unknown_proxy(url: Any) -> None:
    """Name no proxy: how another's transport reaches a URL is its own affair."""


class Terminal:
    """The innermost async function of a stack.

    Args:
        exchange: Sends a request and returns the open response, in the client's colour.
        family: The library the messages belong to.
        watched: Whether the transport holds an attempt's limits at its sockets. Where it does not,
            they are checked at each chunk of the body.
        closed: Tells whether the client was closed meanwhile, where the transport knows.
        proxy_of: Tells the URL of the proxy that a URL is reached through, where the transport
            knows: without credentials, and None where there is none.
    """

    def __init__(
        self,
        exchange: Callable[[Any], Awaitable[Any]],
        family: Family,
        *,
        watched: bool,
        closed: Callable[[], bool] = lambda: False,
        proxy_of: Callable[[Any], str | None] = unknown_proxy,
    ) -> None:
        messages = importlib.import_module(f"penstock.transport.{family.name}_messages")
        self._exchange = exchange
        self._plain_class: type = family.http.Response
        self._typed_class: type = messages.Response
        self._body_class: type = messages.Body
        self._watched = watched
        self._closed = closed
        self._proxy_of = proxy_of

    async def __call__(self, request: Request) -> Response:
        """Send *request*; return its response, the body read unless the call is a stream."""
        call: Call = request.extensions[CALL]
        number = call.sends
        call.sends = number + 1
        started = call.runtime.now()
        try:
            response = await self._send(request, call)
        except BaseException as error:
            self._record(request, call, number, started, None, type(error).__name__)
            raise
        elapsed = self._record(request, call, number, started, response.status_code, None)
        if isinstance(response, OurResponse):
            response.seconds = elapsed
        else:
            response.elapsed = timedelta(seconds=elapsed)
        return response  # type: ignore[no-any-return]  # the family's response

    @staticmethod
    def _record(
        request: Request, call: Call, number: int, at: float, status: int | None, error: str | None
    ) -> float:
        elapsed = call.runtime.now() - at
        attempt: Attempt = request.extensions[ATTEMPT]
        method = request.method
        waited = request.extensions.pop(WAITED, 0.0)  # taken out: a repeat may be a copy
        call.record(SendEnded(number, attempt.number, at, elapsed, method, status, error, waited))
        return elapsed

    async def _send(self, request: Request, call: Call) -> Any:
        response: Any = None
        try:
            response = await self._exchange(request)
            if type(response) is self._plain_class:
                response.__class__ = self._typed_class
            if not response.history:  # else a caller's client followed redirects: it knows better
                response.request = request
            _bound_decoded(response, call)
            limits = self._limits(request, call)
            if limits is not None:
                limits.check(0)  # a transport that is not ours may have come back too late
            if call.stream:
                self._open(response, request, call)
            else:
                if limits is not None:
                    self._hold(response, limits, call)
                await call.runtime.read(response)
        except BaseException as error:
            failure = self._failure(error, request, call)
            if response is not None:
                _name_request(failure, response.headers, call)
                await call.runtime.close(response)
            if failure is error:
                del failure  # it refers to this frame through its traceback
                raise
            # The engine's text for a request of ours that it refuses quotes the illegal value.
            failure.__cause__ = None if isinstance(failure, InvalidOption) else error
        else:
            return response
        try:
            raise failure
        finally:
            del failure  # as above

    def _failure(self, error: BaseException, request: Request, call: Call) -> BaseException:
        failure = failure_of(error, request, call, self._proxy_of)
        if type(failure) is ConnectionFailed and self._closed():
            # To try again would be of no use, which this error says to `Retry`.
            failure = ClientClosed("the client was closed while this call was under way")
            call.complete(failure, request)
        return failure

    def _open(self, response: Any, request: Request, call: Call) -> None:
        """Watch the body of a stream: it ends long after this call of ours."""
        call.opened = weakref.ref(response)  # weak: the response leads to the call
        if response.is_closed:
            return  # a transport for tests has it in memory: it has ended
        headers = response.headers
        limits = BodyLimits(call.runtime.now, _max_bytes(call), call.deadline)
        decoded = call.options.max_decoded_bytes
        if decoded is not UNSET and decoded is not None and not is_coded(headers):
            limits = limits.tightened("max_decoded_bytes", decoded)
        response.stream = self._body_class(
            response.stream,
            limits,
            lambda error: _name_request(self._failure(error, request, call), headers, call),
            request.extensions.get("timeout"),
            watched=self._watched,
            is_async=call.runtime.is_async,
            opened_at=line_of_caller(),
        )
        if isinstance(response, OurResponse):
            response.is_async = call.runtime.is_async

    def _limits(self, request: Request, call: Call) -> BodyLimits | None:
        """Return what nothing below holds an attempt to, or None."""
        attempt: Attempt = request.extensions[ATTEMPT]
        max_bytes = _max_bytes(call)
        expires = None if self._watched else attempt.deadline
        if max_bytes is None and expires is None:
            return None
        return BodyLimits(call.runtime.now, max_bytes, expires)

    def _hold(self, response: Any, limits: BodyLimits, call: Call) -> None:
        """Hold a plain call's body to *limits*."""
        if isinstance(response, OurResponse):
            response.limits = limits
        else:
            response.stream = self._body_class(
                response.stream, limits, lambda error: error, is_async=call.runtime.is_async
            )


def _name_request(failure: BaseException, headers: Any, call: Call) -> BaseException:
    """Note on what broke a body which request the server says it answered."""
    if isinstance(failure, PenstockError):
        failure.request_id = request_id_of(headers, call.scope.secrets)
    return failure


def _bound_decoded(response: Any, call: Call) -> None:
    """Hold the decoded body to what the client or the call allows, if they say anything."""
    most = call.options.max_decoded_bytes
    if most is not UNSET and isinstance(response, OurResponse):
        response.most = math.inf if most is None else most
        response.most_in_pieces = most


def _max_bytes(call: Call) -> int | None:
    limit = call.options.max_response_bytes
    return None if limit is UNSET else limit
