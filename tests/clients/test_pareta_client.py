"""Pareta's clients as they are made: keys, environments, HTTP clients, views, middleware."""

from __future__ import annotations

import traceback
from typing import Any

import httpx
import pytest

from penstock import InvalidOption, PenstockError, Stack
from penstock.clients.pareta import (
    AsyncPareta,
    NotFoundError,
    Pareta,
    ParetaError,
    ParetaSettings,
    standard_stack,
)
from penstock.middleware import GenAI, Headers, Retry, Tracing
from penstock.testing import Reply, Script

from .pareta_support import KEY, Rig, client_class

NO_KEY = (
    "missing API key. Pass api_key=… or set PARETA_API_KEY "
    "(mint a pareta_sk_ key in the dashboard)."
)
STAGING = "https://api-staging.pareta.ai"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PARETA_API_KEY", "PARETA_BASE_URL", "PARETA_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("make", [Pareta, AsyncPareta, Pareta.from_env, AsyncPareta.from_env])
@pytest.mark.parametrize("given", [{}, {"api_key": ""}, {"api_key": None}])
def test_a_client_without_a_key_is_refused(make: Any, given: dict[str, Any]) -> None:
    """A missing or empty key is an error at construction that says how to pass one."""
    with pytest.raises(ParetaError) as caught:
        make(**given)
    assert str(caught.value) == NO_KEY
    assert isinstance(caught.value, PenstockError)


@pytest.mark.parametrize("cls", [Pareta, AsyncPareta])
def test_arguments_are_keywords(cls: Any) -> None:
    """The constructor takes no positional argument."""
    with pytest.raises(TypeError):
        cls(KEY)


def test_a_key_no_header_can_carry_is_refused_at_the_first_call(colour: Any) -> None:
    """A placeholder makes a client; its first call says what is wrong with it, not the key."""
    rig = Rig(colour, api_key="pareta_sk_live_…")
    with pytest.raises(InvalidOption, match=r"U\+2026 at position 15") as caught:
        rig.run(lambda client: client.models.list())
    shown = "".join(
        traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    )
    assert "pareta_sk_live" not in shown.replace('"pareta_sk_live_…"', "")
    assert rig.sent == []


def test_the_environment_fills_in_what_is_not_given(
    colour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`from_env` reads key and base URL; an argument that says something wins."""
    monkeypatch.setenv("PARETA_API_KEY", KEY)
    monkeypatch.setenv("PARETA_BASE_URL", f"{STAGING}/")
    cls = client_class(colour)
    script = Script([{"data": []}], forever=True)
    for given, url in (
        ({}, STAGING),
        ({"base_url": "https://p.example.com"}, "https://p.example.com"),
    ):
        client = cls.from_env(transport=script, api_key=None, **given)
        colour.run(lambda client=client: client.models.list())
        assert client.base_url == url
    assert cls.from_env(max_retries=5, transport=script).max_retries == 5
    assert cls.from_env(api_key="pareta_sk_other").api_key == "pareta_sk_other"
    assert {str(r.url) for r in script.requests} == {
        f"{STAGING}/v1/models",
        "https://p.example.com/v1/models",
    }


def test_settings_say_more_than_the_environment_names(colour: Any) -> None:
    """`from_settings` takes every setting: timeouts, retries, headers."""
    environ = {
        "PARETA_API_KEY": KEY,
        "PARETA_TIMEOUT": "7.5",
        "PARETA_RETRY__MAX_RETRIES": "1",
        "PARETA_RETRY__BASE_DELAY": "3",
        "PARETA_HEADERS": '{"X-Team": "blue"}',
    }
    rig = Rig(colour, 503, 503)
    client = client_class(colour).from_settings(
        environ=environ, transport=rig.script, clock=rig.clock
    )
    with pytest.raises(ParetaError):
        colour.run(client.models.list)
    assert (client.timeout, client.max_retries) == (7.5, 1)
    assert rig.clock.sleeps == [3.0]
    assert rig.script.requests[0].headers["x-team"] == "blue"
    assert client_class(colour).from_settings(ParetaSettings(api_key=KEY)).api_key == KEY


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (None, "https://api.pareta.ai/v1/models"),
        ("", "https://api.pareta.ai/v1/models"),
        ("https://api.pareta.ai/", "https://api.pareta.ai/v1/models"),
        (f"{STAGING}//", f"{STAGING}/v1/models"),
        ("https://gateway.example.com/pareta/", "https://gateway.example.com/pareta/v1/models"),
    ],
)
def test_slashes_at_the_end_of_a_base_url_do_not_matter(
    given: str | None, asked: str, colour: Any
) -> None:
    """A base URL with and without slashes at its end is the same; production unless given."""
    rig = Rig(colour, {"data": []}, base_url=given)
    rig.run(lambda client: client.models.list())
    assert str(rig.script.requests[0].url) == asked
    assert rig.client.base_url == asked.removesuffix("/v1/models")


@pytest.mark.parametrize(("given", "kept"), [(5, 5), (0, 0), (-1, 0), (-100, 0), (2.9, 2)])
def test_retries_below_none_are_none(given: Any, kept: int, colour: Any) -> None:
    """`max_retries` below 0 is 0."""
    rig = Rig(colour, 503, forever=True, max_retries=given)
    rig.error(lambda client: client.models.list())
    assert len(rig.sent) == kept + 1
    assert rig.client.max_retries == kept


def test_every_request_says_who_asks_and_for_what(colour: Any) -> None:
    """The key is sent as a Bearer token, and JSON is asked for."""
    rig = Rig(colour, {"data": []})
    rig.run(lambda client: client.models.list())
    headers = rig.script.requests[0].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["accept"] == "application/json"
    assert "content-type" not in headers


def test_a_callers_client_is_never_closed_and_keeps_its_timeout(colour: Any) -> None:
    """Over `http_client=` its own timeouts hold, and neither close nor `with` touches it."""
    script = Script([{"data": []}, {"data": []}])
    own: Any = (httpx.AsyncClient if colour.is_async else httpx.Client)(
        transport=script, timeout=httpx.Timeout(120.0, connect=7.0)
    )
    rig = Rig(colour, http_client=own, timeout=3.0)

    async def use_async() -> None:
        async with rig.client as client:
            await client.models.list()
        await rig.client.aclose()
        assert not own.is_closed
        await own.aclose()

    if colour.is_async:
        colour.run(use_async)
    else:
        with rig.client as client:
            client.models.list()
        rig.client.close()
        assert not own.is_closed
        own.close()
    limits = script.requests[0].extensions["timeout"]
    assert limits == {"connect": 7.0, "read": 120.0, "write": 120.0, "pool": 120.0}


def test_its_own_connections_are_closed_with_it(colour: Any) -> None:
    """A client closes what it opened, and says so afterwards."""
    client = client_class(colour)(api_key=KEY)
    colour.run(client.aclose if colour.is_async else client.close)
    assert client.is_closed


def test_a_view_has_other_options(colour: Any) -> None:
    """`with_options` leaves its parent as it is, and so does a call's `request_options`."""
    rig = Rig(colour, *[{"data": []}] * 3)
    view = rig.client.with_options(api_key="pareta_sk_other", headers={"X-Team": "red"})
    rig.run(lambda client: view.models.list())
    given = {"api_key": "pareta_sk_call", "headers": {"X-Team": "blue"}}
    rig.run(lambda client: client.models.list(request_options=given))
    rig.run(lambda client: client.models.list())
    seen = [(r.headers["authorization"], r.headers.get("x-team")) for r in rig.script.requests]
    assert seen == [
        ("Bearer pareta_sk_other", "red"),
        ("Bearer pareta_sk_call", "blue"),
        (f"Bearer {KEY}", None),
    ]
    assert (view.api_key, rig.client.api_key) == ("pareta_sk_other", KEY)


def test_middleware_of_the_users_sees_each_call_once(colour: Any) -> None:
    """`middleware=` stands just outside the retries."""
    seen = []

    async def watch(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        seen.append(response.status_code)
        return response

    rig = Rig(colour, 503, {"data": []}, middleware=[watch])
    rig.run(lambda client: client.models.list())
    assert seen == [200]


def test_a_stack_of_the_users_still_gets_the_clients_values(colour: Any) -> None:
    """`stack=` replaces the policy and keeps key, retries and error classes."""
    stack = Stack.standard().without(Retry)
    rig = Rig(colour, Reply(404, json={"detail": "no such endpoint"}), 503, stack=stack)
    error = rig.error(lambda client: client.endpoints.retrieve("ep_1"))
    assert (type(error), error.detail) == (NotFoundError, "no such endpoint")
    assert rig.script.requests[0].headers["authorization"] == f"Bearer {KEY}"
    own = standard_stack().after(Retry, Headers({"X-Team": "blue"}))
    rig = Rig(colour, 503, {"data": []}, stack=own)
    rig.run(lambda client: client.models.list())
    assert [r.headers["x-team"] for r in rig.script.requests] == ["blue", "blue"]


def test_raw_responses_have_the_result_beside_status_headers_and_attempts(colour: Any) -> None:
    """`with_raw_response` gives what the result was made from, on client and resource."""
    rig = Rig(colour, 503, Reply(json={"data": [{"id": "m"}]}, headers={"X-Cost": "3"}))
    raw = rig.run(lambda client: client.with_raw_response.models.list())
    assert (raw.status_code, raw.headers["x-cost"]) == (200, "3")
    assert [attempt.status for attempt in raw.attempts] == [503, 200]
    assert [model.id for model in raw.parsed] == ["m"]


def test_a_key_may_be_supplied(colour: Any) -> None:
    """A callable supplies the key for each attempt, and is asked again when one is refused."""
    keys = iter(["pareta_sk_old", "pareta_sk_new", "pareta_sk_newer"])
    rig = Rig(colour, 401, {"data": []}, {"data": []}, api_key=lambda: next(keys))
    rig.run(lambda client: client.models.list())
    rig.run(lambda client: client.models.list())
    sent = [request.headers["authorization"] for request in rig.script.requests]
    assert sent == ["Bearer pareta_sk_old", "Bearer pareta_sk_new", "Bearer pareta_sk_newer"]


def test_the_stack_tells_its_rules() -> None:
    """The stack is the standard one, with Pareta's table, rules and limits, and models' spans."""
    names = [type(layer).__name__ for layer in standard_stack()]
    standard = [type(layer).__name__ for layer in Stack.standard().replace(Tracing, GenAI())]
    assert names == [*standard, "Overall"]
    for shown in ("Overall()", "errors=status_error", "Delay"):
        assert shown in repr(standard_stack())
    assert "Redirect" not in [type(layer).__name__ for layer in standard_stack(redirects=False)]


@pytest.mark.parametrize("cls", [Pareta, AsyncPareta])
def test_a_client_shows_no_key(cls: Any) -> None:
    """Nothing that prints a client, its options or its resources prints the key."""
    client = cls(api_key=KEY, headers={"X-Api-Key": KEY})
    shown = [repr(thing) for thing in (client, client.chat, client.stack, client.options)]
    assert KEY not in " ".join([*shown, str(vars(client)), str(vars(client.chat.completions))])
