"""What a middleware keeps about each origin: one state a client and origin, bounded in number."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

from penstock import Key, origin_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock import Call, Request, Scope

T = TypeVar("T")

MOST_ORIGINS = 1024
"""How many origins a client keeps a state of: one that crawls must not grow without end."""


class PerOrigin(Generic[T]):
    """A state for each client and origin; the views that `with_options` makes are one client.

    Args:
        name: Shown in reprs.
        make: Makes the state of an origin, at the first call to it.
        shared: Whether all clients whose stacks hold the middleware have one state an origin.
    """

    def __init__(self, name: str, make: Callable[[Call], T], *, shared: bool = False) -> None:
        self._make = make
        self._key = Key[Origins[T]](name)
        self._shared = Origins(make) if shared else None

    def of(self, request: Request, call: Call) -> T:
        """Return the state of the origin *request* goes to."""
        origins = self._shared
        if origins is None:
            origins = call.once(self._key, self._open)
        return origins.of(request, call)

    def _open(self, scope: Scope) -> Origins[T]:  # noqa: ARG002 - as `once` wants it
        return Origins(self._make)


class Origins(Generic[T]):
    """A state for each origin; beyond *most*, the one not asked for longest goes.

    Args:
        make: Makes the state of an origin, at the first call to it.
        most: How many to keep.
    """

    def __init__(self, make: Callable[[Call], T], most: int = MOST_ORIGINS) -> None:
        self._make = make
        self._most = most
        self._states: OrderedDict[object, T] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, request: Request, call: Call) -> T:
        """Return the state of the origin *request* goes to."""
        origin = origin_of(request.url)
        try:
            state = self._states[origin]
            self._states.move_to_end(origin)
        except KeyError:  # new, or dropped by another thread just now
            return self._added(origin, call)
        return state

    def _added(self, origin: object, call: Call) -> T:
        with self._lock:
            if origin not in self._states:
                self._states[origin] = self._make(call)
                if len(self._states) > self._most:
                    self._states.popitem(last=False)
            return self._states[origin]
