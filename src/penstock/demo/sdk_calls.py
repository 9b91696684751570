"""One call of each client in `penstock.clients`, which is loaded when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class SdkCall:
    """One call of an SDK.

    Attributes:
        name: The module of `penstock.clients` that has the SDK; names the call too.
        client: The SDK's sync class; the async one has `Async` before it.
        does: What comes of it, in a few words.
        send: Calls it on a client of either colour; gives the result, or what gives it awaited.
        fault: What the server is asked to do wrong (`penstock.demo.faults` has the grammar).
    """

    name: str
    client: str
    does: str
    send: Callable[[Any], Any]
    fault: str = ""

    @property
    def title(self) -> str:
        """The SDK, and what comes of the call."""
        return f"{self.client}: {self.does}"

    @property
    def async_client(self) -> str:
        """The SDK's async class."""
        return f"Async{self.client}"

    def load(self, name: str) -> Any:
        """Import the SDK, and return a class of it."""
        return getattr(import_module(f"penstock.clients.{self.name}"), name)


SDK_CALLS = (
    SdkCall(
        "openai_compatible",
        "OpenAICompatible",
        "a chat",
        lambda client: client.chat.completions.create(
            model="demo-chat", messages=[{"role": "user", "content": "where does water go?"}]
        ),
    ),
    SdkCall(
        "babyapi",
        "BabyAPI",
        "503, then an answer",
        lambda client: client.baby.infer("where does water go?", model="demo-chat"),
        "503;times=1",
    ),
    SdkCall(
        "pareta",
        "Pareta",
        "the task that fits",
        lambda client: client.tasks.match("extract the parties from a contract"),
    ),
    SdkCall(
        "bayt",
        "BaytClient",
        "a prompt",
        lambda client: client.get_prompt("@demo/support:v1"),
    ),
)
