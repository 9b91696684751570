"""What the tests of the OpenAI-compatible client share: a client on a script, in any colour."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from penstock.clients.openai_compatible import (
    APIError,
    AsyncOpenAICompatible,
    OpenAICompatible,
)
from penstock.testing import Reply, Script, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KEY = "sk-openai-0123456789"
BASE_URL = "https://llm.example.com/v1"
MESSAGES = [{"role": "user", "content": "How tall is a penstock?"}]
CHAT: dict[str, Any] = {"model": "demo", "messages": MESSAGES}
ANSWER: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_760_000_000,
    "model": "demo",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Tall.", "refusal": None},
            "finish_reason": "stop",
            "logprobs": None,
        }
    ],
    "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
}
DONE = b"data: [DONE]\n\n"


def chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> bytes:
    """Return one event of a streamed chat."""
    head = {name: ANSWER[name] for name in ("id", "created", "model")}
    choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
    whole = {**head, "object": "chat.completion.chunk", "choices": [choice], **more}
    return b"data: " + json.dumps(whole).encode() + b"\n\n"


def events(*steps: Any, **headers: str) -> Reply:
    """Return a stream of events."""
    return Reply(headers={"Content-Type": "text/event-stream", **headers}, chunks=steps)


def spoken(*words: str) -> list[bytes]:
    """Return the events of a streamed answer, without the last."""
    first = chunk({"role": "assistant", "content": ""})
    return [first, *(chunk({"content": word}) for word in words), chunk({}, "stop")]


class Rig:
    """A client of one colour on a script, in virtual time.

    Attributes:
        client: The client.
        script: Its transport.
        clock: Its clock.
    """

    def __init__(self, colour: Any, *replies: Any, **options: Any) -> None:
        self._colour = colour
        self.clock = VirtualClock(random=lambda: 0.0)
        self.script = Script(replies, clock=self.clock)
        kind: Any = AsyncOpenAICompatible if colour.is_async else OpenAICompatible
        given = {"base_url": BASE_URL, "api_key": KEY, "transport": self.script, **options}
        self.client = kind(clock=self.clock, **given)

    def run(self, call: Callable[[Any], Any]) -> Any:
        """Return what `call(client)` gives, awaited where it must be."""
        return self._colour.run(lambda: call(self.client))

    def read(self, call: Callable[[Any], Any]) -> list[Any]:
        """Return the chunks of the stream `call(client)` gives."""
        chunks: list[Any] = self._colour.events(call(self.client))
        return chunks

    def play(self, scenario: Callable[[Any], Awaitable[Any]]) -> Any:
        """Run an async *scenario* of the client; in the sync colour nothing in it suspends."""
        if self._colour.is_async:
            return anyio.run(scenario, self.client, backend=self._colour.name)
        coroutine: Any = scenario(self.client)
        try:
            coroutine.send(None)
        except StopIteration as stop:
            return stop.value
        msg = "a sync scenario suspended"
        raise AssertionError(msg)

    def error(self, call: Callable[[Any], Any]) -> Any:
        """Return the error `call(client)` ends with."""
        with pytest.raises(APIError) as caught:
            self.run(call)
        return caught.value

    def stream_error(self, call: Callable[[Any], Any]) -> Any:
        """Return the error that reading the stream `call(client)` gives ends with."""
        with pytest.raises(APIError) as caught:
            self.read(call)
        return caught.value

    @property
    def sent(self) -> Any:
        """The last request."""
        return self.script.requests[-1]

    @property
    def body(self) -> Any:
        """The last request's body, parsed."""
        return json.loads(self.script.bodies[-1])


async def done(result: Any) -> Any:
    """Return *result*, awaited if it is awaitable: what a method of either colour gives."""
    return await result if inspect.isawaitable(result) else result


async def items(stream: Any) -> list[Any]:
    """Return what is left of a stream of either colour."""
    return [item async for item in stream] if hasattr(stream, "__aiter__") else list(stream)
