"""A stack with what sends at its end: every call goes down it, and its response comes up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.call import ATTEMPT, CALL, Attempt
from penstock.choosing import checked_stack
from penstock.errors import InvalidOption, PenstockError
from penstock.facts import AttemptEnded
from penstock.missing import no_response, stumbled_over_none

if TYPE_CHECKING:
    from penstock.call import Call
    from penstock.messages import Response
    from penstock.stack import Next


class BoundStack:
    """A stack bound to a terminal.

    Args:
        stack: The middleware.
        terminal: What sends.
        is_async: Whether there is an event loop to run it on.

    Attributes:
        stack: As given.

    Raises:
        InvalidOption: It is no stack, or there is a middleware in it that needs an event loop.
    """

    __slots__ = ("_handler", "stack")

    def __init__(self, stack: Any, terminal: Next, *, is_async: bool) -> None:
        self.stack = checked_stack(stack)
        for layer in self.stack:
            if getattr(layer, "async_only", False) and not is_async:
                msg = f"{layer!r} needs an event loop: use it in an AsyncClient"
                raise InvalidOption(msg)
        self._handler = self.stack.bind(terminal)

    async def run(self, call: Call, request: Any) -> Response:
        """Send *request*, which is *call*'s own from now on, and return what comes up.

        Raises:
            PenstockError: It failed; the error tells of the call.
            InvalidOption: A middleware gave something else than a response.
        """
        request.extensions[CALL] = call
        request.extensions[ATTEMPT] = Attempt(call, 0, call.started)
        try:
            try:
                response = await self._handler(request)
            except PenstockError as error:
                _end_only_attempt(call, error, None, type(error).__name__)
                call.complete(error, request)
                raise
            except AttributeError as error:
                if not stumbled_over_none(error):
                    raise
                raise no_response(error.obj, self.stack) from error
            if not hasattr(response, "status_code"):
                raise no_response(response, self.stack)
        except BaseException:
            # Whoever fails above an open response leaves it to nobody else.
            opened = call.opened and call.opened()
            if opened is not None:
                await call.runtime.close(opened)
            raise
        _claim(response, request)
        _end_only_attempt(call, response, response.status_code, None)
        return response


def _claim(response: Any, request: Any) -> None:
    """Have a response a middleware made up answer the call's request."""
    try:
        _ = response.request
    except RuntimeError:
        response.request = request


def _end_only_attempt(call: Call, outcome: Any, status: int | None, error: str | None) -> None:
    """Record the attempt of a stack without `Retry`, which is the whole call."""
    if not call.attempt_count:
        now = call.runtime.now()
        call.record_end(AttemptEnded(0, now, now - call.started, status, error), outcome)
