"""Names turned into addresses within a limit, although the operating system knows none."""

from __future__ import annotations

import ipaddress
import os
import threading
from typing import TYPE_CHECKING, Any, Protocol

from penstock.alone import Alone
from penstock.transport.until import left

if TYPE_CHECKING:
    from penstock.transport.until import Until

_MOST = 32
"""Lookups under way in a process: as many as asyncio's own threads at most."""


class Resolve(Protocol):
    """Turns a host's name into its addresses, as `socket.getaddrinfo` does."""

    def __call__(self, host: str, port: int, *, type: int) -> list[Any]:
        """Return the addresses, in the order in which to try them."""
        ...


class _Lookup(threading.Thread):
    """One lookup. Whoever asked for it may leave; it goes on to its end by itself."""

    def __init__(self, lookups: Lookups, key: _Key) -> None:
        super().__init__(name="penstock-lookup", daemon=True)
        self._lookups = lookups
        self._key = key
        self.found: list[Any] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        resolve, host, port, kind = self._key
        try:
            self.found = resolve(host, port, type=kind)
        except BaseException as error:  # noqa: BLE001 - for those who wait to raise
            self.error = error.with_traceback(None)
        finally:
            self._lookups.ended(self._key)


class Lookups:
    """The lookups under way in this process: one at a time of each name, in a thread of its own.

    A thread that is left behind by a limit is found again by whoever asks for the same name: a
    resolver that hangs costs a thread a name, and no more than 32 in all.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, as the child of a fork must: the threads are its parent's."""
        self._under_way: dict[_Key, _Lookup] = {}
        self._lock = Alone()
        self._ended = threading.Event()

    def find(self, resolve: Resolve, host: str, port: int, kind: int, until: Until) -> list[Any]:
        """Return what *resolve* finds.

        Args:
            resolve: Looks a name up, and may take for ever.
            host: The name.
            port: The port, for the addresses.
            kind: The type of socket they are for.
            until: The moment by which to have them.

        Raises:
            TimeoutError: There was none by then.
            BaseException: What *resolve* raised.
        """
        lookup = self._lookup((resolve, host, port, kind), until)
        if lookup.is_alive():
            lookup.join(max(left(until) or 0.0, 0.0))
        if lookup.is_alive():
            msg = f"{host} was not resolved in time"
            raise TimeoutError(msg)
        found, error = lookup.found, lookup.error
        del lookup  # the error refers to this frame through its traceback
        if error is None:
            return found
        try:
            raise error
        finally:
            del error  # as above

    def ended(self, key: _Key) -> None:
        """Note that a lookup is over."""
        self._under_way.pop(key, None)
        ended, self._ended = self._ended, threading.Event()
        ended.set()

    def _lookup(self, key: _Key, until: Until) -> _Lookup:
        while True:
            ended = self._ended
            lookup = self._lock.run(self._begun, key)
            if lookup is not None:
                return lookup
            if not ended.wait(max(left(until) or 0.0, 0.0)):
                msg = f"{_MOST} other names are being resolved, and were not in time"
                raise TimeoutError(msg)

    def _begun(self, key: _Key) -> _Lookup | None:
        lookup = self._under_way.get(key)
        if lookup is None and len(self._under_way) < _MOST:
            try:
                lookup = self._under_way[key] = _Lookup(self, key)
                lookup.start()
            except BaseException:
                self._under_way.pop(key, None)
                raise
        return lookup


_Key = tuple[Resolve, str, int, int]

LOOKUPS = Lookups()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=LOOKUPS.forget)


def is_address(host: str) -> bool:
    """Tell whether *host* is an address already, which nobody has to be asked for."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
