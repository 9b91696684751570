"""How calls under way in other threads are interrupted: a thread cannot be cancelled."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from penstock.call import Call
from penstock.clock import SystemClock
from penstock.transport.until import Interruptible, Sockets

if TYPE_CHECKING:
    from penstock.messages import Request, Response
    from penstock.stack import Next, Stack


class Left(BaseException):
    """Nobody wants the answer any more. As a cancellation, it is nobody's failure."""


class Interrupt:
    """The innermost middleware of calls that may be interrupted, all at once and for good."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._sockets = Sockets()
        self.is_set = self._event.is_set

    def set(self) -> None:
        """Interrupt."""
        self._event.set()
        self._sockets.interrupt()

    def into(self, stack: Stack) -> Stack:
        """Return *stack* with this in it."""
        return stack.append(self)

    async def __call__(self, request: Request, call_next: Next) -> Response:
        """Send *request*, unless nobody wants its answer any more."""
        call = Call.of(request)
        if not isinstance(call.runtime, _Patient):
            patient: Any = _Patient(call.runtime, self._event)
            call.runtime = patient
        limits = {"read": None, "write": None, **request.extensions.get("timeout", {})}
        for phase in ("read", "write"):
            limits[phase] = Interruptible.of(limits[phase], self._sockets)
        request.extensions["timeout"] = limits
        try:
            if self.is_set():
                raise Left
            return await call_next(request)
        except Exception:
            if self.is_set():
                raise Left from None
            raise


class _Patient:
    """A runtime whose sleep can be interrupted."""

    def __init__(self, runtime: Any, event: threading.Event) -> None:
        self._runtime = runtime
        self._event = event

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    async def sleep(self, seconds: float) -> None:
        if not isinstance(self._runtime.clock, SystemClock):
            await self._runtime.sleep(seconds)
        elif self._event.wait(seconds):
            raise Left
