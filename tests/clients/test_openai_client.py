"""The laws of the client itself: where it sends, with which key, through which stack."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import httpx
import pytest

import penstock
from penstock import REMOVE, ClientClosed, InvalidOption, SettingsError, Stack
from penstock.clients.openai_compatible import (
    AsyncOpenAICompatible,
    OpenAICompatible,
    OpenAIError,
    OpenAISettings,
)
from penstock.middleware import GenAI, Logging, RaiseForStatus, Retry, Tracing
from penstock.testing import Script

from .openai_support import ANSWER, BASE_URL, CHAT, KEY, Rig

MODELS: dict[str, Any] = {"object": "list", "data": []}


def models(client: Any) -> Any:
    return client.models.list()


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_KEY", "BASE_URL", "ORG_ID", "PROJECT_ID", "TIMEOUT", "PROFILE"):
        monkeypatch.delenv(f"OPENAI_{name}", raising=False)


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://llm.example.com", "https://llm.example.com/v1/models"),
        ("https://llm.example.com/", "https://llm.example.com/v1/models"),
        ("https://llm.example.com/v1", "https://llm.example.com/v1/models"),
        ("https://llm.example.com/v1/", "https://llm.example.com/v1/models"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1/models"),
        ("https://gw.example.com/openai", "https://gw.example.com/openai/models"),
        ("https://gw.example.com/api/v4", "https://gw.example.com/api/v4/models"),
        (httpx.URL("https://llm.example.com"), "https://llm.example.com/v1/models"),
        (penstock.UNSET, "https://api.openai.com/v1/models"),
    ],
)
def test_where_it_sends(base_url: Any, expected: str, colour: Any) -> None:
    """A base URL that is a host alone gets `/v1`; with a path it is taken as it is."""
    rig = Rig(colour, MODELS, base_url=base_url)
    rig.run(models)
    assert str(rig.sent.url) == expected


def test_a_key_must_be_given_or_declined(colour: Any) -> None:
    """Without a key the client says every way to give one; `api_key=None` sends none."""
    kind = AsyncOpenAICompatible if colour.is_async else OpenAICompatible
    for make in (kind, kind.from_env):
        with pytest.raises(OpenAIError, match=r"api_key=….*OPENAI_API_KEY.*api_key=None") as caught:
            make()
        assert kind.__name__ in str(caught.value)
    rig = Rig(colour, MODELS, api_key=None)
    rig.run(models)
    assert "authorization" not in rig.sent.headers


@pytest.mark.parametrize("key", ["", "sk\n", 7])
def test_a_key_that_cannot_work_is_refused(key: Any, colour: Any) -> None:
    """A key no header can carry is an error that does not show it."""
    with pytest.raises(InvalidOption, match="api_key"):
        Rig(colour, api_key=key)


def test_a_key_may_be_supplied(colour: Any) -> None:
    """A callable, async in the async client, is asked for the key of each attempt."""
    keys = iter(["sk-first-1", "sk-second-2"])

    async def asupply() -> str:
        return next(keys)

    rig = Rig(colour, 503, MODELS, api_key=asupply if colour.is_async else lambda: next(keys))
    rig.run(models)
    sent = [request.headers["authorization"] for request in rig.script.requests]
    assert sent == ["Bearer sk-first-1", "Bearer sk-second-2"]


def test_what_every_request_carries(colour: Any) -> None:
    """Headers, query, organization and project go with every request, and a call's own win."""
    options = {
        "headers": {"X-A": "client", "X-B": "client"},
        "params": {"tenant": "acme"},
        "organization": "org-1",
        "project": "proj-1",
        "user_agent": "app/1.0",
    }
    rig = Rig(colour, MODELS, **options)
    rig.run(
        lambda client: client.models.list(extra_headers={"X-B": "call", "OpenAI-Project": REMOVE})
    )
    headers = rig.sent.headers
    assert (headers["x-a"], headers["x-b"], headers["openai-organization"]) == (
        "client",
        "call",
        "org-1",
    )
    assert "openai-project" not in headers
    assert dict(rig.sent.url.params) == {"tenant": "acme"}
    assert headers["user-agent"].startswith("app/1.0 penstock/")


def test_the_openai_packages_names_work(colour: Any) -> None:
    """`default_headers` and `default_query` are taken for `headers` and `params`, which win."""
    rig = Rig(
        colour,
        MODELS,
        default_headers={"X-A": "default", "X-B": "default"},
        default_query={"a": "1", "b": "1"},
        headers={"X-B": "own"},
        params={"b": "2"},
    )
    rig.run(models)
    assert (rig.sent.headers["x-a"], rig.sent.headers["x-b"]) == ("default", "own")
    assert dict(rig.sent.url.params) == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("options", "limits"),
    [
        ({}, {"connect": 5.0, "read": 600.0}),
        ({"timeout": 3}, {"connect": 3.0, "read": 3.0}),
        ({"timeout": httpx.Timeout(9.0, connect=1.0)}, {"connect": 1.0, "read": 9.0}),
        ({"timeout": None}, {"connect": None, "read": None}),
        ({"settings": OpenAISettings()}, {"connect": 5.0, "read": 600.0}),
        ({"settings": OpenAISettings(timeout=7.0)}, {"connect": 7.0, "read": 7.0}),
        ({"settings": OpenAISettings(timeout=7.0), "timeout": 3}, {"connect": 3.0, "read": 3.0}),
    ],
)
def test_how_long_an_attempt_may_take(options: Any, limits: Any, colour: Any) -> None:
    """Ten minutes a phase and five seconds to connect, unless argument or setting say otherwise."""
    rig = Rig(colour, MODELS, **options)
    rig.run(models)
    sent = rig.sent.extensions["timeout"]
    assert {phase: sent[phase] for phase in limits} == pytest.approx(limits)


def test_the_environment_is_read_when_asked(colour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`from_env` takes what it can from the environment; arguments win."""
    variables = {
        "API_KEY": KEY,
        "BASE_URL": "https://env.example.com",
        "ORG_ID": "org-env",
        "PROJECT_ID": "proj-env",
        "LOG": "debug",
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"OPENAI_{name}", value)
    script = Script([MODELS] * 2)
    kind: Any = AsyncOpenAICompatible if colour.is_async else OpenAICompatible
    for given in (
        {},
        {"base_url": BASE_URL, "api_key": "sk-argument-1", "organization": "org-arg"},
    ):
        client = kind.from_env(transport=script, **given)
        colour.run(lambda client=client: models(client))
    first, second = script.requests
    assert (str(first.url), first.headers["authorization"]) == (
        "https://env.example.com/v1/models",
        f"Bearer {KEY}",
    )
    assert (first.headers["openai-organization"], first.headers["openai-project"]) == (
        "org-env",
        "proj-env",
    )
    assert (str(second.url), second.headers["authorization"]) == (
        f"{BASE_URL}/models",
        "Bearer sk-argument-1",
    )
    assert (second.headers["openai-organization"], second.headers["openai-project"]) == (
        "org-arg",
        "proj-env",
    )


def test_the_environment_is_not_read_unasked(colour: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The constructor looks at no variable."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment-1")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://env.example.com")
    rig = Rig(colour, MODELS, base_url=penstock.UNSET)
    rig.run(models)
    assert (rig.sent.url.host, rig.sent.headers["authorization"]) == (
        "api.openai.com",
        f"Bearer {KEY}",
    )


def test_a_key_of_the_settings_can_be_declined(colour: Any) -> None:
    """`api_key=None` sends none, also where the settings have one."""
    rig = Rig(colour, MODELS, api_key=None, settings=OpenAISettings(api_key=KEY))
    rig.run(models)
    assert "authorization" not in rig.sent.headers


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that cannot be used is an error that names it."""
    monkeypatch.setenv("OPENAI_BASE_URL", "not a url")
    with pytest.raises(SettingsError, match="OPENAI_BASE_URL"):
        OpenAICompatible.from_env(api_key=KEY)


def test_the_settings_set_the_retry_policy(colour: Any) -> None:
    """Number, backoff and cap of the repeats come from the settings where they say so."""
    settings = OpenAISettings(retry={"max_retries": 1, "base_delay": 4.0})
    rig = Rig(colour, 503, 503, settings=settings)
    rig.error(models)
    assert rig.clock.sleeps == [2.0]


async def mark(request: Any, call_next: Any) -> Any:
    request.headers["X-Seen"] = request.headers.get("x-seen", "") + "."
    return await call_next(request)


def test_middleware_of_the_users_own(colour: Any) -> None:
    """`middleware=` goes just outside `Retry`: it sees a call once, however often it is tried."""
    rig = Rig(colour, 503, MODELS, middleware=[mark])
    rig.run(models)
    assert [request.headers["x-seen"] for request in rig.script.requests] == [".", "."]
    layers = list(rig.client.stack)
    assert isinstance(layers[layers.index(mark) + 1], Retry)


def test_a_stack_of_the_users_own(colour: Any) -> None:
    """`stack=` replaces the whole stack, retry rules included; `middleware=` is put into it too."""
    rig = Rig(colour, 501, stack=Stack.standard().without(Logging), middleware=[mark])
    rig.error(models)
    assert [request.headers["x-seen"] for request in rig.script.requests] == ["."]
    assert not any(isinstance(layer, Logging) for layer in rig.client.stack)


def test_the_stack_shows_the_error_table() -> None:
    """The client's stack is the standard one, with models' spans, its error table and rules."""
    stack = OpenAICompatible(api_key=None).stack
    standard = Stack.standard().replace(Tracing, GenAI())
    assert [type(layer) for layer in stack] == [type(layer) for layer in standard]
    assert any(isinstance(layer, RaiseForStatus) for layer in stack)


def test_a_view_with_other_options(colour: Any) -> None:
    """`with_options` gives a view of the same class; its end leaves the client open."""
    rig = Rig(colour, MODELS, MODELS, ANSWER)
    view = rig.client.with_options(headers={"X-A": "view"}, api_key="sk-another-1")
    rig.run(lambda _: models(view))
    rig.run(models)
    first, second = rig.script.requests
    assert (first.headers["x-a"], first.headers["authorization"]) == ("view", "Bearer sk-another-1")
    assert ("x-a" in second.headers, second.headers["authorization"]) == (False, f"Bearer {KEY}")
    rig.run(lambda _: (view.aclose if colour.is_async else view.close)())
    assert rig.run(lambda client: client.chat.completions.create(**CHAT)) == ANSWER


def test_a_block_closes_the_client(colour: Any) -> None:
    """After `with` the client calls no more."""
    rig = Rig(colour)

    async def in_async() -> None:
        async with rig.client:
            pass

    def in_sync() -> None:
        with rig.client:
            pass

    colour.run(in_async if colour.is_async else in_sync)
    with pytest.raises(ClientClosed):
        rig.run(models)


def test_an_http_client_of_the_users_own(colour: Any) -> None:
    """A caller's httpx client sends, keeps its own timeouts and base URL, and is not closed."""
    kind: Any = httpx.AsyncClient if colour.is_async else httpx.Client
    script = Script([MODELS])
    http_client = kind(transport=script, timeout=11.0, base_url="https://mine.example.com")
    rig = Rig(colour, base_url=penstock.UNSET, transport=None, http_client=http_client)
    rig.run(models)
    rig.run(lambda client: (client.aclose if colour.is_async else client.close)())
    sent = script.requests[0]
    assert str(sent.url) == "https://mine.example.com/v1/models"
    assert (sent.extensions["timeout"]["read"], sent.headers["authorization"]) == (
        11.0,
        f"Bearer {KEY}",
    )
    assert not http_client.is_closed


def test_no_repr_shows_the_key() -> None:
    """A client, its resources, settings and options show no key."""
    client = OpenAICompatible(BASE_URL, api_key=KEY)
    settings = OpenAISettings(api_key=KEY)
    things = (client, client.chat, client.chat.completions, settings, vars(client))
    shown = f"{things!r}{settings.explain()}"
    assert KEY not in shown
    assert BASE_URL in shown


def test_importing_the_client_imports_no_settings() -> None:
    """Whoever does not read the environment does not wait for pydantic-settings."""
    program = (
        "import sys\n"
        "from penstock.clients.openai_compatible import OpenAICompatible\n"
        "OpenAICompatible(api_key=None)\n"
        "heavy = ('pydantic_settings', 'pydantic', 'structlog', 'tenacity')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
