"""`chat.completions` and `models`."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.clients.pareta import ChatCompletion, ChatCompletionChunk, Model, ModelList
from penstock.testing import Reply

from .pareta_support import MESSAGES, Rig, chunk, client_class, events, sse

COMPLETION = {
    "id": "chatcmpl_1",
    "model": "qwen",
    "created": 1700000000,
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "A, B"}}
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    "x_added": {"deep": [1]},
}


def stream(client: Any, **more: Any) -> Any:
    """Make a call that streams."""
    return client.chat.completions.create(model="ep_1", messages=MESSAGES, stream=True, **more)


def test_a_completion_is_asked_for_as_openai_has_it(colour: Any) -> None:
    """Model, messages and whatever else is given are the body of one POST."""
    rig = Rig(colour, COMPLETION)
    rig.run(
        lambda client: client.chat.completions.create(
            model="ep_1", messages=MESSAGES, temperature=0, max_tokens=None, tools=[]
        )
    )
    assert rig.sent == ["POST /v1/chat/completions"]
    assert rig.body() == {
        "model": "ep_1",
        "messages": MESSAGES,
        "temperature": 0,
        "max_tokens": None,
        "tools": [],
    }
    assert rig.script.requests[0].headers["content-type"] == "application/json"


def test_a_completion_has_attributes_items_and_what_the_server_added(colour: Any) -> None:
    """Known fields are attributes, every field is an item, and nothing is lost."""
    completion = Rig(colour, COMPLETION).run(
        lambda client: client.chat.completions.create(model="ep_1", messages=MESSAGES)
    )
    assert isinstance(completion, ChatCompletion)
    choice = completion.choices[0]
    assert (choice.index, choice.finish_reason) == (0, "stop")
    assert (choice.message.role, choice.message.content) == ("assistant", "A, B")
    assert (completion.id, completion.model, completion.created) == (
        "chatcmpl_1",
        "qwen",
        1700000000,
    )
    usage = completion.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (3, 2, 5)
    assert completion["choices"][0]["message"]["content"] == "A, B"
    assert completion.get("x_added") == completion.x_added == {"deep": [1]}
    assert completion.get("nothing", 7) == 7
    assert completion.to_dict() == COMPLETION


def test_what_a_completion_lacks_reads_as_empty() -> None:
    """Missing lists are empty, and missing parts are objects that know nothing."""
    empty = ChatCompletion({})
    assert (empty.choices, empty.id, empty.usage.total_tokens) == ([], None, None)
    partial = ChatCompletion({"choices": [{"delta": None}], "usage": None})
    assert partial.choices[0].message.content is None
    assert partial.choices[0].delta.content is None
    assert partial.usage.total_tokens is None


def test_a_message_that_was_received_may_be_sent_again(colour: Any) -> None:
    """The objects of an answer can be part of the next request."""
    message = ChatCompletion(COMPLETION).choices[0].message
    rig = Rig(colour, COMPLETION)
    rig.run(
        lambda client: client.chat.completions.create(model="ep_1", messages=[*MESSAGES, message])
    )
    assert rig.body()["messages"] == [*MESSAGES, {"role": "assistant", "content": "A, B"}]


@pytest.mark.parametrize(
    "given", [{"model": "", "messages": MESSAGES}, {"model": "ep_1", "messages": []}]
)
@pytest.mark.parametrize("streamed", [False, True])
def test_model_and_messages_must_be_there(
    given: dict[str, Any], streamed: bool, colour: Any
) -> None:
    """An empty model or no messages is a ValueError before anything is sent."""
    rig = Rig(colour)
    with pytest.raises(ValueError, match="is required"):
        rig.run(lambda client: client.chat.completions.create(stream=streamed, **given))
    assert rig.sent == []


@pytest.mark.parametrize("messages", ["Hi.", {"role": "user", "content": "Hi."}])
@pytest.mark.parametrize("streamed", [False, True])
def test_one_message_is_no_conversation(messages: Any, streamed: bool, colour: Any) -> None:
    """A text or a message where messages are meant is refused before anything is sent."""
    rig = Rig(colour)
    with pytest.raises(
        TypeError, match=r"messages must be a list of messages: \[\{.role.: .user., "
    ):
        rig.run(
            lambda client: client.chat.completions.create(
                model="ep_1", messages=messages, stream=streamed
            )
        )
    assert rig.sent == []


def test_a_streamed_answer_is_chunks_until_done(colour: Any) -> None:
    """A stream asks for events, gives a chunk for each, and ends at `[DONE]`."""
    rig = Rig(colour, sse(chunk("A"), chunk(", B")))
    chunks = rig.read(stream)
    assert "".join(c.choices[0].delta.content for c in chunks) == "A, B"
    assert isinstance(chunks[0], ChatCompletionChunk)
    assert rig.body() == {"model": "ep_1", "messages": MESSAGES, "stream": True}
    assert rig.script.requests[0].headers["accept"] == "text/event-stream"
    assert rig.script.open == 0


def test_comments_blank_data_and_text_are_no_chunks(colour: Any) -> None:
    """What carries no JSON object is passed over, as keep-alives are."""
    reply = events(": ping", "data: {}", "data:", "data: soon", "data: 3", "data: [DONE]")
    assert [c.to_dict() for c in Rig(colour, reply).read(stream)] == [{}]


def test_each_chunk_comes_as_soon_as_its_event_does(colour: Any) -> None:
    """A chunk is delivered when it arrives, in both colours, and not when the stream is over."""
    events = [b'data: {"id": "%d"}\n\n' % number for number in range(3)]
    steps = [step for event in events for step in (event, 10.0)]
    head = {"Content-Type": "text/event-stream"}
    rig = Rig(colour, Reply(headers=head, chunks=[*steps, b"data: [DONE]\n\n"]))
    started = rig.clock.now()

    async def arrivals() -> list[tuple[str, float]]:
        chunks = await stream(rig.client)
        return [(c.id, rig.clock.now() - started) async for c in chunks]

    if colour.is_async:
        seen = colour.run(arrivals)
    else:
        seen = [(c.id, rig.clock.now() - started) for c in stream(rig.client)]
    assert seen == [("0", 0.0), ("1", 10.0), ("2", 20.0)]


@pytest.mark.filterwarnings("ignore:a response was dropped open:ResourceWarning")
def test_a_stream_is_sent_when_it_is_iterated(colour: Any) -> None:
    """Nothing is sent for a stream that nobody reads; asked for raw, it is sent at once."""
    rig = Rig(colour, sse(chunk("A")))
    rig.run(stream)
    assert rig.sent == []
    raw = rig.run(lambda client: stream(client.with_raw_response))
    assert (len(rig.sent), raw.status_code, len(raw.attempts)) == (1, 200, 1)


def test_a_stream_left_early_is_closed(colour: Any) -> None:
    """Leaving a stream gives its connection back."""
    rig = Rig(colour, sse(chunk("A"), chunk("B")))

    async def leave() -> None:
        async with await stream(rig.client) as chunks:
            async for _ in chunks:
                break

    if colour.is_async:
        colour.run(leave)
    else:
        for _ in stream(rig.client):
            break
    assert rig.script.open == 0


def test_the_models_are_iterable_and_sized(colour: Any) -> None:
    """`models.list()` is iterable, sized, empty or not, and has `data`."""
    rig = Rig(colour, {"object": "list", "data": [{"id": "ep_1", "owned_by": "org"}]}, {"data": []})
    models = rig.run(lambda client: client.models.list())
    assert isinstance(models, ModelList)
    assert [(m.id, m.owned_by, m.created) for m in models] == [("ep_1", "org", None)]
    assert (len(models), bool(models), models.data, models["object"]) == (
        1,
        True,
        list(models),
        "list",
    )
    assert isinstance(models.data[0], Model)
    none = rig.run(lambda client: client.models.list())
    assert (list(none), len(none), bool(none), ModelList({}).data) == ([], 0, False, [])
    assert rig.sent == ["GET /v1/models"] * 2


def test_both_colours_have_the_same_methods(colour: Any) -> None:
    """What one client has the other has too."""
    client = client_class(colour)(api_key="pareta_sk_test")
    groups = {
        "chat.completions": {"create"},
        "models": {"list"},
        "endpoints": {"deploy", "list", "retrieve", "start", "stop", "delete", "metrics"},
        "tasks": {"list", "retrieve", "match", "leaderboard", "recommended"},
        "evals": {"frontier_models"},
        "evals.sets": {"create", "list", "retrieve", "delete", "upload_document"},
        "evals.runs": {"create", "retrieve", "wait"},
    }
    for path, methods in groups.items():
        group = client
        for name in path.split("."):
            group = getattr(group, name)
        assert {name for name in methods if callable(getattr(group, name))} == methods
