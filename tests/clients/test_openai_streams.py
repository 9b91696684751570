"""The laws of streamed completions: chunks, the answer they add up to, errors on the way."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from penstock import ConnectionFailed, StreamInterrupted, TimedOut
from penstock.clients.openai_compatible import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APITimeoutError,
    AuthenticationError,
    ChatCompletion,
    ChatCompletionChunk,
)
from penstock.testing import Reply

from .openai_support import ANSWER, CHAT, DONE, Rig, chunk, done, events, items, spoken

USAGE = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}


def stream(client: Any, **given: Any) -> Any:
    return client.chat.completions.stream(**CHAT, **given)


def create(client: Any, **given: Any) -> Any:
    return client.chat.completions.create(**CHAT, stream=True, **given)


def test_a_stream_gives_chunks(colour: Any) -> None:
    """`stream` asks for a stream and gives each event as a chunk, until the last."""
    rig = Rig(colour, events(*spoken("Tall", "."), DONE))
    chunks = rig.read(stream)
    assert {type(one) for one in chunks} == {ChatCompletionChunk}
    assert [one.choices[0].delta.content for one in chunks] == ["", "Tall", ".", None]
    assert (rig.body, rig.sent.headers["accept"]) == ({**CHAT, "stream": True}, "text/event-stream")
    assert rig.script.open == 0


def test_create_with_stream_opens_it(colour: Any) -> None:
    """`create(stream=True)` has had its response when it returns, and is the same stream."""
    rig = Rig(colour, events(*spoken("Tall."), DONE))

    async def scenario(client: Any) -> Any:
        opened = await done(create(client, temperature=1))
        return opened.response.status_code, [
            one.choices[0].delta.content for one in await items(opened)
        ]

    assert rig.play(scenario) == (200, ["", "Tall.", None])
    assert rig.body == {**CHAT, "temperature": 1, "stream": True}


@pytest.mark.parametrize("way", ["final", "get_final_completion"])
@pytest.mark.parametrize("before", [0, 1, 3])
@pytest.mark.parametrize("begin", [stream, create])
def test_the_final_answer(begin: Any, before: int, way: str, colour: Any) -> None:
    """After none, some or all of its chunks a stream gives the whole answer, usage included."""
    usage = chunk({}, usage=USAGE).replace(
        b'"choices": [{"index": 0, "delta": {}', b'"x": [{"index": 0, "delta": {}'
    )
    rig = Rig(colour, events(*spoken("Tall", "."), usage, DONE))

    async def scenario(client: Any) -> Any:
        opened = await done(begin(client))
        for _ in range(before):
            await anext(opened) if colour.is_async else next(opened)
        if before == 3:
            await items(opened)
        return await done(getattr(opened, way)())

    final: ChatCompletion = rig.play(scenario)
    assert type(final) is ChatCompletion
    assert (final.choices[0].message.content, final.choices[0].finish_reason) == ("Tall.", "stop")
    assert (final.usage, final.object, final.id) == (USAGE, "chat.completion", "chatcmpl-1")
    assert rig.script.open == 0


def test_a_snapshot_is_what_came_until_now(colour: Any) -> None:
    """`snapshot` has the answer so far, without reading on."""
    rig = Rig(colour, events(*spoken("Tall", "."), DONE))

    async def scenario(client: Any) -> list[Any]:
        opened, seen = stream(client), []
        for _ in range(3):
            await anext(opened) if colour.is_async else next(opened)
            seen.append(opened.snapshot.choices[0].message.content)
        await items(opened)
        return seen

    assert rig.play(scenario) == ["", "Tall", "Tall."]


def test_a_stream_that_was_left_has_no_final_answer(colour: Any) -> None:
    """A stream that was closed half-way has no answer; its snapshot still is there."""
    rig = Rig(colour, events(*spoken("Tall", "."), DONE))

    async def scenario(client: Any) -> Any:
        opened = stream(client)
        for _ in range(2):
            await anext(opened) if colour.is_async else next(opened)
        await done((opened.aclose if colour.is_async else opened.close)())
        with pytest.raises(APIConnectionError, match="was left before its end"):
            await done(opened.final())
        return opened.snapshot.choices[0].message.content

    assert rig.play(scenario) == "Tall"


def test_text_completions_are_streamed_the_same_way(colour: Any) -> None:
    """`completions.stream` and `create(stream=True)` give pieces, and the whole text in the end."""
    pieces = [
        b'data: {"id": "c", "choices": [{"index": 0, "text": "%s"}]}\n\n' % text
        for text in (b"Ta", b"ll")
    ]
    rig = Rig(colour, events(*pieces, DONE), events(*pieces, DONE))
    given = {"model": "m", "prompt": "p"}

    async def scenario(client: Any) -> list[Any]:
        texts = [piece.choices[0].text for piece in await items(client.completions.stream(**given))]
        opened = await done(client.completions.create(**given, stream=True))
        return [*texts, (await done(opened.final())).choices[0].text]

    assert rig.play(scenario) == ["Ta", "ll", "Tall"]
    assert rig.body == {**given, "stream": True}


def test_what_is_no_chunk_is_passed_over(colour: Any) -> None:
    """Comments, empty data and JSON that is no object are no chunks."""
    noise = [
        b"\xef\xbb\xbf: ping\n\n",
        b"retry: 3\n\n",
        b"data:\n\n",
        b"data: 7\n\n",
        b"event: ping\n\n",
    ]
    rig = Rig(colour, events(*noise, *spoken("Tall."), DONE))
    assert len(rig.read(stream)) == 3


ENDS: dict[str, tuple[Any, type[APIError], str]] = {
    "it breaks off": (ConnectionFailed("reset"), APIConnectionError, "broke off"),
    "it falls silent": (TimedOut("silence"), APITimeoutError, "nothing came"),
    "it ends too soon": (b"", APIConnectionError, "without its terminal event"),
    "an event is no JSON": (b'data: {"cho\n\n', APIResponseValidationError, "is not JSON"),
    "an error object": (
        b'data: {"error": {"message": "overloaded", "type": "server_error", "code": 503}}\n\n',
        APIError,
        "overloaded",
    ),
    "an error event": (
        b'event: error\ndata: {"message": "overloaded", "code": "x"}\n\n',
        APIError,
        "overloaded",
    ),
}


@pytest.mark.parametrize("begin", [stream, create])
@pytest.mark.parametrize("how", ENDS)
def test_an_error_on_the_way(how: str, begin: Any, colour: Any) -> None:
    """A stream that fails is this API's error, after the chunks that came, and is not retried."""
    last, kind, said = ENDS[how]
    rig = Rig(colour, events(*spoken("Tall")[:2], last, **{"X-Request-Id": "req_1"}))
    kept: list[Any] = []

    async def scenario(client: Any) -> None:
        kept.append(await done(begin(client)))
        await items(kept[0])

    with pytest.raises(APIError, match=said) as caught:
        rig.play(scenario)
    error = caught.value
    assert type(error) is kind
    assert error.request_id == "req_1"
    assert (error.operation, len(error.attempts), len(rig.script.requests)) == (
        "chat.completions.create",
        1,
        1,
    )
    assert (kept[0].snapshot.choices[0].message.content, rig.script.open) == ("Tall", 0)


def test_an_error_in_a_stream_says_what_the_server_said(colour: Any) -> None:
    """Type, code, param and body of an error event are on the error."""
    error = Rig(colour, events(ENDS["an error object"][0])).stream_error(stream)
    assert (error.type, error.code, error.param) == ("server_error", "503", None)
    assert error.body["message"] == "overloaded"


def test_a_broken_stream_says_where(colour: Any) -> None:
    """The cause of a broken stream counts what was delivered."""
    error = Rig(colour, events(*spoken("Tall")[:2], ConnectionFailed("reset"))).stream_error(stream)
    assert isinstance(error.__cause__, StreamInterrupted)
    assert error.__cause__.events == 2


@pytest.mark.parametrize("begin", [stream, create])
def test_an_error_at_the_start(begin: Any, colour: Any) -> None:
    """A refused stream is the status error; with `create` already when it is called."""
    rig = Rig(colour, Reply(401, json={"error": {"message": "bad key", "code": "invalid_api_key"}}))
    error = rig.error(begin) if begin is create else rig.stream_error(begin)
    assert (type(error), error.code, error.status_code) == (
        AuthenticationError,
        "invalid_api_key",
        401,
    )


@pytest.mark.parametrize("begin", [stream, create])
def test_a_stream_is_retried_until_it_begins(begin: Any, colour: Any) -> None:
    """A stream that is refused at first is asked for again, and its attempts are known."""
    rig = Rig(colour, 503, 429, events(*spoken("Tall."), DONE))

    async def scenario(client: Any) -> Any:
        opened = await done(begin(client))
        await items(opened)
        return [attempt.status for attempt in opened.attempts]

    assert rig.play(scenario) == [503, 429, 200]


def test_an_answer_instead_of_a_stream_is_an_error(colour: Any) -> None:
    """A server that ignores `stream` is an error that has what it answered."""
    error = Rig(colour, ANSWER).stream_error(stream)
    assert (type(error), error.body) == (APIError, ANSWER)
    assert "not with a stream" in error.message


def test_a_raw_stream(colour: Any) -> None:
    """`with_raw_response.create(stream=True)` has status, headers, and the stream as its result."""
    rig = Rig(colour, events(*spoken("Tall."), DONE, **{"X-Request-Id": "req_1"}))

    async def scenario(client: Any) -> Any:
        raw = await done(create(client.with_raw_response))
        return raw.status_code, raw.headers["x-request-id"], len(await items(raw.parsed))

    assert rig.play(scenario) == (200, "req_1", 3)


def test_a_stream_leaves_nothing_for_the_collector(colour: Any) -> None:
    """An opened stream that was read is gone when nobody holds it."""
    rig = Rig(colour, *(events(*spoken("Tall."), DONE) for _ in range(2)))

    async def read(client: Any) -> Any:
        opened = await done(create(client))
        await done(opened.final())
        return weakref.ref(opened)

    rig.play(read)  # what is made once is made now
    gc.collect()
    gc.disable()
    try:
        gone = rig.play(read)()
    finally:
        gc.enable()
    assert gone is None
