"""Pareta's errors: which class, what it knows, and what it never shows."""

from __future__ import annotations

import pickle
from typing import Any

import httpx
import pytest

import penstock
from penstock import ConnectionFailed, DecodeError, PenstockError, StatusError, TimedOut
from penstock.clients import pareta
from penstock.clients.pareta import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ParetaError,
)
from penstock.testing import Reply

from .pareta_support import KEY, MESSAGES, Rig, events, sse

CLASSES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    402: "InsufficientCreditsError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    418: "APIStatusError",
    422: "BadRequestError",
    429: "RateLimitError",
    500: "APIStatusError",
    503: "EndpointNotReadyError",
}


def list_models(client: Any) -> Any:
    """Make the plainest call."""
    return client.models.list()


@pytest.mark.parametrize(("status", "name"), CLASSES.items())
def test_each_status_has_its_class(status: int, name: str, colour: Any) -> None:
    """The class of an error follows from the status, and its fields from the response."""
    headers = {"X-Request-Id": "req_1"}
    rig = Rig(colour, Reply(status, json={"detail": "no"}, headers=headers), forever=True)
    error = rig.error(list_models)
    assert type(error) is getattr(pareta, name)
    assert (error.status_code, error.detail, error.request_id) == (status, "no", "req_1")
    assert error.message == "no"
    assert (error.response.status_code, error.response.json()) == (status, {"detail": "no"})
    assert error.response.headers["x-request-id"] == "req_1"
    assert not hasattr(error.response, "request")


@pytest.mark.parametrize(
    ("body", "detail", "message"),
    [
        ({"json": {"detail": "out of credit"}}, "out of credit", "out of credit"),
        ({"json": {"detail": [{"loc": ["body"]}]}}, [{"loc": ["body"]}], "HTTP 400"),
        ({"json": {"detail": ""}}, "", "HTTP 400"),
        ({"json": {}}, None, "HTTP 400"),
        ({"json": ["no"]}, ["no"], "HTTP 400"),
        ({"json": {"error": {"message": "bad model"}}}, None, "bad model"),
        ({"text": " upstream \n"}, "upstream", "upstream"),
        ({"content": b""}, None, "HTTP 400"),
        ({"text": "x" * 9000}, "x" * 9000, "x" * 500),
    ],
)
def test_an_error_body_may_have_any_shape(
    body: dict[str, Any], detail: Any, message: str, colour: Any
) -> None:
    """`detail` is what the server's `detail` holds, or a body that is no object."""
    error = Rig(colour, Reply(400, **body)).error(list_models)
    assert (error.detail, error.message) == (detail, message)
    assert str(error).startswith(message)


def test_an_error_says_which_call_it_is_about(colour: Any) -> None:
    """An error knows method, URL, operation, attempts and id of its request."""
    rig = Rig(colour, 503, Reply(404, json={"detail": "no"}, headers={"X-Request-Id": "req_1"}))
    error = rig.error(lambda client: client.tasks.retrieve("t"))
    assert (error.method, error.url) == ("GET", "https://api.pareta.ai/v1/tasks/t")
    assert error.operation == "tasks.retrieve"
    assert [attempt.status for attempt in error.attempts] == [503, 404]
    assert str(error) == (
        "no (GET https://api.pareta.ai/v1/tasks/t, 2 attempts, 0.50 s, request id req_1)"
    )


def test_the_hierarchy_is_the_documented_one() -> None:
    """Whoever catches a base catches what is below it, Penstock's own bases included."""
    assert issubclass(ParetaError, PenstockError)
    assert issubclass(APIConnectionError, ParetaError)
    assert issubclass(APIConnectionError, ConnectionFailed)
    assert issubclass(APITimeoutError, APIConnectionError)
    assert issubclass(APITimeoutError, TimedOut)
    for name in set(CLASSES.values()):
        assert issubclass(getattr(pareta, name), APIStatusError)
    assert issubclass(APIStatusError, ParetaError)
    assert issubclass(APIStatusError, StatusError)
    assert not issubclass(APIStatusError, APIConnectionError)


def test_errors_can_be_made_by_hand() -> None:
    """A test of the caller's can make an error with no more than a status."""
    error = pareta.RateLimitError("slow down", status_code=429, request_id="req_1")
    assert (error.status_code, error.detail, error.response, error.body) == (429, None, None, None)
    assert str(APITimeoutError()) == "request timed out"
    cause = OSError("gone")
    assert APIConnectionError(cause=cause).__cause__ is cause


@pytest.mark.parametrize("reply", [Reply(401, json={"detail": "no"}), httpx.ReadTimeout("slow")])
def test_an_error_pickles_with_everything(reply: Any, colour: Any) -> None:
    """An error that crosses a process border arrives whole."""
    error = Rig(colour, reply, max_retries=0).error(list_models)
    arrived = pickle.loads(pickle.dumps(error))
    assert (type(arrived), str(arrived)) == (type(error), str(error))
    for name in ("status_code", "detail", "request_id", "operation", "attempts", "phase"):
        assert getattr(arrived, name, None) == getattr(error, name, None)


def test_a_key_the_server_echoes_is_taken_out(colour: Any) -> None:
    """Neither text, fields nor pickle of an error show the key."""
    echo = Reply(401, json={"detail": f"invalid key {KEY}"}, headers={"X-Echo": KEY})
    error = Rig(colour, echo).error(list_models)
    shown = f"{error!r} {error} {error.detail} {error.response.headers} {error.response.text}"
    assert "invalid key REDACTED" in shown
    assert KEY not in shown
    assert KEY.encode() not in pickle.dumps(error)


def test_the_cause_says_what_the_wire_did(colour: Any) -> None:
    """A failed wire is raised with Penstock's own error as its cause."""
    error = Rig(colour, httpx.ConnectError("refused"), forever=True).error(list_models)
    assert isinstance(error.__cause__, penstock.ConnectionFailed)
    assert (error.phase, error.__cause__.phase) == ("connect", "connect")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(text="<html>"), "the body is not JSON"),
        (Reply(json=[1]), "the body has no JSON object"),
        (Reply(headers={"Content-Encoding": "gzip"}, content=b"no"), "does not decode"),
        (Reply(302, headers={"Location": "ftp://x"}), ""),
    ],
)
def test_an_answer_that_makes_no_sense_is_an_error_of_paretas(
    reply: Reply, said: str, colour: Any
) -> None:
    """A success whose body is not what it should be is a `ParetaError`."""
    error = Rig(colour, reply, max_retries=0).error(list_models)
    assert said in str(error)
    assert type(error) is ParetaError
    assert isinstance(error.__cause__, PenstockError)
    if said.startswith("the body is not"):
        assert isinstance(error.__cause__, DecodeError)


@pytest.mark.parametrize("body", [{"tasks": {"id": 1}}, 3, "text"])
def test_a_list_must_be_one(body: Any, colour: Any) -> None:
    """A list of things that is no list is a `ParetaError`."""
    error = Rig(colour, Reply(json=body)).error(lambda client: client.tasks.list())
    assert error.message == "the body has no JSON array tasks"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (sse({"id": "a"}, done=False), APIConnectionError),
        (sse({"error": {"message": "out of memory"}}), ParetaError),
        (events("event: error\ndata: out of memory"), ParetaError),
        (Reply(json={"id": "a"}), ParetaError),
        (Reply(402, json={"detail": "out of credit"}), pareta.InsufficientCreditsError),
    ],
    ids=["cut", "reported", "named", "no stream", "refused"],
)
def test_a_stream_fails_with_errors_of_paretas(
    reply: Reply, expected: type[Exception], colour: Any
) -> None:
    """What goes wrong while a stream is read is a `ParetaError` as well."""
    rig = Rig(colour, reply)
    error = rig.stream_error(
        lambda client: client.chat.completions.create(model="ep_1", messages=MESSAGES, stream=True)
    )
    assert type(error) is expected
    assert error.operation == "chat.completions.create"
    assert rig.script.open == 0
