"""The laws of errors: which class, what it knows, and what it never shows."""

from __future__ import annotations

import copy
import pickle
import traceback
from typing import Any

import pytest

import penstock
from penstock import (
    ConnectionFailed,
    DeadlineExceeded,
    DetachedResponse,
    PenstockError,
    StatusError,
    TimedOut,
)
from penstock.clients.openai_compatible import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    OpenAIError,
    PermissionDeniedError,
    RateLimitError,
    UnprocessableEntityError,
)
from penstock.testing import Reply

from .openai_support import CHAT, KEY, Rig

CLASSES: dict[int, tuple[type[APIStatusError], type[StatusError]]] = {
    400: (BadRequestError, penstock.BadRequest),
    401: (AuthenticationError, penstock.Unauthorized),
    402: (APIStatusError, StatusError),
    403: (PermissionDeniedError, penstock.Forbidden),
    404: (NotFoundError, penstock.NotFound),
    408: (APIStatusError, StatusError),
    409: (ConflictError, penstock.Conflict),
    418: (APIStatusError, StatusError),
    422: (UnprocessableEntityError, penstock.UnprocessableContent),
    429: (RateLimitError, penstock.TooManyRequests),
    500: (InternalServerError, penstock.ServerError),
    503: (InternalServerError, penstock.ServerError),
    529: (InternalServerError, penstock.ServerError),
}


def create(client: Any) -> Any:
    return client.chat.completions.create(**CHAT)


def refused(colour: Any, reply: Reply, **options: Any) -> Any:
    return Rig(colour, reply, max_retries=0, **options).error(create)


@pytest.mark.parametrize("status", CLASSES)
def test_each_status_has_its_class(status: int, colour: Any) -> None:
    """A final status is its own class, and Penstock's class of that status too."""
    error = refused(colour, Reply(status))
    own, penstocks = CLASSES[status]
    assert type(error) is own
    assert isinstance(error, penstocks)
    assert isinstance(error, OpenAIError)
    assert error.status_code == error.response.status_code == status


def test_an_error_says_what_the_server_said(colour: Any) -> None:
    """Message, type, code, param, body, request id and response come from OpenAI's shape."""
    said = {
        "message": "no such model",
        "type": "invalid_request_error",
        "code": "no_model",
        "param": "model",
    }
    reply = Reply(404, json={"error": said}, headers={"X-Request-Id": "req_1", "X-A": "1"})
    error = refused(colour, reply)
    assert (error.type, error.code, error.param, error.body) == (
        "invalid_request_error",
        "no_model",
        "model",
        said,
    )
    assert (error.request_id, error.response.headers["x-a"]) == ("req_1", "1")
    assert type(error.response) is DetachedResponse
    assert error.message == "404 Not Found: no such model"
    assert str(error).startswith(
        "404 Not Found: no such model (POST https://llm.example.com/v1/chat/completions"
    )
    assert (error.operation, len(error.attempts)) == ("chat.completions.create", 1)


SHAPES: dict[str, tuple[Reply, str, Any]] = {
    "error text": (Reply(400, json={"error": "too long"}), "too long", "too long"),
    "flat": (
        Reply(
            400,
            json={"object": "error", "message": "too long", "type": "BadRequestError", "code": 400},
        ),
        "too long",
        {"object": "error", "message": "too long", "type": "BadRequestError", "code": 400},
    ),
    "detail": (Reply(400, json={"detail": "too long"}), "too long", {"detail": "too long"}),
    "details": (
        Reply(
            422,
            json={
                "detail": [
                    {"loc": ["body", "n"], "msg": "too long", "type": "x"},
                    {"msg": "odd"},
                    "odder",
                ]
            },
        ),
        "body.n: too long; odd; odder",
        {
            "detail": [
                {"loc": ["body", "n"], "msg": "too long", "type": "x"},
                {"msg": "odd"},
                "odder",
            ]
        },
    ),
    "text": (Reply(400, text="too long\n"), "too long", "too long\n"),
    "HTML": (
        Reply(502, text="<h1>x</h1>", headers={"Content-Type": "text/html"}),
        "",
        "<h1>x</h1>",
    ),
    "nothing": (Reply(500), "", ""),
    "a list": (Reply(400, json=["x"]), "", ["x"]),
    "cut JSON": (Reply(400, content=b'{"error": {"mess'), "", '{"error": {"mess'),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_other_shapes_are_understood(shape: str, colour: Any) -> None:
    """Whatever a server sends as an error, its words are the message."""
    reply, said, body = SHAPES[shape]
    error = refused(colour, reply)
    assert (error.message.partition(": ")[2], error.body) == (said, body)
    assert error.status_code == reply.status


def test_a_code_is_text(colour: Any) -> None:
    """A code that a server sends as a number is text, as in OpenAI's own errors."""
    assert refused(colour, Reply(400, json={"error": {"message": "x", "code": 17}})).code == "17"


FAILURES: dict[str, tuple[PenstockError, type[APIError], type[PenstockError]]] = {
    "connect": (ConnectionFailed("refused", phase="connect"), APIConnectionError, ConnectionFailed),
    "read": (ConnectionFailed("reset", phase="read"), APIConnectionError, ConnectionFailed),
    "timeout": (TimedOut("slow", phase="read"), APITimeoutError, TimedOut),
    "deadline": (DeadlineExceeded("late", phase="read"), APITimeoutError, TimedOut),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_failure_of_the_wire_has_its_class(what: str, colour: Any) -> None:
    """A failure of the wire is this API's error and Penstock's, with phase and cause."""
    failure, own, penstocks = FAILURES[what]
    error = Rig(colour, failure, max_retries=0).error(create)
    assert (type(error), error.phase) == (own, failure.phase)  # type: ignore[attr-defined]
    assert isinstance(error, penstocks)
    assert type(error.__cause__) is type(failure)
    assert (error.body, error.code, error.operation) == (None, None, "chat.completions.create")
    assert len(error.attempts) == 1


@pytest.mark.parametrize(
    "reply", [Reply(text="<p>", headers={"Content-Type": "text/html"}), Reply(json=[1]), Reply()]
)
def test_a_success_that_is_no_object(reply: Reply, colour: Any) -> None:
    """A success whose body is not what it should be is an error, never a value of another type."""
    error = Rig(colour, reply).error(create)
    assert type(error) is APIResponseValidationError
    assert error.url == "https://llm.example.com/v1/chat/completions"


def test_other_failures_are_api_errors(colour: Any) -> None:
    """What has no class of its own is an `APIError`: a body too long, a redirect not to follow."""
    large = Rig(colour, Reply(text="x" * 100), max_response_bytes=10).error(create)
    loop = Rig(colour, *[Reply(307, headers={"Location": "https://elsewhere.example/v1"})]).error(
        create
    )
    assert (type(large), type(large.__cause__).__name__) == (APIError, "ResponseTooLarge")
    assert (type(loop), type(loop.__cause__).__name__) == (APIError, "RedirectError")


EVERY = {
    "status": Reply(
        401, json={"error": {"message": f"bad key {KEY}", "code": "x"}}, headers={"X-Echo": KEY}
    ),
    "wire": ConnectionFailed("reset", phase="connect"),
    "body": Reply(text="oops"),
}


@pytest.mark.parametrize(
    "clone", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy]
)
@pytest.mark.parametrize("what", EVERY)
def test_an_error_pickles_and_copies(what: str, clone: Any, colour: Any) -> None:
    """A copy has the class, the text and everything else of the original."""
    error = Rig(colour, EVERY[what], max_retries=0).error(create)
    copied = clone(error)
    assert (type(copied), str(copied)) == (type(error), str(error))
    for name in (
        "type",
        "code",
        "param",
        "body",
        "request_id",
        "operation",
        "attempts",
        "phase",
        "status_code",
    ):
        assert getattr(copied, name, None) == getattr(error, name, None)


@pytest.mark.parametrize("what", EVERY)
def test_no_error_shows_the_key(what: str, colour: Any) -> None:
    """No text, repr, traceback or pickle of an error has the key, echoed by the server or not."""
    error = Rig(colour, EVERY[what], max_retries=0).error(create)
    shown = "".join(
        [str(error), repr(error), *traceback.format_exception(error), repr(vars(error))]
    )
    assert KEY not in shown
    assert KEY.encode() not in pickle.dumps(error)


def test_a_stack_of_the_users_own_keeps_the_errors(colour: Any) -> None:
    """With another stack, even an empty one, errors still are this API's."""
    rig = Rig(
        colour,
        ConnectionFailed("reset"),
        Reply(404),
        stack=penstock.Stack.standard(),
        max_retries=0,
    )
    assert type(rig.error(create)) is APIConnectionError
    assert type(rig.error(create)) is NotFoundError
    assert type(
        Rig(colour, ConnectionFailed("reset"), stack=penstock.Stack.bare(), api_key=None).error(
            create
        )
    ) is (APIConnectionError)
