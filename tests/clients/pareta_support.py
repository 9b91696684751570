"""What the tests of Pareta's client share: a client of any colour on a script."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from penstock.clients.pareta import AsyncPareta, Pareta, ParetaError
from penstock.testing import Reply, Script, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "pareta_sk_test_0123456789"
MESSAGES = [{"role": "user", "content": "Extract the parties."}]


class Rig:
    """A client of one colour on a scripted server.

    Args:
        colour: The colour.
        *replies: What each send gets.
        draw: What every draw of chance gives.
        forever: Whether the last reply answers every further send.
        **options: Arguments of the client.
    """

    def __init__(
        self,
        colour: Any,
        *replies: Any,
        draw: float = 0.0,
        forever: bool = False,
        **options: Any,
    ) -> None:
        self.clock = VirtualClock(random=lambda: draw)
        self.script = Script(replies, clock=self.clock, forever=forever)
        own = {"api_key": KEY, "clock": self.clock}
        if "http_client" not in options:
            own["transport"] = self.script
        self.client: Any = client_class(colour)(**{**own, **options})
        self._colour = colour

    def run(self, call: Callable[[Any], Any]) -> Any:
        """Return what `call(client)` gives, awaited where it must be."""
        return self._colour.run(lambda: call(self.client))

    def read(self, call: Callable[[Any], Any]) -> list[Any]:
        """Return everything in the stream `call(client)` gives."""
        if not self._colour.is_async:
            return list(call(self.client))

        async def items() -> list[Any]:
            return [item async for item in await call(self.client)]

        return self._colour.run(items)  # type: ignore[no-any-return]

    def error(self, call: Callable[[Any], Any]) -> Any:
        """Return the error `call(client)` ends with."""
        with pytest.raises(ParetaError) as caught:
            self.run(call)
        return caught.value

    def stream_error(self, call: Callable[[Any], Any]) -> Any:
        """Return the error the stream `call(client)` gives ends with."""
        with pytest.raises(ParetaError) as caught:
            self.read(call)
        return caught.value

    @property
    def sent(self) -> list[str]:
        """Method and target of every request."""
        return [f"{r.method} {r.url.raw_path.decode()}" for r in self.script.requests]

    def body(self, number: int = 0) -> Any:
        """Return the parsed JSON body of a request."""
        return json.loads(self.script.bodies[number])


def client_class(colour: Any) -> Any:
    """Return the client of *colour*."""
    return AsyncPareta if colour.is_async else Pareta


def sse(*data: Any, name: str = "", done: bool = True) -> Reply:
    """Return a stream of events with these data, and `[DONE]` at the end unless told otherwise."""
    texts = [*(json.dumps(item) for item in data), *(["[DONE]"] if done else [])]
    head = f"event: {name}\n" if name else ""
    return events(*(f"{head}data: {text}" for text in texts))


def events(*blocks: str) -> Reply:
    """Return a stream of these events, each as its lines."""
    content = "".join(f"{block}\n\n" for block in blocks).encode()
    return Reply(headers={"Content-Type": "text/event-stream"}, content=content)


def chunk(text: str) -> dict[str, Any]:
    """Return a chunk of a streamed answer."""
    return {"choices": [{"index": 0, "delta": {"content": text}}]}


def parts_of(script: Script, number: int = 0) -> dict[str, tuple[str | None, str | None, bytes]]:
    """Return the parts of a multipart request: file name, media type and bytes of each by name."""
    import email
    import email.policy

    kind = script.requests[number].headers["content-type"]
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    message = email.message_from_bytes(head + script.bodies[number], policy=email.policy.HTTP)
    parts = {}
    for part in message.iter_parts():  # type: ignore[attr-defined]  # an EmailMessage, by its policy
        name = part.get_param("name", header="content-disposition")
        media = part["content-type"]
        parts[name] = (part.get_filename(), media, part.get_payload(decode=True))
    return parts
