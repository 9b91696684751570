"""The end of every stack: put the request on the wire, and read a plain call's body."""

from __future__ import annotations

import importlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from penstock.call import ATTEMPT, CALL
from penstock.errors import InvalidOption
from penstock.facts import SendEnded
from penstock.transport.failures import failure_of
from penstock.transport.until import left

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from penstock.call import Attempt, Call
    from penstock.messages import Request, Response
    from penstock.transport.family import Family


class Terminal:
    """The innermost async function of a stack.

    Args:
        exchange: Sends a request and returns the open response, in the client's colour.
        family: The library the messages belong to.
        watched: Whether the transport holds an attempt's limits at its sockets. Where it does not,
            they are checked at each chunk of the body.
    """

    def __init__(
        self, exchange: Callable[[Any], Awaitable[Any]], family: Family, *, watched: bool
    ) -> None:
        messages = importlib.import_module(f"penstock.transport.{family.name}_messages")
        self._exchange = exchange
        self._plain_class: type = family.http.Response
        self._typed_class: type = messages.Response
        self._body_class: type = messages.Body
        self._watched = watched

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
        response.elapsed = timedelta(seconds=elapsed)
        return response  # type: ignore[no-any-return]  # the family's response

    @staticmethod
    def _record(
        request: Request, call: Call, number: int, at: float, status: int | None, error: str | None
    ) -> float:
        elapsed = call.runtime.now() - at
        attempt: Attempt = request.extensions[ATTEMPT]
        method = request.method
        call.record(SendEnded(number, attempt.number, at, elapsed, method, status, error))
        return elapsed

    async def _send(self, request: Request, call: Call) -> Any:
        if not self._watched and "timeout" in request.extensions:
            request.extensions["timeout"] = _plain_limits(request.extensions["timeout"])
        response: Any = None
        try:
            response = await self._exchange(request)
            if type(response) is self._plain_class:
                response.__class__ = self._typed_class
            response.request = request
            if call.stream:
                self._open(response, request, call)
            else:
                self._limit(response, call, request.extensions[ATTEMPT])
                await call.runtime.read(response)
        except BaseException as error:
            failure = failure_of(error, request, call)
            if response is not None:
                await call.runtime.close(response)
            if failure is error:
                raise
            # The engine's text for a request of ours that it refuses quotes the illegal value.
            failure.__cause__ = None if isinstance(failure, InvalidOption) else error
        else:
            return response
        try:
            raise failure
        finally:
            del failure  # it refers to this frame through its traceback

    def _open(self, response: Any, request: Request, call: Call) -> None:
        """Watch the body of a stream: it ends long after this call of ours."""
        response.stream = self._body_class(
            response.stream,
            now=call.runtime.now,
            failure=lambda error: failure_of(error, request, call),
            max_bytes=call.options.max_response_bytes or None,
            expires=call.deadline,
        )

    def _limit(self, response: Any, call: Call, attempt: Attempt) -> None:
        """Hold a plain call's body to its limits, where nothing below does."""
        max_bytes = call.options.max_response_bytes or None
        expires = None if self._watched else attempt.deadline
        if max_bytes is not None or expires is not None:
            response.stream = self._body_class(
                response.stream,
                now=call.runtime.now,
                failure=_as_it_is,
                max_bytes=max_bytes,
                expires=expires,
            )


def _plain_limits(limits: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return the limits as the plain numbers other transports know."""
    if len({id(limit) for limit in limits.values()}) == 1:
        return dict.fromkeys(limits, left(limits["read"]))
    return {phase: left(limit) for phase, limit in limits.items()}


def _as_it_is(error: BaseException) -> BaseException:
    return error
