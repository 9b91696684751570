"""Bayt's clients in any colour on a script, and what Bayt answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.clients.bayt import AsyncBaytClient, BaytClient
from penstock.testing import Script, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.conftest import Colour

KEY = "bayt-example-key-0123456789"

PROMPT: dict[str, Any] = {
    "id": "pmt_1",
    "title": "Support",
    "content": "Answer {{question}} in {{tone:string // how to sound}}.",
    "systemPrompt": "You are {{persona}}.",
    "description": "Answers customers",
    "category": "support",
    "workspaceSlug": "workspace",
    "packageName": "support",
    "version": "v1",
    "tags": ["a"],
    "context": [
        {
            "id": "ctx_1",
            "type": "file",
            "label": "FAQ",
            "fileName": "faq.pdf",
            "fileSize": 52428,
            "mimeType": "application/pdf",
            "createdAt": 1705497600000,
        },
        {"id": "ctx_2", "type": "url", "url": "https://kb.example.com/", "urlFetchedAt": 17},
    ],
}


class Rig:
    """A client of one colour on a scripted server.

    Args:
        colour: The colour.
        replies: What each send gets.
        **options: Arguments of the client.
    """

    def __init__(self, colour: Colour, replies: Iterable[Any], **options: Any) -> None:
        self.colour = colour
        self.clock = VirtualClock()
        self.script = Script(replies, clock=self.clock)
        cls: Any = AsyncBaytClient if colour.is_async else BaytClient
        values = {"api_key": KEY, "transport": self.script, "clock": self.clock}
        self.client = cls(**{**values, **options})

    def run(self, call: Callable[[Any], Any]) -> Any:
        """Run a call of the client to its end."""
        return self.colour.run(lambda: call(self.client))

    def all(self, call: Callable[[Any], Any]) -> list[Any]:
        """Return everything the iterator *call* returns gives."""
        return self.colour.events(call(self.client))

    @property
    def sent(self) -> list[str]:
        """Method and target of every request."""
        return [f"{r.method} {r.url.raw_path.decode()}" for r in self.script.requests]
