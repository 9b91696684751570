"""The laws of what the chunks of a stream add up to."""

from __future__ import annotations

import time
from typing import Any

import pytest

from penstock.clients.openai_compatible import Gathering

HEAD = {"id": "c1", "created": 7, "model": "m", "object": "chat.completion.chunk"}


def chunk(
    delta: dict[str, Any], *, index: int = 0, reason: str | None = None, **more: Any
) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}
    return {**HEAD, "choices": [choice], **more}


def gathered(*chunks: dict[str, Any]) -> dict[str, Any]:
    gathering = Gathering("chat.completion")
    for one in chunks:
        gathering.add(one)
    return gathering.answer()


def message(*deltas: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = gathered(*map(chunk, deltas))["choices"][0]["message"]
    return answer


def call(index: int | None, **function: str) -> dict[str, Any]:
    own = {} if index is None else {"index": index}
    named = {name: function.pop(name) for name in ("id", "type") if name in function}
    return {"tool_calls": [{**own, **named, "function": function}]}


def test_text_is_joined() -> None:
    """Content, refusal and text this client does not know are joined in order; a role is not."""
    assert message(
        {"role": "assistant", "content": "", "refusal": None},
        {"role": "assistant", "content": "Good", "reasoning_content": "so "},
        {"content": " morning", "refusal": "no", "reasoning_content": "what"},
        {"refusal": " way"},
        {},
    ) == {
        "role": "assistant",
        "content": "Good morning",
        "refusal": "no way",
        "reasoning_content": "so what",
    }


def test_what_was_never_said_is_none() -> None:
    """A message without text has `content` None; where no chunk had a role, the assistant's."""
    assert message({}) == {"role": "assistant", "content": None}
    assert message({"content": None, "audio": None})["audio"] is None


TWO_CALLS = [
    {"id": "a", "type": "function", "function": {"name": "look", "arguments": '{"x": 1}'}},
    {"id": "b", "type": "function", "function": {"name": "hear", "arguments": "{}"}},
]

PIECES: dict[str, list[dict[str, Any]]] = {
    "one after the other": [
        call(0, id="a", type="function", name="look", arguments=""),
        call(0, arguments='{"x"'),
        call(0, arguments=": 1}"),
        call(1, id="b", type="function", name="hear", arguments="{}"),
    ],
    "in turns": [
        call(1, id="b", type="function", name="hear", arguments="{"),
        call(0, id="a", type="function", name="look", arguments="{"),
        call(1, arguments="}"),
        call(0, arguments='"x": 1}'),
    ],
    "several pieces of one call in a chunk": [
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "a",
                    "type": "function",
                    "function": {"name": "look", "arguments": "{"},
                },
                {"index": 0, "function": {"arguments": '"x"'}},
                {
                    "index": 1,
                    "id": "b",
                    "type": "function",
                    "function": {"name": "hear", "arguments": "{}"},
                },
                {"index": 0, "function": {"arguments": ": 1}"}},
            ]
        }
    ],
    "name and id in every piece": [
        call(0, id="a", type="function", name="look", arguments='{"x"'),
        call(0, id="a", type="function", name="look", arguments=": 1}"),
        call(1, id="b", type="function", name="hear", arguments="{"),
        call(1, id="b", type="function", name="hear", arguments="}"),
    ],
    "names that are empty later": [
        call(0, id="a", type="function", name="look", arguments='{"x"'),
        call(0, id="", type="", name="", arguments=": 1}"),
        call(1, id="b", type="function", name="hear", arguments="{}"),
    ],
    "no index, an id in every piece": [
        call(None, id="a", type="function", name="look", arguments='{"x"'),
        call(None, id="a", arguments=": 1}"),
        call(None, id="b", type="function", name="hear", arguments="{}"),
    ],
    "no index, an id in the first piece": [
        call(None, id="a", type="function", name="look", arguments='{"x"'),
        call(None, arguments=": 1}"),
        call(None, id="b", type="function", name="hear", arguments="{"),
        call(None, arguments="}"),
    ],
}


@pytest.mark.parametrize("how", PIECES)
def test_tool_calls_are_merged(how: str) -> None:
    """Whichever way a server cuts tool calls into pieces, they come out whole and in order."""
    assert message(*PIECES[how])["tool_calls"] == TWO_CALLS


def test_choices_are_kept_apart() -> None:
    """Each choice is gathered by its index, with its own finish reason, in order."""
    answer = gathered(
        chunk({"content": "b"}, index=1),
        chunk({"content": "a"}),
        chunk({"content": "b"}, index=1, reason="length"),
        chunk({}, reason="stop"),
    )
    assert [
        (choice["index"], choice["message"]["content"], choice["finish_reason"])
        for choice in answer["choices"]
    ] == [(0, "a", "stop"), (1, "bb", "length")]


def test_the_head_is_the_answers() -> None:
    """What chunks say of the answer is kept, if only the last says it too; so is the last usage."""
    answer = gathered(
        chunk({"content": "a"}, usage=None, system_fingerprint=None, obfuscation="xyz"),
        chunk({}, reason="stop", usage={"total_tokens": 1}, service_tier="flex"),
        {**HEAD, "choices": [], "usage": {"total_tokens": 2}, "system_fingerprint": "fp"},
    )
    assert {**answer, "choices": []} == {
        **HEAD,
        "object": "chat.completion",
        "choices": [],
        "usage": {"total_tokens": 2},
        "system_fingerprint": "fp",
    }
    assert gathered() == {"object": "chat.completion", "choices": [], "usage": None}


def test_lists_grow_and_numbers_are_replaced() -> None:
    """Entries without an index are appended, others merged; of a number the last counts."""
    choice = gathered(
        {
            **HEAD,
            "choices": [
                {"index": 0, "delta": {"score": 1}, "logprobs": {"content": [{"token": "a"}]}}
            ],
        },
        {
            **HEAD,
            "choices": [
                {"index": 0, "delta": {"score": 2}, "logprobs": {"content": [{"token": "b"}]}}
            ],
        },
        chunk({"details": [{"index": 0, "type": "text", "text": "x"}]}),
        chunk({"details": [{"index": 0, "type": "text", "text": "y"}, {"index": 1, "text": "z"}]}),
    )["choices"][0]
    assert choice["logprobs"] == {"content": [{"token": "a"}, {"token": "b"}]}
    assert choice["message"]["score"] == 2
    assert choice["message"]["details"] == [
        {"index": 0, "type": "text", "text": "xy"},
        {"index": 1, "text": "z"},
    ]


def test_text_completions_are_gathered_the_same_way() -> None:
    """The text of a choice is joined; there is no message."""
    pieces = [{"index": 0, "text": text, "finish_reason": None} for text in ("a", "b")]
    answer = gathered(*({**HEAD, "choices": [piece]} for piece in pieces))
    assert answer["choices"] == [{"index": 0, "text": "ab", "finish_reason": None}]


@pytest.mark.parametrize(
    "odd",
    [
        {"choices": None},
        {"choices": [None]},
        {"choices": "text"},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": {"tool_calls": [None, "x"]}}]},
        {"choices": [{"delta": {"content": ["part"]}}]},
        {"choices": [{"delta": {"tool_calls": {}}}]},
        {"choices": [{"index": "1", "delta": {"content": "b"}}]},
        {"usage": 3},
    ],
)
def test_an_odd_chunk_breaks_nothing(odd: dict[str, Any]) -> None:
    """Whatever shape a chunk has, an answer comes out."""
    answer = gathered(
        chunk({"content": "a"}), {**HEAD, **odd}, chunk({"tool_calls": None}, reason="stop")
    )
    assert answer["choices"][0]["finish_reason"] == "stop"


def test_gathering_leaves_the_chunks_alone() -> None:
    """A merged chunk still is what the server sent; what follows does not change an answer."""
    first = chunk({"content": "a", "tool_calls": [{"index": 0, "function": {"arguments": "x"}}]})
    gathering = Gathering("chat.completion")
    gathering.add(first)
    early = gathering.answer()
    gathering.add(
        chunk({"content": "b", "tool_calls": [{"index": 0, "function": {"arguments": "y"}}]})
    )
    assert first == chunk(
        {"content": "a", "tool_calls": [{"index": 0, "function": {"arguments": "x"}}]}
    )
    assert early["choices"][0]["message"]["content"] == "a"
    assert gathering.answer()["choices"][0]["message"]["content"] == "ab"


def test_the_cost_of_an_event_does_not_grow() -> None:
    """Twice as many chunks cost at most about twice as much, however long the text already is."""

    def seconds(count: int) -> float:
        piece = chunk({"content": "x" * 200})
        best = 1e9
        for _ in range(3):
            gathering = Gathering("chat.completion")
            before = time.process_time()
            for _ in range(count):
                gathering.add(piece)
            gathering.answer()
            best = min(best, time.process_time() - before)
        return best

    assert seconds(16_000) < 4 * seconds(8_000)
