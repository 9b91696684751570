"""What a middleware keeps about each origin, bounded in number."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

from penstock import Alone

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock import Call, Request

T = TypeVar("T")

MOST_ORIGINS = 1024
"""How many origins a client keeps something about: one that crawls must not grow without end."""


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
        self._lock = Alone()

    def of(self, request: Request, call: Call) -> T:
        """Return the state of the origin *request* goes to."""
        url = request.url
        origin = url.scheme, url.host, url.port  # both families leave a default port out
        try:
            state = self._states[origin]
            self._states.move_to_end(origin)
        except KeyError:  # new, or dropped by another thread just now
            return self._lock.run(self._added, origin, call)
        return state

    def _added(self, origin: object, call: Call) -> T:
        if origin not in self._states:
            self._states[origin] = self._make(call)
            if len(self._states) > self._most:
                self._states.popitem(last=False)
        return self._states[origin]
