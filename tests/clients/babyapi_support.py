"""What the tests of BabyAPI's client share: a client on a script, in any colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from penstock.clients.babyapi import AsyncBabyAPI, BabyAPI, BabyAPIError
from penstock.testing import Reply, Script, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "baby-key-0123456789"
CHAT = {"model": "mistral", "messages": [{"role": "user", "content": "Hello."}]}
VARIABLES = ("BABYAPI_API_KEY", "BABY_API_KEY", "BABYAPI_BASE_URL", "BABYAPI_DEFAULT_MODEL")


class Baby:
    """A client of one colour on a script.

    Attributes:
        client: The client.
        script: Its transport.
        clock: Its clock.
    """

    def __init__(self, colour: Any, replies: tuple[Any, ...], draw: float, given: Any) -> None:
        self.clock = VirtualClock(random=lambda: draw)
        self.script = Script(replies, clock=self.clock)
        kind: Any = AsyncBabyAPI if colour.is_async else BabyAPI
        self.client = kind(**{"api_key": KEY, **given}, transport=self.script, clock=self.clock)
        self._colour = colour

    def run(self, call: Callable[[Any], Any]) -> Any:
        """Return what `call(client)` gives, awaited where it must be."""
        return self._colour.run(lambda: call(self.client))

    def events(self, call: Callable[[Any], Any]) -> list[Any]:
        """Return the events of the stream `call(client)` gives."""
        return self._colour.events(call(self.client))  # type: ignore[no-any-return]

    def error(self, call: Callable[[Any], Any]) -> BabyAPIError:
        """Return the error `call(client)` ends with."""
        with pytest.raises(BabyAPIError) as caught:
            self.run(call)
        return caught.value

    def stream_error(self, call: Callable[[Any], Any]) -> BabyAPIError:
        """Return the error the stream `call(client)` ends with."""
        with pytest.raises(BabyAPIError) as caught:
            self.events(call)
        return caught.value


def baby(colour: Any, *replies: Any, draw: float = 0.5, **given: Any) -> Baby:
    """Return a client of *colour* that gets *replies*; chance gives *draw* each time."""
    return Baby(colour, replies, draw, given)


def sse(*events: str, cut: bool = False) -> Reply:
    """Return a stream of events with these data, and its end unless *cut*."""
    data = [*events] if cut else [*events, "[DONE]"]
    text = "".join(f"data: {item}\n\n" for item in data)
    return Reply(headers={"Content-Type": "text/event-stream"}, content=text.encode())


def create(client: Any) -> Any:
    """Make the plainest call."""
    return client.chat.completions.create(**CHAT)


def stream(client: Any) -> Any:
    """Make the plainest call that streams."""
    return client.chat.completions.stream(**CHAT)
