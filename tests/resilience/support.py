"""What the tests of budget, breaker, keys and chaos are told with."""

from __future__ import annotations

from typing import Any

from penstock import Call, Client, Stack
from penstock.testing import Script, VirtualClock

BASE_URL = "https://api.example.com"


class Sync:
    """The sync colour, for tests that run once and many times over."""

    is_async = False
    client = Client

    @staticmethod
    def run(call: Any) -> Any:
        """Run *call* to its end."""
        return call()


SYNC = Sync()


class Rig:
    """A client of one colour with some middleware, over a script in virtual time.

    Args:
        colour: The colour.
        layers: The middleware, outermost first, or a whole stack.
        replies: What the server does, send by send.
        clock: The clock; a new one unless given.
        forever: Whether the last reply answers every further send.
        **options: Arguments of the client.
    """

    def __init__(
        self,
        colour: Any,
        layers: Any,
        replies: Any = (200,),
        *,
        clock: VirtualClock | None = None,
        forever: bool = False,
        **options: Any,
    ) -> None:
        self.colour = colour
        self.clock = clock or VirtualClock()
        self.script = Script(replies, clock=self.clock, forever=forever)
        self.facts: list[Any] = []
        self.client = colour.client(
            **{
                "base_url": BASE_URL,
                "transport": self.script,
                "clock": self.clock,
                "stack": Stack([self._watch, *layers]),
                **options,
            }
        )

    async def _watch(self, request: Any, call_next: Any) -> Any:
        Call.of(request).subscribe(lambda _, fact: self.facts.append(fact))
        return await call_next(request)

    def send(self, method: str = "GET", url: str = "/it", **call: Any) -> Any:
        """Send one request to its end and return its response."""
        return self.colour.run(lambda: self.client.request(method, url, **call))

    def ends(self, *args: Any, **call: Any) -> Any:
        """Send one request and return the status or the name of the error it ends with."""
        try:
            return self.send(*args, **call).status_code
        except Exception as error:  # noqa: BLE001 - every outcome is compared
            return type(error).__name__

    def kinds(self, kind: type) -> list[Any]:
        """Return the facts of one kind, oldest first."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    @property
    def sent(self) -> int:
        """How many requests were sent."""
        return len(self.script.requests)
