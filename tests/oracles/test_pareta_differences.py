"""Where ours deliberately differs from the published package: docs/clients/pareta.md says why."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.clients.pareta_support import MESSAGES, chunk, events, sse
from tests.conftest import Colour

from penstock.testing import Reply

from .pareta_support import Case, play_ours, play_theirs

RUNNING = {"run": {"id": "r", "status": "running"}}
TICKET = {"upload_url": "https://storage.example.com/b?sig=1", "storage_uri": "s3://b"}
LARGE = b"x" * (5 * 1024 * 1024)
HEAD = {"Content-Type": "text/event-stream"}


def create(pa: Any, **more: Any) -> Any:
    return pa.chat.completions.create(model="ep_1", messages=MESSAGES, **more)


def stream(pa: Any) -> Any:
    return create(pa, stream=True)


def deploy(pa: Any) -> Any:
    return pa.endpoints.deploy(task="t1")


def upload(pa: Any) -> Any:
    return pa.evals.sets.upload_document("es_1", LARGE, idx=0, field_name="doc")


def evaluate(pa: Any, **more: Any) -> Any:
    return pa.evals.runs.create(task="t1", items=[{}], **more)


DIFFERENCES = [
    # What went wrong is said, and by the client's own errors.
    (Case("reported", stream, (sse({"error": {"message": "full"}}),)), None, "ParetaError"),
    (Case("cut", stream, (sse(chunk("a"), done=False),)), None, "APIConnectionError"),
    (Case("no stream", stream, (Reply(json={"id": "c"}),)), None, "ParetaError"),
    (Case("deploy, cut", deploy, (events("data: {}"),)), None, "APIConnectionError"),
    (Case("html", create, (Reply(text="<html>"),)), "JSONDecodeError", "ParetaError"),
    (
        Case("no run", lambda pa: pa.evals.runs.create(eval_set="e", models=["q"]), ({},)),
        "KeyError",
        "ParetaError",
    ),
    (
        Case(
            "garbled",
            create,
            (Reply(headers={"Content-Encoding": "gzip"}, content=b"no gzip"),) * 3,
        ),
        "APIConnectionError",
        "ParetaError",
    ),
    (
        Case("storage", upload, (TICKET, *[httpx.ConnectError("x")] * 3)),
        "ConnectError",
        "APIConnectionError",
    ),
    # What a server asks for is done, and what is transient is tried again.
    (
        Case("redirect", create, (Reply(307, headers={"Location": "/v2"}), {})),
        "APIStatusError",
        None,
    ),
    (Case("storage, busy", upload, (TICKET, 503, 204, {})), "ParetaError", None),
    # What cannot work is refused before anything is sent.
    (Case("no id", lambda pa: pa.endpoints.delete(""), ({},)), None, "ValueError"),
    (
        Case("no candidates", lambda pa: evaluate(pa, models=[]), ({"eval_set": {"id": "e"}},)),
        "ValueError",
        "ValueError",
    ),
    (
        Case(
            "one string",
            lambda pa: evaluate(pa, models="q"),
            ({"eval_set": {"id": "e"}}, {"run_id": "r"}),
        ),
        None,
        "TypeError",
    ),
    (
        Case("placeholder", create, ({},), {"api_key": "pareta_sk_…"}),
        "UnicodeEncodeError",
        "InvalidOption",
    ),
]
REFUSED_AT_ONCE = {"no id", "no candidates", "one string", "placeholder"}


@pytest.mark.parametrize(("case", "theirs", "ours"), DIFFERENCES, ids=repr)
def test_errors_differ(
    case: Case,
    theirs: str | None,
    ours: str | None,
    colour: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The package ends with one error or none, ours with another or none."""
    played = play_theirs(case, is_async=colour.is_async, monkeypatch=monkeypatch)
    own = play_ours(case, colour)
    ended = [None if one.error is None else one.error[0] for one in (played, own)]
    assert ended == [theirs, ours]
    assert (own.sent == []) == (case.name in REFUSED_AT_ONCE)


@pytest.mark.parametrize(
    ("asked", "theirs", "ours"),
    [("0", 0.0, 0.5), ("Fri, 15 Jan 2027 08:00:12 GMT", 0.5, 12.0)],
)
def test_waits_differ(
    asked: str, theirs: float, ours: float, colour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server may ask for a wait by a date, and "no wait" is not obeyed."""
    case = Case("wait", create, (Reply(503, headers={"Retry-After": asked}), {}))
    played = play_theirs(case, is_async=colour.is_async, monkeypatch=monkeypatch)
    assert (played.waited, play_ours(case, colour).waited) == ([theirs], [pytest.approx(ours)])


def test_the_last_look_differs(colour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours takes its last look when the time is up, theirs up to `poll_interval` later."""
    case = Case("late", lambda pa: pa.evals.runs.wait("r", timeout=4.0), (RUNNING,) * 3)
    played = play_theirs(case, is_async=colour.is_async, monkeypatch=monkeypatch)
    own = play_ours(case, colour)
    assert (played.waited, own.waited) == ([3.0, 3.0], [3.0, 1.0])
    assert played.error == own.error


def test_events_of_several_lines_differ(colour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours joins the lines of an event's data, as the HTML standard says; theirs drops them."""
    case = Case("lines", stream, (events('data: {"id":\ndata: "c"}', "data: [DONE]"),))
    played = play_theirs(case, is_async=colour.is_async, monkeypatch=monkeypatch)
    assert played.result == []
    assert [chunk["json"] for chunk in play_ours(case, colour).result] == [{"id": "c"}]


def test_ids_differ(colour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours quotes an id into the path, and sends none that would climb; theirs leads elsewhere."""
    case = Case("id", lambda pa: pa.endpoints.retrieve("../models?x=1"), ({},))
    played = play_theirs(case, is_async=colour.is_async, monkeypatch=monkeypatch)
    assert played.sent[0][1] == "https://api.pareta.ai/v1/models?x=1"
    assert play_ours(case, colour).sent == []
    case = Case("id", lambda pa: pa.endpoints.retrieve("a/b?x=1"), ({},))
    assert play_ours(case, colour).sent[0][1].endswith("/v1/endpoints/a%2Fb%3Fx%3D1")


def test_the_message_of_a_gateway_differs(colour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours also reads the message of an error in OpenAI's shape."""
    case = Case("gateway", create, (Reply(400, json={"error": {"message": "too long"}}),))
    played = play_theirs(case, is_async=colour.is_async, monkeypatch=monkeypatch)
    assert (played.error[1], play_ours(case, colour).error[1]) == ("HTTP 400", "too long")


def test_the_first_chunk_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their async stream reads everything before its first chunk; ours gives each as it comes."""
    # A stream that breaks off: the chunks that came before are lost to one and seen by the other.
    broken = Reply(headers=HEAD, chunks=[b'data: {"id": "c"}\n\n', httpx.ReadError("reset")])
    seen: dict[str, list[str]] = {"theirs": [], "ours": []}

    def watch(whose: str) -> Any:
        async def read(pa: Any) -> None:
            async for part in await stream(pa):
                seen[whose].append(part.id)

        return read

    played = play_theirs(
        Case("t", watch("theirs"), (broken,)), is_async=True, monkeypatch=monkeypatch
    )
    own = play_ours(Case("o", watch("ours"), (broken,)), Colour("asyncio"))
    assert seen == {"theirs": [], "ours": ["c"]}
    assert played.error == own.error
