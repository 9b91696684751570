"""Where ours differs from the published babyapi package: the rows ● of docs/clients/babyapi.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from penstock.testing import Reply

from .babyapi_support import Case, Played, play_ours, play_theirs

if TYPE_CHECKING:
    from collections.abc import Callable

OK = Reply(json={"a": 1})
DONE = (True, None, "[DONE]")


def create(client: Any) -> Any:
    return client.completions.create(prompt="p")


def stream(client: Any) -> Any:
    return client.completions.stream(prompt="p")


def optional(**options: Any) -> Callable[[Any], Any]:
    return lambda client: client.completions.create(request_options=options)


def events(text: str, kind: str = "text/event-stream") -> Reply:
    return Reply(headers={"content-type": kind}, content=text.encode())


def error(sends: int, status: int | None = None, code: str | None = None) -> Any:
    return sends, None, (status, code)


def result(sends: int, value: Any) -> Any:
    return sends, value, None


class Difference(NamedTuple):
    """One difference.

    Attributes:
        case: What shows it.
        theirs: How often the published client sends, with what result, or which status and code.
        ours: The same of ours.
    """

    case: Case
    theirs: Any
    ours: Any


DIFFERENCES = [
    Difference(
        Case(
            "408 with a code", create, [Reply(408, json={"error": {"code": "INVALID_PROMPT"}}), OK]
        ),
        error(1, 408, "INVALID_PROMPT"),
        result(2, {"a": 1}),
    ),
    Difference(
        Case("redirect", create, [Reply(307, headers={"location": "/v1/x"}), OK]),
        error(1, 307),
        result(2, {"a": 1}),
    ),
    Difference(
        Case("a number as text", optional(timeout_s="30"), [OK]),
        result(1, {"a": 1}),
        error(0, None, "INVALID_TIMEOUT"),
    ),
    Difference(
        Case("a count with a fraction", optional(max_retries=1.5), [OK]),
        result(1, {"a": 1}),
        error(0, None, "INVALID_MAX_RETRIES"),
    ),
    Difference(
        Case("a truth as a number", optional(timeout_s=True), [OK]),
        result(1, {"a": 1}),
        error(0, None, "INVALID_TIMEOUT"),
    ),
    Difference(
        Case("an unknown option", optional(timeout=30), [OK]),
        result(1, {"a": 1}),
        error(0, None, "INVALID_REQUEST_OPTIONS"),
    ),
    Difference(
        Case("headers that are none", optional(headers="x: y"), [OK]),
        error(0, None, "INVALID_HEADERS"),
        error(0, None, "INVALID_REQUEST_OPTIONS"),
    ),
    Difference(
        Case("stream=1", lambda client: client.completions.create(stream=1), [OK]),
        result(1, {"a": 1}),
        error(0, None, "STREAM_METHOD_REQUIRED"),
    ),
    Difference(
        Case(
            "options=None",
            lambda client: client.baby.infer({"prompt": "p", "model": "m", "options": None}),
            [OK],
        ),
        error(0, None, "INVALID_OPTIONS"),
        result(1, {"a": 1}),
    ),
    Difference(
        Case("a stream without an end", stream, [events('data: {"a": 1}\n\n')]),
        result(1, [(False, {"a": 1}, '{"a": 1}')]),
        error(1),
    ),
    Difference(
        Case("an error in a stream", stream, [events('data: {"error": {"code": "c"}}\n\n')]),
        result(1, [(False, {"error": {"code": "c"}}, '{"error": {"code": "c"}}')]),
        error(1, None, "c"),
    ),
    Difference(
        Case("empty data", stream, [events("data:\n\ndata: [DONE]\n\n")]),
        result(1, [DONE]),
        result(1, [(False, None, ""), DONE]),
    ),
    Difference(
        Case("no stream", stream, [events('{"a": 1}', "application/json")]),
        result(1, []),
        error(1, 200),
    ),
]


def told(played: Played) -> Any:
    failure = played.error and (played.error["status"], played.error["code"])
    return len(played.sent), played.result, failure


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda row: row.case.name)
def test_each_difference(
    difference: Difference, colour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each listed difference is one, and is as it is listed."""
    ours, theirs = play_ours(difference.case, colour), play_theirs(difference.case, monkeypatch)
    assert (told(ours), told(theirs)) == (difference.ours, difference.theirs)


@pytest.mark.parametrize(("asked", "theirs", "ours"), [("90", 90.0, 30.0), ("0", 0.0, 0.25)])
def test_the_servers_delay(
    asked: str, theirs: float, ours: float, colour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `Retry-After` is honoured up to 30 s, and 0 is no advice."""
    case = Case("delay", create, [Reply(503, headers={"retry-after": asked}), OK])
    assert play_ours(case, colour).waited == pytest.approx([ours])
    assert play_theirs(case, monkeypatch).waited == pytest.approx([theirs])


def test_a_body_without_a_json_form(colour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no JSON form is not tried again."""
    case = Case("no JSON form", lambda client: client.completions.create(prompt=object()))
    ours, theirs = play_ours(case, colour), play_theirs(case, monkeypatch)
    assert (len(ours.waited), len(theirs.waited)) == (0, 2)
    assert told(ours) == told(theirs) == error(0)


def test_a_message_that_is_no_text(colour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message is text, or `HTTP <status>`."""
    case = Case("message", create, [Reply(404, json={"error": {"message": 5}})])
    ours, theirs = play_ours(case, colour).error, play_theirs(case, monkeypatch).error
    assert ours is not None
    assert theirs is not None
    assert (ours["message"], theirs["message"]) == ("HTTP 404", 5)


def test_a_second_credential(colour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One `Authorization` is sent, the key's."""
    case = Case("two", optional(headers={"authorization": "Basic eA=="}), [OK])

    def credentials(played: Played) -> list[str]:
        return [value for name, value in played.sent[0][3] if name == "authorization"]

    assert credentials(play_ours(case, colour)) == ["Bearer baby-key-0123456789"]
    assert credentials(play_theirs(case, monkeypatch)) == [
        "Basic eA==",
        "Bearer baby-key-0123456789",
    ]
