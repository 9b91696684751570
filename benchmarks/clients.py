"""What a client costs beside its original: CPU a call and an event, in one run, in memory.

    python benchmarks/clients.py            print the table
    python benchmarks/clients.py --check    and exit 1 if a budget is missed

A figure is how many times cheaper ours is. An original is timed if it is installed (extra
`oracles`). Each pair is sent the same bytes by a transport of its own library.
"""

from __future__ import annotations

import io
import json
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
from harness import Subject, interleave, of_sync, options_of, ratio, report, save, telemetry

from penstock.clients.babyapi import BabyAPI
from penstock.clients.bayt import BaytClient
from penstock.clients.openai_compatible import OpenAICompatible
from penstock.clients.pareta import Pareta
from penstock.middleware import GenAI, Tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "benchmark-key-0123456789"
URL = "https://api.example.com/v1"
EVENTS = 1000
CHAT: dict[str, Any] = {
    "model": "demo",
    "messages": [
        {"role": "system", "content": "Answer in a sentence."},
        {"role": "user", "content": "How tall is a penstock?"},
    ],
    "temperature": 0.2,
}
_ENVELOPE = {
    "id": "chatcmpl-1",
    "created": 1_760_000_000,
    "model": "demo",
    "system_fingerprint": "fp_1",
}
ANSWER = json.dumps(
    {
        **_ENVELOPE,
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "As tall as its dam.", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 21, "completion_tokens": 6, "total_tokens": 27},
    }
).encode()
PROMPT = json.dumps(
    {
        "id": "pmt_1",
        "title": "Support",
        "content": "Answer {{question}} in {{tone:string // how to sound}}.",
        "systemPrompt": "You are {{persona}}.",
        "workspaceSlug": "workspace",
        "packageName": "support",
        "version": "v1",
        "context": [],
    }
).encode()
HEAD = [
    (b"Date", b"Fri, 20 Nov 2026 10:00:00 GMT"),
    (b"Content-Type", b"application/json"),
    (b"X-Request-Id", b"req_1"),
    (b"Server", b"stub"),
]
STREAM_HEAD = [(b"Content-Type", b"text/event-stream; charset=utf-8"), *HEAD[:1], *HEAD[2:]]

BUDGETS = {
    "openai: create, quiet": 10.0,
    "openai: create, spans and a log line": 4.5,
    "openai: an event of a stream": 8.0,
    "openai: an event of an answer": 10.0,
}
"""How many times cheaper ours must be; what has no budget of its own must not be dearer."""


class Row(NamedTuple):
    """One figure: ours against its original.

    Attributes:
        name: What is compared.
        ours: Does it once.
        theirs: The original does it once.
        share: How much dearer than a call it is to do once, such as 50 for a stream of 1,000
            events: it is repeated as many times less.
    """

    name: str
    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    share: int = 1


def chunks() -> list[bytes]:
    """Return the events of a stream, four to a chunk: about a TCP segment."""
    events = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in _documents()]
    events.append(b"data: [DONE]\n\n")
    return [b"".join(events[at : at + 4]) for at in range(0, len(events), 4)]


def _documents() -> Iterator[dict[str, Any]]:
    deltas = [{"role": "assistant", "content": ""}, *[{"content": " word"}] * (EVENTS - 2), {}]
    for delta in deltas:
        choice = {
            "index": 0,
            "delta": delta,
            "logprobs": None,
            "finish_reason": None if delta else "stop",
        }
        yield {**_ENVELOPE, "object": "chat.completion.chunk", "choices": [choice]}


def transport_of(http: Any, answer: bytes = ANSWER) -> Any:
    """Return a transport of the httpx family *http* that answers as a server does."""
    pieces = chunks()

    class Body(http.SyncByteStream):  # type: ignore[misc]  # of either family
        def __init__(self, pieces: list[bytes]) -> None:
            self._pieces = pieces

        def __iter__(self) -> Iterator[bytes]:
            return iter(self._pieces)

    class Stub(http.BaseTransport):  # type: ignore[misc]  # as above
        def handle_request(self, request: Any) -> Any:
            streams = b'"stream":true' in request.content
            return http.Response(
                200,
                headers=STREAM_HEAD if streams else HEAD,
                stream=Body(pieces if streams else [answer]),
                extensions={"http_version": b"HTTP/1.1"},
            )

    return Stub()


def read_chunks(client: Any) -> Callable[[], None]:
    """Return what reads a stream of chunks that have attributes."""

    def call() -> None:
        seen = 0
        for chunk in client.chat.completions.create(**CHAT, stream=True):
            seen += len(chunk.choices[0].delta.content or "")
        assert seen == len(" word") * (EVENTS - 2)

    return call


def ask_chat(client: Any) -> Callable[[], None]:
    """Return what asks for an answer that has attributes."""

    def call() -> None:
        answer = client.chat.completions.create(**CHAT)
        assert answer.choices[0].message.content == "As tall as its dam."

    return call


def openai_rows() -> Iterator[Row]:
    """Compare with the openai package: `create`, and the chunks of `create(stream=True)`."""
    import httpx2
    import openai

    theirs = openai.OpenAI(
        api_key=KEY, base_url=URL, http_client=httpx2.Client(transport=transport_of(httpx2))
    )
    ours = OpenAICompatible(URL, api_key=KEY, transport=transport_of(httpx))
    model = OpenAICompatible(URL, api_key=KEY, transport=transport_of(httpx), **telemetry())
    # The budget was set for the spans of any call; a model's own has a dozen attributes more.
    plain = model.stack.replace(GenAI, Tracing())
    options = {"api_key": KEY, "transport": transport_of(httpx), **telemetry()}
    full = OpenAICompatible(URL, stack=plain, **options)

    yield Row("openai: create, quiet", ask_chat(ours), ask_chat(theirs))
    yield Row("openai: create, spans and a log line", ask_chat(full), ask_chat(theirs))
    yield Row("openai: create, a model's span and a log line", ask_chat(model), ask_chat(theirs))

    def gather(client: Any) -> Callable[[], None]:
        def call() -> None:
            with client.chat.completions.stream(**CHAT) as stream:
                answer = stream.get_final_completion()
            assert len(answer.choices[0].message.content) == len(" word") * (EVENTS - 2)

        return call

    yield Row("openai: an event of a stream", read_chunks(ours), read_chunks(theirs), share=60)
    yield Row("openai: an event of an answer", gather(ours), gather(theirs), share=60)


def babyapi_rows() -> Iterator[Row]:
    """Compare with the babyapi package: `create`, and the events of `stream`."""
    import babyapi  # type: ignore[import-untyped]  # it has no types

    theirs = babyapi.BabyAPI(api_key=KEY, base_url=URL)
    # It takes no client of its user's.
    theirs._client = httpx.Client(base_url=URL, timeout=None, transport=transport_of(httpx))
    ours = BabyAPI(KEY, URL, transport=transport_of(httpx))

    def read(client: Any) -> Callable[[], None]:
        def call() -> None:
            seen = 0
            for event in client.chat.completions.stream(**CHAT):
                if not event.done:
                    seen += len(event.data["choices"][0]["delta"].get("content") or "")
            assert seen == len(" word") * (EVENTS - 2)

        return call

    def ask(client: Any) -> Callable[[], None]:
        def call() -> None:
            answer = client.chat.completions.create(**CHAT)
            assert answer["choices"][0]["message"]["content"] == "As tall as its dam."

        return call

    yield Row("babyapi: create, quiet", ask(ours), ask(theirs))
    yield Row("babyapi: an event of a stream", read(ours), read(theirs), share=60)


def bayt_rows() -> Iterator[Row]:
    """Compare with the baytos-claro package, which sends with requests: `get_prompt`."""
    theirs: Any = import_module("baytos.claro").BaytClient(f"sk_{'a1' * 20}")
    theirs.session.mount("https://", _requests_adapter(PROMPT))
    ours = BaytClient(KEY, transport=transport_of(httpx, PROMPT))

    def ask(client: Any) -> Callable[[], None]:
        def call() -> None:
            prompt = client.get_prompt("@workspace/support:v1")
            assert (prompt.title, prompt.package_name) == ("Support", "@workspace/support:v1")

        return call

    yield Row("bayt: get_prompt, quiet", ask(ours), ask(theirs))


def _requests_adapter(answer: bytes) -> Any:
    """Return what `transport_of` is to httpx, for requests."""
    requests: Any = import_module("requests")
    urllib3: Any = import_module("urllib3")
    head = {name.decode(): value.decode() for name, value in HEAD}

    class Stub(requests.adapters.HTTPAdapter):  # type: ignore[misc]  # requests has no types
        def send(self, request: Any, *_: Any, **__: Any) -> Any:
            raw = urllib3.HTTPResponse(io.BytesIO(answer), head, 200, preload_content=False)
            return self.build_response(request, raw)

    return Stub()


def pareta_rows() -> Iterator[Row]:
    """Compare with the pareta package: `create`, and the chunks of `create(stream=True)`."""
    import pareta

    theirs = pareta.Pareta(api_key=KEY, http_client=httpx.Client(transport=transport_of(httpx)))
    ours = Pareta(api_key=KEY, transport=transport_of(httpx))

    yield Row("pareta: create, quiet", ask_chat(ours), ask_chat(theirs))
    yield Row("pareta: an event of a stream", read_chunks(ours), read_chunks(theirs), share=60)


ORIGINALS: dict[str, Callable[[], Iterator[Row]]] = {
    "babyapi": babyapi_rows,
    "baytos.claro": bayt_rows,
    "openai": openai_rows,
    "pareta": pareta_rows,
}
"""The module of each original, and its rows: add a function here for another client."""


def _is_installed(module: str) -> bool:
    package = module.partition(".")[0]  # `find_spec` would fail below a package that is not there
    return find_spec(package) is not None


def compare(rounds: int, times: int) -> dict[str, float]:
    """Time every row of every original that is installed; return how many times cheaper ours is."""
    rows = [row for module, rows in ORIGINALS.items() if _is_installed(module) for row in rows()]
    figures: dict[str, float] = {}
    for share in sorted({row.share for row in rows}):
        pairs = {
            row.name: (of_sync("ours", row.ours), of_sync("theirs", row.theirs))
            for row in rows
            if row.share == share
        }
        subjects: list[Subject] = [subject for pair in pairs.values() for subject in pair]
        interleave(subjects, rounds, max(1, times // share))
        figures |= {name: ratio(theirs, ours) for name, (ours, theirs) in pairs.items()}
    return figures


def main() -> int:
    options = options_of(__doc__, rounds=25)
    figures = compare(options.rounds, 120)
    save(options, {"figures": figures})
    met = report(figures, at_least={name: BUDGETS.get(name, 1.0) for name in figures})
    return 1 if options.check and not met else 0


if __name__ == "__main__":
    sys.exit(main())
