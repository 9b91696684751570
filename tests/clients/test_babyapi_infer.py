"""BabyAPI: `client.baby.infer`, and where a client's values come from."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock import SettingsError
from penstock.clients import babyapi
from penstock.clients.babyapi import AsyncBabyAPI, BabyAPI, BabyAPIError, BabyAPISettings
from penstock.testing import Script

from .babyapi_support import KEY, VARIABLES, baby, create, stream


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


SENT: list[tuple[Any, dict[str, Any], dict[str, Any]]] = [
    (" Hi. ", {}, {"prompt": "Hi."}),
    ("Hi.", {"max_tokens": 5}, {"prompt": "Hi.", "max_tokens": 5}),
    ("Hi.", {"maxTokens": 5}, {"prompt": "Hi.", "max_tokens": 5}),
    ("Hi.", {"model": " other "}, {"prompt": "Hi.", "model": "other"}),
    ("Hi.", {"model": "  "}, {"prompt": "Hi."}),
    ("Hi.", {"prompt": "Ho."}, {"prompt": "Ho."}),
    ({"prompt": "Hi."}, {}, {"prompt": "Hi."}),
    ({"input": "Hi."}, {}, {"prompt": "Hi."}),
    ({"text": "Hi."}, {}, {"prompt": "Hi."}),
    ({"prompt": "a", "input": "b", "text": "c"}, {}, {"prompt": "a"}),
    ({"prompt": " ", "input": 5, "text": "c"}, {}, {"prompt": "c"}),
    ({"prompt": "a"}, {"prompt": None, "top_k": None}, {"prompt": "a"}),
    ({"prompt": "a", "topK": 3, "stop": ["."]}, {}, {"prompt": "a", "top_k": 3, "stop": ["."]}),
    ({"prompt": "a", "top_p": 0.1}, {"top_p": 0.2}, {"prompt": "a", "top_p": 0.2}),
    ({"prompt": "a", "top_p": 0.1, "topP": 0.2}, {}, {"prompt": "a", "top_p": 0.2}),
    ({"prompt": "a", "topP": 0.1, "options": {"top_p": 0.3}}, {}, {"prompt": "a", "top_p": 0.3}),
    ({"prompt": "a"}, {"options": {"temperature": 0}}, {"prompt": "a", "temperature": 0}),
    ({"prompt": "a", "options": None}, {}, {"prompt": "a"}),
    (
        {"prompt": "a", "options": {"presencePenalty": 1, "frequency_penalty": None, "seed": 3}},
        {},
        {"prompt": "a", "presence_penalty": 1},
    ),
    (
        {"prompt": "a", "user": "u", "frequencyPenalty": 2},
        {},
        {"prompt": "a", "frequency_penalty": 2},
    ),
]


@pytest.mark.parametrize(("given", "keywords", "body"), SENT)
def test_what_is_inferred(colour: Any, given: Any, keywords: Any, body: Any) -> None:
    """The prompt is stripped, options go flat in snake case, and what is no option is dropped."""
    kit = baby(colour, {"output": "x"}, default_model="mistral")
    assert kit.run(lambda client: client.baby.infer(given, **keywords)) == {"output": "x"}
    assert json.loads(kit.script.bodies[0]) == {"model": "mistral", **body}


@pytest.mark.parametrize(
    ("given", "model", "code"),
    [
        ("", "m", "PROMPT_REQUIRED"),
        ("  ", "m", "PROMPT_REQUIRED"),
        ({}, "m", "PROMPT_REQUIRED"),
        ({"prompt": 5}, "m", "PROMPT_REQUIRED"),
        ("Hi.", None, "MODEL_REQUIRED"),
        ({"prompt": "Hi.", "model": " "}, None, "MODEL_REQUIRED"),
        (5, "m", "INVALID_INFER_INPUT"),
        (None, "m", "INVALID_INFER_INPUT"),
        (["Hi."], "m", "INVALID_INFER_INPUT"),
        ({"prompt": "Hi.", "options": [1]}, "m", "INVALID_OPTIONS"),
    ],
)
def test_what_cannot_be_inferred(colour: Any, given: Any, model: Any, code: str) -> None:
    """An input that cannot be sent is refused with its code, and nothing is sent."""
    kit = baby(colour, default_model=model)
    error = kit.error(lambda client: client.baby.infer(given))
    assert (error.code, error.status, kit.script.requests) == (code, None, [])


@pytest.mark.parametrize("messages", ["Hi.", {"role": "user", "content": "Hi."}])
def test_one_message_is_no_conversation(colour: Any, messages: Any) -> None:
    """A text or a message where messages are meant is refused before anything is sent."""
    kit = baby(colour)
    errors = [
        kit.error(lambda client: client.infer(model="m", messages=messages)),
        kit.error(lambda client: client.chat.completions.create(model="m", messages=messages)),
        kit.stream_error(
            lambda client: client.chat.completions.stream(model="m", messages=messages)
        ),
    ]
    assert [error.code for error in errors] == ["INVALID_MESSAGES"] * 3
    assert all("write messages=[{" in error.message for error in errors)
    assert kit.script.requests == []


def test_the_input_is_left_alone(colour: Any) -> None:
    """The caller's mapping is not changed."""
    given = {"prompt": " a ", "maxTokens": 5, "options": {"topP": 1}}
    kit = baby(colour, {}, default_model="m")
    kit.run(lambda client: client.baby.infer(given, top_k=1))
    assert given == {"prompt": " a ", "maxTokens": 5, "options": {"topP": 1}}


# The key


def test_a_missing_key(colour: Any) -> None:
    """A client without a key is made; each call of it is `API_KEY_REQUIRED`, and sends nothing."""
    kit = baby(colour, api_key=None)
    assert kit.error(create).code == "API_KEY_REQUIRED"
    assert kit.error(lambda client: client.baby.infer("a", model="m")).code == "API_KEY_REQUIRED"
    assert kit.stream_error(stream).code == "API_KEY_REQUIRED"
    assert kit.script.requests == []


def test_a_key_for_a_call(colour: Any) -> None:
    """A client without a key takes one from a call's options, or from a view's."""
    kit = baby(colour, {}, {}, api_key=None)
    kit.run(lambda client: client.embeddings.create(request_options={"api_key": KEY}))
    kit.run(lambda client: client.with_options(api_key=KEY).embeddings.create())
    sent = [request.headers["Authorization"] for request in kit.script.requests]
    assert sent == [f"Bearer {KEY}"] * 2


@pytest.mark.parametrize(
    ("argument", "variables", "key"),
    [
        ("key-argument", {"BABYAPI_API_KEY": "key-one", "BABY_API_KEY": "key-two"}, "key-argument"),
        (None, {"BABYAPI_API_KEY": "key-one", "BABY_API_KEY": "key-two"}, "key-one"),
        (None, {"BABYAPI_API_KEY": "", "BABY_API_KEY": "key-two"}, "key-two"),
        ("", {"BABY_API_KEY": "key-two"}, "key-two"),
    ],
)
def test_where_the_key_comes_from(
    colour: Any, monkeypatch: pytest.MonkeyPatch, argument: Any, variables: Any, key: str
) -> None:
    """The key is the argument, else `BABYAPI_API_KEY`, else `BABY_API_KEY`; empty is not given."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    kit = baby(colour, {}, api_key=argument)
    kit.run(create)
    assert kit.script.requests[0].headers["Authorization"] == f"Bearer {key}"


def test_a_key_that_is_supplied(colour: Any) -> None:
    """A callable supplies the key for each attempt."""
    keys = iter(["key-one", "key-two"])

    async def asupply() -> str:
        return next(keys)

    supply = asupply if colour.is_async else lambda: next(keys)
    kit = baby(colour, 503, {}, api_key=supply)
    kit.run(create)
    sent = [request.headers["Authorization"] for request in kit.script.requests]
    assert sent == ["Bearer key-one", "Bearer key-two"]


# Other values

KINDS = pytest.mark.parametrize("kind", [BabyAPI, AsyncBabyAPI])


@KINDS
@pytest.mark.parametrize(
    ("argument", "variable", "url"),
    [
        (None, None, "https://api.babyapi.org"),
        ("https://a.example.com/", None, "https://a.example.com"),
        ("https://a.example.com/baby//", None, "https://a.example.com/baby"),
        (None, "https://b.example.com/", "https://b.example.com"),
        ("https://a.example.com", "https://b.example.com", "https://a.example.com"),
    ],
)
def test_the_base_url(
    monkeypatch: pytest.MonkeyPatch, kind: Any, argument: Any, variable: Any, url: str
) -> None:
    """The base URL is the argument, else `BABYAPI_BASE_URL`, else BabyAPI's; no last slash."""
    if variable:
        monkeypatch.setenv("BABYAPI_BASE_URL", variable)
    assert kind(base_url=argument, transport=Script()).base_url == url


@KINDS
@pytest.mark.parametrize(
    ("argument", "variable", "model"),
    [(None, None, None), (" a ", "b", "a"), (" ", " b ", "b"), (None, " ", None)],
)
def test_the_default_model(
    monkeypatch: pytest.MonkeyPatch, kind: Any, argument: Any, variable: Any, model: Any
) -> None:
    """The default model is the argument, else `BABYAPI_DEFAULT_MODEL`, stripped, or none."""
    if variable:
        monkeypatch.setenv("BABYAPI_DEFAULT_MODEL", variable)
    assert kind(default_model=argument, transport=Script()).default_model == model


@KINDS
def test_arguments_by_position(kind: Any) -> None:
    """The arguments stand in the published order."""
    client = kind(
        KEY, "https://a.example.com", 5.0, 7, 0.5, {"x": "y"}, "m", None, transport=Script()
    )
    options = client.options
    assert (options.timeout, options.max_retries, options.headers) == (5.0, 7, {"x": "y"})
    assert (client.base_url, client.default_model) == ("https://a.example.com", "m")


@KINDS
def test_a_count_below_zero(kind: Any) -> None:
    """`max_retries` below 0 is 0."""
    assert kind(KEY, max_retries=-3, transport=Script()).options.max_retries == 0


@KINDS
@pytest.mark.parametrize("headers", ["x: y", {"x": "line\nend"}])
def test_wrong_headers(kind: Any, headers: Any) -> None:
    """Default headers that cannot be sent are `INVALID_HEADERS`."""
    with pytest.raises(BabyAPIError) as caught:
        kind(KEY, default_headers=headers, transport=Script())
    assert caught.value.code == "INVALID_HEADERS"


@KINDS
def test_the_repr_shows_no_key(kind: Any) -> None:
    """The repr of a client and of a resource says where it calls, without the key."""
    client = kind(KEY, transport=Script())
    assert "https://api.babyapi.org" in repr(client.chat)
    assert KEY not in f"{client!r} {client.chat.completions!r}"


# Settings


def test_settings(colour: Any) -> None:
    """`from_settings` takes every value from the settings, also a key under its second name."""
    environ = {
        "BABY_API_KEY": KEY,
        "BABYAPI_BASE_URL": "https://b.example.com/",
        "BABYAPI_DEFAULT_MODEL": "m",
        "BABYAPI_TIMEOUT": "7",
        "BABYAPI_RETRY__MAX_RETRIES": "1",
        "BABYAPI_RETRY__BASE_DELAY": "3",
        "BABYAPI_HEADERS__X_TENANT": "acme",
    }
    kind: Any = AsyncBabyAPI if colour.is_async else BabyAPI
    kit = baby(colour, 503, {"output": "x"})
    client = kind.from_settings(
        BabyAPISettings.from_env(environ=environ), transport=kit.script, clock=kit.clock
    )
    colour.run(lambda: client.baby.infer("p"))
    request = kit.script.requests[1]
    assert (str(request.url), kit.clock.sleeps) == ("https://b.example.com/infer", [3.0])
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["X-Tenant"] == "acme"
    assert (client.options.timeout, client.options.max_retries) == (7.0, 1)


@KINDS
def test_settings_and_arguments(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument wins over the settings, and the environment is read by nobody but them."""
    monkeypatch.setenv("BABYAPI_API_KEY", "key-of-the-process")
    client = kind.from_settings(
        BabyAPISettings(timeout=7, default_model="m"), timeout_s=8, transport=Script()
    )
    assert (client.options.timeout, client.default_model) == (8.0, "m")
    with pytest.raises(BabyAPIError, match="API_KEY_REQUIRED"):
        client.chat.completions.stream()


@KINDS
def test_wrong_settings(kind: Any) -> None:
    """A wrong setting is a `SettingsError` that names its source."""
    with pytest.raises(SettingsError, match="BABYAPI_TIMEOUT"):
        kind.from_settings(environ={"BABYAPI_TIMEOUT": "soon"})


def test_what_the_package_has() -> None:
    """The package has what its `__all__` names, and nothing by any other name."""
    assert all(hasattr(babyapi, name) for name in babyapi.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Baby'"):
        babyapi.Baby  # noqa: B018 - looked up


def test_the_defaults_of_the_settings() -> None:
    """Settings that nobody gave make the client that no arguments make."""
    assert BabyAPISettings().arguments() == {
        "base_url": "https://api.babyapi.org",
        "retry_base_delay_s": 0.25,
    }
