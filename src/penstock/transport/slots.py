"""The connections a pool may have open at once, and which of them are idle."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.transport.waiting import Origin


class Slot:
    """A connection's place among those that may be open.

    Args:
        origin: What it connects to.
        connection: The engine's connection, open or yet to be opened.

    Attributes:
        users: How many leases are on it: more than one only over HTTP/2.
        since: When it became idle, in seconds, or None before that.
        retired: Whether it takes no more requests, and ends with its last user.
        stream: The network stream of its last response, or None before that.
    """

    __slots__ = ("connection", "origin", "retired", "since", "stream", "users")

    def __init__(self, origin: Origin, connection: Any) -> None:
        self.origin = origin
        self.connection = connection
        self.users = 0
        self.since: float | None = None
        self.retired = False
        self.stream: Any = None


class Slots:
    """The slots of one pool. What any step costs does not depend on how many there are.

    Args:
        shared: Whether connections may turn out to speak HTTP/2.

    Attributes:
        all: Every slot.
        idle: Those that nobody uses; what has been idle longest comes first.
    """

    def __init__(self, *, shared: bool) -> None:
        self.all: set[Slot] = set()
        self.idle: OrderedDict[Slot, None] = OrderedDict()
        self._stacks: dict[Origin, deque[Slot]] = {}
        self._of_origin: Counter[Origin] = Counter()
        self._shared: dict[Origin, Slot] | None = {} if shared else None

    def by_origin(self) -> tuple[Counter[Origin], Counter[Origin]]:
        """Return how many slots each origin has, and how many of them are idle."""
        slots, idle = list(self.all), list(self.idle)  # copied, as others go on
        return Counter(slot.origin for slot in slots), Counter(slot.origin for slot in idle)

    def count_of(self, origin: Origin) -> int:
        """Return how many slots *origin* has."""
        return self._of_origin[origin]

    def ready(self, origin: Origin) -> Slot | None:
        """Return one of *origin* that takes a request now, or None.

        One that is in use and takes another beside, or the one that became idle last.
        """
        shared = None if self._shared is None else self._shared.get(origin)
        if shared is not None and shared.users and shared.connection.is_available():
            return shared
        stack = self._stacks.get(origin)
        return stack[-1] if stack else None

    def add(self, slot: Slot) -> None:
        """Add a slot, which is in use."""
        self.all.add(slot)
        self._of_origin[slot.origin] += 1
        if self._shared is not None:
            self._shared[slot.origin] = slot

    def wake(self, slot: Slot) -> None:
        """Have the slot that `ready` returned be in use, if it was idle."""
        if slot not in self.idle:
            return
        stack = self._stacks[slot.origin]
        stack.pop()
        if not stack:
            del self._stacks[slot.origin]
        del self.idle[slot]
        if self._shared is not None:
            self._shared[slot.origin] = slot

    def rest(self, slot: Slot, now: float) -> None:
        """Have *slot*, which nobody uses any more, be idle from *now* on, in seconds."""
        slot.since = now
        self.idle[slot] = None
        self._stacks.setdefault(slot.origin, deque()).append(slot)

    def pop_oldest_idle(self) -> Slot:
        """Have the one that has been idle longest be idle no more, and return it."""
        slot, _ = self.idle.popitem(last=False)
        stack = self._stacks[slot.origin]
        stack.popleft()  # it is at the bottom of its origin's as well
        if not stack:
            del self._stacks[slot.origin]
        return slot

    def retire(self, slot: Slot) -> None:
        """Have *slot* take no more requests."""
        slot.retired = True
        self._unshare(slot)

    def remove(self, slot: Slot) -> None:
        """Take out a slot that is not idle; one that is out already stays so."""
        if slot in self.all:
            self.all.remove(slot)
            self._of_origin[slot.origin] -= 1
            if not self._of_origin[slot.origin]:
                del self._of_origin[slot.origin]
        self._unshare(slot)

    def clear(self) -> None:
        """Take out all of them."""
        self.all.clear()
        self._stacks.clear()
        self.idle.clear()
        self._of_origin.clear()

    def mend(self) -> list[Slot]:
        """Make everything whole after an interruption, and return the slots that nobody has.

        How many leases are on a slot is right at any moment. One without any is kept only if it is
        idle; the rest follows from that.
        """
        idle = [slot for slot in self.idle if slot in self.all and not slot.users]
        self.idle = OrderedDict.fromkeys(idle)
        self._stacks = {}
        for slot in idle:
            self._stacks.setdefault(slot.origin, deque()).append(slot)
        if self._shared is not None:
            live = {slot for slot in self.all if slot.users and not slot.retired}
            self._shared = {slot.origin: slot for slot in self._shared.values() if slot in live}
        self._of_origin = Counter(slot.origin for slot in self.all)
        return [slot for slot in self.all if not slot.users and slot not in self.idle]

    def _unshare(self, slot: Slot) -> None:
        if self._shared is not None and self._shared.get(slot.origin) is slot:
            del self._shared[slot.origin]
